//! A payment's news in a deal: what is written, what is moved, what stays and who is told.

use serde_json::json;

use super::SETUP;
use crate::{
    bitrix24::{Bitrix24, BitrixStandIn, oauth, settings},
    contract::{Bench, LINK, payment},
    exchange::{self, Fate, Sent},
    integration::{Integration as _, Progress, Renewal, Settings},
    message::{Kind, Message, Payment},
    problem::Scope,
    stand_in::{Fault, StandIn as _},
};

/// A portal whose insides can be looked at, driven as the server drives it.
struct Office {
    service: BitrixStandIn,
    settings: Settings,
    now_ms: u64,
    methods: Vec<String>,
}

impl Office {
    fn new(service: BitrixStandIn) -> Office {
        let settings = service.settings("https://stand-in.test");
        Office { service, settings, now_ms: 1_000_000, methods: Vec::new() }
    }

    fn send(&mut self, message: &Message) -> Fate {
        let settings = self.settings.clone();
        exchange::run(&Bitrix24, &settings, message, |request| {
            self.now_ms += 500;
            self.methods.push(request.path().rsplit('/').next().unwrap_or("").to_owned());
            let reply = self.service.serve(self.now_ms, &request);
            reply.ok_or_else(|| kopeck_banks::exchange::Silence::Lost("timed out".to_owned()))
        })
    }

    #[track_caller]
    fn done(&mut self, message: &Message) -> Option<String> {
        self.methods.clear();
        match self.send(message) {
            Fate::Delivered { remote_id } => remote_id,
            other @ (Fate::More(_)
            | Fate::Retry { .. }
            | Fate::Unknown { .. }
            | Fate::Moved { .. }
            | Fate::Renew
            | Fate::Broken(_)) => panic!("{other:?}"),
        }
    }

    fn field(&self, deal: i64, name: &str) -> String {
        let value = &self.service.portal.deals[&deal][name];
        value.as_str().unwrap_or("").to_owned()
    }
}

fn news(kind: Kind, deal: i64) -> Message {
    let message = Bench::new(&SETUP).message(kind);
    Message { to: Some(deal.to_string()), id: format!("dlv_{}_{deal}", kind.as_str()), ..message }
}

#[test]
fn a_link_is_written_into_the_card_and_the_timeline() {
    let mut office = Office::new(BitrixStandIn::default());
    let id = office.done(&news(Kind::Link, 57));
    assert_eq!(office.methods, ["crm.item.get", "crm.item.update", "crm.timeline.comment.add"]);
    assert_eq!(office.field(57, "ufCrmKopeckLink"), LINK);
    assert_eq!(office.field(57, "ufCrmKopeckStatus"), "ожидает оплаты");
    let (number, _, text) = office.service.portal.comments[0].clone();
    assert_eq!(id, Some(number.to_string()));
    assert!(text.contains(LINK) && text.ends_with("Kopeck · dlv_link_57"), "{text}");
}

#[test]
fn a_paid_deal_moves_by_its_funnel_and_only_once() {
    let mut office = Office::new(BitrixStandIn::default());
    for (deal, stage) in [(57, "WON"), (61, "C3:WON"), (63, "FINAL_INVOICE")] {
        office.done(&news(Kind::Paid, deal));
        assert_eq!(office.field(deal, "stageId"), stage, "{deal}");
    }
    // The same news by another delivery: nothing is left to write.
    office.done(&Message { id: "dlv_again".to_owned(), ..news(Kind::Paid, 57) });
    assert_eq!(office.methods, ["crm.item.get", "crm.timeline.comment.add"]);
    assert!(office.service.portal.bells.is_empty());
}

