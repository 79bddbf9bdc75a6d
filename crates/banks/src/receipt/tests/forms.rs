//! Other systems' forms, the command line's, and the texts that none of them may take.
//!
//! The examples of `products_for_receipt` are those of Salebot's help page about T-Bank
//! (docs.salebot.pro); the two banks' are of their OpenAPI documents.

use super::*;
use crate::receipt::{
    contact::normal_phone,
    item::parse_item,
    legacy::{Form, find_form, read, read_all, read_lines, read_taxation},
};

#[track_caller]
fn code(result: Result<impl std::fmt::Debug, crate::receipt::lint::Finding>) -> &'static str {
    result.unwrap_err().rule.code
}

#[test]
fn salebots_function_counts_in_rubles() {
    let text = r#"[{"name":"ТОВАР1","price":"1200","quantity":"1","amount":"1200","vat_code":"2",
        "method":"full_payment","object":"commodity"}]"#;
    assert_eq!(find_form(text), Ok(Some(Form::Rubles)));
    let expect =
        Line { vat: Vat::Vat0, subject: Subject::Goods, ..line("ТОВАР1", "1200", 1_000) };
    assert_eq!(read_lines(text), Ok(vec![expect]));
    // The help page's own sample: no price, no quantity, words in another spelling.
    let text = r#"[{"name":"ТОВАР1","amount":"1200","vat_code":"5","method":"FullPrepayment",
        "object":"Commodity"}]"#;
    let lines = read_lines(text).unwrap();
    assert_eq!(lines[0].price, rubles("1200"));
    assert_eq!(lines[0].vat, Vat::Vat110);
    assert_eq!(lines[0].method, PaymentMethod::FullPrepayment);
}

#[test]
fn the_functions_amount_is_what_was_agreed() {
    // 3 × 100 with a discount to 250: no price makes it, so that one piece is a kopeck dearer.
    let text = r#"[{"name":"Чай","price":100,"quantity":3,"amount":250,"vat_code":1}]"#;
    let lines = read_lines(text).unwrap();
    let got: Vec<(Money, u64)> =
        lines.iter().map(|line| (line.price, line.quantity_milli)).collect();
    assert_eq!(got, [(rubles("83.33"), 2_000), (rubles("83.34"), 1_000)]);
    let gift = r#"[{"name":"Подарок","price":100,"quantity":2,"amount":0,"vat_code":1}]"#;
    let lines = read_lines(gift).unwrap();
    assert_eq!((lines.len(), lines[0].price), (1, Money::ZERO));
}

#[test]
fn salebots_variable_counts_in_kopecks() {
    let text = r#"[{"name": "Наименование товара", "quantity": "2", "price": "1000",
        "amount": "2000", "tax": "none"}, {"name": "Наименование товара 2", "quantity": "3",
        "price": "500", "amount": "1500", "tax": "vat10", "payment_object": "service"}]"#;
    assert_eq!(find_form(text), Ok(Some(Form::Kopecks)));
    let goods = Line {
        subject: Subject::Goods, ..line("Наименование товара", "10", 2_000)
    };
    let service =
        Line { vat: Vat::Vat10, ..line("Наименование товара 2", "5", 3_000) };
    assert_eq!(read_lines(text), Ok(vec![goods, service]));
}

