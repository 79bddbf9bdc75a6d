/** QR codes of SBP: of places, paid any number of times, and of single payments. */
import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { type Call, type FileResult, type Operation, given } from '../call';
import { amountFields, idField, keyField, optionsField, pageFields, textOption } from '../fields';
import { newPayment, paymentOptions, purposeField } from './payment';

const resource = 'qr';
const create = { resource, operations: ['create'] };
const image = { resource: [resource], operation: ['image'] };
const forPayment = { resource, operations: ['createForPayment'] };

export const qrFields: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options: [
			{
				name: 'Create a Place',
				value: 'create',
				description: 'Make a code to print and hang, paid any number of times',
				action: 'Create a place with a QR code',
			},
			{
				name: 'Create for One Payment',
				value: 'createForPayment',
				description: 'Make a payment that is paid by SBP, with its code',
				action: 'Create a QR code for one payment',
			},
			{
				name: 'Get Image',
				value: 'image',
				description: 'Draw a code as PNG or SVG',
				action: 'Get the image of a QR code',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'List places, newest first',
				action: 'Get many places',
			},
			{
				name: 'Get Place',
				value: 'get',
				description: 'Read a place and what it brought',
				action: 'Get a place',
			},
			{
				name: 'Resume Place',
				value: 'resume',
				description: 'Take a place up again',
				action: 'Resume a place',
			},
			{
				name: 'Suspend Place',
				value: 'suspend',
				description: 'Give no picture of a place any more',
				action: 'Suspend a place',
			},
		],
		default: 'create',
	},
	{
		...idField(create, 'name', 'Name', 'ресепшен, Тверская'),
		description: 'Where the code will hang: 1 to 80 characters',
	},
	...amountFields(create, { name: 'Payer Enters It', value: 'open' }),
	...amountFields(forPayment),
	purposeField(forPayment),
	keyField({ resource, operations: ['create', 'createForPayment'] }),
	optionsField(create, [
		textOption('Bank', 'bank', "The bank's word, when several are connected"),
		textOption('Purpose', 'purpose', 'What the payer reads; the name if there is none'),
	]),
	optionsField(
		forPayment,
		paymentOptions.filter((option) => option.name !== 'methods'),
	),
	idField({ resource, operations: ['get', 'suspend', 'resume'] }, 'placeId', 'Place ID', 'plc_…'),
	{
		...idField(
			{ resource, operations: ['image'] },
			'codeOf',
			'Place or Payment ID',
			'plc_… or pay_…',
		),
		description: 'Whose code to draw: a place, or a payment that only SBP can pay',
	},
	{
		displayName: 'Format',
		name: 'format',
		type: 'options',
		options: [
			{ name: 'PNG', value: 'png' },
			{ name: 'SVG', value: 'svg' },
		],
		default: 'png',
		displayOptions: { show: image },
	},
	{
		displayName: 'Put Output File in Field',
		name: 'binaryField',
		type: 'string',
		default: 'data',
		required: true,
		hint: 'The name of the output binary field to put the file in',
		displayOptions: { show: image },
	},
	{
		displayName: 'Kind',
		name: 'kind',
		type: 'options',
		options: [
			{ name: 'All', value: '' },
			{ name: 'Cash Desks', value: 'desk' },
			{ name: 'Invoices', value: 'invoice' },
			{ name: 'Static Codes', value: 'static' },
		],
		default: '',
		displayOptions: { show: { resource: [resource], operation: ['getAll'] } },
	},
	...pageFields({ resource, operations: ['getAll'] }),
];

const MIME: Record<string, string> = { png: 'image/png', svg: 'image/svg+xml' };

async function draw(call: Call): Promise<FileResult> {
	const id = call.text('codeOf');
	const format = call.text('format') === 'svg' ? 'svg' : 'png';
	const isPayment = id.startsWith('pay_');
	const segment = call.id('codeOf', 'Place or Payment ID');
	const subject = await call.get(`/v1/${isPayment ? 'payments' : 'places'}/${segment}`);
	const json: IDataObject = { id: subject.id, format, payload: subject.payload };
	let path = `/v1/places/${segment}/qr.${format}`;
	if (isPayment) {
		const code = subject.qr as IDataObject | null | undefined;
		if (!code) {
			throw new Error(
				'The payment has no QR code: it needs SBP as its only way to pay, and the bank may still be making the code',
			);
		}
		json.payload = code.payload;
		// The public address may not be the one by which n8n reaches the server.
		path = new URL(String(code[format])).pathname;
	}
	return {
		bytes: await call.download(path),
		field: call.text('binaryField') || 'data',
		fileName: `${id}.${format}`,
		mimeType: MIME[format] ?? 'application/octet-stream',
		json,
	};
}

const place = (call: Call) => `/v1/places/${call.id('placeId', 'Place ID')}`;

export const qrOperations: Record<string, Operation> = {
	create: async (call) => {
		const options = call.options();
		const body = {
			name: given(call.text('name')),
			amount_kopecks: call.kopecks(),
			purpose: given(options.purpose),
			bank: given(options.bank),
		};
		return await call.post('/v1/places', body, call.key());
	},
	createForPayment: async (call) => {
		const body = { ...newPayment(call), methods: ['sbp'] };
		return await call.post('/v1/payments', body, call.key());
	},
	get: async (call) => await call.get(place(call)),
	getAll: async (call) => await call.list('/v1/places', { kind: call.text('kind') }),
	image: draw,
	suspend: async (call) => await call.post(`${place(call)}/suspend`, {}),
	resume: async (call) => await call.post(`${place(call)}/resume`, {}),
};
