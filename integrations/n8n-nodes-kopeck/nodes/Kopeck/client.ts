/**
 * Requests to a Kopeck server: the key, errors with their message and hint, pages of lists. Never
 * follows a redirect (it would carry the API key away) and never logs a body.
 */
import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	JsonObject,
} from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';

export type Context = IExecuteFunctions | IHookFunctions;

export interface Ask {
	method: IHttpRequestMethods;
	path: string;
	query?: IDataObject;
	body?: IDataObject;
	/** The Idempotency-Key. */
	key?: string;
	/** The code of an error that is an answer too. */
	unless?: string;
}

interface Reply {
	statusCode: number;
	headers: IDataObject;
	body: unknown;
}

const CREDENTIALS = 'kopeckApi';
const PAGE = 100;

/** Asks for JSON. Any status of 400 and above is an error with Kopeck's own words. */
export async function ask(context: Context, request: Ask, item?: number): Promise<IDataObject> {
	const reply = await send(context, request, { json: true }, item);
	if (typeof reply.body !== 'object' || reply.body === null) {
		throw notKopeck(context, request, reply, item);
	}
	return reply.body as IDataObject;
}

/** The same, but undefined when the answer is the error with this code. */
export async function askUnless(
	context: Context,
	unless: string,
	request: Ask,
	item?: number,
): Promise<IDataObject | undefined> {
	const reply = await ask(context, { ...request, unless }, item);
	return errorOf(reply)?.code === unless ? undefined : reply;
}

/** Asks for a file. */
export async function download(context: Context, path: string, item?: number): Promise<Buffer> {
	const request: Ask = { method: 'GET', path };
	const reply = await send(context, request, { json: false, encoding: 'arraybuffer' }, item);
	return Buffer.from(reply.body as ArrayBuffer);
}

/** The rows of a list, page by page; all of them without a limit. */
export async function list(
	context: Context,
	path: string,
	query: IDataObject,
	limit: number | undefined,
	item?: number,
): Promise<IDataObject[]> {
	const rows: IDataObject[] = [];
	let cursor: string | undefined;
	for (;;) {
		const size = limit === undefined ? PAGE : Math.min(PAGE, limit - rows.length);
		const more = cursor === undefined ? {} : { starting_after: cursor };
		const request: Ask = { method: 'GET', path, query: { ...query, limit: size, ...more } };
		const page = await ask(context, request, item);
		rows.push(...((page.data as IDataObject[] | undefined) ?? []));
		const next = page.next_cursor;
		const isOver = page.has_more !== true || typeof next !== 'string' || next === cursor;
		if (isOver || (limit !== undefined && rows.length >= limit)) return rows;
		cursor = next;
	}
}

/** The code of an error that Kopeck itself gave. */
export function codeOf(error: unknown): string | undefined {
	const code = error instanceof NodeApiError ? error.context.kopeckCode : undefined;
	return typeof code === 'string' ? code : undefined;
}

async function send(
	context: Context,
	request: Ask,
	form: Partial<IHttpRequestOptions>,
	item: number | undefined,
): Promise<Reply> {
	const base = await baseUrl(context);
	const headers: IDataObject = { Accept: '*/*' };
	if (request.key !== undefined) headers['Idempotency-Key'] = request.key;
	const options: IHttpRequestOptions = {
		...form,
		method: request.method,
		url: `${base}${request.path}`,
		qs: withoutEmpty(request.query ?? {}),
		headers,
		body: request.body,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
	};
	let reply: Reply;
	try {
		const call = context.helpers.httpRequestWithAuthentication;
		reply = (await call.call(context, CREDENTIALS, options)) as Reply;
	} catch (error) {
		throw noAnswer(context, base, request, error, item);
	}
	const isAnswer = request.unless !== undefined && errorOf(reply.body)?.code === request.unless;
	if (isAnswer) return reply;
	if (reply.statusCode >= 400) throw refused(context, request, reply, item);
	if (reply.statusCode >= 300) throw notKopeck(context, request, reply, item);
	return reply;
}

async function baseUrl(context: Context): Promise<string> {
	const credentials = await context.getCredentials(CREDENTIALS);
	const base = String(credentials.baseUrl ?? '')
		.trim()
		.replace(/\/+$/, '');
	if (!/^https?:\/\/[^/]/.test(base)) {
		const message = 'The Base URL of the Kopeck credentials does not begin with https://';
		throw new NodeOperationError(context.getNode(), message);
	}
	return base;
}

function noAnswer(
	context: Context,
	base: string,
	request: Ask,
	error: unknown,
	item: number | undefined,
): NodeApiError {
	const again =
		request.key === undefined && request.method !== 'GET'
			? 'It is not known whether the request was carried out: look before you repeat it.'
			: 'Run it again: nothing is done twice.';
	return new NodeApiError(context.getNode(), asJson(error), {
		message: `Kopeck did not answer at ${base}`,
		description: again,
		itemIndex: item,
	});
}

function refused(
	context: Context,
	request: Ask,
	reply: Reply,
	item: number | undefined,
): NodeApiError {
	const told = errorOf(reply.body);
	if (!told) return notKopeck(context, request, reply, item);
	const text = (name: string) => (typeof told[name] === 'string' ? (told[name] as string) : '');
	const marks = ['code', 'param', 'request_id', 'payment_id', 'refund_id']
		.filter((name) => text(name) !== '')
		.map((name) => `${name}: ${text(name)}`);
	const error = new NodeApiError(context.getNode(), told as JsonObject, {
		message: text('message') || `Kopeck answered ${reply.statusCode}`,
		description: [text('hint'), marks.join(', ')].filter((part) => part !== '').join('\n'),
		httpCode: String(reply.statusCode),
		itemIndex: item,
	});
	error.context.kopeckCode = text('code');
	return error;
}

function notKopeck(
	context: Context,
	request: Ask,
	reply: Reply,
	item: number | undefined,
): NodeApiError {
	const where = reply.headers?.location;
	const description =
		typeof where === 'string'
			? `It leads to ${where}: put the final address into the credentials' Base URL.`
			: "Check the credentials' Base URL: it is the server's address without /v1.";
	return new NodeApiError(context.getNode(), {} as JsonObject, {
		message: `${request.method} ${request.path} was answered ${reply.statusCode}, not by Kopeck`,
		description,
		httpCode: String(reply.statusCode),
		itemIndex: item,
	});
}

/** `{"error": {…}}`, from JSON or from the bytes of a file that was refused. */
function errorOf(body: unknown): IDataObject | undefined {
	let parsed = body;
	if (body instanceof ArrayBuffer || Buffer.isBuffer(body) || typeof body === 'string') {
		try {
			parsed = JSON.parse(typeof body === 'string' ? body : Buffer.from(body as Buffer).toString());
		} catch {
			return undefined;
		}
	}
	const error = (parsed as IDataObject | null | undefined)?.error;
	return typeof error === 'object' && error !== null ? (error as IDataObject) : undefined;
}

/** Only what says why nothing came: a request's error holds the request, and so the key. */
function asJson(error: unknown): JsonObject {
	const { message, code } = error as { message?: string; code?: string };
	return { message: String(message ?? error), code: String(code ?? '') };
}

function withoutEmpty(query: IDataObject): IDataObject {
	const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
	return Object.fromEntries(kept);
}
