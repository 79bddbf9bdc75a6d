/**
 * Sums as people write them, to whole kopecks, digit by digit. Never through a floating-point
 * number: what is not exactly a number of kopecks is an error.
 */

const RUBLES = /^(\d+|\d{1,3}(?:[ \u00a0\u202f]\d{3})+)(?:[.,](\d{1,2}))?$/;
const KOPECKS = /^\d+$/;

/** `"4900"`, `"4 900,00"`, `"4900.5"`: 490000, 490000, 490050. */
export function rublesToKopecks(value: unknown): number {
	const text = asText(value, 'rubles, such as 4900.00');
	const found = RUBLES.exec(text);
	if (!found) {
		throw new Error(`"${shorten(text)}" is no sum in rubles: write it as 4900 or 4900.00`);
	}
	const whole = (found[1] ?? '').replace(/\D/g, '');
	return checked(`${whole}${(found[2] ?? '').padEnd(2, '0')}`, text);
}

/** `"490000"`: 490000. */
export function readKopecks(value: unknown): number {
	const text = asText(value, 'whole kopecks, such as 490000');
	if (!KOPECKS.test(text)) {
		throw new Error(`"${shorten(text)}" is no whole number of kopecks: write 4900.00 ₽ as 490000`);
	}
	return checked(text, text);
}

/** Text, or a whole number, which an expression may give; a fraction may be off already. */
function asText(value: unknown, wanted: string): string {
	if (typeof value === 'number') {
		if (!Number.isSafeInteger(value) || value < 0) {
			throw new Error(
				`${value} is a number with a fraction, below zero or too large, so it may not be what was meant: give text, ${wanted}`,
			);
		}
		return String(value);
	}
	if (typeof value !== 'string' || value.trim() === '') {
		throw new Error(`The amount is missing: give ${wanted}`);
	}
	return value.trim();
}

function checked(digits: string, shown: string): number {
	const kopecks = Number(digits);
	if (!Number.isSafeInteger(kopecks)) throw new Error(`"${shorten(shown)}" is too large`);
	if (kopecks === 0) throw new Error('The amount is zero');
	return kopecks;
}

function shorten(text: string): string {
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
