//! Errors of webhooks, of deliveries and of claims.

use super::{Code, code};

pub const WEBHOOK_NOT_FOUND: Code = code(
    "webhook_not_found",
    404,
    "The shop has no such webhook.",
    "List them: GET /v1/webhooks or `kopeck webhook list`.",
);
pub const WEBHOOK_URL_INVALID: Code = code(
    "webhook_url_invalid",
    422,
    "The address is not one of http or https, or holds a name and a password.",
    "Send an address such as \"https://shop.example.ru/kopeck\"; a password goes into `header`.",
);
pub const WEBHOOK_URL_PRIVATE: Code = code(
    "webhook_url_private",
    422,
    "The address is inside a private network or on this machine, where webhooks may not go.",
    "Give the receiver a public address; for one inside your own network set \
     net.private_addresses to \"any\", or use `kopeck listen`.",
);
pub const WEBHOOK_HEADER_INVALID: Code = code(
    "webhook_header_invalid",
    422,
    "The header's name or value cannot be sent, or is one that Kopeck sets itself.",
    "Send `{\"name\": \"X-Api-Key\", \"value\": \"…\"}` in printable ASCII.",
);
pub const WEBHOOK_LIMIT: Code = code(
    "webhook_limit",
    409,
    "The shop has as many webhooks as it may.",
    "Remove one that nobody needs: DELETE /v1/webhooks/{id}.",
);
pub const WEBHOOK_DISABLED: Code = code(
    "webhook_disabled",
    409,
    "The webhook is disabled, so nothing is sent to it.",
    "Enable it first: PATCH /v1/webhooks/{id} with {\"enabled\": true}; it then goes on where it \
     stopped.",
);
pub const WEBHOOK_REMOVED: Code = code(
    "webhook_removed",
    409,
    "The webhook of this delivery was removed.",
    "Make a new webhook, then replay the events: POST /v1/webhooks/{id}/replay.",
);
pub const DELIVERY_NOT_FOUND: Code = code(
    "delivery_not_found",
    404,
    "The shop has no such delivery.",
    "List them: GET /v1/deliveries or `kopeck deliveries list`.",
);
pub const EVENT_NOT_FOUND: Code = code(
    "event_not_found",
    404,
    "The shop has no such event.",
    "List them: GET /v1/events or `kopeck events list`.",
);
pub const PAYMENT_NOT_PAID: Code = code(
    "payment_not_paid",
    409,
    "The payment is not paid, so there is nothing to hand out.",
    "Wait for the event `payment.paid`; the message says how the payment stands.",
);
pub const ALREADY_CLAIMED: Code = code(
    "already_claimed",
    409,
    "Somebody else was handed this out before.",
    "Hand nothing out. If it was you under another name, send the same `claimer` again.",
);
