//! Rules about marked goods and about goods that are sold for somebody else.

use super::{
    Check, Rule,
    Severity::{Unsupported, Wrong},
    bare, rule,
};
use crate::receipt::{
    contact::{is_phone, is_tax_code},
    model::{Agent, Line, Receipt, Supplier},
    quantity::{ONE_MILLI, quantity_text},
    words::{AgentKind, Ffd},
};

/// Tags 1026 and 1044.
const MAX_AGENT_CHARS: usize = 64;
/// Tag 1005.
const MAX_ADDRESS_CHARS: usize = 243;
/// Tag 1225, with the phones and four more for each.
const MAX_SUPPLIER_CHARS: usize = 239;

pub(super) static RULES: &[Rule] = &[
    rule(
        "receipt_mark_unsupported",
        Unsupported,
        "Точка: в чеке нет кода маркировки",
        [
            "Код маркировки банк не передаёт.",
            "Маркированные товары продавайте через банк или кассу, которые его передают.",
        ],
        [
            "The bank does not carry marking codes.",
            "Sell marked goods through a bank or a cash register that does.",
        ],
        Check::Line(|context, _, line| {
            let is_carried = context.limits.is_none_or(|limits| limits.carries_marks);
            bare(line.mark.is_some() && !is_carried)
        }),
    ),
    rule(
        "receipt_mark_quantity",
        Wrong,
        "теги 1023 и 1163: один код — одна единица; Т-Банк: Quantity 1 при MarkCode",
        [
            "Код маркировки стоит на одной единице, а количество другое.",
            "Сделайте по строке с количеством 1 на каждый код.",
        ],
        [
            "A marking code is on one piece, and the quantity is not one.",
            "Make a line of quantity 1 for each code.",
        ],
        Check::Line(|_, _, line| {
            let is_broken = line.mark.is_some() && line.quantity_milli != ONE_MILLI;
            is_broken.then(|| quantity_text(line.quantity_milli))
        }),
    ),
    rule(
        "receipt_mark_format",
        Wrong,
        "54-ФЗ: ФФД 1.2 обязателен для маркированных товаров",
        [
            "Код маркировки бывает только в чеках формата 1.2.",
            "Переведите кассу на ФФД 1.2 и сохраните ffd_version = 1.2.",
        ],
        [
            "Marking codes go into receipts of format 1.2 only.",
            "Switch the cash register to format 1.2 and save ffd_version = 1.2.",
        ],
        Check::Line(|context, receipt, line| {
            bare(line.mark.is_some() && context.format(receipt) != Ffd::V12)
        }),
    ),
    rule(
        "receipt_mark_subject",
        Wrong,
        "теги 1212 и 1163",
        [
            "Код маркировки указан, а предмет расчёта — не маркированный товар.",
            "Укажите goods_with_marking_code или excisable_goods_with_marking_code.",
        ],
        [
            "There is a marking code, and the subject is not marked goods.",
            "Send goods_with_marking_code or excisable_goods_with_marking_code.",
        ],
        Check::Line(|_, _, line| {
            let is_broken = line.mark.is_some() && !line.subject.is_marked();
            is_broken.then(|| line.subject.as_str().to_owned())
        }),
    ),
    rule(
        "receipt_mark_missing",
        Wrong,
        "теги 1212 и 1163; Т-Банк: поля маркировки обязательны",
        [
            "Товар назван маркированным, а кода маркировки нет.",
            "Передайте код с упаковки или выберите goods_without_marking_code.",
        ],
        [
            "The goods are called marked, and there is no marking code.",
            "Send the code of the package, or choose goods_without_marking_code.",
        ],
        Check::Line(|_, _, line| {
            let is_empty = line.mark.as_ref().is_none_or(|mark| mark.value.trim().is_empty());
            bare(is_empty && (line.subject.is_marked() || line.mark.is_some()))
        }),
    ),
    rule(
        "receipt_agent_unsupported",
        Unsupported,
        "Точка: только Supplier, без признака агента",
        [
            "Признак агента банк не передаёт, только поставщика.",
            "Уберите agent и оставьте supplier или выбейте чек на своей кассе.",
        ],
        [
            "The bank carries the supplier only, not the agent's role.",
            "Leave agent out and keep supplier, or make the receipt at your cash register.",
        ],
        Check::Line(|context, _, line| {
            let is_carried = context.limits.is_none_or(|limits| limits.carries_agents);
            bare(line.agent.is_some() && !is_carried)
        }),
    ),
    rule(
        "receipt_agent_incomplete",
        Wrong,
        "теги 1222, 1044, 1026, 1005, 1016, 1073–1075",
        [
            "Данных агента меньше, чем требует его роль, или они записаны неверно.",
            "Платёжному агенту нужны phones и receiver_phones, банковскому — phones, operation и \
             operator с именем, адресом, ИНН и телефонами.",
        ],
        [
            "The agent's data are fewer than its role needs, or malformed.",
            "A paying agent needs phones and receiver_phones, a bank's agent phones, operation \
             and operator with name, address, INN and phones.",
        ],
        Check::Line(|_, _, line| {
            let agent = line.agent.as_ref()?;
            (!is_complete(agent)).then(|| agent.kind.as_str().to_owned())
        }),
    ),
    rule(
        "receipt_supplier_missing",
        Wrong,
        "теги 1224–1226; Т-Банк: SupplierInfo обязателен при AgentSign",
        ["Агент указан, а поставщик — нет.", "Добавьте supplier: имя, телефон и ИНН."],
        ["There is an agent and no supplier.", "Add supplier: name, phone and INN."],
        Check::Line(|_, receipt, line| {
            bare(line.agent.is_some() && receipt.supplier_of(line).is_none())
        }),
    ),
    rule(
        "receipt_supplier_phone_invalid",
        Wrong,
        "тег 1171; Точка: 11–15 знаков; Т-Банк: не больше 19",
        [
            "Телефон поставщика записан неверно, длиннее или короче, чем принимает банк.",
            "Запишите его как +79991234567.",
        ],
        [
            "The supplier's phone is malformed, or longer or shorter than the bank takes.",
            "Write it as +79991234567.",
        ],
        Check::Line(|context, receipt, line| {
            let chars = context.limits.map_or(7..=19, |limits| limits.supplier_phone_chars.clone());
            supplier(receipt, line, |supplier| {
                !is_phone(&supplier.phone) || !chars.contains(&supplier.phone.len())
            })
        }),
    ),
    rule(
        "receipt_supplier_tax_code_invalid",
        Wrong,
        "тег 1226",
        ["ИНН поставщика — 10 или 12 цифр.", "Запишите ИНН одними цифрами."],
        ["The supplier's INN must have 10 or 12 digits.", "Send the INN in digits only."],
        Check::Line(|_, receipt, line| {
            supplier(receipt, line, |supplier| !is_tax_code(&supplier.tax_code))
        }),
    ),
    rule(
        "receipt_supplier_name_invalid",
        Wrong,
        "тег 1225: 239 знаков вместе с телефонами",
        [
            "Имя поставщика пустое или слишком длинное.",
            "Укажите имя поставщика как в его документах, не длиннее 200 знаков.",
        ],
        [
            "The supplier's name is empty or too long.",
            "Send the supplier's name as in its documents, within 200 characters.",
        ],
        Check::Line(|_, receipt, line| {
            supplier(receipt, line, |supplier| {
                let most = MAX_SUPPLIER_CHARS.saturating_sub(supplier.phone.len() + 4);
                !is_text(&supplier.name, most)
            })
        }),
    ),
];

