//! SMS: parts counted as operators count them, links never cut, every code's meaning.

use kopeck_banks::{
    Money,
    http::{HttpReply, parse_query},
};
use proptest::prelude::*;
use serde_json::json;

use super::{
    Sms, SmsStandIn,
    segments::{Alphabet, Pieces, parts, plain},
};
use crate::{
    contract::{self, Bench, LINK, Setup, message, payment},
    integration::{Integration as _, Progress, Reading},
    message::{Audience, Kind, Lang, Message, Payment},
    problem::Scope,
    stand_in::StandIn as _,
};

const SETUP: Setup = Setup {
    integration: &Sms,
    stand_in: || Box::new(SmsStandIn::default()),
    audience: Audience::Payer,
    address: "79001234567",
    refused: &[("79001110002", "sms_stop_list"), ("79001110003", "sms_number_refused")],
    no_address: &["", "почта", "+7900", "+77012345678", "+375291234567", "84951234567"],
    wrong: &[("api_id", "", "sms_key_missing"), ("api_id", "5A1B", "sms_key_refused")],
    shows_links: true,
    flood: 2,
};

#[test]
fn sms_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn the_shop_hears_by_sms_too() {
    contract::run(&Setup { audience: Audience::Shop, ..SETUP });
}

#[test]
fn a_link_is_these_fields_and_one_part() {
    let settings = SmsStandIn::default().settings("https://sms.ru");
    let mut message = message(Kind::Link, Audience::Payer, "79001234567");
    message.shop = "Вектор".to_owned();
    let request = Sms.request(&settings, &message, &Progress::start()).unwrap();
    assert_eq!(request.url, "https://sms.ru/sms/send");
    let fields = parse_query(std::str::from_utf8(&request.body).unwrap());
    let expect = [
        ("api_id", "5A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"),
        ("json", "1"),
        ("to", "79001234567"),
        ("msg", "К оплате 1500 р. Вектор https://pay.example.ru/p/AbC123"),
    ];
    let expect = expect.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields, expect);
    assert_eq!(parts(&fields[3].1), 1);
}

#[test]
fn kopecks_are_written_only_where_there_are_some() {
    let settings = SmsStandIn::default().settings("https://sms.ru");
    let mut message = message(Kind::Link, Audience::Payer, "79001234567");
    for (lang, sum, expect) in
        [(Lang::Ru, "1500.50", "К оплате 1500,50 р. "), (Lang::En, "1500.50", "1500.50 RUB to pay")]
    {
        let amount = Money::parse_rubles(sum).unwrap();
        message.payment = Some(Payment { amount, ..payment() });
        message.lang = lang;
        let request = Sms.request(&settings, &message, &Progress::start()).unwrap();
        let fields = parse_query(std::str::from_utf8(&request.body).unwrap());
        assert!(fields[3].1.starts_with(expect), "{}", fields[3].1);
    }
}

#[track_caller]
fn counts(text: &str, alphabet: Alphabet, expect: usize) {
    assert_eq!((Alphabet::of(text), parts(text)), (alphabet, expect), "{} chars", text.len());
}

#[test]
fn parts_are_counted_as_operators_count_them() {
    counts("", Alphabet::Gsm, 1);
    counts(&"a".repeat(160), Alphabet::Gsm, 1);
    counts(&"a".repeat(161), Alphabet::Gsm, 2);
    counts(&"a".repeat(306), Alphabet::Gsm, 2);
    counts(&"a".repeat(307), Alphabet::Gsm, 3);
    counts(&"€".repeat(80), Alphabet::Gsm, 1);
    counts(&"€".repeat(81), Alphabet::Gsm, 2);
    // 153 is odd: the last unit of each part stays free.
    counts(&"€".repeat(152), Alphabet::Gsm, 2);
    counts(&"€".repeat(153), Alphabet::Gsm, 3);
    counts(&"я".repeat(70), Alphabet::Ucs2, 1);
    counts(&"я".repeat(71), Alphabet::Ucs2, 2);
    counts(&"я".repeat(134), Alphabet::Ucs2, 2);
    counts(&"я".repeat(135), Alphabet::Ucs2, 3);
    counts(&"😀".repeat(35), Alphabet::Ucs2, 1);
    // 67 is odd: no pair is divided.
    counts(&"😀".repeat(66), Alphabet::Ucs2, 2);
    counts(&"😀".repeat(67), Alphabet::Ucs2, 3);
    counts(&format!("{}я", "a".repeat(70)), Alphabet::Ucs2, 2);
}

proptest! {
    #[test]
    fn more_text_never_takes_fewer_parts(text in "[a-zа-я€😀 ]{0,400}", more in "[a-zа-я€😀]") {
        let longer = format!("{text}{more}");
        prop_assert!(parts(&text) <= parts(&longer));
    }

    #[test]
    fn cyrillic_parts_are_the_formula(count in 1_usize..1_000) {
        let expect = if count <= 70 { 1 } else { count.div_ceil(67) };
        prop_assert_eq!(parts(&"ж".repeat(count)), expect);
    }

    #[test]
    fn a_fitted_text_fits_and_keeps_its_link(
        lead in "[A-Za-zА-я0-9 .€😀]{0,300}",
        middle in "[A-Za-zА-я0-9 .€😀]{0,300}",
        path in "[A-Za-z0-9]{1,120}",
        max in 1_usize..9,
    ) {
        let link = format!("https://p.example/{path}");
        let pieces = Pieces { lead: &lead, middle: &middle, link: &link };
        match pieces.fit(max) {
            Some(text) => {
                prop_assert!(parts(&text) <= max);
                prop_assert!(text.ends_with(&link));
            }
            None => prop_assert!(parts(&link) > max),
        }
    }

    #[test]
    fn plain_text_has_no_surprises(text in ".{0,200}") {
        let out = plain(&text);
        let is_odd = out.chars().any(|c| c.is_control() || c == '\u{a0}' || c == '₽');
        prop_assert!(!is_odd);
        prop_assert_eq!(plain(&out), out.clone());
    }
}

