/** What in-n8n.sh runs: see there. N8N_BIN and N8N_USER_FOLDER say which n8n, and its folder. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startKopeck, until } from './server.mjs';

const run = promisify(execFile);
const { N8N_BIN, N8N_USER_FOLDER: folder } = process.env;
const CREDENTIALS = 'kopeckcreds00001';
const said = (text) => console.log(`in-n8n: ${text}`);

/** Hands everything on to Kopeck; `loses` is how many replies to new payments are cut off. */
async function lossyProxy(target) {
	const { hostname, port } = new URL(target);
	const proxy = createServer((incoming, outgoing) => {
		const { method, url: path, headers } = incoming;
		const isLost = method === 'POST' && path === '/v1/payments' && proxy.loses > 0;
		if (isLost) proxy.loses--;
		const ask = httpRequest({ hostname, port, method, path, headers }, (reply) => {
			if (isLost) return reply.resume().on('end', () => incoming.socket.destroy());
			outgoing.writeHead(reply.statusCode, reply.headers);
			reply.pipe(outgoing);
		});
		ask.on('error', () => incoming.socket.destroy());
		incoming.pipe(ask);
	});
	proxy.loses = 0;
	return await listening(proxy);
}

/** Keeps what it is sent. */
async function sink() {
	const server = createServer((incoming, outgoing) => {
		const chunks = [];
		incoming.on('data', (chunk) => chunks.push(chunk));
		incoming.on('end', () => {
			server.got.push(JSON.parse(Buffer.concat(chunks)));
			outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}');
		});
	});
	server.got = [];
	return await listening(server);
}

async function listening(server) {
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	server.url = `http://127.0.0.1:${server.address().port}`;
	return server;
}

