//! A deal's rows as a receipt, to the kopeck, and the card that they are read from.

use kopeck_banks::{
    Money,
    http::HttpReply,
    receipt::{Line, Vat},
};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    bitrix24::{
        BitrixStandIn, card, funnels,
        lines::{self, LinesProblem},
        rest,
    },
    integration::Reading,
    stand_in::StandIn as _,
};

fn rubles(text: &str) -> Money {
    Money::parse_rubles(text).unwrap()
}

fn read(rows: &str, sum: &str) -> Result<Vec<Line>, LinesProblem> {
    lines::read(&[format!("{{\"productRows\":{rows}}}")], rubles(sum))
}

fn total(lines: &[Line]) -> Money {
    Money::checked_sum(lines.iter().map(|line| line.sum().unwrap())).unwrap()
}

#[test]
fn rows_become_lines_with_their_vat() {
    let rows = r#"[
        {"productName":"Курс","price":1000,"quantity":1,"taxRate":null,"taxIncluded":"N"},
        {"productName":"Книга","price":250.5,"quantity":2,"taxRate":22,"taxIncluded":"Y"},
        {"productName":"Чай","price":"10.00","quantity":"1.5","taxRate":"10.00"}]"#;
    let lines = read(rows, "1516").unwrap();
    assert_eq!(
        lines.iter().map(|line| line.vat).collect::<Vec<_>>(),
        [Vat::None, Vat::Vat22, Vat::Vat10]
    );
    assert_eq!((lines[2].quantity_milli, lines[2].price), (1_500, rubles("10")));
    assert_eq!(total(&lines), rubles("1516"));
}

#[test]
fn a_tax_that_is_not_in_the_price_is_told_by_the_deals_sum() {
    let rows = r#"[{"productName":"A","price":100,"quantity":3,"taxRate":20,"taxIncluded":"N"}]"#;
    // The portal's price has the tax in it, or not: the sum of the deal says which.
    assert_eq!(read(rows, "300").unwrap()[0].price, rubles("100"));
    assert_eq!(read(rows, "360").unwrap()[0].price, rubles("120"));
    let problem = read(rows, "350").unwrap_err();
    assert_eq!(problem, LinesProblem::Sum { rows: "300.00".into(), deal: "350.00".into() });
}

#[test]
fn prices_finer_than_a_kopeck_are_balanced() {
    let rows = r#"[{"productName":"A","price":33.333333,"quantity":3,"taxRate":null},
                   {"productName":"B","price":0.005,"quantity":1,"taxRate":null}]"#;
    let lines = read(rows, "100.01").unwrap();
    assert_eq!(total(&lines), rubles("100.01"));
}

#[test]
fn what_is_no_receipt_is_named() {
    let row = |price: &str, quantity: &str, tax: &str| {
        format!(
            "[{{\"productName\":\"A\",\"price\":{price},\"quantity\":{quantity},\"taxRate\":{tax}}}]"
        )
    };
    let vat = read(&row("100", "1", "18"), "100").unwrap_err();
    assert_eq!(vat, LinesProblem::Vat { row: 1, rate: "18".to_owned() });
    for bad in
        [row("-1", "1", "0"), row("1e2", "1", "0"), row("1", "0", "0"), row("1", "0.0001", "0")]
    {
        assert_eq!(read(&bad, "100"), Err(LinesProblem::Unreadable(1)), "{bad}");
    }
    assert_eq!(read("[]", "100"), Err(LinesProblem::Empty));
    assert_eq!(lines::read(&["[]"], rubles("1")), Err(LinesProblem::Empty));
}

proptest! {
    #[test]
    fn whatever_the_rows_their_lines_make_the_deals_sum(
        rows in prop::collection::vec((1_i64..10_000_000, 1_u64..50_000, 0_usize..6), 1..8),
        shift in -1_i64..=1,
    ) {
        let taxes = ["null", "0", "5", "7", "10", "22"];
        let texts: Vec<String> = rows.iter().map(|(price, quantity, tax)| {
            let price = format!("{}.{:04}", price / 10_000, price % 10_000);
            let quantity = format!("{}.{:03}", quantity / 1_000, quantity % 1_000);
            format!(
                "{{\"productName\":\"A\",\"price\":{price},\"quantity\":{quantity},\"taxRate\":{}}}",
                taxes[*tax]
            )
        }).collect();
        // In millionths of a kopeck: 4 digits of rubles times 3 of a quantity.
        let exact: i128 = rows.iter().map(|(p, q, _)| i128::from(*p) * i128::from(*q)).sum();
        let kopecks = i64::try_from((exact + 50_000) / 100_000).unwrap() + shift;
        prop_assume!(kopecks > 0);
        let sum = Money::from_kopecks(kopecks).unwrap();
        let text = format!("{{\"productRows\":[{}]}}", texts.join(","));
        match lines::read(&[text], sum) {
            Ok(lines) => prop_assert_eq!(total(&lines), sum),
            // Only where nothing but crumbs is to be spread.
            Err(problem) => prop_assert!(kopecks <= 16, "{:?} of {}", problem, kopecks),
        }
    }

    #[test]
    fn any_rows_are_read_without_harm(text in ".{0,120}") {
        let _ = lines::read(&[&text], rubles("100"));
        let _ = crate::bitrix24::deal::Deal::read(&text);
    }
}

