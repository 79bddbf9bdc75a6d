/** Payment links: a payment, reduced to what is sent to the payer. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import type { Operation } from '../call';
import { amountFields, idField, keyField, optionsField } from '../fields';
import { newPayment, paymentOptions, purposeField } from './payment';

const resource = 'link';
const create = { resource, operations: ['create'] };

export const linkFields: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options: [
			{
				name: 'Create',
				value: 'create',
				description: 'Make a payment and return its link',
				action: 'Create a payment link',
			},
			{
				name: 'Get',
				value: 'get',
				description: 'Read whether a link was paid',
				action: 'Get a payment link',
			},
		],
		default: 'create',
	},
	...amountFields(create),
	purposeField(create),
	keyField(create),
	optionsField(create, paymentOptions),
	idField({ resource, operations: ['get'] }, 'paymentId', 'Payment ID', 'pay_…'),
];

/** What is sent to the payer, and what tells whether it was paid. */
function linkOf(payment: IDataObject): IDataObject {
	const { id, pay_url, status, amount, amount_kopecks, purpose, order_id, expires_at } = payment;
	const paid = ['paid', 'refunding', 'partially_refunded', 'refunded'].includes(String(status));
	return {
		url: pay_url,
		payment_id: id,
		status,
		paid,
		amount,
		amount_kopecks,
		purpose,
		order_id,
		expires_at,
	};
}

export const linkOperations: Record<string, Operation> = {
	create: async (call) => linkOf(await call.post('/v1/payments', newPayment(call), call.key())),
	get: async (call) => {
		return linkOf(await call.get(`/v1/payments/${call.id('paymentId', 'Payment ID')}`));
	},
};
