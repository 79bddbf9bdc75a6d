/** Subscriptions: begun, read, changed, paused, ended; and what a customer may use. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { type Call, type Operation, given, readJson, readWhole, textOf } from '../call';
import { idField, jsonOption, optionsField, pageFields, textOption } from '../fields';

const resource = 'subscription';
const create = { resource, operations: ['create'] };
const change = { resource, operations: ['change'] };
const shows = (...operation: string[]) => ({ show: { resource: [resource], operation } });
/** States in which a customer has the plan. */
const LIVING = ['pending', 'trialing', 'active', 'past_due', 'paused'];

const consentOptions: INodeProperties[] = [
	textOption('Consent: Channel', 'consentChannel', 'Where: web, bot, phone; web if empty', 'web'),
	textOption('Consent: IP', 'consentIp', 'From which address the customer agreed', '203.0.113.7'),
	textOption('Consent: Max Rubles', 'consentMax', 'The most one charge may take', '3000.00'),
	textOption(
		'Consent: Text Version',
		'consentText',
		'Which text the customer was shown; needed to charge what he saved',
		'offer-2026-11',
	),
];

const operations: INodeProperties = {
	displayName: 'Operation',
	name: 'operation',
	type: 'options',
	noDataExpression: true,
	displayOptions: { show: { resource: [resource] } },
	options: [
		{
			name: 'Cancel',
			value: 'cancel',
			description: 'End a subscription, with its paid period or now',
			action: 'Cancel a subscription',
		},
		{
			name: 'Change Plan',
			value: 'change',
			description: 'Go over to another plan or quantity',
			action: 'Change the plan of a subscription',
		},
		{
			name: 'Check Access',
			value: 'entitlements',
			description: 'Say what a customer may use now',
			action: 'Check what a customer may use',
		},
		{ name: 'Get', value: 'get', description: 'Read one', action: 'Get a subscription' },
		{
			name: 'Get Many',
			value: 'getAll',
			description: 'List subscriptions, newest first',
			action: 'Get many subscriptions',
		},
		{
			name: 'Pause',
			value: 'pause',
			description: 'Neither used nor charged; what was paid is kept',
			action: 'Pause a subscription',
		},
		{
			name: 'Reactivate',
			value: 'reactivate',
			description: 'Take a cancellation back, before the paid period ends',
			action: 'Reactivate a subscription',
		},
		{
			name: 'Resume',
			value: 'resume',
			description: 'End a pause',
			action: 'Resume a subscription',
		},
		{
			name: 'Subscribe',
			value: 'create',
			description: 'Begin a subscription; the customer goes to its pay_url',
			action: 'Subscribe a customer',
		},
	],
	default: 'create',
};

export const subscriptionFields: INodeProperties[] = [
	operations,
	idField(
		{ resource, operations: ['get', 'cancel', 'change', 'pause', 'reactivate', 'resume'] },
		'subscriptionId',
		'Subscription ID',
		'sub_…',
	),
	{ ...idField(create, 'plan', 'Plan', 'start'), description: "The plan's code" },
	{
		...idField(
			{ resource, operations: ['create', 'entitlements'] },
			'customerId',
			'Customer ID',
			'17',
		),
		description: "The shop's own number of the customer",
	},
	{
		displayName: 'Collection',
		name: 'collection',
		type: 'options',
		options: [
			{ name: 'As the Server Decides', value: '', description: 'Charge where there is a consent' },
			{ name: 'Charge What Is Saved', value: 'charge', description: 'Needs a consent' },
			{ name: 'Link for Each Period', value: 'link' },
		],
		default: '',
		description: 'How the money of each period is collected',
		displayOptions: shows('create'),
	},
	{
		displayName: 'If the Customer Has the Plan Already',
		name: 'ifExists',
		type: 'options',
		options: [
			{ name: 'Fail', value: 'fail' },
			{
				name: 'Return That Subscription',
				value: 'return',
				description: 'An execution that is tried again goes on then',
			},
		],
		default: 'fail',
		displayOptions: shows('create'),
	},
	optionsField(create, [
		...consentOptions,
		textOption('Coupon', 'coupon', "A coupon's code"),
		textOption('Customer Email', 'email', 'Where receipts go'),
		textOption('Customer Phone', 'phone', 'Where receipts go'),
		textOption('Fail URL', 'failUrl', 'Where the payer goes after a failure'),
		jsonOption('Metadata', 'metadata', 'Data of your own, an object'),
		jsonOption('Other Fields', 'extra', 'Further fields of POST /v1/subscriptions as JSON'),
		{
			displayName: 'Quantity',
			name: 'quantity',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 1,
		},
		{
			displayName: 'Save',
			name: 'save',
			type: 'options',
			options: [
				{ name: 'Bank Account (SBP)', value: 'account' },
				{ name: 'Card', value: 'card' },
			],
			default: 'account',
			description: 'What the first payment saves, to be charged later',
		},
		textOption('Success URL', 'successUrl', 'Where the payer goes after paying'),
		{
			displayName: 'Without Trial',
			name: 'noTrial',
			type: 'boolean',
			default: false,
			description: "Whether to leave out the plan's trial",
		},
	]),
	{
		displayName: 'When',
		name: 'when',
		type: 'options',
		options: [
			{ name: 'Now', value: 'now' },
			{ name: 'With the End of the Period', value: 'period_end' },
		],
		default: 'period_end',
		displayOptions: shows('cancel', 'change'),
	},
	{
		...idField(change, 'newPlan', 'New Plan', 'pro'),
		required: false,
		description: "The plan's code; empty to change only the quantity",
	},
	optionsField(change, [
		...consentOptions,
		{
			displayName: 'Quantity',
			name: 'quantity',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 1,
		},
	]),
	{
		displayName: 'Resumes At',
		name: 'resumesAt',
		type: 'string',
		default: '',
		placeholder: '2027-01-10T00:00:00+03:00',
		description: 'When it goes on by itself; empty: when it is resumed',
		displayOptions: shows('pause'),
	},
	{
		displayName: 'Plan',
		name: 'onlyPlan',
		type: 'string',
		default: '',
		placeholder: 'start',
		description: 'Only this plan counts; empty: any',
		displayOptions: shows('entitlements'),
	},
	...pageFields({ resource, operations: ['getAll'] }),
	optionsField(
		{ resource, operations: ['getAll'] },
		[
			textOption('Customer ID', 'customer_id', 'Those of one customer'),
			{
				displayName: 'Status',
				name: 'status',
				type: 'options',
				options: [
					{ name: 'Active', value: 'active' },
					{ name: 'Canceled', value: 'canceled' },
					{ name: 'Expired', value: 'expired' },
					{ name: 'Past Due', value: 'past_due' },
					{ name: 'Paused', value: 'paused' },
					{ name: 'Pending', value: 'pending' },
					{ name: 'Trialing', value: 'trialing' },
				],
				default: 'active',
			},
		],
		'Filters',
	),
];