fn supplier(
    receipt: &Receipt,
    line: &Line,
    is_broken: impl Fn(&Supplier) -> bool,
) -> Option<String> {
    bare(receipt.supplier_of(line).is_some_and(is_broken))
}

fn is_text(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most
}

fn are_phones(phones: &[String], is_needed: bool) -> bool {
    (!is_needed || !phones.is_empty()) && phones.iter().all(|phone| is_phone(phone))
}

fn is_complete(agent: &Agent) -> bool {
    let (is_bank, is_paying) = match agent.kind {
        AgentKind::BankPayingAgent | AgentKind::BankPayingSubagent => (true, false),
        AgentKind::PayingAgent | AgentKind::PayingSubagent => (false, true),
        AgentKind::Attorney | AgentKind::CommissionAgent | AgentKind::Another => (false, false),
    };
    let operation = agent.operation.as_deref();
    let operator = agent.operator.as_ref();
    let is_operation = operation.map_or(!is_bank, |text| is_text(text, MAX_AGENT_CHARS));
    let is_operator = operator.map_or(!is_bank, |operator| {
        is_text(&operator.name, MAX_AGENT_CHARS)
            && is_text(&operator.address, MAX_ADDRESS_CHARS)
            && is_tax_code(&operator.tax_code)
            && are_phones(&operator.phones, true)
    });
    are_phones(&agent.phones, is_bank || is_paying)
        && are_phones(&agent.receiver_phones, is_paying)
        && is_operation
        && is_operator
}
