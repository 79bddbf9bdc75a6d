/** Claims: of all who ask, one hands out what was paid for, however often it asks. */
import type { INodeProperties } from 'n8n-workflow';
import { type Operation, given } from '../call';
import { idField, keyField } from '../fields';

const resource = 'claim';
const shown = { resource, operations: ['create'] };

export const claimFields: INodeProperties[] = [
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
				description: 'Ask whether this execution is the one that hands out',
				action: 'Claim what a payment entitles to',
			},
		],
		default: 'create',
	},
	idField(shown, 'paymentId', 'Payment ID', 'pay_…'),
	{
		...idField(shown, 'claimPurpose', 'What Is Handed Out', 'access'),
		description: 'The same words for the same thing: "access", "ticket"',
	},
	{
		...keyField(shown),
		displayName: 'Claimer',
		placeholder: 'bot-1',
		description:
			'Who hands out. Left empty it is this item of this execution: tried again, it is granted again, and a second execution is not.',
	},
];

export const claimOperations: Record<string, Operation> = {
	create: async (call) => {
		const claimer = call.key().slice(-100);
		const payment_id = call.text('paymentId');
		const purpose = given(call.text('claimPurpose'));
		const body = { payment_id, purpose, claimer };
		const claim = await call.postUnless('already_claimed', '/v1/claims', body);
		return claim ? { granted: true, ...claim } : { granted: false, ...body };
	},
};
