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
        Bitrix24, BitrixStandIn, card,
        inbound::{self, CheckoutProblem, Event, Form},
        rest::{self, Called},
        settings,
        setup::{self, Addresses, Registered},
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
    let request = inbound::robot_answer(&settings, &run.event_token, &result).unwrap();
    service.registry.waiting.push("55.1|abc".to_owned());
    let answered = service.serve(0, &request).unwrap();
    assert_eq!(inbound::read_robot_answer(&answered), Ok(()));
    assert_eq!(service.registry.answers[0]["payment_url"], "https://p/1");
    // Answered before, or no longer waited for: nobody is left to be told, and nothing is broken.
    let again = service.serve(0, &request).unwrap();
    assert_eq!((again.status, inbound::read_robot_answer(&again)), (403, Ok(())));
    service.has_rest = false;
    let refused = service.serve(0, &request).unwrap();
    assert!(inbound::read_robot_answer(&refused).is_err());
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

fn addresses(base: &str) -> Addresses {
    let checkout = format!("{base}/checkout/secret");
    Addresses { base: base.to_owned(), checkout }
}

/// Both batches, as the server makes them.
fn register(service: &mut BitrixStandIn, now_ms: u64, base: &str) -> Vec<Registered> {
    let settings = service.settings("https://stand-in.test");
    let there = setup::read_look(&service.serve(now_ms, &setup::look(&settings).unwrap()).unwrap());
    let plan = setup::register(&settings, &addresses(base), &there.unwrap()).unwrap();
    plan.read(&service.serve(now_ms + 500, &plan.request).unwrap()).unwrap()
}

#[test]
fn an_application_registers_everything_and_may_do_so_again_at_another_address() {
    const OLD: &str = "https://old.example.ru/b/1";
    const NEW: &str = "https://new.example.ru/b/1";
    let mut service = BitrixStandIn::app();
    for (number, base) in [OLD, NEW, NEW, OLD, NEW].into_iter().enumerate() {
        let all = register(&mut service, number as u64 * 10_000, base);
        assert!(all.iter().all(|one| one.refused.is_none()), "{all:?}");
        assert_eq!(all.len(), 11, "{all:?}");
        let registry = &service.registry;
        let places = ["CRM_DEAL_DETAIL_TAB", "CRM_DEAL_DETAIL_TOOLBAR"];
        let expected = places.map(|place| (place.to_owned(), format!("{base}/card")));
        assert_eq!(registry.places, expected, "one of each, at the newest address");
        assert_eq!(registry.events.len(), 4);
        assert!(registry.events.iter().all(|(_, to)| *to == format!("{base}/events")));
        assert_eq!((registry.robots.len(), registry.triggers.len()), (1, 3));
        let robot = &registry.robots[0].1;
        assert_eq!(robot["HANDLER"], format!("{base}/robot"));
        assert_eq!(robot["AUTH_USER_ID"], "12", "the administrator who installed it");
        assert_eq!((registry.fields.len(), registry.handlers.len()), (3, 1));
        let settings = &registry.handlers[0]["SETTINGS"]["CHECKOUT_DATA"];
        assert_eq!(settings["ACTION_URI"], format!("{base}/checkout/secret"));
    }
}

#[test]
fn what_a_portal_refuses_to_register_is_told_by_name_and_the_rest_goes_on() {
    let mut service = BitrixStandIn::app();
    service.scopes.retain(|scope| scope != "bizproc");
    let all = register(&mut service, 0, "https://pay.example.ru/b/1");
    let refused: Vec<_> = all.iter().filter(|one| one.refused.is_some()).collect();
    assert_eq!(refused.len(), 1, "{all:?}");
    assert!(refused[0].title.contains("Робот"));
    assert!(refused[0].refused.as_deref().unwrap().contains("insufficient_scope"));
    assert_eq!(service.registry.places.len(), 2);
    // An address without https is no address for a portal.
    let all = register(&mut service, 60_000, "http://pay.example.ru/b/1");
    assert!(all.iter().filter(|one| one.refused.is_some()).count() > 4, "{all:?}");
}