function consentOf(options: IDataObject): IDataObject | undefined {
	const text = given(options.consentText);
	if (text === undefined) return undefined;
	const consent: IDataObject = {
		text_version: text,
		channel: given(options.consentChannel) ?? 'web',
	};
	const ip = given(options.consentIp);
	const most = given(options.consentMax);
	if (ip !== undefined) consent.ip = ip;
	if (most !== undefined) consent.max_amount = most;
	return consent;
}

async function subscribe(call: Call): Promise<IDataObject> {
	const options = call.options();
	const [plan, customerId] = [call.text('plan'), call.text('customerId')];
	const [email, phone] = [given(options.email), given(options.phone)];
	const body = {
		plan: given(plan),
		customer_id: given(customerId),
		collection: given(call.text('collection')),
		consent: consentOf(options),
		coupon: given(options.coupon),
		customer: email !== undefined || phone !== undefined ? { email, phone } : undefined,
		quantity: readWhole(options.quantity, 'Quantity'),
		save: given(options.save),
		trial: options.noTrial === true ? false : undefined,
		success_url: given(options.successUrl),
		fail_url: given(options.failUrl),
		metadata: readJson(options.metadata, 'Metadata'),
		...readJson(options.extra, 'Other Fields'),
	};
	if (call.text('ifExists') !== 'return') return await call.post('/v1/subscriptions', body);
	const made = await call.postUnless('subscription_exists', '/v1/subscriptions', body);
	if (made) return made;
	const page = await call.get('/v1/subscriptions', { customer_id: customerId, limit: 100 });
	const rows = (page.data as IDataObject[] | undefined) ?? [];
	const found = rows.find((row) => row.plan === plan && LIVING.includes(textOf(row.status)));
	if (!found) throw new Error('The subscription ended at this moment: run it again');
	return found;
}

/** One item whatever there is, so that an If node after it always has something to look at. */
async function entitlements(call: Call): Promise<IDataObject> {
	const customer = call.text('customerId');
	const query = { customer, plan: call.text('onlyPlan') };
	const page = await call.get('/v1/entitlements', query);
	const rows = (page.data as IDataObject[] | undefined) ?? [];
	return { customer_id: customer, active: rows.some((row) => row.active), entitlements: rows };
}

const path = (call: Call) => `/v1/subscriptions/${call.id('subscriptionId', 'Subscription ID')}`;

export const subscriptionOperations: Record<string, Operation> = {
	create: subscribe,
	get: async (call) => await call.get(path(call)),
	getAll: async (call) => await call.list('/v1/subscriptions', call.options()),
	cancel: async (call) => await call.post(`${path(call)}/cancel`, { when: call.text('when') }),
	change: async (call) => {
		const options = call.options();
		return await call.post(`${path(call)}/change`, {
			plan: given(call.text('newPlan')),
			quantity: readWhole(options.quantity, 'Quantity'),
			when: call.text('when'),
			consent: consentOf(options),
		});
	},
	pause: async (call) => {
		return await call.post(`${path(call)}/pause`, { resumes_at: given(call.text('resumesAt')) });
	},
	reactivate: async (call) => await call.post(`${path(call)}/reactivate`, {}),
	resume: async (call) => await call.post(`${path(call)}/resume`, {}),
	entitlements,
};
