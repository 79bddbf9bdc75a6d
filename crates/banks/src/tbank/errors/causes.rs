//! What follows from each cause: the class, the refusal, and what to tell the payer.

use super::{Cause, Class, Meaning};
use crate::op::{DeclineReason, RefusalClass, Words};

pub fn meaning(cause: Cause) -> &'static Meaning {
    match cause {
        Cause::Funds => &FUNDS,
        Cause::Expired => &EXPIRED,
        Cause::Details => &DETAILS,
        Cause::Blocked => &BLOCKED,
        Cause::Limit => &LIMIT,
        Cause::ThreeDs => &THREE_DS,
        Cause::Suspicion => &SUSPICION,
        Cause::Issuer => &ISSUER,
        Cause::Foreign => &FOREIGN,
        Cause::NotPermitted => &NOT_PERMITTED,
        Cause::SavedGone => &SAVED_GONE,
        Cause::Technical => &TECHNICAL,
        Cause::Busy => &BUSY,
        Cause::Later => &LATER,
        Cause::Field => &FIELD,
        Cause::Receipt => &RECEIPT,
        Cause::Amount => &AMOUNT,
        Cause::State => &STATE,
        Cause::Missing => &MISSING,
        Cause::Duplicate => &DUPLICATE,
        Cause::Token => &TOKEN,
        Cause::Terminal => &TERMINAL,
        Cause::TerminalBlocked => &TERMINAL_BLOCKED,
        Cause::NotEnabled => &NOT_ENABLED,
        Cause::ShopLimit => &SHOP_LIMIT,
        Cause::Balance => &BALANCE,
        Cause::Register => &REGISTER,
        Cause::Unclear => &UNCLEAR,
    }
}

static FUNDS: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "payer_funds_missing",
    hint: "Let the payer add money or pay another way.",
    reason: DeclineReason::InsufficientFunds,
    payer: Words {
        ru: "Недостаточно средств. Пополните счет или оплатите другим способом.",
        en: "There is not enough money. Add some or pay another way.",
    },
};

static EXPIRED: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "card_expired",
    hint: "Let the payer use another card.",
    reason: DeclineReason::CardExpired,
    payer: Words {
        ru: "Срок действия карты истек. Оплатите другой картой.",
        en: "The card has expired. Pay with another card.",
    },
};

static DETAILS: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "card_details_wrong",
    hint: "Let the payer check what was typed.",
    reason: DeclineReason::CardDetails,
    payer: Words {
        ru: "Проверьте номер, срок действия и код карты.",
        en: "Check the card's number, expiry date and code.",
    },
};

static BLOCKED: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "card_blocked",
    hint: "Let the payer use another card or account.",
    reason: DeclineReason::CardBlocked,
    payer: Words {
        ru: "Карта или счет недоступны. Оплатите другой картой.",
        en: "The card or account cannot be used. Pay with another card.",
    },
};

static LIMIT: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "payer_limit_exceeded",
    hint: "Let the payer raise the limit at their bank, or pay less or another way.",
    reason: DeclineReason::LimitExceeded,
    payer: Words {
        ru: "Превышен лимит по карте или счету. Измените лимит в своем банке или оплатите \
             другим способом.",
        en: "A limit of the card or account is exceeded. Change it at your bank or pay another \
             way.",
    },
};

static THREE_DS: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "three_ds_failed",
    hint: "Let the payer try once more and confirm with the code.",
    reason: DeclineReason::ThreeDsFailed,
    payer: Words {
        ru: "Банк не получил подтверждения оплаты. Попробуйте еще раз или оплатите другой \
             картой.",
        en: "The payment was not confirmed with your bank. Try once more or use another card.",
    },
};

static SUSPICION: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "payment_suspicious",
    hint: "Let the payer call their bank or pay another way.",
    reason: DeclineReason::Suspicion,
    payer: Words {
        ru: "Банк отклонил платеж как подозрительный. Позвоните в свой банк или оплатите другой \
             картой.",
        en: "The bank declined the payment as suspicious. Call your bank or use another card.",
    },
};

static ISSUER: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "issuer_declined",
    hint: "Let the payer ask their bank or pay another way.",
    reason: DeclineReason::IssuerDeclined,
    payer: Words {
        ru: "Ваш банк отклонил платеж. Обратитесь в него или оплатите другой картой.",
        en: "Your bank declined the payment. Ask it, or use another card.",
    },
};

static FOREIGN: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "card_foreign",
    hint: "Let the payer use a card of a Russian bank.",
    reason: DeclineReason::ForeignCard,
    payer: Words {
        ru: "Такая карта не принимается. Оплатите картой российского банка.",
        en: "Such a card is not accepted. Pay with a card of a Russian bank.",
    },
};

static NOT_PERMITTED: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "card_not_permitted",
    hint: "Let the payer use another card or account.",
    reason: DeclineReason::NotPermitted,
    payer: Words {
        ru: "Карта или счет не подходят для такой оплаты. Оплатите другой картой.",
        en: "The card or account does not allow such payments. Use another card.",
    },
};

static SAVED_GONE: Meaning = Meaning {
    class: Class::Declined,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "saved_means_gone",
    hint: "Let the payer pay once more and save the card or account anew.",
    reason: DeclineReason::SavedGone,
    payer: Words {
        ru: "Сохраненная карта или счет больше не действуют. Оплатите и сохраните заново.",
        en: "The saved card or account is no longer valid. Pay and save it anew.",
    },
};

static TECHNICAL: Meaning = Meaning {
    class: Class::Retry,
    is_certain: false,
    refusal: RefusalClass::Conflict,
    name: "bank_technical",
    hint: "Ask for the state of the payment, then try later.",
    reason: DeclineReason::Technical,
    payer: Words {
        ru: "Техническая ошибка банка. Попробуйте позже.",
        en: "The bank has a technical problem. Try later.",
    },
};

