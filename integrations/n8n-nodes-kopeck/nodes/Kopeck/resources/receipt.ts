/** Fiscal receipts (54-FZ): looked at before they are made, and read. */
import type { INodeProperties } from 'n8n-workflow';
import { type Operation, given, readJson } from '../call';
import { idField, optionsField, textOption } from '../fields';

const resource = 'receipt';
const check = { resource, operations: ['check'] };

export const receiptFields: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options: [
			{
				name: 'Check',
				value: 'check',
				description: 'Say what is wrong with a receipt, by the law and by the bank',
				action: 'Check a receipt',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'List the receipts of a payment',
				action: 'Get many receipts',
			},
		],
		default: 'check',
	},
	{
		displayName: 'Receipt',
		name: 'receipt',
		type: 'json',
		default: '{\n  "email": "buyer@example.ru",\n  "items": []\n}',
		required: true,
		displayOptions: { show: { resource: [resource], operation: ['check'] } },
	},
	optionsField(check, [
		textOption('Amount in Rubles', 'amount', 'What is paid, to compare the sums with', '4900.00'),
		textOption('Bank', 'bank', 'Whose limits to ask: tochka or tbank'),
		textOption('Day of the Sale', 'on', 'Such as 2026-11-22; else today in Moscow'),
		textOption('Taxation', 'taxation', "Such as usn_income; else the shop's"),
	]),
	idField({ resource, operations: ['getAll'] }, 'paymentId', 'Payment ID', 'pay_…'),
];

export const receiptOperations: Record<string, Operation> = {
	check: async (call) => {
		const raw = call.context.getNodeParameter('receipt', call.item, '');
		const { amount, bank, on, taxation } = call.options();
		return await call.post('/v1/receipts/check', {
			receipt: readJson(raw, 'Receipt'),
			amount: given(amount),
			bank: given(bank),
			on: given(on),
			taxation: given(taxation),
		});
	},
	getAll: async (call) => {
		const path = `/v1/payments/${call.id('paymentId', 'Payment ID')}/receipts`;
		const page = await call.get(path);
		return (page.data as []) ?? [];
	},
};
