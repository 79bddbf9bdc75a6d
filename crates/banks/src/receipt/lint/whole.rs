//! Rules about a receipt as a whole: the buyer's address, the tax system, the number of lines.

use super::{
    Check, Rule,
    Severity::{Doubtful, Unsupported, Wrong},
    bare, rule,
};
use crate::receipt::{
    contact::{is_email, is_phone},
    vat::Occasion,
};

/// Tag 1008 holds 64 characters.
const MAX_EMAIL_CHARS: usize = 64;

pub(super) static RULES: &[Rule] = &[
    rule(
        "receipt_email_invalid",
        Wrong,
        "Точка: Client.email обязателен; тег 1008: не длиннее 64 знаков",
        [
            "E-mail покупателя записан неверно или не указан, а банку он нужен.",
            "Укажите адрес вида buyer@example.ru; у Точки одного телефона мало.",
        ],
        [
            "The buyer's e-mail is malformed, or missing at a bank that needs one.",
            "Send an address such as buyer@example.ru; at Tochka a phone alone is not enough.",
        ],
        Check::Whole(|context, receipt| {
            let email = filled(&receipt.email);
            let is_needed = context.limits.is_some_and(|limits| limits.needs_email);
            let most = context.limits.map_or(MAX_EMAIL_CHARS, |limits| limits.max_email_chars);
            let is_bad = |email: &str| !is_email(email) || email.chars().count() > most;
            bare(email.map_or(is_needed, is_bad))
        }),
    ),
    rule(
        "receipt_contact_missing",
        Wrong,
        "54-ФЗ ст. 1.2 п. 5–5.4, тег 1008; Т-Банк: код 329",
        [
            "Нет ни e-mail, ни телефона покупателя: чек некуда отправить.",
            "Укажите одно из двух; телефон в виде +79001234567.",
        ],
        [
            "There is neither the buyer's e-mail nor a phone, so the receipt has nowhere to go.",
            "Send one of them, the phone as +79001234567.",
        ],
        Check::Whole(|_, receipt| {
            bare(filled(&receipt.email).is_none() && filled(&receipt.phone).is_none())
        }),
    ),
    rule(
        "receipt_phone_invalid",
        Wrong,
        "тег 1008; Т-Банк: код 316",
        ["Телефон покупателя — не телефон.", "Запишите его как +79001234567: плюс и только цифры."],
        ["The buyer's phone is not a phone.", "Write it as +79001234567: a plus and digits only."],
        Check::Whole(|context, receipt| {
            let chars = context.limits.map_or(7..=19, |limits| limits.phone_chars.clone());
            let is_bad = |phone: &str| !is_phone(phone) || !chars.contains(&phone.len());
            bare(filled(&receipt.phone).is_some_and(is_bad))
        }),
    ),
    rule(
        "receipt_taxation_missing",
        Wrong,
        "тег 1055; Т-Банк: Taxation обязателен",
        [
            "Не указана система налогообложения: osn, usn_income, usn_income_outcome, esn или \
             patent.",
            "Укажите её в чеке или сохраните в настройке taxation подключения.",
        ],
        [
            "A receipt needs the tax system: osn, usn_income, usn_income_outcome, esn or patent.",
            "Send it with the receipt, or save it as the connection's setting taxation.",
        ],
        Check::Whole(|context, receipt| {
            let is_needed = context.limits.is_some_and(|limits| limits.needs_taxation);
            bare(is_needed && receipt.taxation.or(context.taxation).is_none())
        }),
    ),
    rule(
        "receipt_lines_empty",
        Wrong,
        "54-ФЗ, тег 1059",
        ["В чеке нет ни одной строки.", "Добавьте хотя бы одну строку."],
        ["The receipt has no lines.", "Send at least one line."],
        Check::Whole(|_, receipt| bare(receipt.lines.is_empty())),
    ),
    rule(
        "receipt_lines_many",
        Unsupported,
        "Т-Банк: не больше 100 позиций с 11.06.2025",
        [
            "В чеке больше строк, чем принимает банк.",
            "Объедините одинаковые строки или разделите заказ.",
        ],
        [
            "The receipt has more lines than the bank takes.",
            "Join lines that are alike, or split the order.",
        ],
        Check::Whole(|context, receipt| {
            let most = context.limits.and_then(|limits| limits.max_lines)?;
            let lines = receipt.lines.len();
            (lines > most).then(|| format!("{lines} > {most}"))
        }),
    ),
    rule(
        "receipt_closing_day",
        Doubtful,
        "теги 1214 и 1199: предоплату закрывают при передаче товара",
        [
            "День закрытия указан, а предоплаты в чеке нет, или он раньше самой продажи.",
            "Уберите closes_on, поправьте день или укажите способ расчёта full_prepayment.",
        ],
        [
            "A closing day is named, and nothing is prepaid or the day is before the sale.",
            "Leave closes_on out, mend the day, or send the method full_prepayment.",
        ],
        Check::Whole(|context, receipt| {
            let day = receipt.closes_on?;
            let is_past = matches!(context.occasion, Some(Occasion::Sale { on }) if day < on);
            (is_past || !receipt.is_prepaid()).then(|| day.to_string())
        }),
    ),
    rule(
        "receipt_name_uncarried",
        Doubtful,
        "Т-Банк: в Customer с декабря 2025 года только e-mail или телефон",
        [
            "Имени покупателя банк в чек не передаёт.",
            "Чек обходится без него: хватает e-mail или телефона.",
        ],
        [
            "The bank has no place for the buyer's name.",
            "The receipt does without it: an e-mail or a phone is enough.",
        ],
        Check::Whole(|context, receipt| {
            let is_carried = context.limits.is_none_or(|limits| limits.carries_name);
            bare(filled(&receipt.buyer_name).is_some() && !is_carried)
        }),
    ),
    rule(
        "receipt_settlement_unsupported",
        Unsupported,
        "Точка: в чеке нет видов оплаты",
        [
            "Банк не передаёт в чек зачёт аванса и другие виды оплаты.",
            "Разнесите бонусы по ценам строк или выбейте этот чек на своей кассе.",
        ],
        [
            "The bank has no place for an advance or other ways of paying.",
            "Spread bonus points over the prices, or make this receipt at your cash register.",
        ],
        Check::Whole(|context, receipt| {
            let is_carried = context.limits.is_none_or(|limits| limits.carries_settlement);
            bare(receipt.settlement.is_some() && !is_carried)
        }),
    ),
];

/// An absent text and an empty one are the same.
fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}
