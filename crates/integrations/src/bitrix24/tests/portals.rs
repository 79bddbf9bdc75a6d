//! Every refusal of a portal, what it sends us, what an application registers there.

use std::collections::BTreeMap;

use kopeck_banks::{
    Money,
    http::{HttpReply, encode_query},
};
use serde_json::{Value, json};

use super::SETUP;
use crate::{
    bitrix24::{
        Bitrix24, BitrixStandIn,
        inbound::{self, CheckoutProblem, Event, Form},
        rest::{self, Called},
        settings,
        setup::{self, Registered},
    },
    contract::Bench,
    integration::{Integration as _, Reading, Settings},
    message::{Kind, Message},
    problem::Scope,
    stand_in::StandIn as _,
};

#[test]
fn every_refusal_says_what_it_ends() {
    let read = |status: u16, code: &str, words: &str| {
        let body = json!({ "error": code, "error_description": words });
        rest::read(&HttpReply::json(status, &body))
    };
    let table = [
        (401, "NO_AUTH_FOUND", "", "bitrix24_access_lost"),
        (401, "INVALID_TOKEN", "", "bitrix24_access_lost"),
        (402, "PAYMENT_REQUIRED", "", "bitrix24_plan"),
        (403, "ACCESS_DENIED", "REST API is available only on commercial plans", "bitrix24_plan"),
        (403, "ACCESS_DENIED", "Application context required", "bitrix24_rights"),
        (403, "insufficient_scope", "", "bitrix24_scope_missing"),
        (403, "INVALID_CREDENTIALS", "", "bitrix24_rights"),
        (403, "user_access_error", "", "bitrix24_rights"),
        (404, "ERROR_METHOD_NOT_FOUND", "", "bitrix24_method_missing"),
        (400, "INVALID_REQUEST", "Https required", "bitrix24_webhook_malformed"),
        (503, "OVERLOAD_LIMIT", "", "bitrix24_blocked"),
        (500, "PORTAL_DELETED", "", "bitrix24_portal_gone"),
    ];
    for (status, code, words, expect) in table {
        let called = read(status, code, words);
        let Called::Other(Reading::Broken(broken)) = called else { panic!("{code}: {called:?}") };
        assert_eq!((broken.code(), broken.scope()), (expect, Scope::Account), "{status} {code}");
    }
    assert_eq!(read(401, "expired_token", ""), Called::Other(Reading::Renew));
    assert!(matches!(
        read(503, "QUERY_LIMIT_EXCEEDED", ""),
        Called::Other(Reading::Retry { after_ms: Some(5_000), .. })
    ));
    for code in ["INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER"] {
        assert!(matches!(read(500, code, ""), Called::Other(Reading::Unclear { .. })), "{code}");
    }
    // Old methods write no code, some write a number: the description decides nothing either.
    for code in [json!(""), json!(0), json!("100")] {
        let body = json!({ "error": code, "error_description": "нет" });
        assert!(matches!(rest::read(&HttpReply::json(400, &body)), Called::Refused(_)));
    }
}

