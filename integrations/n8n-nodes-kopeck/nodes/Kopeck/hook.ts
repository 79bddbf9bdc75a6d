/**
 * The trigger's webhook at Kopeck, and what is remembered of it in the workflow's static data: its
 * id and its secret, apart for the test address of the editor and the real one.
 */
import type { IDataObject, IHookFunctions } from 'n8n-workflow';
import { type Ask, ask, askUnless, list } from './client';

export interface Hook {
	id: string;
	secret: string;
}

/** What the trigger wants its webhook to be. */
interface Wish {
	url: string;
	events: string[];
	payload: 'full' | 'thin';
	ordered: boolean;
}

const GONE = 'webhook_not_found';

export function wishOf(context: IHookFunctions): Wish {
	return {
		url: context.getNodeWebhookUrl('default') ?? '',
		events: eventsOf(context.getNodeParameter('events', ['*'])),
		payload: context.getNodeParameter('options.thin', false) === true ? 'thin' : 'full',
		ordered: context.getNodeParameter('options.ordered', false) === true,
	};
}

export function eventsOf(chosen: unknown): string[] {
	const events = Array.isArray(chosen) ? chosen.map(String) : [];
	return events.length === 0 || events.includes('*') ? ['*'] : events;
}

/** Listening in the editor and running are two addresses, so they have two webhooks. */
export function slotOf(context: IHookFunctions): string {
	return context.getActivationMode() === 'manual' ? 'test' : 'production';
}

export function recall(data: IDataObject, slot: string): Hook | undefined {
	const hook = data[slot] as Partial<Hook> | undefined;
	return hook?.id && hook.secret ? { id: hook.id, secret: hook.secret } : undefined;
}

/** All secrets by which something may come to this trigger. */
export function secretsOf(data: IDataObject): string[] {
	return ['production', 'test'].flatMap((slot) => recall(data, slot)?.secret ?? []);
}

/**
 * Whether the webhook of this slot is there and as it should be. One that was switched off, here or
 * because n8n was away for a week, is switched on again, and what waited is sent.
 */
export async function isThere(context: IHookFunctions): Promise<boolean> {
	const data = context.getWorkflowStaticData('node');
	const slot = slotOf(context);
	const hook = recall(data, slot);
	if (!hook) return false;
	const request: Ask = { method: 'GET', path: `/v1/webhooks/${hook.id}` };
	const found = await askUnless(context, GONE, request);
	if (!found) {
		delete data[slot];
		return false;
	}
	await bring(context, found);
	return true;
}

/** Makes the webhook, or takes over one for the same address whose secret was lost. */
export async function make(context: IHookFunctions): Promise<void> {
	const wish = wishOf(context);
	const all = await list(context, '/v1/webhooks', {}, undefined);
	const known = all.find((row) => row.url === wish.url);
	let made: IDataObject;
	if (known) {
		const path = `/v1/webhooks/${String(known.id)}/rotate`;
		made = await ask(context, { method: 'POST', path, body: { overlap_hours: 0 } });
		await bring(context, known);
	} else {
		// The workflow's name is the reader's own text, which Kopeck need not take.
		const description = `n8n workflow ${context.getWorkflow().id ?? ''}`.trim();
		const body = { ...wish, description };
		made = await ask(context, { method: 'POST', path: '/v1/webhooks', body });
	}
	const hook = { id: String(made.id), secret: String(made.secret) };
	context.getWorkflowStaticData('node')[slotOf(context)] = hook;
}

/** Removes the webhook, or switches it off where events are to wait. */
export async function drop(context: IHookFunctions): Promise<void> {
	const data = context.getWorkflowStaticData('node');
	const slot = slotOf(context);
	const hook = recall(data, slot);
	if (!hook) return;
	const path = `/v1/webhooks/${hook.id}`;
	const keeps =
		slot === 'production' && context.getNodeParameter('options.keepWhileOff', false) === true;
	const off: Ask = { method: 'PATCH', path, body: { enabled: false } };
	const found = await askUnless(context, GONE, keeps ? off : { method: 'DELETE', path });
	if (!found || !keeps) delete data[slot];
}

/** Changes what differs from the wish. */
async function bring(context: IHookFunctions, found: IDataObject): Promise<void> {
	const wish = wishOf(context);
	const body: IDataObject = {};
	if (found.url !== wish.url) body.url = wish.url;
	if (String(found.events) !== String(wish.events)) body.events = wish.events;
	if (found.payload !== wish.payload) body.payload = wish.payload;
	if (found.ordered !== wish.ordered) body.ordered = wish.ordered;
	if (found.status === 'disabled') body.enabled = true;
	if (Object.keys(body).length === 0) return;
	await ask(context, { method: 'PATCH', path: `/v1/webhooks/${String(found.id)}`, body });
}
