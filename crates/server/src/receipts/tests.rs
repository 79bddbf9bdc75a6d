//! Tests of forms, checks and defaults.

use jiff::civil::date;
use kopeck_banks::{Money, bank::find_bank, receipt::preset::Taxpayer};
use serde_json::json;

use super::{
    check::{Around, check, moscow_day},
    defaults::{DefaultsInput, VatInput, read},
    flow::{Stored, stored},
    form::{Form, parse_any, read_any, without_marks, write},
    model::{News, State, step},
    request::SaleInput,
};

const EVERYTHING: &str = r#"{"email": "a@example.ru", "phone": "+79001234567", "name": "Иван",
    "taxation": "osn", "ffd": "1.2", "settlement": {"electronic": "90", "advance": "10.5"},
    "supplier": {"phone": "+79991234567", "name": "ООО", "inn": "7707083893"},
    "items": [{"name": "Пиво", "price": "100.50", "vat": "vat22", "method": "partial_payment",
        "subject": "excisable_goods_with_marking_code", "measure": "piece", "quantity": "1",
        "mark": {"kind": "gs1m", "value": "01"},
        "agent": {"kind": "bank_paying_agent", "phones": ["+79001234567"], "operation": "Приём",
            "operator": {"name": "АО", "address": "Тольятти", "inn": "7710140679",
                "phones": ["+79221210697"]}},
        "supplier": {"phone": "+79991234567", "name": "ООО", "inn": "7707083893"}}]}"#;

#[test]
fn what_is_written_reads_back() {
    let receipt = parse_any(EVERYTHING).unwrap();
    assert_eq!(parse_any(&write(&receipt)).unwrap(), receipt);
    let Stored::Bank(again) = stored(&write(&receipt)).unwrap() else { panic!() };
    assert_eq!(*again, receipt);
}

#[test]
fn a_form_is_told_by_its_members() {
    let function = r#"[{"name": "Курс", "quantity": 1, "price": 4900, "vat_code": 1}]"#;
    let (form, reading) = read_any(function);
    assert_eq!(form, Form::Salebot);
    assert_eq!(reading.problems, vec![]);
    assert_eq!(reading.receipt.total(), Some(Money::parse_rubles("4900").unwrap()));
    let bank = r#"{"Email": "a@example.ru", "Taxation": "osn", "Items": [{"Name": "Курс",
        "Price": 490000, "Quantity": 1, "Amount": 490000, "Tax": "none"}]}"#;
    let (form, reading) = read_any(bank);
    assert_eq!((form, reading.problems), (Form::Bank, vec![]));
    assert_eq!(reading.receipt.total(), Some(Money::parse_rubles("4900").unwrap()));
}

fn codes(text: &str, around: Around) -> Vec<(&'static str, Option<usize>)> {
    let report = check(text, &around);
    report.findings.iter().map(|finding| (finding.rule.code, finding.line)).collect()
}

#[test]
fn every_finding_is_named_and_lines_keep_their_numbers() {
    let text = r#"{"email": "a@example.ru", "items": [
        {"name": "", "price": "1", "vat": "none"},
        {"name": "b", "price": "x", "vat": "none"},
        {"name": "c", "price": "1", "vat": "vat21"},
        {"name": "d", "price": "1", "quantity": "0.0001", "vat": "none"},
        {"name": "e", "price": "1", "vat": "vat20"}]}"#;
    let on = Some(date(2026, 11, 22));
    let found = codes(text, Around { on, ..Around::default() });
    let expected = [
        ("receipt_number_invalid", Some(1)),
        ("receipt_vat_unknown", Some(2)),
        ("receipt_quantity_unreadable", Some(3)),
        ("receipt_name_invalid", Some(0)),
        ("receipt_vat_date_mismatch", Some(4)),
    ];
    for one in expected {
        assert!(found.contains(&one), "{one:?} in {found:?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let before = Around { on: Some(date(2025, 12, 31)), ..Around::default() };
    assert!(!codes(text, before).iter().any(|(code, _)| *code == "receipt_vat_date_mismatch"));
}

#[test]
fn a_bank_and_the_amount_are_asked_only_when_named() {
    let text = r#"{"phone": "+79001234567", "items": [{"name": "a", "price": 1, "vat": "none"}]}"#;
    assert_eq!(codes(text, Around::default()), vec![]);
    let limits = find_bank("tochka").map(|bank| bank.capabilities().receipts);
    let amount = Some(Money::parse_rubles("2").unwrap());
    let found = codes(text, Around { limits, amount, ..Around::default() });
    assert_eq!(found, vec![("receipt_email_invalid", None), ("receipt_total_mismatch", None)]);
    assert_eq!(codes("{", Around::default()), vec![("receipt_unreadable", None)]);
    let paid_later = r#"{"email": "a@example.ru", "items": [
        {"name": "a", "price": 1, "vat": "vat20", "method": "credit_payment"}]}"#;
    let on = Some(date(2026, 11, 22));
    assert_eq!(codes(paid_later, Around { on, ..Around::default() }), vec![]);
}