#[test]
fn a_method_that_used_its_time_is_waited_for_by_the_portals_clock() {
    let wait = |time: &str| {
        let body = format!(
            "{{\"error\":\"OPERATION_TIME_LIMIT\",\"error_description\":\"x\",\"time\":{time}}}"
        );
        let called = rest::read(&HttpReply::new(429, "application/json", body));
        let Called::Other(Reading::Retry { after_ms, .. }) = called else { panic!("{called:?}") };
        after_ms
    };
    assert_eq!(wait(r#"{"finish":1795255200.73,"operating_reset_at":1795255300}"#), Some(101_000));
    assert_eq!(wait(r#"{"finish":1795255200,"operating_reset_at":1795255100}"#), Some(1_000));
    assert_eq!(wait(r#"{"finish":0,"operating_reset_at":9999999999}"#), Some(3_600_000));
    assert_eq!(wait("{}"), Some(60_000));
}

#[test]
fn webhooks_are_taken_as_they_are_pasted() {
    let base = |url: &str| {
        let mut settings = Settings::default();
        settings.set("webhook_url", url);
        let request = rest::call(&settings, "profile", Value::Null);
        request.map(|request| request.url).map_err(|broken| broken.code())
    };
    let good = Ok("https://p.bitrix24.ru/rest/1/abc123/profile".to_owned());
    assert_eq!(base("https://p.bitrix24.ru/rest/1/abc123/"), good);
    assert_eq!(base(" https://p.bitrix24.ru/rest/1/abc123 "), good);
    assert_eq!(base("https://p.bitrix24.ru/rest/1/abc123/profile.json"), good);
    let bad = Err("bitrix24_webhook_malformed");
    assert_eq!(base("http://p.bitrix24.ru/rest/1/abc123/"), bad);
    assert_eq!(base("https://p.bitrix24.ru/rest/one/abc123/"), bad);
    assert_eq!(base("https://user@p.bitrix24.ru/rest/1/abc123/"), bad);
    assert_eq!(base("https://p.bitrix24.ru/"), bad);
}

#[test]
fn deals_are_named_by_number_or_address() {
    for text in ["57", " 57 ", "DEAL_57", "https://p.bitrix24.ru/crm/deal/details/57/?IFRAME=Y"] {
        assert_eq!(Bitrix24.address(text), Ok("57".to_owned()), "{text}");
    }
}

#[test]
fn stages_that_cannot_be_read_stop_everything_with_the_entry_beside() {
    let mut bench = Bench::new(&SETUP);
    for bad in ["WON", "x=WON", "0=", "0=W N", "-1=WON"] {
        bench.settings.set("paid_stages", bad);
        let message = bench.message(Kind::Paid);
        assert_eq!(bench.broken(&message), ("bitrix24_stages_malformed", Scope::Account), "{bad}");
    }
    let mut settings = Settings::default();
    settings.set("paid_stages", "0=WON, 3=C3:WON;");
    let stages = settings::stages(&settings, "paid_stages").unwrap();
    assert_eq!(stages, BTreeMap::from([(0, "WON".to_owned()), (3, "C3:WON".to_owned())]));
}

fn form(fields: &[(&str, &str)]) -> Form {
    Form::read(encode_query(fields).as_bytes(), "DOMAIN=p.bitrix24.ru&LANG=ru")
}

const TOKEN: &str = "51856fefc120afa4b628cc82d3935cce";
const MEMBER: &str = "a223c6b3710f85df22e9377d6c4f7553";

#[test]
fn only_the_connected_portal_is_believed() {
    let settings = BitrixStandIn::app().settings("https://p.bitrix24.ru");
    let from = |token: &str, member: &str| {
        let form = form(&[("auth[application_token]", token), ("auth[member_id]", member)]);
        inbound::is_genuine(&settings, &form)
    };
    assert!(from(TOKEN, MEMBER));
    assert!(!from(&TOKEN[1..], MEMBER) && !from(TOKEN, "another") && !from("", MEMBER));
    assert!(inbound::is_genuine(&settings, &form(&[("APPLICATION_TOKEN", TOKEN)])));
    assert!(!inbound::is_genuine(&settings, &form(&[])));
    assert!(!inbound::is_genuine(&Settings::default(), &form(&[("APPLICATION_TOKEN", "")])));
}

#[test]
fn both_kinds_of_installation_give_the_same_settings() {
    let event = form(&[
        ("event", "ONAPPINSTALL"),
        ("auth[access_token]", "a"),
        ("auth[refresh_token]", "r"),
        ("auth[application_token]", TOKEN),
        ("auth[member_id]", MEMBER),
        ("auth[client_endpoint]", "https://p.bitrix24.ru/rest/"),
    ]);
    let page = form(&[
        ("AUTH_ID", "a"),
        ("REFRESH_ID", "r"),
        ("APPLICATION_TOKEN", TOKEN),
        ("member_id", MEMBER),
    ]);
    let values = inbound::install(&event).unwrap();
    assert_eq!(Some(&values), inbound::install(&page).as_ref());
    assert_eq!(values.len(), 5);
    assert!(inbound::install(&form(&[("AUTH_ID", "a")])).is_none());
}

#[test]
fn events_give_numbers_and_nothing_more() {
    let of = |event: &str, id: &str| {
        inbound::event(&form(&[("event", event), ("data[FIELDS][ID]", id)]))
    };
    assert_eq!(of("ONCRMDEALUPDATE", "57"), Event::Deal { id: 57 });
    assert_eq!(of("onCrmDealAdd", "57"), Event::Deal { id: 57 });
    assert_eq!(of("ONCRMDEALDELETE", "57"), Event::DealDeleted { id: 57 });
    assert_eq!(of("ONAPPUNINSTALL", ""), Event::Uninstalled);
    assert_eq!(of("ONCRMDEALUPDATE", "-1"), Event::Other);
    assert_eq!(of("ONCRMLEADADD", "57"), Event::Other);
}

#[test]
fn a_tab_tells_its_deal_and_its_viewer() {
    let options = "{\"ID\":\"8061\",\"URI\":\"/crm/deal/details/8061/\"}";
    let form = form(&[("PLACEMENT_OPTIONS", options), ("AUTH_ID", "the viewer's token")]);
    let placement = inbound::placement(&form).unwrap();
    assert_eq!(placement.deal_id, 8_061);
    assert!(!format!("{placement:?}").contains("viewer's"));
    assert!(inbound::placement(&Form::default()).is_none());
}

#[test]
fn a_robots_run_is_read_and_answered() {
    let form = form(&[
        ("document_id[0]", "crm"),
        ("document_id[1]", "CCrmDocumentDeal"),
        ("document_id[2]", "DEAL_123"),
        ("event_token", "55.1|abc"),
        ("use_subscription", "Y"),
        ("properties[amount]", "1500.50"),
        ("properties[with_receipt]", "Y"),
    ]);
    let run = inbound::robot(&form).unwrap();
    assert_eq!((run.deal_id, run.waits), (123, true));
    assert_eq!(run.properties["amount"], "1500.50");
    assert!(run.properties.keys().all(|name| setup::ROBOT_PROPERTIES.contains(&name.as_str())));
    let mut service = BitrixStandIn::app();
    let settings = service.settings("https://stand-in.test");
    let result = inbound::RobotResult { payment_url: "https://p/1", ..Default::default() };
    let request = inbound::robot_answer(&settings, &run, &result).unwrap();
    assert_eq!(service.serve(0, &request).unwrap().status, 200);
    assert_eq!(service.portal.registered, ["bizproc.event.send 55.1|abc"]);
}

#[test]
fn a_checkout_is_read_in_rubles_only() {
    let fields = |sum: &'static str, currency: &'static str| {
        inbound::checkout(&form(&[
            ("BX_SYSTEM_PARAMS[PAYMENT_ID]", "91"),
            ("BX_SYSTEM_PARAMS[PAYSYSTEM_ID]", "4"),
            ("BX_SYSTEM_PARAMS[SUM]", sum),
            ("BX_SYSTEM_PARAMS[CURRENCY]", currency),
            ("BX_SYSTEM_PARAMS[RETURN_URL]", "https://shop.example.ru/"),
        ]))
    };
    let checkout = fields("1500.50", "RUB").unwrap();
    assert_eq!(checkout.amount, Money::parse_rubles("1500.50").unwrap());
    assert_eq!(fields("10", "USD"), Err(CheckoutProblem::Currency));
    assert_eq!(fields("0", "RUB"), Err(CheckoutProblem::Amount));
    assert_eq!(inbound::checkout(&Form::default()), Err(CheckoutProblem::Unreadable));
    let made = inbound::checkout_answer(Ok(("https://p/1", "pay_1")));
    assert_eq!(made, json!({ "PAYMENT_URL": "https://p/1", "PAYMENT_ID": "pay_1" }));
    let refused = inbound::checkout_answer(Err("нет"));
    assert_eq!(refused, json!({ "PAYMENT_ERRORS": ["нет"] }));
}

#[test]
fn an_application_registers_everything_and_may_do_so_again() {
    let mut service = BitrixStandIn::app();
    let settings = service.settings("https://stand-in.test");
    let register = |service: &mut BitrixStandIn| {
        let all = setup::registrations(&settings, "https://pay.example.ru/bitrix24/c1").unwrap();
        let mut now_ms = 0;
        let results: Vec<Registered> = all
            .iter()
            .map(|one| {
                now_ms += 500;
                one.read(&service.serve(now_ms, &one.request).unwrap())
            })
            .collect();
        results
    };
    let first = register(&mut service);
    assert!(first.iter().all(|result| *result == Registered::Done), "{first:?}");
    let again = register(&mut service);
    assert!(again.iter().all(|result| *result == Registered::Already), "{again:?}");
    // By a webhook the tab, the robot and the triggers cannot be: said, not hidden.
    let mut service = BitrixStandIn::default();
    let settings = service.settings("https://stand-in.test");
    let all = setup::registrations(&settings, "https://pay.example.ru/bitrix24/c1").unwrap();
    let reply = service.serve(0, &all[0].request).unwrap();
    let Registered::Other(Reading::Broken(broken)) = all[0].read(&reply) else { panic!() };
    assert_eq!(broken.code(), "bitrix24_rights");
}

#[test]
fn a_trial_asks_for_the_funnels() {
    let mut bench = Bench::new(&SETUP);
    let trial = Message { to: None, payment: None, ..bench.message(Kind::Test) };
    bench.delivered(&trial);
    assert!(bench.requests[0].url.ends_with("/crm.category.list"));
}
