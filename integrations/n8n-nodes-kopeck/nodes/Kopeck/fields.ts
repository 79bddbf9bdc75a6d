/** Fields that several operations share. */
import type { INodeProperties } from 'n8n-workflow';

type Unit = { name: string; value: string; description?: string };

const UNITS: Unit[] = [
	{ name: 'Kopecks (Whole Number)', value: 'kopecks', description: '4900.00 ₽ is 490000' },
	{ name: 'Rubles (Text)', value: 'rubles', description: '4900, 4900.00 or 4 900,00' },
];

/** The operations of one resource that show a field. */
export interface Shown {
	resource: string;
	operations: string[];
}

const show = (shown: Shown) => ({ resource: [shown.resource], operation: shown.operations });

/** A sum, in rubles as text or in kopecks. `whole` is what it is when none is given. */
export function amountFields(shown: Shown, whole?: Unit): INodeProperties[] {
	const unit: INodeProperties = {
		displayName: 'Amount In',
		name: 'amountUnit',
		type: 'options',
		noDataExpression: true,
		options: UNITS,
		default: 'rubles',
		description: 'How the sum is given. It is never rounded: what is not exact is an error.',
		displayOptions: { show: show(shown) },
	};
	return [
		whole ? { ...unit, options: [whole, ...UNITS], default: whole.value } : unit,
		{
			displayName: 'Amount in Rubles',
			name: 'amountRubles',
			type: 'string',
			default: '',
			required: true,
			placeholder: '4900.00',
			description:
				'Text such as 4900, 4900.00 or 4 900,00. A number with a fraction is refused, since it may be off already: make it text with .toFixed(2).',
			displayOptions: { show: { ...show(shown), amountUnit: ['rubles'] } },
		},
		{
			displayName: 'Amount in Kopecks',
			name: 'amountKopecks',
			type: 'string',
			default: '',
			required: true,
			placeholder: '490000',
			description: 'A whole number: 4900.00 ₽ is 490000',
			displayOptions: { show: { ...show(shown), amountUnit: ['kopecks'] } },
		},
	];
}

export function keyField(shown: Shown): INodeProperties {
	return {
		displayName: 'Idempotency Key',
		name: 'idempotencyKey',
		type: 'string',
		default: '',
		placeholder: 'order-4711',
		description:
			'Two requests with the same key are one. Left empty, it is made of the execution and the item, so an execution that is tried again does nothing twice. Your own order number also holds across executions.',
		displayOptions: { show: show(shown) },
	};
}

export function idField(
	shown: Shown,
	name: string,
	title: string,
	example: string,
): INodeProperties {
	return {
		displayName: title,
		name,
		type: 'string',
		default: '',
		required: true,
		placeholder: example,
		displayOptions: { show: show(shown) },
	};
}

export function pageFields(shown: Shown): INodeProperties[] {
	return [
		{
			displayName: 'Return All',
			name: 'returnAll',
			type: 'boolean',
			default: false,
			description: 'Whether to return all results or only up to a given limit',
			displayOptions: { show: show(shown) },
		},
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 50,
			description: 'Max number of results to return',
			displayOptions: { show: { ...show(shown), returnAll: [false] } },
		},
	];
}

export function optionsField(
	shown: Shown,
	options: INodeProperties[],
	displayName = 'Options',
): INodeProperties {
	return {
		displayName,
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options,
		displayOptions: { show: show(shown) },
	};
}

/** A field among the options. */
export function textOption(
	displayName: string,
	name: string,
	description: string,
	placeholder?: string,
): INodeProperties {
	return { displayName, name, type: 'string', default: '', description, placeholder };
}

export function jsonOption(
	displayName: string,
	name: string,
	description: string,
): INodeProperties {
	return { displayName, name, type: 'json', default: '', description };
}