#[test]
fn units_follow_from_the_form_and_never_from_the_value() {
    // The same digits are a hundred times more in one form than in the other.
    for value in ["1", "100", "490000", "99999999"] {
        let rubles = format!(r#"[{{"name":"a","price":{value},"vat_code":1}}]"#);
        let kopecks = format!(r#"[{{"name":"a","price":{value},"tax":"none"}}]"#);
        let sum = |text: &str| read_lines(text).unwrap()[0].price.kopecks();
        assert_eq!(sum(&rubles), sum(&kopecks) * 100);
    }
    let both = r#"[{"name":"a","price":1,"vat_code":1,"tax":"none"}]"#;
    assert_eq!(code(read_lines(both)), "receipt_shape_unknown");
    assert_eq!(code(read_lines(r#"[{"name":"a","price":1}]"#)), "receipt_shape_unknown");
    let mixed = r#"[{"name":"a","price":1,"vat_code":1},{"name":"b","price":1,"tax":"none"}]"#;
    assert_eq!(code(read_lines(mixed)), "receipt_shape_unknown");
}

#[test]
fn vat_codes_are_those_of_the_form_and_not_of_tag_1199() {
    let expect = [
        Vat::None,
        Vat::Vat0,
        Vat::Vat10,
        Vat::Vat20,
        Vat::Vat110,
        Vat::Vat120,
        Vat::Vat5,
        Vat::Vat7,
        Vat::Vat105,
        Vat::Vat107,
        Vat::Vat22,
        Vat::Vat122,
    ];
    for (at, vat) in expect.into_iter().enumerate() {
        let text = format!(r#"[{{"name":"a","price":1,"vat_code":"{}"}}]"#, at + 1);
        assert_eq!(read_lines(&text).unwrap()[0].vat, vat);
    }
    for wrong in ["0", "13", "none", "1.0"] {
        let text = format!(r#"[{{"name":"a","price":1,"vat_code":"{wrong}"}}]"#);
        assert_eq!(code(read_lines(&text)), "receipt_vat_unknown", "{wrong}");
    }
    let dead = r#"[{"name":"a","price":1,"tax":"vat18"}]"#;
    assert_eq!(code(read_lines(dead)), "receipt_vat_unknown");
}

#[test]
fn a_wrong_line_is_named_with_its_place() {
    for (text, expect) in [
        ("[", "receipt_unreadable"),
        ("[1]", "receipt_unreadable"),
        ("[{'name':'a'}]", "receipt_unreadable"),
        (r#"[{"price":1,"vat_code":1}]"#, "receipt_field_missing"),
        (r#"[{"name":"","price":1,"vat_code":1}]"#, "receipt_field_missing"),
        (r#"[{"name":"a","vat_code":1}]"#, "receipt_field_missing"),
        (r#"[{"name":"a","quantity":2,"tax":"none"}]"#, "receipt_field_missing"),
        (r#"[{"name":"a","price":"1,5","vat_code":1}]"#, "receipt_number_invalid"),
        (r#"[{"name":"a","price":0.005,"vat_code":1}]"#, "receipt_number_invalid"),
        (r#"[{"name":"a","price":1e3,"vat_code":1}]"#, "receipt_number_invalid"),
        (r#"[{"name":"a","price":"10.50","tax":"none"}]"#, "receipt_number_invalid"),
        (
            r#"[{"name":"a","price":1,"quantity":0.0001,"vat_code":1}]"#,
            "receipt_quantity_unreadable",
        ),
        (r#"[{"name":"a","price":1,"quantity":0,"vat_code":1}]"#, "receipt_quantity_unreadable"),
        (r#"[{"name":"a","price":1,"quantity":-1,"vat_code":1}]"#, "receipt_quantity_unreadable"),
        (r#"[{"name":"a","price":1,"amount":2,"tax":"none"}]"#, "receipt_line_mismatch"),
        (r#"[{"name":"a","price":1,"tax":"none","payment_object":"x"}]"#, "receipt_word_unknown"),
    ] {
        assert_eq!(code(read_lines(text)), expect, "{text}");
    }
    let second = r#"[{"name":"a","price":1,"tax":"none"},{"name":"b","price":"x","tax":"none"}]"#;
    let finding = read_lines(second).unwrap_err();
    assert_eq!(finding.line, Some(1));
    assert!(finding.en().starts_with("Line 2: ") && finding.ru().starts_with("Строка 2: "));
}

#[test]
fn tax_systems_come_as_words_or_digits_and_envd_is_over() {
    let digits = ["1", "2", "3", "5", "6"].map(|digit| read_taxation(digit).unwrap());
    assert_eq!(digits, *Taxation::ALL);
    for taxation in Taxation::ALL {
        assert_eq!(read_taxation(taxation.as_str()), Ok(*taxation));
    }
    for word in ["4", "envd"] {
        let finding = read_taxation(word).unwrap_err();
        assert_eq!(finding.rule.code, "receipt_taxation_abolished");
        assert!(finding.ru().contains("2021"), "{}", finding.ru());
    }
    assert_eq!(code(read_taxation("0")), "receipt_word_unknown");
}

#[test]
fn t_banks_receipt_is_read_in_kopecks() {
    let text = r#"{"FfdVersion":"1.2","Email":"a@test.ru","Phone":"+79031234567","Taxation":"osn",
        "Items":[{"Name":"Сигареты","Price":10000,"Quantity":1,"Amount":10000,"Tax":"vat22",
        "PaymentMethod":"full_payment","PaymentObject":"excisable_goods_with_marking_code",
        "MeasurementUnit":"шт","MarkCode":{"MarkCodeType":"GS1M","Value":"0104"},
        "AgentData":{"AgentSign":"paying_agent","Phones":["+79001112233"],
        "ReceiverPhones":["+79221210697"]},"SupplierInfo":{"Phones":["+79221210697"],
        "Name":"ООО Вендор","Inn":"7710140679"}},{"Name":"Чай","Price":100,"Quantity":1.5,
        "Amount":150,"Tax":"none"}],
        "Payments":{"Electronic":10000,"AdvancePayment":150}}"#;
    let receipt = read(text).unwrap();
    assert_eq!(receipt.total(), Some(rubles("101.50")));
    assert_eq!(receipt.settlement.unwrap().advance, rubles("1.50"));
    assert_eq!((receipt.ffd, receipt.taxation), (Some(Ffd::V12), Some(Taxation::Osn)));
    let first = &receipt.lines[0];
    assert_eq!(first.mark.as_ref().unwrap().kind, MarkKind::Gs1m);
    assert_eq!(first.agent.as_ref().unwrap().kind, AgentKind::PayingAgent);
    assert_eq!(first.supplier.as_ref().unwrap().tax_code, "7710140679");
    assert_eq!(first.measure, Some(Measure::Piece));
    assert_eq!(receipt.lines[1].subject, Subject::Goods);
    let envd = text.replace("\"osn\"", "\"envd\"");
    assert_eq!(code(read(&envd)), "receipt_taxation_abolished");
    let wrong = text.replace("\"Amount\":150", "\"Amount\":151");
    assert_eq!(code(read(&wrong)), "receipt_line_mismatch");
}

#[test]
fn tochkas_receipt_is_read_in_rubles() {
    let text = r#"{"taxSystemCode":"usn_income","Client":{"name":"Анна","email":"a@test.ru",
        "phone":"79031234567"},"Items":[{"vatType":"vat10","name":"Сыр","amount":156.33,
        "quantity":1.5,"paymentMethod":"full_prepayment","paymentObject":"goods","measure":"кг."}],
        "Supplier":{"phone":"+79991234567","name":"ООО","taxCode":"7707083893"}}"#;
    let receipt = read(text).unwrap();
    assert_eq!(receipt.total(), Some(rubles("234.50")));
    assert_eq!(receipt.phone.as_deref(), Some("+79031234567"));
    assert_eq!(receipt.lines[0].measure, Some(Measure::Kilogram));
    assert_eq!(receipt.lines[0].method, PaymentMethod::FullPrepayment);
    assert!(receipt.supplier.is_some());
    let silent = text.replace(r#""vatType":"vat10","#, "");
    assert_eq!(code(read(&silent)), "receipt_field_missing");
    assert_eq!(code(read("{}")), "receipt_shape_unknown");
    assert_eq!(code(read(r#"{"Items":[]}"#)), "receipt_field_missing");
}

/// What our own clients write is read back as it was.
#[test]
fn what_we_send_reads_back_the_same() {
    use crate::{
        bank::{Credentials, Step},
        op::{BankOp, CreateLink, PayMethod},
    };
    for bank in crate::BANKS {
        let values = [
            ("access_token", "sandbox.jwt.token"),
            ("customer_code", "300000092"),
            ("terminal_key", "TinkoffBankTest"),
            ("password", "TinkoffBankTest"),
            ("ffd_version", "1.2"),
        ];
        let credentials =
            Credentials::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let op = BankOp::CreateLink(CreateLink {
            reference: "order-1".to_owned(),
            amount: rubles("1234.50"),
            purpose: "Заказ".to_owned(),
            methods: vec![PayMethod::Card],
            ttl_minutes: 60,
            receipt: Some(receipt()),
            ..CreateLink::default()
        });
        let Step::Send(request) = bank.start(&credentials, &op) else { panic!("{}", bank.name()) };
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let own = body.get("Receipt").or(body.get("Data")).unwrap().to_string();
        let back = read(&own).unwrap();
        let lines = |receipt: &Receipt| -> Vec<Line> {
            let plain = |line: &Line| Line {
                measure: Some(line.measure.unwrap_or(Measure::Piece)),
                ..line.clone()
            };
            receipt.lines.iter().map(plain).collect()
        };
        assert_eq!(lines(&back), lines(&receipt()), "{}", bank.name());
        assert_eq!((back.email, back.taxation), (receipt().email, receipt().taxation));
    }
}

#[test]
fn the_command_lines_item_is_a_line() {
    let expect = Line { vat: Vat::None, ..line("Курс", "4900", 1_000) };
    assert_eq!(parse_item("Курс;1;4900.00;none"), Ok(expect));
    let line = parse_item(" Сыр ; 1.5;156.33; vat10 ; commodity ;full_prepayment").unwrap();
    assert_eq!((line.quantity_milli, line.subject), (1_500, Subject::Goods));
    assert_eq!(line.method, PaymentMethod::FullPrepayment);
    for (text, expect) in [
        ("Курс;1;4900", "receipt_field_missing"),
        ("Курс;1;4900;none;service;full_payment;x", "receipt_field_missing"),
        (";1;4900;none", "receipt_field_missing"),
        ("Курс;0.0001;4900;none", "receipt_quantity_unreadable"),
        ("Курс;1;4 900;none", "receipt_number_invalid"),
        ("Курс;1;4900.001;none", "receipt_number_invalid"),
        ("Курс;1;4900;20", "receipt_vat_unknown"),
        ("Курс;1;4900;none;тело", "receipt_word_unknown"),
        ("Курс;1;4900;none;;потом", "receipt_word_unknown"),
    ] {
        assert_eq!(code(parse_item(text)), expect, "{text}");
    }
}

#[test]
fn quantities_are_read_digit_by_digit() {
    for (text, expect) in [
        ("1", Ok(1_000)),
        ("1.5", Ok(1_500)),
        ("0.001", Ok(1)),
        ("2.5000", Ok(2_500)),
        ("0.0001", Err(QuantityError::TooFine)),
        ("0", Err(QuantityError::NotPositive)),
        ("0.000", Err(QuantityError::NotPositive)),
        ("-1", Err(QuantityError::NotPositive)),
        ("", Err(QuantityError::NotANumber)),
        ("1,5", Err(QuantityError::NotANumber)),
        ("1e3", Err(QuantityError::NotANumber)),
        (".5", Err(QuantityError::NotANumber)),
        ("5.", Err(QuantityError::NotANumber)),
        ("99999999999999999999", Err(QuantityError::TooLarge)),
        ("18446744073709551615", Err(QuantityError::TooLarge)),
    ] {
        assert_eq!(parse_quantity(text), expect, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn printing_and_reading_a_quantity_is_the_identity(milli in 1..u64::MAX) {
        proptest::prop_assert_eq!(parse_quantity(&quantity_text(milli)), Ok(milli));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "[\\[\\]{}\":,a-zA-Z0-9. ]{0,60}") {
        let _ = (read(&text), read_lines(&text), parse_item(&text), normal_phone(&text));
    }
}

#[test]
fn phones_come_in_the_forms_that_people_write() {
    for text in ["+79001234567", "79001234567", "89001234567", "9001234567", "8 (900) 123-45-67"] {
        assert_eq!(normal_phone(text).as_deref(), Some("+79001234567"), "{text}");
    }
    assert_eq!(normal_phone("+375291234567").as_deref(), Some("+375291234567"));
    for text in ["", "+", "12345", "375291234567", "телефон", "+7900123456x", "++79001234567"]
    {
        assert_eq!(normal_phone(text), None, "{text}");
    }
}

#[test]
fn a_field_that_nobody_carries_is_refused_by_its_name() {
    let tbank = |more: &str, line: &str| {
        read(&format!(
            r#"{{"Email": "a@example.ru", "Taxation": "osn"{more}, "Items": [{{"Name": "Чай",
            "Price": 100, "Quantity": 1, "Amount": 100, "Tax": "none"{line}}}]}}"#
        ))
    };
    assert!(tbank(r#", "EmailCompany": "shop@example.ru""#, r#", "Ean13": """#).is_ok());
    for (more, line, name) in [
        (r#", "CustomerInn": "7707083893""#, "", "CustomerInn"),
        ("", r#", "CountryCode": "056""#, "CountryCode"),
        ("", r#", "SectoralItemProps": [{"Number": "1"}]"#, "SectoralItemProps"),
        ("", r#", "SupplierInfo": {"Phones": ["+7", "+8"], "Name": "a", "Inn": "1"}"#, "Phones"),
    ] {
        let finding = tbank(more, line).unwrap_err();
        assert_eq!(finding.rule.code, "receipt_field_uncarried");
        assert!(finding.value.contains(name), "{finding:?}");
    }
    let tochka = r#"{"Client": {"email": "a@example.ru", "inn": "1"}, "Items": [{"name": "Чай",
        "amount": 1, "quantity": 1, "vatType": "none"}]}"#;
    assert_eq!(read(tochka).unwrap_err().value, "inn");
}

#[test]
fn phones_are_as_long_as_phones_are() {
    use crate::receipt::contact::is_phone;
    for good in ["+79001234567", "+375291234567", "79001234567"] {
        assert!(is_phone(good), "{good}");
    }
    for bad in ["1234567", "+0000000", "+7900123456", "+790012345678", "позвоните", ""] {
        assert!(!is_phone(bad), "{bad}");
    }
}

#[test]
fn every_finding_of_an_old_form_is_named() {
    let codes = |text: &str| {
        let all = read_all(text);
        let named = all.findings.iter().map(|found| (found.line, found.rule.code));
        (named.collect::<Vec<_>>(), all.places)
    };
    let tbank = r#"{"Taxation":"envd","FfdVersion":"9","Email":"a@example.ru","Fee":1,"Items":[
        {"Name":"a","Price":"10.50","Quantity":1,"Tax":"none"},
        {"Name":"b","Price":100,"Quantity":1,"Tax":"none"},
        {"Price":100,"Quantity":1,"Tax":"none"}]}"#;
    let (found, places) = codes(tbank);
    let expect = [
        (None, "receipt_field_uncarried"),
        (None, "receipt_taxation_abolished"),
        (None, "receipt_word_unknown"),
        (Some(0), "receipt_number_invalid"),
        (Some(2), "receipt_field_missing"),
    ];
    assert_eq!((found, places), (expect.to_vec(), vec![1]));
    let tochka = r#"{"taxSystemCode":"envd","Items":[
        {"name":"a","amount":"1","quantity":"0.0001","vatType":"none"},
        {"name":"b","amount":"1","quantity":1,"vatType":"vat18"}]}"#;
    let (found, places) = codes(tochka);
    let expect = [
        (None, "receipt_field_missing"),
        (None, "receipt_taxation_abolished"),
        (Some(0), "receipt_quantity_unreadable"),
        (Some(1), "receipt_vat_unknown"),
    ];
    assert_eq!((found, places), (expect.to_vec(), vec![]));
    let typo = r#"[{"name":"a","price":1,"vat_code":1,"payment_metod":"full_prepayment"}]"#;
    assert_eq!(codes(typo).0, [(Some(0), "receipt_field_uncarried")]);
    let salebot = r#"[{"name":"a","vat_code":1},{"name":"b","price":1,"vat_code":13},
        {"name":"c","price":100,"quantity":3,"amount":250,"vat_code":1}]"#;
    let (found, places) = codes(salebot);
    let expect = [(Some(0), "receipt_field_missing"), (Some(1), "receipt_vat_unknown")];
    assert_eq!((found, places), (expect.to_vec(), vec![2, 2]), "a line may become two");
}
