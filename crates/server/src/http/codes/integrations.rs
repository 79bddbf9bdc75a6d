//! Error codes of integrations, and of refunds that are looked for. What a service itself refuses
//! has codes of its own, which its page in `docs/integrations` lists.

use super::{Code, code};

pub const INTEGRATION_UNKNOWN: Code = code(
    "integration_unknown",
    422,
    "There is no integration of this name.",
    "The names: email, max, telegram, sms, wazzup, greenapi, salebot, bitrix24.",
);
pub const INTEGRATION_NOT_FOUND: Code = code(
    "integration_not_found",
    404,
    "The shop has no such integration.",
    "List them: GET /v1/integrations or `kopeck integration list`.",
);
pub const INTEGRATION_NOT_CONNECTED: Code = code(
    "integration_not_connected",
    409,
    "The shop has not set up this way to send.",
    "Set it up: POST /v1/integrations or `kopeck integration add`.",
);
pub const INTEGRATION_LIMIT: Code = code(
    "integration_limit",
    409,
    "The shop has as many integrations as it may.",
    "Remove one that nobody needs: DELETE /v1/integrations/{id}.",
);
pub const SENDING_KIND_UNSUPPORTED: Code = code(
    "sending_kind_unsupported",
    422,
    "This integration tells nobody anything of this kind.",
    "Send `link`, or choose another way.",
);
pub const SENDING_NOT_FOUND: Code = code(
    "sending_not_found",
    404,
    "The shop has sent no such message.",
    "List them: GET /v1/sendings or `kopeck sendings list`.",
);
pub const ERRAND_NOT_FOUND: Code = code(
    "errand_not_found",
    404,
    "No portal of the shop's asked for this.",
    "List what portals asked for: GET /v1/integrations/{id}/errands.",
);
pub const ERRAND_NOT_FAILED: Code = code(
    "errand_not_failed",
    409,
    "It waits for its turn or is done.",
    "Only errands that are `failed` are tried anew.",
);
pub const SENDING_NOT_FAILED: Code = code(
    "sending_not_failed",
    409,
    "The message is on its way, has arrived, or is of use to nobody any more.",
    "Only messages that are `failed` or `unknown` are sent again.",
);
pub const SENDING_OVERTAKEN: Code = code(
    "sending_overtaken",
    409,
    "A later outcome of the payment has arrived there; told after it, this one would undo it.",
    "Nothing needs to be done: what is known there is newer.",
);
pub const SENDING_NOT_NEEDED: Code = code(
    "sending_not_needed",
    409,
    "What the message says is not true any more.",
    "Look at its payment or subscription; send what holds now.",
);
pub const PAYMENT_NOT_PAYABLE: Code = code(
    "payment_not_payable",
    409,
    "The payment can no longer be paid, so its link is not sent.",
    "Make a new payment and send its link.",
);

pub const CHAT_UNSUPPORTED: Code = code(
    "chat_unsupported",
    422,
    "This service has no chats that could be tied to customers.",
    "Take telegram or max.",
);
pub const BOT_NAME_MISSING: Code = code(
    "bot_name_missing",
    409,
    "The bot's name is not set, and a start link begins with it.",
    "Save it: `kopeck integration edit int_… --set bot=shop_bot`.",
);
pub const CHAT_NOT_BOUND: Code = code(
    "chat_not_bound",
    409,
    "The customer has no chat with the shop's bots.",
    "Give the customer a start link: POST /v1/customers/{id}/chats; Start ties the chat.",
);

pub const API_KEY_SCOPE: Code = code(
    "api_key_scope",
    403,
    "This key is a bot's: it opens /compat/bot/, /compat/salebot/ and /v1/me, nothing else.",
    "For everything else make a key of its own: `kopeck keys create`.",
);

pub const REFUND_UNKNOWN: Code = code(
    "refund_unknown",
    404,
    "The shop has no such refund.",
    "List the payment's: GET /v1/payments/{id}.",
);

/// Rows of the one table.
pub const INTEGRATIONS: &[Code] = &[
    INTEGRATION_UNKNOWN,
    INTEGRATION_NOT_FOUND,
    INTEGRATION_NOT_CONNECTED,
    INTEGRATION_LIMIT,
    SENDING_KIND_UNSUPPORTED,
    SENDING_NOT_FOUND,
    SENDING_NOT_FAILED,
    SENDING_OVERTAKEN,
    SENDING_NOT_NEEDED,
    PAYMENT_NOT_PAYABLE,
    CHAT_UNSUPPORTED,
    BOT_NAME_MISSING,
    CHAT_NOT_BOUND,
    API_KEY_SCOPE,
    REFUND_UNKNOWN,
];