#[test]
fn only_the_codes_of_marked_goods_are_left_out() {
    let value = json!({"items": [{"name": "a", "mark": {"value": "4111111111111111"}}]});
    assert_eq!(without_marks(&value), json!({"items": [{"name": "a", "mark": null}]}));
    let value = json!({"value": "1", "mark": "2"});
    assert_eq!(without_marks(&value), value);
}

#[test]
fn defaults_are_read_or_explained() {
    let vat = |vat: &str, from: Option<&str>| VatInput {
        vat: vat.to_owned(),
        valid_from: from.map(str::to_owned),
    };
    let input = DefaultsInput {
        preset: Some("membership".into()),
        vat: vec![vat("none", None), vat("usn5", Some("2026-07-01"))],
        ..DefaultsInput::default()
    };
    let shop = read(&input).unwrap();
    assert_eq!((shop.taxpayer, shop.preset.name), (Taxpayer::Register, "membership"));
    let rate = |day| shop.vat.rate_on(day).map(|vat| vat.as_str());
    assert_eq!(rate(date(2026, 6, 30)), Some("none"));
    assert_eq!(rate(date(2026, 7, 1)), Some("vat5"));
    for (param, input) in [
        ("vat", DefaultsInput::default()),
        ("vat", DefaultsInput { vat: vec![vat("vat22", None)], ..input.clone() }),
        ("vat", DefaultsInput { vat: vec![vat("none", Some("soon"))], ..input.clone() }),
        ("preset", DefaultsInput { preset: Some("tea".into()), ..input.clone() }),
        ("taxation", DefaultsInput { taxation: Some("envd".into()), ..input.clone() }),
        ("taxpayer", DefaultsInput { taxpayer: Some("ooo".into()), ..input.clone() }),
        ("ffd", DefaultsInput { ffd: Some("1.1".into()), ..input }),
    ] {
        let problem = read(&input).unwrap_err();
        assert_eq!(problem.param, param, "{problem:?}");
        assert!(!problem.hint.is_empty(), "{problem:?}");
    }
}

#[test]
fn a_text_without_lines_is_a_sale() {
    assert!(SaleInput::find(r#"{"preset": "service"}"#).unwrap().is_some());
    assert!(SaleInput::find(r#"{"items": []}"#).unwrap().is_none());
    assert!(SaleInput::find("[]").unwrap().is_none());
    assert!(SaleInput::find(r#"{"presett": "service"}"#).is_err());
}

#[test]
fn days_are_moscows() {
    // 2026-11-21T21:00Z.
    assert_eq!(moscow_day(1_795_294_800_000), date(2026, 11, 22));
}

#[test]
fn the_state_machine_in_one_table() {
    use News::{Dropped, Failed, Moved, Registered, Waits};
    let news = [Waits, Dropped, Moved, Registered, Failed];
    let table = [
        (State::None, ["queued", "none", "sent", "registered", "failed"]),
        (State::Queued, ["queued", "none", "sent", "registered", "failed"]),
        (State::Sent, ["sent", "sent", "sent", "registered", "failed"]),
        (State::Failed, ["failed", "failed", "failed", "registered", "failed"]),
        (State::Registered, ["registered"; 5]),
    ];
    for (state, expected) in table {
        assert_eq!(news.map(|one| step(state, one).as_str()), expected, "{state:?}");
    }
}
