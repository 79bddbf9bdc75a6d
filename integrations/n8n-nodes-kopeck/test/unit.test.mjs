/** What needs no server: sums, signatures, keys, and what the package says of itself. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const require = createRequire(import.meta.url);
const { rublesToKopecks, readKopecks } = require('../dist/nodes/Kopeck/money.js');
const { sign, verify, TOLERANCE } = require('../dist/nodes/Kopeck/signature.js');
const { keyOf, originOf, checkKey } = require('../dist/nodes/Kopeck/idempotency.js');
const { isWanted } = require('../dist/nodes/Kopeck/events.js');
const { Kopeck, KopeckTrigger } = await import('./n8n.mjs');
const here = new URL('..', import.meta.url);

test('rubles become kopecks digit by digit', () => {
	const sums = [
		['4900', 490000],
		['4900.5', 490050],
		['4900.50', 490050],
		['4 900,00', 490000],
		['4\u00a0900,05', 490005],
		['1 000 000', 100000000],
		[' 0.01 ', 1],
		['19.99', 1999],
		['90071992547409.91', 9007199254740991],
		[4900, 490000],
	];
	for (const [given, kopecks] of sums) assert.equal(rublesToKopecks(given), kopecks, `${given}`);
});

test('what is no exact sum in rubles is an error', () => {
	const wrong = [
		'',
		'   ',
		'0',
		'0.00',
		'-5',
		'+5',
		'1.234',
		'1,500.00',
		'4900₽',
		'1e3',
		'0x10',
		'NaN',
		'12 34',
		'4900.',
		'.5',
		'90071992547409.92',
		19.99,
		0.1 + 0.2,
		-1,
		Number.NaN,
		Infinity,
		2 ** 53,
		null,
		undefined,
		true,
		{},
		['1'],
	];
	for (const given of wrong) assert.throws(() => rublesToKopecks(given), Error, `${given}`);
});

test('kopecks are whole', () => {
	assert.equal(readKopecks('490000'), 490000);
	assert.equal(readKopecks(490000), 490000);
	for (const given of ['4900.00', '4 900', '', '0', 1.5, -1, '-1', null]) {
		assert.throws(() => readKopecks(given), Error, `${given}`);
	}
});

/** The vector that Standard Webhooks publishes with its libraries. */
const PUBLISHED = {
	secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
	id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
	timestamp: '1614265330',
	body: '{"test": 2432232314}',
	signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
/** Kopeck's secrets are printable, so a receiver may take the key as text. */
const PRINTABLE = {
	secret: 'whsec_bjhuRnJpZW5kbHlTZWNyZXQwMTIzNDU2Nzg5YWJjZGU=',
	id: 'msg_01JTEST',
	timestamp: '1767225600',
	body: '{"type":"payment.succeeded","timestamp":"2026-01-01T00:00:00Z","data":{"id":"pay_1","amount":123450,"currency":"RUB"}}',
	signature: 'v1,v870i7x19d3pk5C2fU2AB/Bl76IhDgKUSq5c7nGoABc=',
};

const check = (vector, changed = {}, age = 0, secrets = [vector.secret]) => {
	const { id, timestamp, signature, body } = { ...vector, ...changed };
	const signed = { id, timestamp, signature, body: Buffer.from(body) };
	return verify(secrets, signed, Number(vector.timestamp) + age);
};

test('signatures are those of Standard Webhooks', () => {
	for (const vector of [PUBLISHED, PRINTABLE]) {
		const { secret, id, timestamp, body, signature } = vector;
		assert.equal(sign(secret, id, timestamp, Buffer.from(body)), signature);
		assert.equal(check(vector), 'good');
	}
});

test('whatever differs by one byte is not let through', () => {
	const changes = [
		{ body: PUBLISHED.body.replace('4', '5') },
		{ body: `${PUBLISHED.body} ` },
		{ id: 'msg_p5jXN8AQM9LWM0D4loKWxJeK' },
		{ signature: PUBLISHED.signature.replace('g0', 'g1') },
		{ signature: PUBLISHED.signature.slice(3) },
		{ signature: PUBLISHED.signature.replace('v1,', 'v2,') },
		{ signature: PUBLISHED.signature.slice(0, -1) },
	];
	for (const change of changes) assert.equal(check(PUBLISHED, change), 'wrong');
	assert.equal(check(PUBLISHED, {}, 0, [PRINTABLE.secret]), 'wrong');
	assert.equal(check(PUBLISHED, {}, 0, []), 'wrong');
	for (const name of ['id', 'timestamp', 'signature']) {
		assert.equal(check(PUBLISHED, { [name]: undefined }), 'incomplete');
		assert.equal(check(PUBLISHED, { [name]: '' }), 'incomplete');
	}
	assert.equal(check(PUBLISHED, { timestamp: '1614265330.0' }), 'incomplete');
});

test('old and future timestamps are refused beyond five minutes', () => {
	assert.equal(TOLERANCE, 300);
	assert.equal(check(PUBLISHED, {}, 300), 'good');
	assert.equal(check(PUBLISHED, {}, 301), 'too_old');
	assert.equal(check(PUBLISHED, {}, -300), 'good');
	assert.equal(check(PUBLISHED, {}, -301), 'too_new');
});

test('one signature of several is enough, and one secret of several', () => {
	const other = sign(PRINTABLE.secret, PUBLISHED.id, PUBLISHED.timestamp, Buffer.from('x'));
	for (const signature of [`${other} ${PUBLISHED.signature}`, `${PUBLISHED.signature} ${other}`]) {
		assert.equal(check(PUBLISHED, { signature }), 'good');
	}
	assert.equal(check(PUBLISHED, { signature: `${other} ${other}` }), 'wrong');
	assert.equal(check(PUBLISHED, {}, 0, [PRINTABLE.secret, PUBLISHED.secret]), 'good');
});

test('a key is the same for the same work and differs for any other', () => {
	const work = {
		instanceId: 'a'.repeat(64),
		workflowId: 'Wf1',
		nodeId: '6f1c7f3e-0000-4000-8000-000000000000',
		executionId: '17',
		run: 0,
		item: 0,
	};
	assert.equal(keyOf(work), keyOf({ ...work }));
	const others = [
		{ instanceId: 'b'.repeat(64) },
		{ workflowId: 'Wf2' },
		{ nodeId: '7f1c7f3e-0000-4000-8000-000000000000' },
		{ executionId: '18' },
		{ run: 1 },
		{ item: 1 },
		{ run: 1, item: 1 },
		{ executionId: '170', run: 0 },
	];
	const keys = new Set([work, ...others.map((other) => ({ ...work, ...other }))].map(keyOf));
	assert.equal(keys.size, others.length + 1);
	for (const key of keys) assert.equal(checkKey(key), key);
	assert.throws(() => keyOf({ ...work, executionId: '' }), /execution id/);
});

test('an execution that is tried again keeps the first one’s id', () => {
	const notes = {};
	assert.equal(originOf(notes, '17'), '17');
	assert.equal(originOf(JSON.parse(JSON.stringify(notes)), '18'), '17');
});

test('a chosen key is printable ASCII of at most 255 characters', () => {
	assert.equal(checkKey('order-4711'), 'order-4711');
	for (const key of ['заказ', 'a\nb', 'x'.repeat(256), '']) assert.throws(() => checkKey(key));
});

test('a choice of events is read as the server reads it', () => {
	assert.ok(isWanted(['*'], 'payment.paid'));
	assert.ok(isWanted(['payment.*'], 'payment.paid'));
	assert.ok(isWanted(['refund.failed', 'payment.paid'], 'payment.paid'));
	assert.ok(!isWanted(['payment.*'], 'refund.failed'));
	assert.ok(!isWanted(['payment.paid'], 'payment.paid_twice'));
	assert.ok(!isWanted([], 'payment.paid'));
});

test('the package has no runtime dependency and names files that exist', async () => {
	const manifest = JSON.parse(await readFile(new URL('package.json', here), 'utf8'));
	assert.equal(manifest.dependencies, undefined);
	assert.equal(manifest.license, 'MIT');
	for (const file of [...manifest.n8n.nodes, ...manifest.n8n.credentials]) {
		assert.ok((await readFile(new URL(file, here))).length > 0, file);
	}
	const lock = await readFile(new URL('package-lock.json', here), 'utf8');
	assert.ok(!/"resolved": "(https?|file):/.test(lock), 'the lock names no registry');
});

test('the ready workflows use nodes and parameters that are there', async () => {
	const folder = new URL('workflows/', here);
	const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
	assert.ok(names.length >= 4);
	const own = { kopeck: new Kopeck(), kopeckTrigger: new KopeckTrigger() };
	for (const name of names) {
		const flow = JSON.parse(await readFile(new URL(name, folder), 'utf8'));
		const known = new Set(flow.nodes.map((node) => node.name));
		for (const [from, { main }] of Object.entries(flow.connections)) {
			for (const to of main.flat()) assert.ok(known.has(from) && known.has(to.node), name);
		}
		assert.equal(new Set(flow.nodes.map((node) => node.id)).size, flow.nodes.length, name);
		for (const node of flow.nodes) {
			assert.equal(node.credentials, undefined, `${name}: credentials are the reader's own`);
			const type = own[node.type.replace('n8n-nodes-kopeck.', '')];
			if (!type) continue;
			const fields = new Set(type.description.properties.map((field) => field.name));
			for (const parameter of Object.keys(node.parameters)) {
				assert.ok(fields.has(parameter), `${name}: ${node.name} has no ${parameter}`);
			}
		}
	}
});
