/**
 * A real Kopeck with its bank's emulator, both on free ports of this machine. KOPECK_BIN says which
 * binary; without it the tests fail, since nothing else can stand in for it.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const STARTS_WITHIN_MS = 60_000;

export async function startKopeck() {
	const binary = process.env.KOPECK_BIN;
	if (!binary) throw new Error('KOPECK_BIN must name the kopeck binary: target/debug/kopeck');
	const data = await mkdtemp(join(tmpdir(), 'kopeck-n8n-'));
	const free = '127.0.0.1:0';
	const args = ['demo', '--json', '--data', data, '--listen', free, '--sandbox-listen', free];
	const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
	const exited = new Promise((resolve) => child.once('exit', resolve));
	process.once('exit', () => child.kill('SIGKILL'));
	const payment = await firstJson(child);
	const key = (await readFile(join(data, 'demo-api-key.txt'), 'utf8')).trim();
	const [url, bank] = [payment.pay_url, payment.bank_url].map((text) => new URL(text).origin);

	const call = async (origin, method, path, body, headers = {}) => {
		const reply = await fetch(origin + path, {
			method,
			headers: { 'content-type': 'application/json', ...headers },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const json = await reply.json();
		if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(json)}`);
		return json;
	};
	await connectTheRest(binary, data, await call(bank, 'GET', '/_control/env'));
	/** The API, without the node. */
	const api = async (method, path, body) =>
		await call(url, method, path, body, { authorization: `Bearer ${key}` });
	await api('PUT', '/v1/routing', { order: ['tochka', 'tbank'] });
	return {
		url,
		bank,
		key,
		api,
		/** What the payer and the bank do. */
		control: async (path, body) => await call(bank, 'POST', `/_control${path}`, body ?? {}),
		stop: async () => {
			child.kill('SIGTERM');
			await exited;
			await rm(data, { recursive: true, force: true });
		},
	};
}

/** SBP at Tochka, for codes; and T-Bank, which captures a part and releases a hold. */
async function connectTheRest(binary, data, env) {
	const run = async (...args) =>
		await promisify(execFile)(binary, ['--data', data, ...args], {
			env: { ...process.env, ...env },
		});
	const point = ['--brand', 'Kopeck', '--address', 'Тверская 1', '--city', 'Москва'];
	const where = ['--region', '45', '--postcode', '101000', '--phone', '79991234567'];
	await run('sbp', 'setup', '--yes', '--no-code', ...point, ...where);
	await run('init', '--bank', 'tbank', '--yes', '--no-notices');
}

async function firstJson(child) {
	let [out, err] = ['', ''];
	child.stderr.on('data', (chunk) => (err += chunk));
	return await new Promise((resolve, reject) => {
		const fail = (why) => reject(new Error(`kopeck demo ${why}\n${out}\n${err}`));
		const timer = setTimeout(() => {
			child.kill('SIGKILL');
			fail('did not start in time');
		}, STARTS_WITHIN_MS);
		child.once('error', (error) => fail(`cannot be run: ${error.message}`));
		const ended = (code) => fail(`ended with ${code}`);
		child.once('exit', ended);
		child.stdout.on('data', (chunk) => {
			out += chunk;
			const end = out.indexOf('\n}');
			if (end < 0) return;
			clearTimeout(timer);
			child.removeListener('exit', ended);
			resolve(JSON.parse(out.slice(0, end + 2)));
		});
	});
}

/** Asks until the answer is true: the server learns of things in its own time. */
export async function until(what, question, withinMs = 30_000) {
	const end = Date.now() + withinMs;
	for (;;) {
		const found = await question();
		if (found) return found;
		if (Date.now() > end) throw new Error(`not in ${withinMs} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
