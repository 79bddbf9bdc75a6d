/**
 * Starts a workflow when something happens at Kopeck. Registers its own webhook, and lets nothing
 * through whose signature is not Kopeck's.
 */
import type {
	IDataObject,
	IHookFunctions,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';
import { EVENTS, TRIAL, isWanted } from './events';
import { drop, eventsOf, isThere, make, secretsOf } from './hook';
import { verify } from './signature';

export class KopeckTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kopeck Trigger',
		name: 'kopeckTrigger',
		icon: { light: 'file:kopeck.svg', dark: 'file:kopeck.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{$parameter["events"].join(", ")}}',
		description: 'Starts the workflow when a payment, refund, receipt or subscription changes',
		defaults: { name: 'Kopeck Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'kopeckApi', required: true }],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: '={{$parameter["answer"]}}',
				path: 'kopeck',
			},
		],
		properties: [
			{
				displayName:
					'An event may come twice, when the answer to it was lost: it has the same ID then. Use <b>Remove Duplicates</b> on it, or <b>Kopeck → Claim</b>, before you hand anything out.',
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: EVENTS,
				default: ['payment.paid'],
				required: true,
				description: 'What starts the workflow',
			},
			{
				displayName: 'Answer Kopeck',
				name: 'answer',
				type: 'options',
				options: [
					{
						name: 'At Once',
						value: 'onReceived',
						description: 'An execution that fails afterwards is yours to try again',
					},
					{
						name: 'When the Workflow Is Done',
						value: 'lastNode',
						description:
							'Kopeck sends the event again for a week if the execution fails; it must take less than 20 seconds',
					},
				],
				default: 'onReceived',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'In Order',
						name: 'ordered',
						type: 'boolean',
						default: false,
						description: 'Whether events of one payment come one after the other',
					},
					{
						displayName: 'Keep Events While Off',
						name: 'keepWhileOff',
						type: 'boolean',
						default: false,
						description:
							'Whether Kopeck keeps events while the workflow is inactive or being saved, and sends them afterwards. The webhook then stays there, switched off, also when the workflow is deleted.',
					},
					{
						displayName: 'Thin Payload',
						name: 'thin',
						type: 'boolean',
						default: false,
						description: 'Whether to leave out the payment itself, with its customer',
					},
				],
			},
		],
	};

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return await isThere(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				await make(this);
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				await drop(this);
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const request = this.getRequestObject();
		const answer = (status: number, text: string): IWebhookResponseData => {
			this.getResponseObject().status(status).send(text);
			return { noWebhookResponse: true };
		};
		if (!request.rawBody && typeof request.readRawBody === 'function') await request.readRawBody();
		const body = request.rawBody;
		if (!Buffer.isBuffer(body)) return answer(500, 'n8n kept no raw body');
		const header = (name: string): string | undefined => {
			const value = request.headers[name];
			return Array.isArray(value) ? value.join(' ') : value;
		};
		const signed = {
			id: header('webhook-id'),
			timestamp: header('webhook-timestamp'),
			signature: header('webhook-signature'),
			body,
		};
		const secrets = secretsOf(this.getWorkflowStaticData('node'));
		const verdict = verify(secrets, signed, Math.floor(Date.now() / 1000));
		if (verdict !== 'good') return answer(401, `signature: ${verdict}`);

		const message = JSON.parse(body.toString('utf8')) as IDataObject;
		const kind = String(message.type);
		const isTrial = kind === TRIAL && this.getMode() === 'manual';
		const choices = eventsOf(this.getNodeParameter('events', ['*']));
		if (!isTrial && (kind === TRIAL || !isWanted(choices, kind)))
			return answer(200, 'not asked for');
		const data = (message.data ?? {}) as IDataObject;
		return { workflowData: [[{ json: { id: signed.id, type: kind, ...data } }]] };
	}
}
