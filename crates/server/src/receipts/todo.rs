//! What a person has to do about a receipt, in Russian and in English: one table.

use super::model::{Kind, Reason, Record, State};

/// A task.
#[derive(Debug, PartialEq, Eq)]
pub struct Todo {
    /// Stable.
    pub code: &'static str,
    pub ru: &'static str,
    pub en: &'static str,
}

const CLOSE: Todo = Todo {
    code: "close",
    ru: "Когда предоплаченное передано покупателю, отправьте закрывающий чек: `kopeck receipt \
         close`. Если часть денег вернули, банк его не примет: выбейте на своей кассе и отметьте.",
    en: "When what was prepaid is delivered, send the closing receipt: `kopeck receipt close`. If \
         a part went back the bank takes none: make it at your cash register and note it.",
};
const CLOSE_BY_HAND: Todo = Todo {
    code: "close_by_hand",
    ru: "Когда предоплаченное передано покупателю, выбейте закрывающий чек на своей кассе (у банка \
         такого запроса нет) и отметьте его: `kopeck receipt note --kind closing`.",
    en: "When what was prepaid is delivered, make the closing receipt at your cash register (the \
         bank has no such request) and note it: `kopeck receipt note --kind closing`.",
};
const MAKE_BY_HAND: Todo = Todo {
    code: "make_by_hand",
    ru: "Банк этот чек не делает: сделайте его сами, как сказано в заметке, и отметьте: `kopeck \
         receipt settle --number …`.",
    en: "The bank does not make this receipt: make it as its note says, then say so: `kopeck \
         receipt settle --number …`.",
};
const MAKE_NPD: Todo = Todo {
    code: "make_npd",
    ru: "Сделайте чек в «Мой налог» (https://lknpd.nalog.ru) в день оплаты и отметьте его: `kopeck \
         receipt settle --number …`.",
    en: "Make the receipt in «Мой налог» (https://lknpd.nalog.ru) on the day of the payment, then \
         say so: `kopeck receipt settle --number …`.",
};
const ANNUL_NPD: Todo = Todo {
    code: "annul_npd",
    ru: "Деньги возвращены: аннулируйте чек в «Мой налог», а если вернули часть, сделайте новый \
         на остаток; затем отметьте: `kopeck receipt settle --number …`.",
    en: "The money went back: annul the receipt in «Мой налог», and if it was a part make a new \
         one of the rest; then say so: `kopeck receipt settle --number …`.",
};
const MAKE_CHARGE: Todo = Todo {
    code: "make_charge",
    ru: "Банк не принимает чек вместе со списанием с карты, которую он хранит. Если в кабинете \
         кассы чека на это списание нет, сделайте его на своей кассе в день оплаты и отметьте: \
         `kopeck receipt settle --number …`.",
    en: "The bank takes no receipt with a charge of a card that it keeps. Unless the cash \
         register's cabinet shows one for this charge, make it at your cash register on the day of \
         the payment, then say so: `kopeck receipt settle --number …`.",
};
const MAKE_NO_CONTACT: Todo = Todo {
    code: "make_no_contact",
    ru: "Покупатель не оставил адреса, на который банк отправит чек (Точке нужен e-mail, Т-Банку \
         e-mail или телефон), и банк его не сделал. Сделайте чек на своей кассе и отметьте: \
         `kopeck receipt settle --number …`. Чтобы чеки делал банк, передавайте customer.email.",
    en: "The buyer left no address that the bank sends receipts to (Tochka needs an e-mail, T-Bank \
         an e-mail or a phone), so that the bank made none. Make it at your cash register, then \
         say so: `kopeck receipt settle --number …`. Send customer.email and the bank makes them.",
};
const MAKE_REFUND: Todo = Todo {
    code: "make_refund_by_hand",
    ru: "Деньги возвращены, а чек на оплату делали вы сами, поэтому и чека возврата банк не даст. \
         Выбейте чек возврата прихода с этими строками и отметьте: `kopeck receipt settle --number \
         …`.",
    en: "The money went back, and as you made the receipt of the payment yourself the bank makes \
         none of the refund. Make a refund receipt with these lines, then say so: `kopeck receipt \
         settle --number …`.",
};
const CORRECT_VAT: Todo = Todo {
    code: "correct_vat",
    ru: "Банк мог сделать этот чек со ставкой НДС не того дня, когда пришли деньги: ссылку \
         создали, или холд списывали, при другой ставке. Сверьте чек; если ставка не та, сделайте \
         чек коррекции на своей кассе. Затем отметьте: `kopeck receipt note --kind correction \
         --number …`.",
    en: "The bank may have made this receipt at the VAT of another day than that of the money: \
         the link was made, or the hold taken, when another rate held. Look at the receipt; if its \
         rate is wrong make a correction receipt at your cash register. Then note it: `kopeck \
         receipt note --kind correction --number …`.",
};
const MAKE_UNMIRRORED: Todo = Todo {
    code: "make_unmirrored",
    ru: "По строкам первого чека не видно, что вернулось (подробности в заметке): сделайте чек \
         возврата прихода на своей кассе и отметьте: `kopeck receipt settle --number …`.",
    en: "The lines of the first receipt do not tell what went back (see the note): make the refund \
         receipt at your cash register, then say so: `kopeck receipt settle --number …`.",
};
const RETRYING: Todo = Todo {
    code: "retrying",
    ru: "Касса чек не сделала. Kopeck отправит его ещё раз сам; ждать не обязательно: `kopeck \
         receipt retry`.",
    en: "The cash register did not make it. Kopeck sends it again by itself; you need not wait: \
         `kopeck receipt retry`.",
};
const RETRY: Todo = Todo {
    code: "retry",
    ru: "Закрывающий чек не сделан, сам Kopeck больше не пробует. Посмотрите в кабинете кассы, не \
         сделан ли он позже; если нет, устраните причину и повторите: `kopeck receipt retry`; или \
         выбейте чек на своей кассе и отметьте: `kopeck receipt settle --number …`.",
    en: "The closing receipt is not made, and Kopeck tries no more by itself. Look in the cash \
         register's cabinet whether it was made later; if not, mend the reason and try again: \
         `kopeck receipt retry`; or make it at your cash register and say so: `kopeck receipt \
         settle --number …`.",
};
const INCOME_FAILED: Todo = Todo {
    code: "make_income",
    ru: "Платёж принят, а чек на него не сделан, и повторить его запросом к банку нельзя. \
         Посмотрите в кабинете кассы, не сделан ли он позже; если нет, сделайте его на своей кассе \
         (задним числом — чек коррекции) и отметьте: `kopeck receipt settle --number …`.",
    en: "The payment stands, its receipt was not made, and no request to the bank makes it again. \
         Look in the cash register's cabinet whether it was made later; if not, make it at your \
         cash register (afterwards: as a correction) and say so: `kopeck receipt settle --number \
         …`.",
};
const REFUND_FAILED: Todo = Todo {
    code: "make_refund",
    ru: "Деньги возвращены, а чек возврата не сделан, и повторить его запросом к банку нельзя. \
         Посмотрите в кабинете кассы, не сделан ли он позже; если нет, выбейте чек возврата \
         прихода с этими строками и отметьте: `kopeck receipt settle --number …`.",
    en: "The money went back, the refund's receipt was not made, and no request to the bank makes \
         it again. Look in the cash register's cabinet whether it was made later; if not, make a \
         refund receipt with these lines and say so: `kopeck receipt settle --number …`.",
};
const LOOK: Todo = Todo {
    code: "look",
    ru: "Банк не ответил на закрывающий чек, и повторно он не отправлен, чтобы чеков не стало два. \
         Посмотрите в кабинете кассы: если чек есть, отметьте его (`kopeck receipt settle \
         --number …`), если нет — `kopeck receipt close --again`.",
    en: "The bank did not answer the closing receipt, and it was not sent again, lest there be \
         two. Look in the cash register's cabinet: if it is there, say so (`kopeck receipt settle \
         --number …`); if not, `kopeck receipt close --again`.",
};