#[test]
fn a_card_is_read_in_one_request() {
    let mut service = BitrixStandIn::default();
    let rows = r#"[{"productName":"Курс","price":1500,"quantity":1,"taxRate":null}]"#;
    service.portal.rows.insert(57, rows.to_owned());
    let settings = service.settings("https://stand-in.test");
    let request = card::card(&settings, 57).unwrap();
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(
        body,
        "{\"halt\":0,\"cmd\":{\"deal\":\"crm.item.get?entityTypeId=2&id=57\",\"rows\":\
         \"crm.item.productrow.list?filter[%3DownerType]=D&filter[%3DownerId]=57&start=0\"}}"
    );
    let reply = service.serve(0, &request).unwrap();
    let draft = card::read_card(&reply).unwrap();
    assert!(!draft.has_more());
    let card = draft.close(None).unwrap();
    assert_eq!((card.deal.id, card.deal.sum), (57, Some(rubles("1500"))));
    assert_eq!(card.deal.contact_id, Some(7));
    assert_eq!(card.deal.company_id, None);
    assert_eq!(card.lines.unwrap()[0].name, "Курс");
    let reply = service.serve(0, &card::person(&settings, 3, 7).unwrap()).unwrap();
    let person = card::read_person(&reply).unwrap();
    assert_eq!(person.phone.as_deref(), Some("+79001234567"));
    assert_eq!(person.email.as_deref(), Some("anna@example.ru"));
    for (deal, code) in [(58, "bitrix24_deal_unknown"), (59, "bitrix24_deal_closed")] {
        let reply = service.serve(0, &card::card(&settings, deal).unwrap()).unwrap();
        let Err(Reading::Broken(broken)) = card::read_card(&reply) else { panic!("{deal}") };
        assert_eq!(broken.code(), code);
    }
}

#[test]
fn a_deal_with_four_hundred_rows_is_read_with_all_of_them() {
    let mut service = BitrixStandIn::default();
    let row = r#"{"productName":"Болт М8 оцинкованный","price":3.75,"quantity":1,"taxRate":null}"#;
    service.portal.rows.insert(57, format!("[{}]", vec![row; 400].join(",")));
    let settings = service.settings("https://stand-in.test");
    let reply = service.serve(0, &card::card(&settings, 57).unwrap()).unwrap();
    let draft = card::read_card(&reply).unwrap();
    assert!(draft.has_more());
    let request = card::more_rows(&settings, &draft).unwrap();
    let reply = service.serve(0, &request).unwrap();
    let card = draft.clone().close(Some(&reply)).unwrap();
    let lines = card.lines.unwrap();
    assert_eq!((lines.len(), total(&lines)), (400, rubles("1500")));
    // A page that is missing is no shorter deal.
    let text = String::from_utf8(reply.body.clone()).unwrap().replace("rows00350", "rows9");
    let cut = HttpReply { body: text.into_bytes(), ..reply };
    assert!(matches!(draft.close(Some(&cut)), Err(Reading::Unclear { .. })));
}

#[test]
fn deals_are_listed_by_their_numbers_alone() {
    let mut service = BitrixStandIn::default();
    let settings = service.settings("https://stand-in.test");
    let request = card::deals_at(&settings, (0, "NEW"), "2026-11-21T12:00:00Z", 57).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    // A deal has hundreds of fields: fifty of them whole would be a reply of megabytes.
    assert_eq!(body["select"], json!(["id"]));
    assert_eq!((&body["start"], &body["filter"][">id"]), (&json!(-1), &json!(57)));
    let reply = service.serve(0, &request).unwrap();
    assert_eq!(card::read_deals(&reply).unwrap(), [62]);
    let text = String::from_utf8(reply.body).unwrap();
    assert!(!text.contains("opportunity"), "what is not selected does not come: {text}");
}

#[test]
fn funnels_come_with_their_stages() {
    let mut service = BitrixStandIn::default();
    let settings = service.settings("https://stand-in.test");
    let reply = service.serve(0, &funnels::funnels(&settings).unwrap()).unwrap();
    let bare = funnels::read_funnels(&reply).unwrap();
    let reply = service.serve(0, &funnels::stages(&settings, &bare).unwrap()).unwrap();
    let all = funnels::read_stages(&reply, &bare).unwrap();
    let codes: Vec<(i64, Vec<&str>)> = all
        .iter()
        .map(|it| (it.category, it.stages.iter().map(|stage| stage.code.as_str()).collect()))
        .collect();
    let own = vec!["NEW", "PREPARATION", "WON", "LOSE"];
    assert_eq!(codes, [(0, own), (3, vec!["C3:NEW", "C3:WON", "C3:LOSE"])]);
    assert_eq!(all[1].stages[1].name, "Оплачено");
}

#[test]
fn an_empty_map_of_php_is_a_map() {
    let result = json!({ "result": [], "result_error": { "a": { "error": "NOT_FOUND",
        "error_description": "нет" } } });
    let refusal = rest::of_batch(&result.to_string(), "a").unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.words.as_str()), ("NOT_FOUND", "нет"));
    let result = json!({ "result": { "a": { "item": 1 } }, "result_error": [] });
    assert_eq!(rest::of_batch(&result.to_string(), "a"), Ok("{\"item\":1}".to_owned()));
    assert!(rest::of_batch("[]", "a").is_err());
}
