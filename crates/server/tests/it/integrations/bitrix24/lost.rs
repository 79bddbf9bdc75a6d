//! What a portal never told, and what it could never be told: found by looking. And the pace that
//! all who write to one portal share.

use kopeck_integrations::stand_in::{Fault, StandIn as _};
use serde_json::json;

use super::{HOUR, Office, SECOND};

#[tokio::test]
async fn a_deal_at_a_stage_gets_one_link_however_many_events_come() {
    let office = Office::installed().await;
    office.edit(json!({ "link_stages": "0=PREPARATION" })).await;
    let event = |name: &str| office.host.service().deal_event(name, 57);
    let (added, changed) = (event("ONCRMDEALADD"), event("ONCRMDEALUPDATE"));
    assert_eq!(office.post("events", &added).await.status, 200);
    office.wait(5).await;
    assert!(office.payments().await.is_empty(), "it does not stand at the stage");
    office.set_deal(57, "stageId", json!("PREPARATION"));
    for _ in 0..3 {
        assert_eq!(office.post("events", &changed).await.status, 200);
        office.wait(2).await;
    }
    office.wait(10).await;
    // Our own change of the deal is an event too.
    assert_eq!(office.post("events", &changed).await.status, 200);
    office.wait(10).await;
    let all = office.payments().await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["amount"], &all[0]["purpose"]), (&json!("1500.00"), &json!("Сделка 57")));
    assert_eq!(office.deal(57, "ufCrmKopeckLink"), all[0]["pay_url"]);
}

#[tokio::test]
async fn a_deal_whose_event_never_came_is_found_by_looking() {
    let office = Office::installed().await;
    office.edit(json!({ "link_stages": "0=PREPARATION; 3=C3:NEW" })).await;
    // One changed long ago, one just now; nobody told us of either.
    office.set_deal(57, "stageId", json!("PREPARATION"));
    office.set_deal(62, "stageId", json!("PREPARATION"));
    {
        let mut service = office.host.service();
        service.portal.changed.insert(62, "2026-11-01T00:00:00Z".to_owned());
        service.portal.changed.insert(61, "2026-11-01T00:00:00Z".to_owned());
        service.portal.changed.insert(57, "2026-11-21T12:30:00Z".to_owned());
    }
    office.app.advance(HOUR).await;
    office.wait(20).await;
    let all = office.payments().await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["purpose"], "Сделка 57");
    for _ in 0..5 {
        office.app.advance(HOUR).await;
    }
    assert_eq!(office.payments().await.len(), 1);
}

#[tokio::test]
async fn a_deal_that_should_have_moved_while_its_portal_was_away_for_days_moves_later() {
    let office = Office::installed().await;
    office.set_deal(57, "opportunity", json!(5000));
    let payment = office.app.create(json!({ "ttl_minutes": 10_000 })).await;
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    office.app.post(&path, json!({ "to": "bitrix24:57" })).await.expect(202);
    office.wait(10).await;
    office.host.fail(Fault::Status(502), 10_000);
    office.app.pay(&payment);
    for _ in 0..60 {
        office.app.advance(HOUR).await;
    }
    assert_eq!(office.deal(57, "stageId"), "NEW");
    office.host.service().shell().heal();
    for _ in 0..3 {
        // An hour is as long as a token lives: some seconds for what comes after a new one.
        office.app.advance(HOUR).await;
        office.wait(10).await;
    }
    let path = format!("/v1/payments/{}/sendings", payment["id"].as_str().unwrap());
    let sendings = office.app.get(&path).await.expect(200);
    assert_eq!(office.deal(57, "stageId"), "WON", "told when the portal is back: {sendings}");
    let comments = office.host.service().portal.comments.len();
    assert_eq!(comments, 2, "the link and the money, each once");
    // A deal that people moved on meanwhile is not fought over.
    office.set_deal(57, "stageId", json!("C3:NEW"));
    for _ in 0..5 {
        office.app.advance(HOUR).await;
    }
    assert_eq!(office.deal(57, "stageId"), "C3:NEW");
}

#[tokio::test]
async fn two_shops_integrations_with_one_portal_share_its_two_requests_a_second() {
    let office = Office::installed().await;
    // The same portal by a second connection of the shop's.
    let settings = office.host.settings();
    let second = json!({ "service": "bitrix24", "settings": settings.values() });
    let second = office.app.post("/v1/integrations", second).await.expect(201);
    assert_ne!(second["id"], office.id.as_str());
    let mut sent = 0;
    for _ in 0..12 {
        let payment = office.app.create(json!({})).await;
        let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
        for to in ["bitrix24:57", "bitrix24:62"] {
            office.app.post(&path, json!({ "to": to })).await.expect(202);
            sent += 1;
        }
        let form = office.host.service().robot_run(57, &format!("{sent}|x"), &[("amount", "10")]);
        office.post("robot", &form).await;
    }
    office.host.service().seen.clear();
    for _ in 0..600 {
        office.app.advance(100).await;
    }
    let seen = office.host.service().seen.clone();
    assert!(seen.len() > 60, "{}", seen.len());
    assert_eq!(office.host.service().refused, 0);
    // Over any ten seconds no more than drains in them, and what may stand in the bucket.
    for (at, first) in seen.iter().enumerate() {
        let within = seen[at..].iter().take_while(|it| **it < first + 10 * SECOND as u64).count();
        assert!(within <= 20 + 13, "{within} within ten seconds");
    }
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    let allowed = (last - first) / 500 + 13;
    assert!(seen.len() as u64 <= allowed, "{} over {} ms", seen.len(), last - first);
}

#[tokio::test]
async fn a_look_that_did_not_come_off_misses_nothing() {
    let office = Office::installed().await;
    office.edit(json!({ "link_stages": "0=PREPARATION" })).await;
    office.set_deal(57, "stageId", json!("PREPARATION"));
    // Changed soon after the installation; the portal is away when it should be looked at.
    let changed = "2026-11-21T12:05:00Z".to_owned();
    office.host.service().portal.changed.insert(57, changed);
    office.host.fail(Fault::Status(502), 10_000);
    for _ in 0..5 {
        office.app.advance(HOUR).await;
    }
    assert!(office.payments().await.is_empty());
    office.host.service().shell().heal();
    for _ in 0..3 {
        office.app.advance(HOUR).await;
        office.wait(10).await;
    }
    assert_eq!(office.payments().await.len(), 1);
}