const UNSENT: Todo = Todo {
    code: "unsent",
    ru: "Закрывающий чек ещё не ушёл: банк занят или недоступен. Kopeck пробует дальше сам; если \
         ждать нельзя, проверьте связь с банком или выбейте чек на своей кассе и \
         отметьте: `kopeck receipt settle --number …`.",
    en: "The closing receipt has not left: the bank is busy or out of reach. Kopeck goes on \
         trying; if it cannot wait, look at the connection to the bank, or make the \
         receipt at your cash register and say so: `kopeck receipt settle --number …`.",
};

const LATE: Todo = Todo {
    code: "late",
    ru: "Касса за сутки ничего не сообщила. Проверьте адрес уведомлений в настройках терминала; \
         если чек есть в кабинете кассы, отметьте его: `kopeck receipt settle --number …`.",
    en: "The cash register has said nothing for a day. Look at the notification address in the \
         terminal's settings; if the receipt is in the cash register's cabinet, say so: `kopeck \
         receipt settle --number …`.",
};

/// Every task, for docs.
pub static ALL: [&Todo; 17] = [
    &CLOSE,
    &CLOSE_BY_HAND,
    &MAKE_BY_HAND,
    &MAKE_NPD,
    &ANNUL_NPD,
    &MAKE_CHARGE,
    &MAKE_NO_CONTACT,
    &MAKE_REFUND,
    &CORRECT_VAT,
    &MAKE_UNMIRRORED,
    &RETRYING,
    &RETRY,
    &INCOME_FAILED,
    &REFUND_FAILED,
    &LOOK,
    &UNSENT,
    &LATE,
];

