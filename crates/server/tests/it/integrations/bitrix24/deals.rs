//! What becomes of a deal when its money goes back in parts, and when a link ends unpaid.

use serde_json::{Value, json};

use super::{Office, SECOND};

async fn send(office: &Office, payment: &Value) {
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    office.app.post(&path, json!({ "to": "bitrix24:57" })).await.expect(202);
    office.wait(10).await;
}

async fn refund(office: &Office, payment: &Value, amount: &str) {
    let path = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    office.app.post(&path, json!({ "amount": amount })).await.expect(201);
    for _ in 0..30 {
        office.app.advance(10 * SECOND).await;
    }
}

#[tokio::test]
async fn a_deal_leaves_its_stage_when_all_of_its_money_went_back_and_not_before() {
    let office = Office::installed().await;
    office.edit(json!({ "refunded_stages": "0=LOSE" })).await;
    office.set_deal(57, "opportunity", json!(5000));
    let payment = office.app.create(json!({})).await;
    send(&office, &payment).await;
    office.app.pay(&payment);
    office.wait(80).await;
    assert_eq!(office.deal(57, "stageId"), "WON");
    refund(&office, &payment, "1200.50").await;
    assert_eq!(office.deal(57, "stageId"), "WON", "a part went back");
    assert_eq!(office.deal(57, "ufCrmKopeckStatus"), "возвращено частично");
    let text = office.host.service().portal.comments.last().unwrap().2.replace('\u{a0}', " ");
    assert!(text.contains("1 200,50 ₽") && text.contains("остаётся 3 799,50 ₽"), "{text}");
    refund(&office, &payment, "3799.50").await;
    assert_eq!(office.deal(57, "stageId"), "LOSE");
    assert_eq!(office.deal(57, "ufCrmKopeckStatus"), "возвращено");
    let triggers = office.host.service().portal.triggers.clone();
    assert_eq!(triggers, ["DEAL_57 kopeck_paid", "DEAL_57 kopeck_refunded"]);
    assert!(office.host.service().portal.bells.is_empty(), "all of it as it should be");
}

#[tokio::test]
async fn a_link_that_ends_unpaid_moves_the_deal_unless_there_is_a_newer_one() {
    let office = Office::installed().await;
    office.edit(json!({ "failed_stages": "0=PREPARATION" })).await;
    let first = office.app.create(json!({ "ttl_minutes": 20 })).await;
    send(&office, &first).await;
    let second = office.app.create(json!({ "ttl_minutes": 120 })).await;
    send(&office, &second).await;
    assert_eq!(office.deal(57, "ufCrmKopeckLink"), second["pay_url"]);
    for _ in 0..40 {
        office.app.advance(60 * SECOND).await;
    }
    assert_eq!(office.app.payment(&first["id"]).await["status"], "expired");
    assert_eq!(office.deal(57, "stageId"), "NEW", "the newer link can still be paid");
    assert_eq!(office.deal(57, "ufCrmKopeckStatus"), "ожидает оплаты");
    for _ in 0..140 {
        office.app.advance(60 * SECOND).await;
    }
    assert_eq!(office.app.payment(&second["id"]).await["status"], "expired");
    assert_eq!(office.deal(57, "stageId"), "PREPARATION");
    assert_eq!(office.deal(57, "ufCrmKopeckStatus"), "срок истёк");
    assert_eq!(office.host.service().portal.triggers, ["DEAL_57 kopeck_failed"]);
}