#[test]
fn a_closed_deal_and_a_part_of_a_sum_stay_and_somebody_is_told() {
    let mut office = Office::new(BitrixStandIn::default());
    for (deal, stage, word) in [(60, "LOSE", "уже закрыта"), (62, "NEW", "4\u{a0}500,00")]
    {
        office.done(&news(Kind::Paid, deal));
        assert_eq!(office.field(deal, "stageId"), stage);
        assert_eq!(office.field(deal, "ufCrmKopeckStatus"), "оплачено");
        let text = office.service.portal.comments.last().unwrap().2.clone();
        assert!(text.contains(word), "{text}");
        let (user, bell) = office.service.portal.bells.last().unwrap();
        assert!(*user == 12 && bell.contains(word) && bell.contains("/crm/deal/details/"));
    }
    office.settings.set(settings::MOVE_ON_PART, "yes");
    office.done(&Message { id: "dlv_part".to_owned(), ..news(Kind::Paid, 62) });
    assert_eq!(office.field(62, "stageId"), "WON");
}

#[test]
fn another_sum_moves_nothing_and_rings() {
    let mut office = Office::new(BitrixStandIn::default());
    let mut message = news(Kind::Mismatch, 57);
    let moved = Some(kopeck_banks::Money::parse_rubles("1400").unwrap());
    message.payment = Some(Payment { moved, ..payment() });
    office.done(&message);
    assert_eq!(office.field(57, "stageId"), "NEW");
    assert_eq!(office.service.portal.bells.len(), 1);
    let text = &office.service.portal.comments[0].2;
    assert!(text.contains("1\u{a0}400,00") && text.contains("1\u{a0}500,00"), "{text}");
}

#[test]
fn a_stage_that_asks_for_a_field_costs_the_stage_only() {
    let mut service = BitrixStandIn::default();
    service.portal.mandatory.insert("WON".to_owned(), "ufCrmReason".to_owned());
    let mut office = Office::new(service);
    office.done(&news(Kind::Paid, 57));
    assert_eq!(
        office.methods,
        [
            "crm.item.get",
            "crm.item.update",
            "crm.item.update",
            "crm.timeline.comment.add",
            "im.notify.system.add",
        ]
    );
    assert_eq!(office.field(57, "stageId"), "NEW");
    assert_eq!(office.field(57, "ufCrmKopeckStatus"), "оплачено");
    let text = office.service.portal.comments[0].2.clone();
    assert!(text.contains("обязательное поле") && !text.contains("<br>"), "{text}");
    // A stage that is not there is told in the same way, though its refusal has no code.
    office.settings.set(settings::PAID_STAGES, "0=NOWHERE");
    office.done(&Message { id: "dlv_2".to_owned(), ..news(Kind::Paid, 57) });
    assert!(office.service.portal.comments[1].2.contains("Стадия не найдена"));
}

#[test]
fn without_the_right_to_ring_the_news_is_written_all_the_same() {
    let mut service = BitrixStandIn::default();
    service.scopes.retain(|scope| scope != "im");
    let mut office = Office::new(service);
    assert!(office.done(&news(Kind::Paid, 60)).is_some());
    assert_eq!(office.service.portal.comments.len(), 1);
}

#[test]
fn a_trigger_is_pulled_last_and_never_twice() {
    let mut office = Office::new(BitrixStandIn::default());
    office.settings.set(settings::PAID_TRIGGER, "paid-7x2");
    office.done(&news(Kind::Paid, 57));
    assert_eq!(office.service.portal.triggers, ["DEAL_57 paid-7x2"]);
    office.done(&news(Kind::Paid, 62));
    assert_eq!(office.service.portal.triggers.len(), 1, "a part pulls nothing");
    let progress = Progress::at("trigger");
    let settings = office.settings.clone();
    let heard = Err(kopeck_banks::exchange::Silence::Lost("timed out".to_owned()));
    let sent = Sent { progress: &progress, since_ms: 0 };
    let fate = exchange::after(&Bitrix24, &settings, &news(Kind::Paid, 57), sent, &heard);
    assert!(matches!(fate, Fate::Unknown { .. }), "{fate:?}");
}