/// The same at this moment, when the cash register's word may be late.
pub fn find_todo_at(record: &Record, now_ms: i64) -> Option<&'static Todo> {
    let late = record.is_late(now_ms).then_some(&LATE);
    late.filter(|_| !record.is_due(now_ms)).or_else(|| find_todo(record)).or(late)
}

/// What is to be done about the receipt, if anything.
pub fn find_todo(record: &Record) -> Option<&'static Todo> {
    if record.look_ms.is_some() {
        return Some(match (record.state, record.kind) {
            (State::Failed, Kind::Closing) if record.retry_ms.is_some() => &RETRYING,
            (State::Failed, Kind::Closing) => &RETRY,
            (State::Failed, Kind::Refund) => &REFUND_FAILED,
            (State::Failed, Kind::Income | Kind::Correction) => &INCOME_FAILED,
            (State::Queued, Kind::Closing) => &UNSENT,
            (State::Sent | State::Registered, Kind::Closing) => &LOOK,
            (State::None | State::Queued | State::Sent | State::Registered, _) => by_hand(record),
        });
    }
    let can_close = record.limits().is_some_and(|limits| limits.closes) && !record.is_foreign();
    record.closes_ms.map(|_| if can_close { &CLOSE } else { &CLOSE_BY_HAND })
}

const fn by_hand(record: &Record) -> &'static Todo {
    match record.reason {
        Some(Reason::Npd) => &MAKE_NPD,
        Some(Reason::NpdBack) => &ANNUL_NPD,
        Some(Reason::KeptCharge | Reason::NoContact) if matches!(record.kind, Kind::Refund) => {
            &MAKE_REFUND
        }
        Some(Reason::KeptCharge) => &MAKE_CHARGE,
        Some(Reason::NoContact) => &MAKE_NO_CONTACT,
        Some(Reason::OldVat) => &CORRECT_VAT,
        Some(Reason::Unmirrored) => &MAKE_UNMIRRORED,
        None => &MAKE_BY_HAND,
    }
}
