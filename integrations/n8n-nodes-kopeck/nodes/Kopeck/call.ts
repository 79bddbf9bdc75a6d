/**
 * One item of the node at work: reads its parameters and asks Kopeck. Empty parameters count as not
 * given.
 */
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { jsonParse } from 'n8n-workflow';
import { type Ask, ask, askUnless, download, list } from './client';
import { checkKey, keyOf, originOf } from './idempotency';
import { readKopecks, rublesToKopecks } from './money';

/** A file for the next node. */
export interface FileResult {
	field: string;
	bytes: Buffer;
	fileName: string;
	mimeType: string;
	json: IDataObject;
}

export type Result = IDataObject | IDataObject[] | FileResult;

export type Operation = (call: Call) => Promise<Result>;

export class Call {
	constructor(
		readonly context: IExecuteFunctions,
		readonly item: number,
	) {}

	/** The text of a parameter; an empty one where nothing was given. */
	text(name: string): string {
		return textOf(this.context.getNodeParameter(name, this.item, ''));
	}

	flag(name: string): boolean {
		return this.context.getNodeParameter(name, this.item, false) === true;
	}

	/** An id that stands in a path. */
	id(name: string, title: string): string {
		const id = this.text(name);
		if (id === '') throw new Error(`${title} is missing`);
		return encodeURIComponent(id);
	}

	/** What was added under "Options", without what was left empty. */
	options(name = 'options'): IDataObject {
		const given = this.context.getNodeParameter(name, this.item, {}) as IDataObject;
		const kept = Object.entries(given).filter(([, value]) => value !== undefined && value !== '');
		return Object.fromEntries(kept);
	}

	/** Undefined where the whole sum, or the payer's own, was chosen. */
	kopecks(): number | undefined {
		const unit = this.text('amountUnit');
		const given = (name: string) => this.context.getNodeParameter(name, this.item, '');
		if (unit === 'rubles') return rublesToKopecks(given('amountRubles'));
		return unit === 'kopecks' ? readKopecks(given('amountKopecks')) : undefined;
	}

	/** The key that a person chose, else one that is the same for every attempt of this item. */
	key(): string {
		const chosen = this.text('idempotencyKey');
		if (chosen !== '') return checkKey(chosen);
		const { context, item } = this;
		const workflow = context.getWorkflow();
		return keyOf({
			instanceId: context.getInstanceId(),
			workflowId: workflow.id,
			nodeId: context.getNode().id,
			executionId: originOf(context.getContext('node'), context.getExecutionId()),
			run: Number(context.getWorkflowDataProxy(item).$runIndex ?? 0),
			item,
		});
	}

	async get(path: string, query?: IDataObject): Promise<IDataObject> {
		return await this.ask({ method: 'GET', path, query });
	}

	async post(path: string, body: IDataObject, key?: string): Promise<IDataObject> {
		return await this.ask({ method: 'POST', path, body: withoutUndefined(body), key });
	}

	/** Undefined when the answer is the error with this code. */
	async postUnless(
		code: string,
		path: string,
		body: IDataObject,
	): Promise<IDataObject | undefined> {
		const request: Ask = { method: 'POST', path, body: withoutUndefined(body) };
		return await askUnless(this.context, code, request, this.item);
	}

	async download(path: string): Promise<Buffer> {
		return await download(this.context, path, this.item);
	}

	/** All rows, or as many as "Limit" says. */
	async list(path: string, query: IDataObject): Promise<IDataObject[]> {
		const limit = Number(this.context.getNodeParameter('limit', this.item, 50));
		const bound = this.flag('returnAll') ? undefined : limit;
		return await list(this.context, path, query, bound, this.item);
	}

	private async ask(request: Ask): Promise<IDataObject> {
		return await ask(this.context, request, this.item);
	}

	/** Turns a result into what n8n hands on. */
	async toItems(result: Result): Promise<INodeExecutionData[]> {
		const pairedItem = { item: this.item };
		if (isFile(result)) {
			const { bytes, fileName, mimeType, field, json } = result;
			const data = await this.context.helpers.prepareBinaryData(bytes, fileName, mimeType);
			return [{ json, binary: { [field]: data }, pairedItem }];
		}
		const rows = Array.isArray(result) ? result : [result];
		return rows.map((json) => ({ json, pairedItem }));
	}
}

/** JSON that a person typed, or an object that an expression gave. */
export function readJson(value: unknown, title: string): IDataObject | undefined {
	let parsed = value;
	if (typeof value === 'string') {
		if (value.trim() === '') return undefined;
		parsed = jsonParse(value, { errorMessage: `${title} is no JSON` });
	}
	if (parsed === undefined || parsed === null) return undefined;
	if (typeof parsed !== 'object') throw new Error(`${title} is no JSON object`);
	return parsed as IDataObject;
}

/** A whole number of a field that people fill in. */
export function readWhole(value: unknown, title: string): number | undefined {
	if (value === undefined || value === '') return undefined;
	const number = Number(value);
	if (!Number.isSafeInteger(number)) throw new Error(`${title} is no whole number`);
	return number;
}

export function textOf(value: unknown): string {
	return value === undefined || value === null ? '' : String(value).trim();
}

/** Text, or undefined where there is none, so that the field is left out. */
export function given(value: unknown): string | undefined {
	return textOf(value) || undefined;
}

function withoutUndefined(body: IDataObject): IDataObject {
	return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function isFile(result: Result): result is FileResult {
	return !Array.isArray(result) && Buffer.isBuffer(result.bytes);
}