/// The delivery with a fault at its n-th request; whatever is retried, is.
fn with_fault(fault: Fault, at: usize) -> Office {
    let mut office = Office::new(BitrixStandIn::default());
    let message = news(Kind::Paid, 57);
    let (settings, mut progress) = (office.settings.clone(), Progress::start());
    for number in 0..20 {
        office.now_ms += 6_000;
        if number == at {
            office.service.shell().fail(fault, 1);
        }
        let request = Bitrix24.request(&settings, &message, &progress).unwrap();
        let reply = office.service.serve(office.now_ms, &request);
        let heard =
            reply.ok_or_else(|| kopeck_banks::exchange::Silence::Lost("timed out".to_owned()));
        // As the server keeps it between requests.
        progress = Progress::parse(&progress.to_text());
        let sent = Sent { progress: &progress, since_ms: 0 };
        match exchange::after(&Bitrix24, &settings, &message, sent, &heard) {
            Fate::More(next) => progress = next,
            Fate::Retry { .. } => {}
            Fate::Delivered { .. } => return office,
            other @ (Fate::Unknown { .. } | Fate::Moved { .. } | Fate::Renew | Fate::Broken(_)) => {
                panic!("{fault:?} at {at}: {other:?}")
            }
        }
    }
    panic!("{fault:?} at {at}: no end");
}

#[test]
fn whatever_reply_is_lost_the_deal_moves_and_has_one_comment() {
    for fault in [Fault::ReplyLost, Fault::Hang, Fault::Status(502), Fault::Garbage] {
        for at in 0..4 {
            let office = with_fault(fault, at);
            assert_eq!(office.field(57, "stageId"), "WON", "{fault:?} at {at}");
            assert_eq!(office.service.portal.comments.len(), 1, "{fault:?} at {at}");
        }
    }
}

#[test]
fn an_ended_token_is_renewed_once_and_the_same_request_goes_on() {
    let mut office = Office::new(BitrixStandIn::app());
    office.service.expire();
    assert_eq!(office.send(&news(Kind::Paid, 57)), Fate::Renew);
    let request = Bitrix24.renewal(&office.settings).unwrap();
    assert!(request.url.starts_with("https://stand-in.test/oauth/token/?grant_type=refresh_token"));
    let reply = office.service.serve(office.now_ms, &request).unwrap();
    let Renewal::Changed(values) = Bitrix24.read_renewal(&reply) else { panic!("{reply:?}") };
    for (name, value) in values {
        office.settings.set(name, value);
    }
    office.done(&news(Kind::Paid, 57));
    // The old pair is worth nothing now.
    let again = office.service.serve(office.now_ms, &request).unwrap();
    let Renewal::Broken(broken) = Bitrix24.read_renewal(&again) else { panic!("{again:?}") };
    assert_eq!((broken.code(), broken.scope()), ("bitrix24_refresh_dead", Scope::Account));
    assert!(Bitrix24.renewal(&Bench::new(&SETUP).settings).is_none());
}

#[test]
fn a_code_is_exchanged_for_the_first_tokens() {
    let mut office = Office::new(BitrixStandIn::app());
    let url = oauth::authorize_url("https://p.bitrix24.ru/", &office.settings, "st 1");
    assert_eq!(
        url,
        "https://p.bitrix24.ru/oauth/authorize/?client_id=local.65f0a1b2c3d4e5.12345678&state=st%201"
    );
    let request = oauth::exchange(&office.settings, "code-of-thirty-seconds");
    let reply = office.service.serve(0, &request).unwrap();
    assert!(matches!(oauth::read(&reply), Renewal::Changed(values) if values.len() == 4));
    let late = oauth::exchange(&office.settings, "older");
    let reply = office.service.serve(0, &late).unwrap();
    assert!(matches!(oauth::read(&reply), Renewal::Broken(_)));
}

