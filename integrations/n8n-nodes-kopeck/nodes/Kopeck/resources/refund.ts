/** Refunds: asked for and read. A refund whose outcome is not known yet is no failure. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { type Call, type Operation, given, readJson } from '../call';
import { amountFields, idField, jsonOption, keyField, optionsField, textOption } from '../fields';

const resource = 'refund';
const create = { resource, operations: ['create'] };

export const refundFields: INodeProperties[] = [
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
				description: 'Give money back',
				action: 'Create a refund',
			},
			{ name: 'Get', value: 'get', description: 'Read one refund', action: 'Get a refund' },
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'List the refunds of a payment',
				action: 'Get many refunds',
			},
		],
		default: 'create',
	},
	idField(
		{ resource, operations: ['create', 'get', 'getAll'] },
		'paymentId',
		'Payment ID',
		'pay_…',
	),
	idField({ resource, operations: ['get'] }, 'refundId', 'Refund ID', 'rf_…'),
	...amountFields(create, { name: 'All That Is Left', value: 'all' }),
	keyField(create),
	optionsField(create, [
		jsonOption('Returned Items', 'items', 'Lines of the receipt: [{"line": 1, "quantity": "1"}]'),
		textOption('Reason', 'reason', "Why, for the shop's own books; up to 200 characters"),
	]),
];

async function refundsOf(call: Call): Promise<IDataObject[]> {
	const payment = await call.get(`/v1/payments/${call.id('paymentId', 'Payment ID')}`);
	const rows = (payment.refunds as IDataObject[] | undefined) ?? [];
	return rows.map((refund) => ({ ...refund, payment_id: payment.id }));
}

export const refundOperations: Record<string, Operation> = {
	create: async (call) => {
		const options = call.options();
		const body = {
			amount_kopecks: call.kopecks(),
			reason: given(options.reason),
			items: readJson(options.items, 'Returned Items'),
		};
		const path = `/v1/payments/${call.id('paymentId', 'Payment ID')}/refunds`;
		return await call.post(path, body, call.key());
	},
	get: async (call) => {
		const id = call.text('refundId');
		const found = (await refundsOf(call)).find((refund) => refund.id === id);
		if (!found) throw new Error(`The payment has no refund ${id}`);
		return found;
	},
	getAll: refundsOf,
};
