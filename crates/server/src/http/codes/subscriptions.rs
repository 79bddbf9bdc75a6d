//! Error codes of plans and subscriptions: rows of the one table.

use super::{Code, code};

pub const PLAN_NOT_FOUND: Code = code(
    "plan_not_found",
    404,
    "The shop has no such plan.",
    "Check the code: `GET /v1/plans` lists them.",
);
pub const PLAN_EXISTS: Code = code(
    "plan_exists",
    409,
    "The shop has a plan of that code.",
    "Change it with `POST /v1/plans/{code}`, or take another code.",
);
pub const PLAN_ARCHIVED: Code = code(
    "plan_archived",
    409,
    "Nobody can subscribe to the plan any more.",
    "Take another plan, or sell it again: `POST /v1/plans/{code}/restore`.",
);
pub const COUPON_INVALID: Code = code(
    "coupon_invalid",
    422,
    "The coupon does not exist, is used up, or its time is over.",
    "Leave it out, or take another.",
);
pub const COUPON_NOT_FOUND: Code = code(
    "coupon_not_found",
    404,
    "The shop has no such coupon.",
    "Check the code: `GET /v1/coupons` lists them.",
);
pub const COUPON_EXISTS: Code =
    code("coupon_exists", 409, "The shop has a coupon of that code.", "Take another code.");
pub const SUBSCRIPTION_NOT_FOUND: Code = code(
    "subscription_not_found",
    404,
    "The shop has no such subscription.",
    "Check the id: `GET /v1/subscriptions?customer_id=…` lists a customer's.",
);
pub const SUBSCRIPTION_EXISTS: Code = code(
    "subscription_exists",
    409,
    "The customer has a subscription to this plan that is not over.",
    "Use that one; change its quantity, or cancel it first.",
);
pub const SUBSCRIPTION_BUSY: Code = code(
    "subscription_busy",
    409,
    "A payment or a change of the subscription is under way.",
    "Wait until its period is paid or over; the event tells.",
);
pub const SUBSCRIPTION_STATE: Code = code(
    "subscription_state",
    409,
    "The subscription is in a state that does not allow it.",
    "Look at its `status`; docs/reference/subscription-states.md has what each allows.",
);
pub const CONSENT_MISSING: Code = code(
    "consent_missing",
    422,
    "To charge a customer his consent is needed, and to charge more than he agreed to, a new one.",
    "Ask the customer, and send `consent` with the text's version and where it was given.",
);
pub const BANK_SCHEDULE_IMPOSSIBLE: Code = code(
    "bank_schedule_impossible",
    422,
    "The bank's own schedule of charges cannot do this.",
    "Let Kopeck charge (`charged_by: us`), or change what the message names.",
);
pub const BANK_DID_NOT_CHARGE: Code = code(
    "bank_did_not_charge",
    409,
    "The bank was to charge a card by its own schedule and did not; it tells no reason.",
    "Ask the customer to pay, or to subscribe with another card.",
);
pub const TODO_NOT_FOUND: Code = code(
    "todo_not_found",
    404,
    "The shop has no such todo.",
    "Check the id: `GET /v1/todos?status=all` lists them.",
);
pub const CHARGE_NOT_SETTLEABLE: Code = code(
    "charge_not_settleable",
    409,
    "Only a charge of a kept card of which the bank says nothing for a day is settled by hand.",
    "Wait until the bank tells, or a day is over: the event `charge.unanswered` says so.",
);
pub const PAYMENT_NOT_ASSIGNABLE: Code = code(
    "payment_not_assignable",
    409,
    "This payment cannot pay the subscription's period.",
    "A period that waits takes an unexpected charge of its customer and sum: `GET /v1/todos`.",
);
