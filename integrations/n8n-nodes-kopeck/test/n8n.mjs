/**
 * The part of n8n that calls a node: parameters, credentials, HTTP, notes. Requests are real ones;
 * n8n itself is not here, that is in-n8n.sh.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const dist = '../dist';
export const { Kopeck } = require(`${dist}/nodes/Kopeck/Kopeck.node.js`);
export const { KopeckTrigger } = require(`${dist}/nodes/Kopeck/KopeckTrigger.node.js`);
export const { KopeckApi } = require(`${dist}/credentials/KopeckApi.credentials.js`);

/** As n8n's own helper sends it, with the header that the credentials' class declares. */
function helpers(credentials) {
	return {
		async httpRequestWithAuthentication(type, options) {
			const declared = new KopeckApi();
			if (type !== declared.name) throw new Error(`no credentials ${type}`);
			const headers = { ...options.headers };
			for (const [name, value] of Object.entries(declared.authenticate.properties.headers)) {
				headers[name] = value.slice(1).replace('{{$credentials.apiKey}}', credentials.apiKey);
			}
			const url = new URL(options.url);
			for (const [name, value] of Object.entries(options.qs ?? {})) {
				url.searchParams.set(name, String(value));
			}
			if (options.body !== undefined) headers['content-type'] = 'application/json';
			const reply = await fetch(url, {
				method: options.method,
				headers,
				body: options.body === undefined ? undefined : JSON.stringify(options.body),
				redirect: options.disableFollowRedirect ? 'manual' : 'follow',
			});
			const bytes = Buffer.from(await reply.arrayBuffer());
			const isJson = options.json && (reply.headers.get('content-type') ?? '').includes('json');
			return {
				statusCode: reply.status,
				headers: Object.fromEntries(reply.headers),
				body: options.encoding === 'arraybuffer' ? bytes : isJson ? JSON.parse(bytes) : `${bytes}`,
			};
		},
		async prepareBinaryData(bytes, fileName, mimeType) {
			return { data: bytes.toString('base64'), fileName, mimeType };
		},
	};
}

/** What every context of n8n has. */
function base(credentials, node, parameters) {
	return {
		helpers: helpers(credentials),
		getCredentials: async () => credentials,
		getNode: () => node,
		getNodeParameter(name, ...rest) {
			const fallback = rest[rest.length - 1];
			const found = name.split('.').reduce((value, part) => value?.[part], parameters);
			return found === undefined ? fallback : found;
		},
	};
}

const defaultsOf = (type) =>
	Object.fromEntries(
		type.description.properties
			.filter((field) => !field.displayOptions)
			.map((field) => [field.name, field.default]),
	);

/** One execution of a workflow; `retry` is the same one tried again, as n8n does it. */
export class Execution {
	static last = 0;

	constructor(credentials, notes = {}) {
		this.credentials = credentials;
		this.notes = notes;
		this.id = String(++Execution.last);
	}

	retry() {
		return new Execution(this.credentials, structuredClone(this.notes));
	}

	/** Runs the node once; the parameters are those of each item, or of all. */
	async run(parameters, { items = 1, runIndex = 0, continueOnFail = false, node = 'one' } = {}) {
		const type = new Kopeck();
		const each = Array.isArray(parameters) ? parameters : Array(items).fill(parameters);
		const context = {
			...base(this.credentials, { id: node, name: node, type: 'kopeck', typeVersion: 1 }, {}),
			getInputData: () => each.map(() => ({ json: {} })),
			getNodeParameter(name, item, fallback) {
				const found = { ...defaultsOf(type), ...each[item] }[name];
				return found === undefined ? fallback : found;
			},
			continueOnFail: () => continueOnFail,
			getExecutionId: () => this.id,
			getInstanceId: () => 'f'.repeat(64),
			getWorkflow: () => ({ id: 'flow' }),
			getContext: () => (this.notes[node] ??= {}),
			getWorkflowDataProxy: () => ({ $runIndex: runIndex }),
		};
		const [results] = await type.execute.call(context);
		return results;
	}

	async one(parameters, options) {
		const [result] = await this.run(parameters, options);
		return result.json;
	}
}

/** A trigger with its static data, active or listening in the editor. */
export class Listening {
	constructor(credentials, url, parameters, data = {}) {
		Object.assign(this, { credentials, url, parameters, data, mode: 'activate' });
		this.type = new KopeckTrigger();
	}

	context() {
		const node = { id: 'two', name: 'two', type: 'kopeckTrigger', typeVersion: 1 };
		const parameters = { ...defaultsOf(this.type), ...this.parameters };
		return {
			...base(this.credentials, node, parameters),
			getNodeWebhookUrl: () => this.url,
			getWorkflow: () => ({ id: 'flow' }),
			getActivationMode: () => this.mode,
			getMode: () => (this.mode === 'manual' ? 'manual' : 'webhook'),
			getWorkflowStaticData: () => this.data,
		};
	}

	/** As n8n does when a workflow is switched on. */
	async activate() {
		const methods = this.type.webhookMethods.default;
		if (await methods.checkExists.call(this.context())) return 'there';
		await methods.create.call(this.context());
		return 'made';
	}

	async deactivate() {
		await this.type.webhookMethods.default.delete.call(this.context());
	}

	/** What a request brings: a status, and the item that starts the workflow. */
	async receive(headers, rawBody) {
		let status = 200;
		const response = {
			status(code) {
				status = code;
				return response;
			},
			send: () => response,
		};
		const result = await this.type.webhook.call({
			...this.context(),
			getRequestObject: () => ({ headers, rawBody }),
			getResponseObject: () => response,
		});
		return { status, item: result.workflowData?.[0]?.[0]?.json };
	}
}
