/** All resources of the node: their fields, and which code an operation is. */
import type { INodeProperties } from 'n8n-workflow';
import type { Operation } from '../call';
import { claimFields, claimOperations } from './claim';
import { linkFields, linkOperations } from './link';
import { paymentFields, paymentOperations } from './payment';
import { qrFields, qrOperations } from './qr';
import { receiptFields, receiptOperations } from './receipt';
import { refundFields, refundOperations } from './refund';
import { subscriptionFields, subscriptionOperations } from './subscription';

const RESOURCES: Record<string, Record<string, Operation>> = {
	claim: claimOperations,
	link: linkOperations,
	payment: paymentOperations,
	qr: qrOperations,
	receipt: receiptOperations,
	refund: refundOperations,
	subscription: subscriptionOperations,
};

export function operationOf(resource: string, operation: string): Operation {
	const found = RESOURCES[resource]?.[operation];
	if (!found) throw new Error(`There is no operation ${operation} of ${resource}`);
	return found;
}

export const FIELDS: INodeProperties[] = [
	...claimFields,
	...linkFields,
	...paymentFields,
	...qrFields,
	...receiptFields,
	...refundFields,
	...subscriptionFields,
];