#[test]
fn who_installs_is_known_before_anything_is_registered() {
    let mut service = BitrixStandIn::app();
    service.is_admin = false;
    let settings = service.settings("https://stand-in.test");
    let reply = service.serve(0, &setup::look(&settings).unwrap()).unwrap();
    let there = setup::read_look(&reply).unwrap();
    assert_eq!((there.is_admin, there.user_id), (false, 12));
    let lost = HttpReply::json(200, &json!({ "result": { "result": [], "result_error": [] } }));
    assert!(matches!(setup::read_look(&lost), Err(Reading::Unclear { .. })));
}

#[test]
fn what_the_portal_sends_is_what_we_read() {
    let mut service = BitrixStandIn::app();
    let settings = service.settings("https://stand-in.test");
    let read = |body: &str| Form::read(body.as_bytes(), "DOMAIN=stand-in.test&LANG=ru");
    for body in [service.install_page(), service.install_event()] {
        let values = inbound::install(&read(&body)).expect("an installation");
        assert!(inbound::is_genuine(&settings, &read(&body)));
        assert_eq!(values[0], ("client_endpoint", "https://stand-in.test/rest/".to_owned()));
    }
    let event = read(&service.deal_event("ONCRMDEALUPDATE", 57));
    assert!(inbound::is_genuine(&settings, &event));
    assert_eq!(inbound::event(&event), Event::Deal { id: 57 });
    assert_eq!(inbound::event(&read(&service.uninstall_event())), Event::Uninstalled);
    let tab = inbound::placement(&read(&service.tab(57, "viewer"))).expect("a tab");
    assert_eq!((tab.deal_id, tab.viewer_token.as_str()), (57, "viewer"));
    let run = service.robot_run(57, "5|x", &[("amount", "1500"), ("send_to", "email")]);
    let run = inbound::robot(&read(&run)).expect("a run");
    assert_eq!((run.deal_id, run.properties["send_to"].as_str()), (57, "email"));
    let checkout = inbound::checkout(&read(&service.checkout("91", "1500.5"))).expect("a checkout");
    assert_eq!((checkout.payment_id.as_str(), checkout.amount.kopecks()), ("91", 150_050));
}

#[test]
fn deals_at_a_stage_are_read_page_by_page() {
    let mut service = BitrixStandIn::app();
    let settings = service.settings("https://stand-in.test");
    service.portal.changed.insert(62, "2026-11-01T00:00:00+03:00".to_owned());
    let since = "2026-11-20T00:00:00+03:00";
    let mut ids = Vec::new();
    for after in [0, 57] {
        let request = card::deals_at(&settings, (0, "NEW"), since, after).unwrap();
        ids.push(card::read_deals(&service.serve(0, &request).unwrap()).unwrap());
    }
    assert_eq!(ids, [vec![57], vec![]], "59 is hidden, 62 did not change, 60 stands elsewhere");
    let reply = HttpReply::json(200, &json!({ "result": {} }));
    assert!(card::read_deals(&reply).is_err());
}

#[test]
fn a_payment_of_the_portals_own_is_read_to_the_kopeck() {
    let mut service = BitrixStandIn::app();
    service.portal.payments.insert(91, ("1500.50".to_owned(), false));
    let settings = service.settings("https://stand-in.test");
    let request = card::portal_payment(&settings, "91").unwrap();
    let found = card::read_portal_payment(&service.serve(0, &request).unwrap()).unwrap();
    assert_eq!((found.sum.kopecks(), found.is_paid, found.is_rubles), (150_050, false, true));
    let request = card::portal_payment(&settings, "92").unwrap();
    let reply = service.serve(0, &request).unwrap();
    assert!(matches!(card::read_portal_payment(&reply), Err(Reading::Broken(_))));
}

#[test]
fn a_trial_asks_for_the_funnels() {
    let mut bench = Bench::new(&SETUP);
    let trial = Message { to: None, payment: None, ..bench.message(Kind::Test) };
    bench.delivered(&trial);
    assert!(bench.requests[0].url.ends_with("/crm.category.list"));
}