static BUSY: Meaning = Meaning {
    class: Class::Retry,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "bank_busy",
    hint: "Try again in some minutes.",
    reason: DeclineReason::Technical,
    payer: Words {
        ru: "Банк перегружен. Попробуйте через несколько минут.",
        en: "The bank is busy. Try again in some minutes.",
    },
};

static LATER: Meaning = Meaning {
    class: Class::Retry,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "attempts_exhausted",
    hint: "Wait as long as the bank says, or choose another bank of the payer.",
    reason: DeclineReason::LimitExceeded,
    payer: Words {
        ru: "Слишком много попыток. Попробуйте позже.",
        en: "Too many attempts. Try later.",
    },
};

static FIELD: Meaning = Meaning {
    class: Class::OurMistake,
    is_certain: true,
    refusal: RefusalClass::Invalid,
    name: "bank_validation_failed",
    hint: "Mend the field that the bank names.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин не смог создать платеж. Обратитесь в магазин.",
        en: "The shop could not make the payment. Contact the shop.",
    },
};

static RECEIPT: Meaning = Meaning {
    class: Class::OurMistake,
    is_certain: true,
    refusal: RefusalClass::Invalid,
    name: "receipt_refused",
    hint: "Mend the receipt: the bank names what is wrong with it.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин не смог оформить чек. Обратитесь в магазин.",
        en: "The shop could not make the receipt. Contact the shop.",
    },
};

static AMOUNT: Meaning = Meaning {
    class: Class::OurMistake,
    is_certain: true,
    refusal: RefusalClass::Invalid,
    name: "amount_refused",
    hint: "Send an amount that the bank takes: from 1 ruble by card, from 10 rubles by SBP, not \
           above what is left.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Такую сумму оплатить нельзя. Обратитесь в магазин.",
        en: "This amount cannot be paid. Contact the shop.",
    },
};

static STATE: Meaning = Meaning {
    class: Class::OurMistake,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "payment_state_wrong",
    hint: "Look at the payment's state: it does not allow this, or it is done already.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Платеж уже обработан или закрыт. Обратитесь в магазин.",
        en: "The payment is done or closed already. Contact the shop.",
    },
};

static MISSING: Meaning = Meaning {
    class: Class::OurMistake,
    is_certain: true,
    refusal: RefusalClass::NotFound,
    name: "bank_object_missing",
    hint: "Check the id, and that the terminal is the one it was made with.",
    reason: DeclineReason::SavedGone,
    payer: Words {
        ru: "Платеж, карта или счет не найдены. Обратитесь в магазин.",
        en: "The payment, card or account was not found. Contact the shop.",
    },
};

static DUPLICATE: Meaning = Meaning {
    class: Class::OurMistake,
    is_certain: true,
    refusal: RefusalClass::Duplicate,
    name: "reference_taken",
    hint: "The bank has an order with this number already: look for it before making another.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Этот заказ уже оплачен или оплачивается. Обратитесь в магазин.",
        en: "This order is paid or being paid already. Contact the shop.",
    },
};

static TOKEN: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Credentials,
    name: "bank_password_wrong",
    hint: "Check terminal_key and password: both are in the bank's cabinet, on the terminal's \
           page.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин временно не принимает оплату. Обратитесь в магазин.",
        en: "The shop cannot take payments now. Contact the shop.",
    },
};

static TERMINAL: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Credentials,
    name: "terminal_unknown",
    hint: "Check terminal_key and base_url: a key that ends in DEMO works at the production \
           address.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин временно не принимает оплату. Обратитесь в магазин.",
        en: "The shop cannot take payments now. Contact the shop.",
    },
};

static TERMINAL_BLOCKED: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Credentials,
    name: "terminal_blocked",
    hint: "Ask the bank's support why the terminal is blocked.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин временно не принимает оплату. Обратитесь в магазин.",
        en: "The shop cannot take payments now. Contact the shop.",
    },
};

static NOT_ENABLED: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Unsupported,
    name: "feature_not_enabled",
    hint: "Switch it on in the bank's cabinet, or ask the bank's support to.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Этот способ оплаты недоступен в магазине. Выберите другой.",
        en: "The shop does not take this way to pay. Choose another.",
    },
};

static SHOP_LIMIT: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "shop_limit_exceeded",
    hint: "Ask the bank's support to raise the shop's limit.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Сумма превышает лимит магазина. Обратитесь в магазин.",
        en: "The amount is above the shop's limit. Contact the shop.",
    },
};

static BALANCE: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "shop_balance_short",
    hint: "Put money on the shop's account, then ask for the refund again.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин пока не может выполнить операцию. Обратитесь в магазин.",
        en: "The shop cannot do this now. Contact the shop.",
    },
};

static REGISTER: Meaning = Meaning {
    class: Class::Configuration,
    is_certain: true,
    refusal: RefusalClass::Conflict,
    name: "cash_register_missing",
    hint: "Attach a cash register to the terminal in the bank's cabinet.",
    reason: DeclineReason::Shop,
    payer: Words {
        ru: "Магазин не смог оформить чек. Обратитесь в магазин.",
        en: "The shop could not make the receipt. Contact the shop.",
    },
};

static UNCLEAR: Meaning = Meaning {
    class: Class::Unknown,
    is_certain: false,
    refusal: RefusalClass::Conflict,
    name: "bank_unclear",
    hint: "Ask for the state of the payment; the bank's support knows the details.",
    reason: DeclineReason::Unknown,
    payer: Words {
        ru: "Платеж не прошел. Попробуйте еще раз или оплатите другим способом.",
        en: "The payment failed. Try once more or pay another way.",
    },
};
