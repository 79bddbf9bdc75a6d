/** The events that Kopeck tells of, and which of them a choice stands for. */
import type { INodePropertyOptions } from 'n8n-workflow';

const NAMES: Array<[string, string]> = [
	['*', 'Every Event'],
	['payment.*', 'Payment: All'],
	['payment.created', 'Payment: Created'],
	['payment.opened', 'Payment: Opened at the Bank'],
	['payment.authorized', 'Payment: Money Held'],
	['payment.paid', 'Payment: Paid'],
	['payment.amount_mismatch', 'Payment: Another Sum Came'],
	['payment.expired', 'Payment: Expired'],
	['payment.canceled', 'Payment: Hold Released'],
	['payment.failed', 'Payment: Failed'],
	['payment.capture_failed', 'Payment: Capture Failed'],
	['payment.refunded', 'Payment: Refunded in Full'],
	['refund.*', 'Refund: All'],
	['refund.created', 'Refund: Asked For'],
	['refund.succeeded', 'Refund: Succeeded'],
	['refund.failed', 'Refund: Failed'],
	['duplicate.*', 'Duplicate: All'],
	['duplicate.paid', 'Duplicate: Paid Twice'],
	['duplicate.refunded', 'Duplicate: Given Back'],
	['duplicate.refund_failed', 'Duplicate: Not Given Back'],
	['receipt.*', 'Receipt: All'],
	['receipt.sent', 'Receipt: Sent'],
	['receipt.registered', 'Receipt: Registered'],
	['receipt.failed', 'Receipt: Failed'],
	['receipt.due', 'Receipt: Due'],
	['receipt.late', 'Receipt: Late'],
	['account.saved', 'Account: Saved'],
	['card.saved', 'Card: Saved'],
	['consent.withdrawn', 'Consent: Withdrawn'],
	['charge.unwanted', 'Charge: Without Consent'],
	['charge.unexpected', 'Charge: Not Expected'],
	['charge.unanswered', 'Charge: Without Answer'],
	['subscription.*', 'Subscription: All'],
	['subscription.created', 'Subscription: Created'],
	['subscription.activated', 'Subscription: Activated'],
	['subscription.renewed', 'Subscription: Renewed'],
	['subscription.renewal_upcoming', 'Subscription: Renewal Is Near'],
	['subscription.renewal_failed', 'Subscription: Renewal Failed'],
	['subscription.past_due', 'Subscription: Past Due'],
	['subscription.payment_needed', 'Subscription: Payment Needed'],
	['subscription.blocked', 'Subscription: Blocked'],
	['subscription.notice_undelivered', 'Subscription: Notice Undelivered'],
	['subscription.changed', 'Subscription: Changed'],
	['subscription.ending', 'Subscription: Ends With Its Period'],
	['subscription.reactivated', 'Subscription: Cancellation Taken Back'],
	['subscription.paused', 'Subscription: Paused'],
	['subscription.resumed', 'Subscription: Resumed'],
	['subscription.canceled', 'Subscription: Canceled'],
	['subscription.expired', 'Subscription: Expired'],
	['subscription.given_back', 'Subscription: Money Given Back'],
	['subscription.consent_withdrawn', 'Subscription: Consent Withdrawn'],
	['webhook.disabled', 'Webhook: Disabled'],
	['integration.stopped', 'Integration: Stopped'],
	['integration.gave_up', 'Integration: Gave Up'],
];

export const EVENTS: INodePropertyOptions[] = NAMES.map(([value, name]) => ({
	name,
	value,
	description: value.includes('*') ? 'Also events of this kind that later versions add' : value,
}));

/** A trial that a person asked for: `kopeck webhook test`. */
export const TRIAL = 'webhook.test';

/** `payment.paid`, `payment.*` and `*` as the server reads them. */
export function isWanted(choices: string[], kind: string): boolean {
	return choices.some((choice) =>
		choice.endsWith('*') ? kind.startsWith(choice.slice(0, -1)) : choice === kind,
	);
}
