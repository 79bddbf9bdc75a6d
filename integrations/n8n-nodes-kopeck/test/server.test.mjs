/** The nodes against a real server and its bank's emulator. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Execution, Listening } from './n8n.mjs';
import { startKopeck, until } from './server.mjs';

const require = createRequire(import.meta.url);
const { EVENTS } = require('../dist/nodes/Kopeck/events.js');
const { sign } = require('../dist/nodes/Kopeck/signature.js');

let kopeck;
let credentials;
before(async () => {
	kopeck = await startKopeck();
	// With a slash and spaces, as people paste addresses.
	credentials = { baseUrl: ` ${kopeck.url}/ `, apiKey: kopeck.key };
});
after(async () => await kopeck?.stop());

const execution = () => new Execution(credentials);
const payment = { resource: 'payment', operation: 'create', purpose: 'Заказ 17' };
const rubles = (sum) => ({ amountUnit: 'rubles', amountRubles: sum });
const of = (paymentId, more) => ({ resource: 'payment', operation: 'get', paymentId, ...more });

async function paid(sum = '4900.00', more = {}) {
	const made = await execution().one({ ...payment, ...rubles(sum), ...more });
	await kopeck.control(`/payments/${made.reference}/pay`, { method: 'card' });
	return await until('paid', async () => {
		const now = await execution().one(of(made.id));
		return ['paid', 'authorized'].includes(now.status) && now;
	});
}

test('a payment is made, paid, and read again', async () => {
	const made = await execution().one({
		...payment,
		...rubles('4 900,50'),
		options: {
			orderId: 'A-17',
			customerEmail: 'buyer@example.ru',
			metadata: '{"chat": 4711}',
			ttlMinutes: 60,
			methods: ['card', 'sbp'],
		},
	});
	assert.equal(made.amount_kopecks, 490050);
	assert.equal(made.order_id, 'A-17');
	assert.deepEqual(made.metadata, { chat: 4711 });
	assert.ok(made.pay_url.startsWith(kopeck.url));
	await kopeck.control(`/payments/${made.reference}/pay`, { method: 'card' });
	const now = await until('paid', async () => {
		const read = await execution().one(of(made.id));
		return read.status === 'paid' && read;
	});
	assert.equal(now.paid_kopecks, 490050);
});

test('an item tried again makes no second payment, another one does', async () => {
	const ask = { ...payment, amountUnit: 'kopecks', amountKopecks: '10000' };
	const first = execution();
	const made = await first.one(ask);
	assert.equal((await first.one(ask)).id, made.id, 'retry on fail');
	assert.equal((await first.retry().one(ask)).id, made.id, 'the execution tried again');
	assert.equal((await first.retry().retry().one(ask)).id, made.id, 'and once more');
	const others = [
		await first.one(ask, { runIndex: 1 }),
		await first.one(ask, { node: 'another' }),
		await execution().one(ask),
		...(await execution().run(ask, { items: 3 })).map((result) => result.json),
	];
	assert.equal(new Set([made, ...others].map((one) => one.id)).size, 7);
	const named = { ...ask, idempotencyKey: `order-${made.id}` };
	const [one, two] = [await execution().one(named), await execution().one(named)];
	assert.equal(one.id, two.id, 'a key of the shop holds across executions');
});

test('a sum that is not exact asks for nothing', async () => {
	const before = await execution().run({ ...of(''), operation: 'getAll', returnAll: true });
	for (const sum of ['1.234', 19.99, '', 'сто']) {
		await assert.rejects(execution().one({ ...payment, ...rubles(sum) }), (error) => {
			assert.equal(error.name, 'NodeOperationError');
			return true;
		});
	}
	const after = await execution().run({ ...of(''), operation: 'getAll', returnAll: true });
	assert.equal(after.length, before.length);
});

test('an error tells the message, the hint, the code and the field', async () => {
	const wrong = { ...payment, ...rubles('1'), options: { methods: ['cash'] } };
	await assert.rejects(execution().one(wrong), (error) => {
		assert.equal(error.name, 'NodeApiError');
		assert.match(error.description, /code: param_invalid, param: methods, request_id: /);
		assert.ok(error.message.length > 10 && !/status code/.test(error.message), error.message);
		assert.equal(error.httpCode, '422');
		return true;
	});
	const missing = of('pay_00000000000000000000000000000000');
	const [row] = await execution().run(missing, { continueOnFail: true });
	assert.deepEqual(Object.keys(row.json), ['error'], 'n8n knows an error by that');
	assert.equal(row.json.error.code, 'payment_not_found');
	assert.ok(row.json.error.hint.includes('code: payment_not_found'));
	assert.deepEqual(row.pairedItem, { item: 0 });
	const stranger = new Execution({ ...credentials, apiKey: 'kpk_wrong' });
	await assert.rejects(stranger.one(missing), (error) => {
		assert.match(error.description, /api_key_invalid/);
		assert.ok(!JSON.stringify(error).includes('kpk_wrong'), 'the key is nowhere in the error');
		return true;
	});
});

test('silence and strangers are told as such', async () => {
	const ask = { ...payment, ...rubles('1') };
	const nobody = new Execution({ ...credentials, baseUrl: 'http://127.0.0.1:9' });
	await assert.rejects(nobody.one(ask), /did not answer at http:\/\/127\.0\.0\.1:9/);
	const elsewhere = new Execution({ ...credentials, baseUrl: `${kopeck.url}/pay` });
	await assert.rejects(elsewhere.one(ask), /Kopeck|address/);
	const nowhere = new Execution({ ...credentials, baseUrl: 'pay.example.ru' });
	await assert.rejects(nowhere.one(ask), /Base URL/);
	const redirecting = createServer((_, response) => {
		response.writeHead(301, { location: 'https://pay.example.ru/' }).end();
	});
	await new Promise((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
	const baseUrl = `http://127.0.0.1:${redirecting.address().port}`;
	await assert.rejects(new Execution({ ...credentials, baseUrl }).one(ask), (error) => {
		assert.match(error.description, /leads to https:\/\/pay\.example\.ru/);
		return true;
	});
	redirecting.closeAllConnections();
	redirecting.close();
});

test('lists come whole or as far as the limit', async () => {
	const many = Array.from({ length: 104 }, (_, n) => ({ ...payment, ...rubles(String(n + 1)) }));
	const list = { resource: 'payment', operation: 'getAll' };
	await execution().run(many);
	const all = await execution().run({ ...list, returnAll: true });
	assert.ok(all.length >= 104);
	assert.equal(new Set(all.map((row) => row.json.id)).size, all.length);
	assert.equal((await execution().run({ ...list, limit: 102 })).length, 102);
	assert.equal((await execution().run({ ...list, limit: 3 })).length, 3);
	const [sold] = [await paid('77')];
	const filters = { order_id: 'none-such' };
	assert.equal((await execution().run({ ...list, options: filters })).length, 0);
	const found = await execution().run({ ...list, limit: 1, options: { status: 'paid' } });
	assert.equal(found[0].json.id, sold.id);
});

test('money is held, captured or released', async () => {
	const options = { bank: 'tbank' };
	const held = await paid('1000', { hold: true, options });
	assert.equal(held.status, 'authorized');
	const capture = { ...of(held.id), operation: 'capture', ...rubles('400') };
	const captured = await execution().one(capture);
	assert.ok(['capturing', 'paid'].includes(captured.status));
	await until('captured', async () => {
		const now = await execution().one(of(held.id));
		return now.status === 'paid' && now.paid_kopecks === 40000;
	});
	const other = await paid('500', { hold: true, options });
	await execution().one({ ...of(other.id), operation: 'void' });
	await until('released', async () => (await execution().one(of(other.id))).status === 'canceled');
});

test('money goes back in parts, once', async () => {
	const sold = await paid();
	const refund = { resource: 'refund', operation: 'create', paymentId: sold.id };
	const part = { ...refund, ...rubles('1000'), options: { reason: 'one item returned' } };
	const first = execution();
	const asked = await first.one(part);
	assert.equal((await first.retry().one(part)).id, asked.id);
	const done = await until('refunded', async () => {
		const ask = { ...refund, operation: 'get', refundId: asked.id };
		const read = await execution().one(ask);
		return read.status === 'succeeded' && read;
	});
	assert.equal(done.amount_kopecks, 100000);
	assert.equal(done.reason, 'one item returned');
	await execution().one({ ...refund, amountUnit: 'all' });
	const all = await execution().run({ ...refund, operation: 'getAll' });
	assert.deepEqual(all.map((row) => row.json.amount_kopecks).sort(), [100000, 390000]);
	const nothing = execution().one({ ...refund, operation: 'get', refundId: 'rf_none' });
	await assert.rejects(nothing, /no refund rf_none/);
});

test('a link is what is sent to the payer', async () => {
	const link = { resource: 'link', purpose: 'Заказ 18', ...rubles('350') };
	const made = await execution().one({ ...link, operation: 'create' });
	assert.ok(made.url.startsWith(`${kopeck.url}/pay/pay_`));
	assert.equal(made.paid, false);
	const full = await execution().one(of(made.payment_id));
	await kopeck.control(`/payments/${full.reference}/pay`, { method: 'sbp' });
	await until('paid', async () => {
		const ask = { resource: 'link', operation: 'get', paymentId: made.payment_id };
		return (await execution().one(ask)).paid;
	});
});

test('codes are made, drawn and suspended', async () => {
	const qr = { resource: 'qr' };
	const create = { ...qr, operation: 'create', name: 'Столик 7', ...rubles('350') };
	const place = await execution().one(create);
	assert.equal(place.amount_kopecks, 35000);
	const open = await execution().one({ ...create, name: 'Чаевые', amountUnit: 'open' });
	assert.equal(open.amount_kopecks, null);
	const [png] = await execution().run({ ...qr, operation: 'image', codeOf: place.id });
	const bytes = Buffer.from(png.binary.data.data, 'base64');
	assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
	assert.equal(png.binary.data.mimeType, 'image/png');
	assert.equal(png.json.payload, place.payload);
	const vector = {
		...qr,
		operation: 'image',
		codeOf: place.id,
		format: 'svg',
		binaryField: 'code',
	};
	const [svg] = await execution().run(vector);
	assert.match(Buffer.from(svg.binary.code.data, 'base64').toString(), /<svg/);
	const sale = { ...qr, operation: 'createForPayment', purpose: 'Заказ 19', ...rubles('90') };
	const sold = await execution().one(sale);
	const [drawn] = await execution().run({ ...vector, codeOf: sold.id });
	assert.match(Buffer.from(drawn.binary.code.data, 'base64').toString(), /<svg/);
	const list = { ...qr, operation: 'getAll', kind: 'static', returnAll: true };
	assert.equal((await execution().run(list)).length, 2);
	const one = { ...qr, placeId: place.id };
	assert.equal((await execution().one({ ...one, operation: 'suspend' })).status, 'suspended');
	await assert.rejects(execution().run(vector), (error) => {
		assert.match(error.description, /place_suspended/);
		return true;
	});
	assert.equal((await execution().one({ ...one, operation: 'resume' })).status, 'active');
	assert.equal((await execution().one({ ...one, operation: 'get' })).id, place.id);
});

test('a customer is subscribed, pays, pauses, changes and leaves', async () => {
	for (const [code, amount] of [
		['start', '2450.00'],
		['pro', '4900.00'],
	]) {
		await kopeck.api('POST', '/v1/plans', { code, name: `План ${code}`, amount });
	}
	const ask = (operation, more) => ({ resource: 'subscription', operation, ...more });
	const create = ask('create', { plan: 'start', customerId: 'client-17', collection: 'link' });
	const made = await execution().one({ ...create, options: { email: 'buyer@example.ru' } });
	assert.equal(made.status, 'pending');
	await assert.rejects(execution().one(create), (error) => {
		assert.match(error.description, /subscription_exists/);
		return true;
	});
	assert.equal((await execution().one({ ...create, ifExists: 'return' })).id, made.id);

	const access = ask('entitlements', { customerId: 'client-17' });
	assert.equal((await execution().one(access)).active, false);
	const link = await until('a link', async () => {
		return (await execution().one(ask('get', { subscriptionId: made.id }))).pay_url;
	});
	const first = await execution().one(of(link.split('/').pop()));
	await kopeck.control(`/payments/${first.reference}/pay`, { method: 'sbp' });
	const one = { subscriptionId: made.id };
	await until('active', async () => {
		return (await execution().one(ask('get', one))).status === 'active';
	});
	const now = await execution().one(access);
	assert.equal(now.active, true);
	assert.equal(now.entitlements[0].plan, 'start');
	assert.equal((await execution().one({ ...access, onlyPlan: 'pro' })).active, false);

	const paused = await execution().one(ask('pause', one));
	assert.equal(paused.status, 'paused');
	assert.equal((await execution().one(ask('resume', one))).status, 'active');
	const later = { ...one, newPlan: 'pro', when: 'period_end' };
	assert.equal((await execution().one(ask('change', later))).next_plan, 'pro');
	const ending = await execution().one(ask('cancel', { ...one, when: 'period_end' }));
	assert.equal(ending.cancel_at_period_end, true);
	const back = await execution().one(ask('reactivate', one));
	assert.equal(back.cancel_at_period_end, false);
	assert.equal((await execution().one(ask('cancel', { ...one, when: 'now' }))).status, 'canceled');
	const all = ask('getAll', { returnAll: true, options: { customer_id: 'client-17' } });
	assert.deepEqual(
		(await execution().run(all)).map((row) => row.json.id),
		[made.id],
	);
});

test('a receipt is checked before it is made', async () => {
	const receipt = {
		email: 'buyer@example.ru',
		items: [{ name: 'Тур', price: '100.00', vat: 'none' }],
	};
	const ask = { resource: 'receipt', operation: 'check', options: { amount: '90.00' } };
	const wrong = await execution().one({ ...ask, receipt: JSON.stringify(receipt) });
	assert.equal(wrong.ok, false);
	assert.ok(wrong.findings.some((finding) => finding.code === 'receipt_total_mismatch'));
	await assert.rejects(execution().one({ ...ask, receipt: '{"items": [' }), /Receipt is no JSON/);
	const sold = await paid('15');
	const list = { resource: 'receipt', operation: 'getAll', paymentId: sold.id };
	assert.deepEqual(await execution().run(list), []);
});

test('of two executions one hands out, however often it asks', async () => {
	const sold = await paid('20');
	const claim = {
		resource: 'claim',
		operation: 'create',
		paymentId: sold.id,
		claimPurpose: 'access',
	};
	const first = execution();
	assert.equal((await first.one(claim)).granted, true);
	assert.equal((await first.retry().one(claim)).granted, true);
	assert.equal((await execution().one(claim)).granted, false);
});

/** A receiver's address, which hands everything to a trigger as n8n does. */
async function receiver(t, events) {
	const seen = [];
	const target = { trigger: undefined, seen, loses: 0 };
	const server = createServer((request, response) => {
		const chunks = [];
		request.on('data', (chunk) => chunks.push(chunk));
		request.on('end', async () => {
			const body = Buffer.concat(chunks);
			if (target.loses-- > 0) return response.writeHead(500).end();
			const answer = await target.trigger.receive(request.headers, body);
			seen.push({ headers: request.headers, body, ...answer });
			response.writeHead(answer.status).end();
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${server.address().port}/webhook/kopeck`;
	target.trigger = new Listening(credentials, url, { events });
	t.after(async () => {
		server.closeAllConnections();
		server.close();
		for (const hook of await webhooks()) await kopeck.api('DELETE', `/v1/webhooks/${hook.id}`);
	});
	target.items = () => seen.map((one) => one.item).filter(Boolean);
	return target;
}

const webhooks = async () => (await kopeck.api('GET', '/v1/webhooks?limit=100')).data;

test('the trigger registers itself, hears, checks, and removes itself', async (t) => {
	const target = await receiver(t, ['payment.paid']);
	const { trigger } = target;
	assert.equal(await trigger.activate(), 'made');
	assert.equal(await trigger.activate(), 'there', 'n8n started again');
	const [hook] = await webhooks();
	assert.deepEqual(
		[hook.url, hook.events, hook.description],
		[trigger.url, ['payment.paid'], 'n8n workflow flow'],
	);

	const sold = await paid('4900');
	const item = await until('the event', () => target.items()[0]);
	assert.equal(item.type, 'payment.paid');
	assert.equal(item.payment_id, sold.id);
	assert.equal(item.payment.amount_kopecks, 490000);
	const [got] = target.seen;
	assert.equal(item.id, got.headers['webhook-id']);
	assert.equal(got.status, 200);

	const { headers, body } = got;
	const forged = Buffer.from(body.toString().replace('490000', '490001'));
	assert.equal((await trigger.receive(headers, forged)).status, 401);
	const old = { ...headers, 'webhook-timestamp': String(headers['webhook-timestamp'] - 301) };
	old['webhook-signature'] = sign(
		trigger.data.production.secret,
		old['webhook-id'],
		old['webhook-timestamp'],
		body,
	);
	assert.equal((await trigger.receive(old, body)).status, 401);
	assert.equal((await trigger.receive({}, body)).status, 401);
	assert.equal((await trigger.receive(headers, undefined)).status, 500);
	assert.equal((await trigger.receive(headers, body)).item.id, item.id, 'twice has the same id');

	const trial = await kopeck.api('POST', `/v1/webhooks/${hook.id}/test`);
	assert.ok(trial.ok, 'a trial is answered well and starts nothing');
	assert.equal(target.items().length, 1);

	await kopeck.api('POST', `/v1/webhooks/${hook.id}/rotate`, { overlap_hours: 1 });
	await paid('11');
	const rotated = await until('the event after a rotation', () => target.items()[1]);
	assert.equal(rotated.payment.amount_kopecks, 1100);
	assert.equal(target.seen.at(-1).headers['webhook-signature'].split(' ').length, 2);

	await trigger.deactivate();
	assert.deepEqual(await webhooks(), []);
	assert.deepEqual(trigger.data, {});
	await trigger.deactivate();
});

test('a changed choice changes the webhook, and a removed one is made anew', async (t) => {
	const target = await receiver(t, ['payment.paid']);
	const { trigger } = target;
	await trigger.activate();
	trigger.parameters = {
		events: ['payment.*', 'refund.*'],
		options: { thin: true, ordered: true },
	};
	assert.equal(await trigger.activate(), 'there');
	let [hook] = await webhooks();
	assert.deepEqual(hook.events, ['payment.*', 'refund.*']);
	assert.deepEqual([hook.payload, hook.ordered], ['thin', true]);
	await kopeck.api('DELETE', `/v1/webhooks/${hook.id}`);
	assert.equal(await trigger.activate(), 'made');
	[hook] = await webhooks();
	await paid('12');
	const item = await until('the event', () =>
		target.items().find((one) => one.type === 'payment.paid'),
	);
	assert.equal(item.payment, null);

	trigger.data = {};
	assert.equal(await trigger.activate(), 'made', 'n8n lost what it knew');
	const all = await webhooks();
	assert.deepEqual(
		all.map((one) => one.id),
		[hook.id],
		'the same webhook with a new secret',
	);
	const count = target.items().length;
	await paid('13');
	await until('events again', () => target.items().length > count);
	await trigger.deactivate();
});

test('listening in the editor leaves the active webhook alone', async (t) => {
	const target = await receiver(t, ['*']);
	const { trigger } = target;
	await trigger.activate();
	const editor = new Listening(credentials, `${trigger.url}-test`, { events: ['*'] }, trigger.data);
	editor.mode = 'manual';
	await editor.activate();
	assert.equal((await webhooks()).length, 2);
	await editor.deactivate();
	assert.deepEqual(
		(await webhooks()).map((hook) => hook.url),
		[trigger.url],
	);
	await trigger.deactivate();
});

test('events wait while the workflow is off, where that was chosen', async (t) => {
	const target = await receiver(t, ['payment.paid']);
	const { trigger } = target;
	trigger.parameters.options = { keepWhileOff: true };
	await trigger.activate();
	await trigger.deactivate();
	assert.equal((await webhooks())[0].status, 'disabled');
	const sold = await paid('14');
	assert.deepEqual(target.items(), []);
	assert.equal(await trigger.activate(), 'there');
	const item = await until('what waited', () => target.items()[0]);
	assert.equal(item.payment_id, sold.id);
	trigger.parameters.options = {};
	await trigger.deactivate();
	assert.deepEqual(await webhooks(), []);
});

test('every event that can be chosen is known to the server', async () => {
	for (let at = 0; at < EVENTS.length; at += 40) {
		const events = EVENTS.slice(at, at + 40).map((event) => event.value);
		const url = `http://127.0.0.1:9/${at}`;
		const made = await kopeck.api('POST', '/v1/webhooks', { url, events });
		await kopeck.api('DELETE', `/v1/webhooks/${made.id}`);
	}
});