#[test]
fn a_free_plan_and_missing_rights_have_words_of_their_own() {
    for mut service in [BitrixStandIn::default(), BitrixStandIn::app()] {
        service.has_rest = false;
        let mut office = Office::new(service);
        let fate = office.send(&news(Kind::Paid, 57));
        let Fate::Broken(broken) = fate else { panic!("{fate:?}") };
        assert_eq!((broken.code(), broken.scope()), ("bitrix24_plan", Scope::Account));
        office.service.has_rest = true;
        office.service.scopes.clear();
        let fate = office.send(&news(Kind::Paid, 57));
        let Fate::Broken(broken) = fate else { panic!("{fate:?}") };
        assert_eq!((broken.code(), broken.scope()), ("bitrix24_scope_missing", Scope::Account));
    }
}

#[test]
fn our_own_changes_ask_for_no_second_link() {
    let mut office = Office::new(BitrixStandIn::default());
    office.settings.set(settings::LINK_STAGES, "0=NEW");
    let read = |office: &Office, id: i64| {
        let item = json!({ "item": office.service.portal.deals[&id] });
        crate::bitrix24::deal::Deal::read(&item.to_string()).unwrap()
    };
    assert_eq!(read(&office, 57).asks_for_link(&office.settings), Ok(true));
    assert_eq!(read(&office, 61).asks_for_link(&office.settings), Ok(false), "another funnel");
    office.done(&news(Kind::Link, 57));
    assert_eq!(read(&office, 57).asks_for_link(&office.settings), Ok(false), "it has its link");
    office.settings.set(settings::LINK_FIELD, "");
    assert_eq!(read(&office, 62).asks_for_link(&office.settings), Ok(false), "nowhere to look");
}

#[test]
fn nobodys_purpose_becomes_the_portals_markup() {
    let mut office = Office::new(BitrixStandIn::default());
    let mut message = news(Kind::Paid, 57);
    let purpose = "[URL=https://evil.example]Чек[/URL]".to_owned();
    message.payment = Some(Payment { purpose, ..payment() });
    office.done(&message);
    let text = &office.service.portal.comments[0].2;
    assert!(text.contains("(URL=https://evil.example)") && !text.contains('['), "{text}");
}

fn refund(left: &str) -> Message {
    let message = news(Kind::Refunded, 57);
    let money = |text: &str| Some(kopeck_banks::Money::parse_rubles(text).unwrap());
    let payment = Payment { moved: money("500"), left: money(left), ..payment() };
    Message { id: format!("dlv_back_{left}"), payment: Some(payment), ..message }
}

#[test]
fn a_part_that_goes_back_does_not_move_the_deal_and_the_whole_does() {
    let mut office = Office::new(BitrixStandIn::default());
    office.settings.set(settings::REFUNDED_STAGES, "0=LOSE");
    office.done(&news(Kind::Paid, 57));
    assert_eq!(office.field(57, "stageId"), "WON");
    office.done(&refund("1000"));
    assert_eq!(office.field(57, "stageId"), "WON");
    assert_eq!(office.field(57, "ufCrmKopeckStatus"), "возвращено частично");
    let text = office.service.portal.comments.last().unwrap().2.clone();
    assert!(text.contains("остаётся 1\u{a0}000,00"), "{text}");
    assert!(office.service.portal.bells.is_empty(), "a refund in parts is nothing odd");
    // It was won by our own news, so it may go on; what another won stays.
    office.done(&refund("0"));
    assert_eq!(office.field(57, "stageId"), "LOSE");
    assert_eq!(office.field(57, "ufCrmKopeckStatus"), "возвращено");
    office.service.portal.deals.get_mut(&57).unwrap()["stageId"] = json!("WON");
    office.settings.set(settings::PAID_STAGES, "0=PREPARATION");
    office.done(&Message { id: "dlv_back_again".to_owned(), ..refund("0") });
    assert_eq!(office.field(57, "stageId"), "WON");
}

