/**
 * Checks a Standard Webhooks signature: HMAC-SHA256 over `{id}.{timestamp}.{body}`, the body as the
 * bytes that came. Knows nothing of n8n; compares in constant time; never prints a secret.
 */
import { createHmac, timingSafeEqual } from 'crypto';

/** How far the sender's clock and ours may be apart, in seconds. */
export const TOLERANCE = 300;
const PREFIX = 'whsec_';

export type Verdict = 'good' | 'incomplete' | 'too_old' | 'too_new' | 'wrong';

export interface Signed {
	id: string | undefined;
	timestamp: string | undefined;
	/** `v1,…`, or several of them separated by spaces, while a secret is replaced. */
	signature: string | undefined;
	body: Buffer;
}

export function sign(secret: string, id: string, timestamp: string, body: Buffer): string {
	const key = Buffer.from(
		secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret,
		'base64',
	);
	const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
	return `v1,${hmac.digest('base64')}`;
}

/** Good when one of the signatures fits one of the secrets. */
export function verify(secrets: string[], signed: Signed, nowSeconds: number): Verdict {
	const { id, timestamp, signature, body } = signed;
	if (!id || !timestamp || !signature || !/^\d{1,15}$/.test(timestamp)) return 'incomplete';
	let fits = false;
	for (const secret of secrets) {
		const wanted = Buffer.from(sign(secret, id, timestamp, body));
		for (const one of signature.split(' ')) {
			const given = Buffer.from(one);
			if (given.length === wanted.length && timingSafeEqual(given, wanted)) fits = true;
		}
	}
	if (!fits) return 'wrong';
	// After the signature, so that only Kopeck itself is told that its clock is wrong.
	const age = nowSeconds - Number(timestamp);
	if (age > TOLERANCE) return 'too_old';
	return age < -TOLERANCE ? 'too_new' : 'good';
}