#[test]
fn latin_texts_stay_in_the_cheap_alphabet() {
    let settings = SmsStandIn::default().settings("https://sms.ru");
    let mut message = message(Kind::Link, Audience::Payer, "79001234567");
    message.lang = Lang::En;
    message.shop = "«Vector» — school".to_owned();
    let request = Sms.request(&settings, &message, &Progress::start()).unwrap();
    let fields = parse_query(std::str::from_utf8(&request.body).unwrap());
    assert_eq!(Alphabet::of(&fields[3].1), Alphabet::Gsm, "{}", fields[3].1);
}

#[test]
fn the_sum_and_the_link_outlive_the_shops_name() {
    let mut bench = Bench::new(&SETUP);
    bench.settings.set("max_parts", "1");
    let message = Message { shop: "Ж".repeat(500), ..bench.message(Kind::Link) };
    bench.delivered(&message);
    let text = bench.service.shell().arrived[0].text.clone();
    assert!(text.starts_with("К оплате 1500 р. ЖЖ") && text.ends_with(LINK), "{text}");
    assert_eq!(parts(&text), 1);
}

#[test]
fn a_link_of_more_than_eight_parts_is_refused_by_name() {
    let mut bench = Bench::new(&SETUP);
    let url = format!("https://pay.example.ru/{}", "x".repeat(1_300));
    let mut message = bench.message(Kind::Link);
    message.payment = Some(Payment { pay_url: Some(url), ..payment() });
    assert_eq!(bench.broken(&message), ("sms_link_long", Scope::Message));
    message.payment = Some(Payment { pay_url: None, ..payment() });
    assert_eq!(bench.broken(&message), ("sms_no_link", Scope::Message));
}

#[test]
fn numbers_are_russian_mobiles_or_named_errors() {
    let table = [
        ("+7 900 123-45-67", Ok("79001234567")),
        ("8 (900) 123-45-67", Ok("79001234567")),
        ("9001234567", Ok("79001234567")),
        ("+77012345678", Err("sms_number_foreign")),
        ("+76001234567", Err("sms_number_foreign")),
        ("+375291234567", Err("sms_number_foreign")),
        ("+74951234567", Err("sms_number_not_mobile")),
        ("88001234567", Err("sms_number_not_mobile")),
        ("12345", Err("sms_number_invalid")),
    ];
    for (text, expect) in table {
        let got = Sms.address(text).map_err(|broken| broken.code());
        assert_eq!(got, expect.map(str::to_owned), "{text}");
    }
}

fn read(top: u16, own: Option<u16>) -> Reading {
    let mut body = json!({ "status": "OK", "status_code": top, "status_text": "слова" });
    if let Some(own) = own {
        body["sms"] = json!({ "79001234567": { "status": "ERROR", "status_code": own,
            "status_text": "слова" } });
    }
    let settings = SmsStandIn::default().settings("https://sms.ru");
    let message = message(Kind::Link, Audience::Payer, "79001234567");
    Sms.read(&settings, &message, &Progress::start(), &HttpReply::json(200, &body))
}

#[test]
fn every_code_means_the_same_at_both_levels() {
    let ends = [
        (200, "sms_key_refused"),
        (201, "sms_no_money"),
        (202, "sms_number_refused"),
        (203, "sms_text_refused"),
        (204, "sms_sender_refused"),
        (205, "sms_text_refused"),
        (207, "sms_number_refused"),
        (209, "sms_stop_list"),
        (212, "sms_text_refused"),
        (230, "sms_number_limit"),
        (232, "sms_number_limit"),
        (300, "sms_key_refused"),
        (301, "sms_key_refused"),
        (302, "sms_account_not_confirmed"),
        (999, "sms_refused"),
    ];
    for (code, expect) in ends {
        for reading in [read(code, None), read(100, Some(code))] {
            let Reading::Broken(broken) = reading else { panic!("{code}: {reading:?}") };
            assert_eq!(broken.code(), expect, "{code}");
            assert!(broken.detail.contains(&code.to_string()));
        }
    }
    for (code, wait) in [(206, Some(3_600_000)), (220, None), (231, Some(60_000))] {
        for reading in [read(code, None), read(100, Some(code))] {
            let Reading::Retry { after_ms, .. } = reading else { panic!("{code}: {reading:?}") };
            assert_eq!(after_ms, wait, "{code}");
        }
    }
    assert!(matches!(read(100, None), Reading::Unclear { .. }), "no word of the number");
}

#[test]
fn an_empty_account_and_a_strange_sender_have_words_of_their_own() {
    let mut bench = Bench::new(&SETUP);
    bench.settings.set("sender", "OTHER");
    let message = bench.message(Kind::Link);
    assert_eq!(bench.broken(&message), ("sms_sender_refused", Scope::Account));
    bench.settings.set("sender", "KOPECK");
    let mut service = SmsStandIn::default();
    service.balance = 100;
    bench.service = Box::new(service);
    assert_eq!(bench.broken(&message), ("sms_no_money", Scope::Account));
}