#[test]
fn a_failure_moves_the_deal_unless_a_newer_link_is_in_it() {
    let mut office = Office::new(BitrixStandIn::default());
    office.settings.set(settings::FAILED_STAGES, "0=PREPARATION");
    office.done(&news(Kind::Link, 57));
    office.done(&news(Kind::Failed, 57));
    assert_eq!(office.field(57, "stageId"), "PREPARATION");
    assert_eq!(office.field(57, "ufCrmKopeckStatus"), "не прошла");
    // The deal has another link by now, and it is paid: the end of the old one is only told.
    let deal = office.service.portal.deals.get_mut(&57).unwrap();
    deal["ufCrmKopeckLink"] = json!("https://pay.example.ru/pay/pay_newer");
    deal["ufCrmKopeckStatus"] = json!("оплачено");
    deal["stageId"] = json!("NEW");
    office.done(&news(Kind::Expired, 57));
    assert_eq!(office.field(57, "stageId"), "NEW");
    assert_eq!(office.field(57, "ufCrmKopeckStatus"), "оплачено");
    assert_eq!(office.methods, ["crm.item.get", "crm.timeline.comment.add"]);
    assert!(office.service.portal.comments.last().unwrap().2.contains("новая ссылка"));
    assert!(office.service.portal.bells.is_empty());
}

#[test]
fn an_application_pulls_its_own_trigger_for_money_that_came_failed_or_went_back() {
    let mut office = Office::new(BitrixStandIn::app());
    for code in ["kopeck_paid", "kopeck_failed", "kopeck_refunded"] {
        office.service.registry.triggers.push((code.to_owned(), code.to_owned()));
    }
    office.done(&news(Kind::Paid, 57));
    assert!(office.service.portal.triggers.is_empty(), "only once they are registered");
    office.settings.set(settings::APP_TRIGGERS, "yes");
    for (kind, deal) in [(Kind::Paid, 61), (Kind::Failed, 62), (Kind::Expired, 63)] {
        office.done(&news(kind, deal));
    }
    office.done(&refund("1000"));
    office.done(&refund("0"));
    let expected = ["DEAL_61 kopeck_paid", "DEAL_62 kopeck_failed", "DEAL_63 kopeck_failed"];
    assert_eq!(office.service.portal.triggers[..3], expected);
    assert_eq!(office.service.portal.triggers[3..], ["DEAL_57 kopeck_refunded"]);
    // An application whose employee may not pull it has written its news all the same.
    office.service.scopes.retain(|scope| scope != "crm");
    let progress = Progress::at("trigger").with("{\"comment\":\"101\"}");
    let (settings, message) = (office.settings.clone(), news(Kind::Paid, 61));
    let request = Bitrix24.request(&settings, &message, &progress).unwrap();
    let reply = office.service.serve(office.now_ms + 500, &request).unwrap();
    let reading = Bitrix24.read(&settings, &message, &progress, &reply);
    assert!(matches!(reading, crate::Reading::Delivered { .. }), "{reading:?}");
}

#[test]
fn an_access_token_ends_after_an_hour_by_itself() {
    let mut office = Office::new(BitrixStandIn::app());
    let renew = |office: &mut Office| {
        let request = Bitrix24.renewal(&office.settings).unwrap();
        let reply = office.service.serve(office.now_ms, &request).unwrap();
        let Renewal::Changed(values) = Bitrix24.read_renewal(&reply) else { panic!("{reply:?}") };
        for (name, value) in values {
            office.settings.set(name, value);
        }
    };
    renew(&mut office);
    office.done(&news(Kind::Link, 57));
    office.now_ms += 3_600_000;
    assert_eq!(office.send(&news(Kind::Paid, 57)), Fate::Renew);
    renew(&mut office);
    office.done(&news(Kind::Paid, 57));
}