async function freePort() {
	const server = await listening(createServer());
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

const port = await freePort();
const env = {
	...process.env,
	N8N_PORT: String(port),
	N8N_LISTEN_ADDRESS: '127.0.0.1',
	WEBHOOK_URL: `http://127.0.0.1:${port}/`,
	N8N_ENCRYPTION_KEY: 'only-for-this-test',
	N8N_SECURE_COOKIE: 'false',
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_RUNNERS_ENABLED: 'false',
	// The other engine, `vm`, needs a native module, which is not there for every Node.js.
	N8N_EXPRESSION_ENGINE: process.env.N8N_EXPRESSION_ENGINE ?? 'legacy',
	N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS: 'false',
	NODE_NO_WARNINGS: '1',
};
const n8n = async (...args) => (await run(N8N_BIN, args, { env, maxBuffer: 1 << 26 })).stdout;

/** Puts a workflow in, with our credentials in our nodes. */
async function importFlow(id, flow) {
	for (const node of flow.nodes) {
		if (!node.type.startsWith('n8n-nodes-kopeck.')) continue;
		node.credentials = { kopeckApi: { id: CREDENTIALS, name: 'Kopeck' } };
	}
	const file = join(folder, `${id}.json`);
	await writeFile(file, JSON.stringify({ ...flow, id }));
	await n8n('import:workflow', `--input=${file}`);
}

async function ready(name) {
	return JSON.parse(await readFile(new URL(`../workflows/${name}.json`, import.meta.url), 'utf8'));
}

const node = (name, type, parameters, more) => ({
	id: name,
	name,
	type,
	typeVersion: 1,
	position: [0, 0],
	parameters,
	...more,
});

function chain(name, ...nodes) {
	const connections = {};
	for (const [at, { name: from }] of nodes.slice(0, -1).entries()) {
		connections[from] = { main: [[{ node: nodes[at + 1].name, type: 'main', index: 0 }]] };
	}
	return { name, nodes, connections, settings: { executionOrder: 'v1' }, active: false };
}

const ours = (name, parameters, more) => node(name, 'n8n-nodes-kopeck.kopeck', parameters, more);

const create = (orderId) =>
	ours('create', {
		resource: 'payment',
		operation: 'create',
		amountUnit: 'rubles',
		amountRubles: '12,34',
		purpose: `Заказ ${orderId}`,
		options: { orderId },
	});

/** What each node of an executed workflow gave: its items by output. */
async function execute(id) {
	const said = await n8n('execute', `--id=${id}`, '--rawOutput');
	const { runData } = JSON.parse(said.slice(said.indexOf('\n{') + 1)).data.resultData;
	return (name) => runData[name]?.[0].data.main;
}

const kopeck = await startKopeck();
const proxy = await lossyProxy(kopeck.url);
const shop = await sink();
let server;
let output = '';

/** n8n's own API, as its editor uses it. */
let cookie = '';
async function rest(method, path, body) {
	const reply = await fetch(`http://127.0.0.1:${port}/rest${path}`, {
		method,
		headers: { 'content-type': 'application/json', cookie },
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const set = reply.headers.getSetCookie().map((one) => one.split(';')[0]);
	if (set.length > 0) cookie = set.join('; ');
	const json = await reply.json();
	assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${JSON.stringify(json)}`);
	return json.data;
}

async function activate(id, active) {
	const { versionId } = await rest('GET', `/workflows/${id}`);
	await rest('POST', `/workflows/${id}/${active ? 'activate' : 'deactivate'}`, { versionId });
}

async function payments(orderId) {
	return (await kopeck.api('GET', `/v1/payments?order_id=${orderId}`)).data;
}

async function pay(orderId) {
	const body = { amount: '4900.00', purpose: 'Тур «Байкал»', order_id: orderId };
	const made = await kopeck.api('POST', '/v1/payments', body);
	await kopeck.control(`/payments/${made.reference}/pay`, { method: 'sbp' });
	return made;
}

const webhooks = async () => (await kopeck.api('GET', '/v1/webhooks?limit=100')).data;

try {
	const data = { baseUrl: proxy.url, apiKey: kopeck.key };
	const credentials = [{ id: CREDENTIALS, name: 'Kopeck', type: 'kopeckApi', data }];
	const file = join(folder, 'credentials.json');
	await writeFile(file, JSON.stringify(credentials));
	await n8n('import:credentials', `--input=${file}`);

	const start = node('start', 'n8n-nodes-base.manualTrigger', {});
	await importFlow('flowexecute00001', chain('execute', start, create('executed')));
	const [[made]] = (await execute('flowexecute00001'))('create');
	const [kept] = await payments('executed');
	assert.equal(made.json.id, kept.id);
	assert.equal(kept.amount_kopecks, 1234);
	said('the CLI executed a workflow: one payment of 12.34');

	const placeId = "={{ $('place').item.json.id }}";
	const image = { resource: 'qr', operation: 'image', codeOf: placeId };
	const open = { operation: 'create', name: 'Чаевые', amountUnit: 'open' };
	const codes = chain(
		'codes',
		start,
		ours('place', { resource: 'qr', ...open }),
		ours('drawn', image),
		ours('off', { resource: 'qr', operation: 'suspend', placeId }),
		ours('refused', image, { onError: 'continueErrorOutput' }),
	);
	await importFlow('flowcodes0000001', codes);
	const items = await execute('flowcodes0000001');
	assert.equal(items('drawn')[0][0].binary.data.mimeType, 'image/png');
	assert.equal(items('off')[0][0].json.status, 'suspended');
	const [good, bad] = items('refused');
	assert.equal(good.length, 0);
	assert.equal(bad[0].json.error.code, 'place_suspended');
	said('a code was drawn, and a refusal went to the error output');

	const signedUrl = `http://127.0.0.1:${port}/webhook/kopeck-signed`;
	const wish = { url: signedUrl, events: ['payment.paid'] };
	const signed = await kopeck.api('POST', '/v1/webhooks', wish);
	const verifying = await ready('verify-without-the-package');
	const hmac = verifying.nodes.find((one) => one.name === 'Signature');
	hmac.parameters.secret = signed.secret_text;
	await importFlow('flowverifying001', verifying);

	const handing = await ready('hand-out-once');
	handing.nodes.find((one) => one.name === 'Give access').parameters.url = shop.url;
	await importFlow('flowhandingout01', handing);

	const again = node('again', 'n8n-nodes-base.webhook', { httpMethod: 'POST', path: 'again' });
	await importFlow(
		'flowagain0000001',
		chain('again', { ...again, webhookId: 'again' }, create('again')),
	);
	for (const name of ['paid-to-telegram', 'form-to-payment-link', 'failed-renewal-to-task']) {
		await importFlow(`flow${name.replace(/-/g, '').slice(0, 12)}`, await ready(name));
	}
	said('the ready workflows are imported');

	server = spawn(N8N_BIN, ['start'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
	for (const stream of [server.stdout, server.stderr])
		stream.on('data', (text) => (output += text));
	process.once('exit', () => server.kill('SIGKILL'));
	await until('n8n is ready', () => output.includes('Editor is now accessible'), 120_000);
	const owner = {
		email: 'owner@example.ru',
		firstName: 'O',
		lastName: 'O',
		password: 'Secret-4711',
	};
	await rest('POST', '/owner/setup', owner);

	const test = { credentials: { id: CREDENTIALS, name: 'Kopeck', type: 'kopeckApi', data } };
	assert.equal((await rest('POST', '/credentials/test', test)).status, 'OK');
	test.credentials.data = { ...data, apiKey: 'kpk_wrong' };
	assert.equal((await rest('POST', '/credentials/test', test)).status, 'Error');
	said('n8n tested good credentials and wrong ones');

	await activate('flowhandingout01', true);
	const registered = (await webhooks()).find(
		(hook) => hook.description === 'n8n workflow flowhandingout01',
	);
	assert.ok(registered.url.startsWith(`http://127.0.0.1:${port}/webhook/`));
	await activate('flowverifying001', true);
	const sold = await pay('sold');
	await until('access is given', () => shop.got.length > 0);
	assert.deepEqual(shop.got, [{ payment: sold.id }]);
	await until('the signed webhook is taken', async () => {
		const deliveries = await kopeck.api('GET', `/v1/deliveries?webhook_id=${signed.id}`);
		return deliveries.data[0]?.last_status === 204;
	});
	said('the trigger heard of the payment, and so did the workflow without the package');

	const { headers, body } = { headers: {}, body: '{"type":"payment.paid","data":{}}' };
	headers['content-type'] = 'application/json';
	headers['webhook-id'] = 'ev_forged';
	headers['webhook-timestamp'] = String(Math.floor(Date.now() / 1000));
	headers['webhook-signature'] = 'v1,AAAA';
	for (const url of [signedUrl, registered.url]) {
		const reply = await fetch(url, { method: 'POST', headers, body });
		assert.equal(reply.status, 401, url);
	}
	assert.equal(shop.got.length, 1);
	said('both refused a forged event');

	await activate('flowagain0000001', true);
	proxy.loses = 1;
	await fetch(`http://127.0.0.1:${port}/webhook/again`, { method: 'POST' });
	const find = async (status) => {
		const filter = encodeURIComponent(JSON.stringify({ workflowId: 'flowagain0000001' }));
		const found = await rest('GET', `/executions?filter=${filter}`);
		return found.results.find((one) => one.status === status);
	};
	const failed = await until('the execution failed', async () => await find('error'));
	assert.equal((await payments('again')).length, 1, 'the server took the request');
	await rest('POST', `/executions/${failed.id}/retry`, { loadWorkflow: false });
	const retried = await until('it succeeded', async () => await find('success'));
	assert.notEqual(retried.id, failed.id);
	assert.equal((await payments('again')).length, 1, 'and made no second payment');
	said('an execution whose reply was lost was tried again: still one payment');

	await activate('flowhandingout01', false);
	const off = (await webhooks()).find((hook) => hook.id === registered.id);
	assert.equal(off.status, 'disabled', 'it keeps events while off');
	const removing = await rest('GET', '/workflows/flowhandingout01');
	const nodes = removing.nodes.map((one) =>
		one.name === 'Paid' ? { ...one, parameters: { ...one.parameters, options: {} } } : one,
	);
	const { connections, versionId, settings, name } = removing;
	const changed = { nodes, connections, versionId, settings, name };
	await rest('PATCH', '/workflows/flowhandingout01', changed);
	await activate('flowhandingout01', true);
	assert.equal((await webhooks()).find((hook) => hook.id === registered.id).status, 'enabled');
	await activate('flowhandingout01', false);
	assert.ok(!(await webhooks()).some((hook) => hook.id === registered.id), 'removed');
	said('switched off, the webhook waited, or was removed');
	said('all good');
} catch (error) {
	console.error(output.slice(-8000));
	throw error;
} finally {
	server?.kill('SIGKILL');
	for (const one of [proxy, shop]) {
		one.closeAllConnections();
		one.close();
	}
	await kopeck.stop();
}
process.exit(0);
