/**
 * The node that asks a Kopeck server. Written by hand and not declaratively, since sums are read
 * digit by digit, keys are made for each item and errors are told in Kopeck's own words.
 */
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { NodeApiError, NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';
import { Call } from './call';
import { codeOf } from './client';
import { FIELDS, operationOf } from './resources';

export class Kopeck implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kopeck',
		name: 'kopeck',
		icon: { light: 'file:kopeck.svg', dark: 'file:kopeck.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Take payments, give refunds, draw QR codes and run subscriptions with Kopeck',
		defaults: { name: 'Kopeck' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'kopeckApi', required: true }],
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: [
					{ name: 'Claim', value: 'claim' },
					{ name: 'Payment', value: 'payment' },
					{ name: 'Payment Link', value: 'link' },
					{ name: 'QR Code', value: 'qr' },
					{ name: 'Receipt', value: 'receipt' },
					{ name: 'Refund', value: 'refund' },
					{ name: 'Subscription', value: 'subscription' },
				],
				default: 'payment',
			},
			...FIELDS,
		],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const results: INodeExecutionData[] = [];
		for (let item = 0; item < this.getInputData().length; item++) {
			try {
				const resource = this.getNodeParameter('resource', item) as string;
				const operation = this.getNodeParameter('operation', item) as string;
				const call = new Call(this, item);
				results.push(...(await call.toItems(await operationOf(resource, operation)(call))));
			} catch (error) {
				const problem =
					error instanceof NodeApiError
						? error
						: new NodeOperationError(this.getNode(), error as Error, { itemIndex: item });
				if (!this.continueOnFail()) throw problem;
				const { message, description } = problem;
				const told = { message, hint: description ?? null, code: codeOf(error) ?? null };
				// n8n knows an item for the error output by `error` being all that it has; the property
				// beside `json` would lose hint and code there.
				results.push({ json: { error: told }, pairedItem: { item } });
			}
		}
		return [results];
	}
}
