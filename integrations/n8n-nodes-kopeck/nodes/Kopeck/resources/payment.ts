/** Payments: made, read, captured, their holds released. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { type Call, type Operation, given, readJson, readWhole } from '../call';
import {
	amountFields,
	idField,
	jsonOption,
	keyField,
	optionsField,
	pageFields,
	textOption,
} from '../fields';

const resource = 'payment';

export const paymentOptions: INodeProperties[] = [
	textOption('Bank', 'bank', "Which of the shop's banks; else as its routing rule says", 'tochka'),
	textOption('Customer Email', 'customerEmail', 'Where the receipt goes', 'buyer@example.ru'),
	textOption('Customer ID', 'customerId', "The shop's own number of the customer"),
	textOption('Customer Name', 'customerName', 'As the shop knows the customer'),
	textOption('Customer Phone', 'customerPhone', 'Where the receipt goes', '+79990000000'),
	textOption('Fail URL', 'failUrl', 'Where the payer goes after a failure; else our page'),
	jsonOption('Metadata', 'metadata', 'Data of your own, an object; it comes back with every event'),
	textOption('Order ID', 'orderId', "The shop's own number", '4711'),
	jsonOption(
		'Other Fields',
		'extra',
		'Further fields of POST /v1/payments as JSON, such as {"save_card": true, "consent": {…}}',
	),
	jsonOption('Receipt', 'receipt', 'A fiscal receipt (54-FZ): {"email": "…", "items": […]}'),
	textOption('Success URL', 'successUrl', 'Where the payer goes after paying; else our page'),
	{
		displayName: 'Valid For (Minutes)',
		name: 'ttlMinutes',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 1440,
		description: 'How long the link can be paid',
	},
	{
		displayName: 'Ways to Pay',
		name: 'methods',
		type: 'multiOptions',
		options: [
			{ name: 'Card', value: 'card' },
			{ name: 'Dolyame', value: 'dolyame' },
			{ name: 'SBP', value: 'sbp' },
			{ name: 'T-Pay', value: 'tpay' },
		],
		default: ['card', 'sbp'],
	},
];

/** The body of a new payment. */
export function newPayment(call: Call): IDataObject {
	const options = call.options();
	const customer = {
		id: given(options.customerId),
		name: given(options.customerName),
		email: given(options.customerEmail),
		phone: given(options.customerPhone),
	};
	const methods = options.methods as string[] | undefined;
	return {
		amount_kopecks: call.kopecks(),
		purpose: given(call.text('purpose')),
		order_id: given(options.orderId),
		bank: given(options.bank),
		methods: methods?.length ? methods : undefined,
		customer: Object.values(customer).some((value) => value !== undefined) ? customer : undefined,
		success_url: given(options.successUrl),
		fail_url: given(options.failUrl),
		ttl_minutes: readWhole(options.ttlMinutes, 'Valid For'),
		metadata: readJson(options.metadata, 'Metadata'),
		receipt: readJson(options.receipt, 'Receipt'),
		...readJson(options.extra, 'Other Fields'),
	};
}

export const purposeField = (shown: {
	resource: string;
	operations: string[];
}): INodeProperties => ({
	...idField(shown, 'purpose', 'Purpose', 'Заказ 4711'),
	description: 'What is paid for; the payer sees it',
});

const create = { resource, operations: ['create'] };
const single = { resource, operations: ['get', 'capture', 'void'] };

export const paymentFields: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options: [
			{
				name: 'Capture',
				value: 'capture',
				description: 'Take money that is held',
				action: 'Capture a payment',
			},
			{
				name: 'Create',
				value: 'create',
				description: 'Make a payment; the payer goes to its pay_url',
				action: 'Create a payment',
			},
			{
				name: 'Get',
				value: 'get',
				description: 'Read one payment as it is now',
				action: 'Get a payment',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'List payments, newest first',
				action: 'Get many payments',
			},
			{
				name: 'Void',
				value: 'void',
				description: 'Release money that is held',
				action: 'Void a payment',
			},
		],
		default: 'create',
	},
	idField(single, 'paymentId', 'Payment ID', 'pay_…'),
	...amountFields(create),
	...amountFields(
		{ resource, operations: ['capture'] },
		{ name: 'All That Is Held', value: 'all' },
	),
	purposeField(create),
	{
		displayName: 'Hold Only',
		name: 'hold',
		type: 'boolean',
		default: false,
		description:
			'Whether to hold the money (cards only) until Capture takes it or Void releases it',
		displayOptions: { show: { resource: [resource], operation: ['create'] } },
	},
	keyField({ resource, operations: ['create', 'capture', 'void'] }),
	optionsField(create, paymentOptions),
	...pageFields({ resource, operations: ['getAll'] }),
	optionsField(
		{ resource, operations: ['getAll'] },
		[
			textOption('Bank', 'bank', "The bank's word, such as tochka"),
			textOption('Created Before', 'created_to', '2026-11-21T19:47:00Z, or a day in Moscow'),
			textOption('Created From', 'created_from', '2026-11-21T19:47:00Z, or a day in Moscow'),
			textOption('Order ID', 'order_id', "The shop's own number"),
			textOption('Place ID', 'place_id', 'The place whose QR code was paid'),
			{
				displayName: 'Status',
				name: 'status',
				type: 'options',
				options: [
					{ name: 'Amount Mismatch', value: 'amount_mismatch' },
					{ name: 'Authorized', value: 'authorized' },
					{ name: 'Canceled', value: 'canceled' },
					{ name: 'Capturing', value: 'capturing' },
					{ name: 'Expired', value: 'expired' },
					{ name: 'Failed', value: 'failed' },
					{ name: 'Open', value: 'open' },
					{ name: 'Opening', value: 'opening' },
					{ name: 'Paid', value: 'paid' },
					{ name: 'Partially Refunded', value: 'partially_refunded' },
					{ name: 'Refunded', value: 'refunded' },
					{ name: 'Refunding', value: 'refunding' },
				],
				default: 'paid',
			},
		],
		'Filters',
	),
];

const path = (call: Call) => `/v1/payments/${call.id('paymentId', 'Payment ID')}`;

export const paymentOperations: Record<string, Operation> = {
	create: async (call) => {
		const capture = call.flag('hold') ? 'manual' : undefined;
		return await call.post('/v1/payments', { capture, ...newPayment(call) }, call.key());
	},
	get: async (call) => await call.get(path(call)),
	getAll: async (call) => await call.list('/v1/payments', call.options()),
	capture: async (call) => {
		const body = { amount_kopecks: call.kopecks() };
		return await call.post(`${path(call)}/capture`, body, call.key());
	},
	void: async (call) => await call.post(`${path(call)}/cancel`, {}, call.key()),
};
