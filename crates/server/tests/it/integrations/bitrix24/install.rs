//! An installation: taken, believed, made again, refused, undone; tokens that end.

use kopeck::{
    integrations::{flow::open_settings, renewal::renew, store},
    kit::db::DbError,
};
use kopeck_integrations::{Renewal, Settings};
use serde_json::json;

use super::{HOUR, Office, SECOND};
use crate::harness::{app::TestApp, databases::on_each};

async fn settings(office: &Office) -> Settings {
    let id = office.id.clone();
    let found: Result<_, DbError> =
        office.app.ctx.db.read(move |tx| store::find_any_integration(tx, &id)).await;
    open_settings(&office.app.ctx, &found.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn an_installation_gives_tokens_places_robots_and_works_at_once() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let office = Office::over(TestApp::over(db).await, json!({})).await;
        let form = office.host.service().install_page();
        let page = office.post("install", &form).await;
        assert_eq!(page.status, 200);
        let text = page.text();
        assert!(text.contains("Готово") && text.contains("Робот «Создать ссылку"), "{text}");
        // The portal's own script ends the installation, in the portal's frame and no other.
        assert!(text.contains("https://api.bitrix24.com/api/v1/"), "{text}");
        let policy = page.header("content-security-policy").to_owned();
        let own = format!("frame-ancestors 'self' {}", office.host.url);
        assert!(policy.contains(&own), "{policy}");
        assert!(policy.contains("script-src 'self' https://api.bitrix24.com;"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "");
        let registry = office.host.service().registry.clone();
        assert_eq!((registry.places.len(), registry.robots.len()), (2, 1));
        let base = format!("https://pay.example.ru/bitrix24/{}", office.id);
        assert_eq!(registry.places[0].1, format!("{base}/card"));
        let kept = settings(&office).await;
        assert_eq!(kept.get("access_token"), office.host.service().access);
        assert_eq!(kept.get("link_field"), "ufCrmKopeckLink");
        assert_eq!(kept.get("app_triggers"), "yes");
        let shown = office.shown().await.to_string();
        assert!(!shown.contains(kept.get("access_token")), "{shown}");
        // A link is written into its deal, which is won by its money; the trigger is pulled.
        office.set_deal(57, "opportunity", json!(5000));
        let payment = office.app.create(json!({})).await;
        let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
        office.app.post(&path, json!({ "to": "bitrix24:57" })).await.expect(202);
        office.wait(5).await;
        assert_eq!(office.deal(57, "ufCrmKopeckLink"), payment["pay_url"]);
        office.app.pay(&payment);
        office.wait(80).await;
        assert_eq!(office.deal(57, "stageId"), "WON");
        assert_eq!(office.host.service().portal.triggers, ["DEAL_57 kopeck_paid"]);
    })
    .await;
}

#[tokio::test]
async fn installing_again_renews_everything_and_doubles_nothing() {
    let office = Office::installed().await;
    office.app.advance(HOUR).await;
    let first = office.host.service().registry.clone();
    let office = office.install().await;
    let again = office.host.service().registry.clone();
    assert_eq!(first.places, again.places);
    assert_eq!(first.events, again.events);
    assert_eq!((again.robots.len(), again.triggers.len()), (1, 3));
    assert_eq!((again.fields.len(), again.handlers.len()), (3, 1));
    // As an event, of an application without pages.
    office.app.advance(HOUR).await;
    let event = office.host.service().install_event();
    assert_eq!(office.post("install", &event).await.status, 200);
    assert_eq!(office.host.service().registry.places, first.places);
    // Its own page says what is there and installs nothing.
    let issued = office.host.service().issued;
    let form = office.host.service().install_page();
    let page = office.post("app", &form).await;
    assert!(page.text().contains("Готово") && !page.text().contains("api.bitrix24.com"));
    assert_eq!(office.host.service().issued, issued);
}

#[tokio::test]
async fn nobody_installs_what_bitrix24_does_not_know() {
    let office = Office::new().await;
    let good = office.host.service().install_page();
    let own = office.host.service().refresh.clone();
    let forged = good.replace(&own, "refresh-token-of-a-stranger");
    let member = good.replace("a223c6b3710f85df22e9377d6c4f7553", "another-portal");
    for (form, code) in [
        (forged.as_str(), "bitrix24_install_refused"),
        (member.as_str(), "bitrix24_install_refused"),
        ("AUTH_ID=1", "bitrix24_install_refused"),
    ] {
        let page = office.post("install", form).await;
        assert!(page.text().contains(code), "{}", page.text());
    }
    assert!(settings(&office).await.find("access_token").is_none());
    assert!(office.host.service().registry.places.is_empty());
    // The member's own attempt used up the pair, as any exchange does.
    let good = office.host.service().install_page();
    office.host.service().is_admin = false;
    let page = office.post("install", &good).await;
    assert!(page.text().contains("bitrix24_not_admin"), "{}", page.text());
    office.host.service().is_admin = true;
    office.host.service().has_rest = false;
    let good = office.host.service().install_page();
    let page = office.post("install", &good).await;
    assert!(page.text().contains("bitrix24_plan"), "{}", page.text());
    assert!(settings(&office).await.find("access_token").is_none());
    // A wrong secret, and none.
    office.host.service().has_rest = true;
    office.edit(json!({ "client_secret": "somebody-elses" })).await;
    let good = office.host.service().install_page();
    let page = office.post("install", &good).await;
    assert!(page.text().contains("bitrix24_install_refused"), "{}", page.text());
    let without = json!({ "client_id": "", "client_secret": "" });
    let other = Office::over(TestApp::new().await, without).await;
    let page = other.post("install", &good).await;
    assert!(page.text().contains("bitrix24_client_missing"), "{}", page.text());
    let nobody = office.app.post_text("/bitrix24/int_none/install", &good).await;
    assert!(nobody.text().contains("bitrix24_settings_missing"), "{}", nobody.text());
}

#[tokio::test]
async fn a_stranger_cannot_have_bitrix24s_server_asked_without_end() {
    let office = Office::new().await;
    let good = office.host.service().install_page();
    let own = office.host.service().refresh.clone();
    let mut busy = 0;
    for number in 0..30 {
        let form = good.replace(&own, &format!("refresh-token-guess-{number}"));
        let page = office.post("install", &form).await;
        busy += usize::from(page.text().contains("Портал занят"));
    }
    assert_eq!(busy, 18, "twelve are asked about at once");
    office.app.advance(60 * SECOND).await;
    office.install().await;
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_by_name_and_mended_by_opening_the_page() {
    let office = Office::new().await;
    office.host.service().scopes.retain(|scope| scope != "bizproc");
    let form = office.host.service().install_page();
    let page = office.post("install", &form).await;
    let text = page.text();
    assert!(text.contains("Установлено, но не всё") && text.contains("insufficient_scope"));
    assert_eq!(office.host.service().registry.places.len(), 2, "the rest is there");
    office.host.service().scopes.push("bizproc".to_owned());
    let form = office.host.service().install_page();
    office.app.advance(HOUR).await;
    let page = office.post("app", &form).await;
    assert!(page.text().contains("Готово"), "{}", page.text());
    assert_eq!(office.host.service().registry.robots.len(), 1);
}

#[tokio::test]
async fn a_right_that_is_left_out_on_purpose_is_in_order_whenever_somebody_looks() {
    let office = Office::new().await;
    office.host.service().scopes.retain(|scope| scope != "bizproc");
    let form = office.host.service().install_page();
    office.post("install", &form).await;
    let issued = office.host.service().issued;
    for _ in 0..3 {
        office.app.advance(HOUR / 4).await;
        let form = office.host.service().install_page();
        let page = office.post("app", &form).await;
        let text = page.text();
        assert!(text.contains("Работает без отмеченного"), "{text}");
        assert!(text.contains("insufficient_scope"), "what is left out is shown: {text}");
    }
    assert_eq!(office.host.service().issued, issued, "nothing is installed anew");
}

#[tokio::test]
async fn the_applications_page_offers_the_portals_stages() {
    let office = Office::installed().await;
    let form = office.host.service().install_page();
    let page = office.post("app", &form).await.text();
    for part in ["0=WON", "3=C3:WON", "Сделка успешна", "Курсы &#60;b&#62;", "paid_stages="]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // A portal that is busy shows the rest.
    let now_ms = u64::try_from(office.app.ctx.now_ms()).unwrap();
    office.host.service().fill(now_ms, 0);
    let form = office.host.service().install_page();
    let page = office.post("app", &form).await.text();
    assert!(page.contains("Готово") && !page.contains("0=LOSE"), "{page}");
}

#[tokio::test]
async fn tokens_that_came_before_the_portal_fell_silent_are_not_lost() {
    for is_event in [false, true] {
        let office = Office::new().await;
        // The exchange is at Bitrix24's own server, the next question at the portal.
        let now_ms = u64::try_from(office.app.ctx.now_ms()).unwrap();
        office.host.service().fill(now_ms, 0);
        let form = match is_event {
            true => office.host.service().install_event(),
            false => office.host.service().install_page(),
        };
        let page = office.post("install", &form).await;
        assert_eq!(page.status, 200);
        assert!(is_event || page.text().contains("Портал занят"), "{}", page.text());
        assert!(settings(&office).await.find("access_token").is_none(), "not believed yet");
        let issued = office.host.service().issued;
        office.wait(30).await;
        assert_eq!(office.host.service().issued, issued, "exchanged once");
        assert!(settings(&office).await.find("access_token").is_some());
        assert_eq!(office.host.service().registry.places.len(), 2);
        assert_eq!(office.open_errands().await, Vec::<String>::new());
        // The page that is loaded once more is the same installation.
        if !is_event {
            let page = office.post("install", &form).await;
            assert!(page.text().contains("Готово"), "{}", page.text());
        }
    }
}

#[tokio::test]
async fn a_page_that_is_loaded_once_more_while_the_portal_is_silent_goes_on() {
    let office = Office::new().await;
    let now_ms = u64::try_from(office.app.ctx.now_ms()).unwrap();
    office.host.service().fill(now_ms, 0);
    let form = office.host.service().install_page();
    office.post("install", &form).await;
    office.app.clock.advance_ms(10 * SECOND);
    let page = office.post("install", &form).await;
    assert!(page.text().contains("Готово"), "{}", page.text());
    office.wait(30).await;
    assert_eq!(office.open_errands().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stranger_among_the_employees_leaves_no_tokens_behind() {
    let office = Office::new().await;
    office.host.service().is_admin = false;
    let form = office.host.service().install_page();
    let page = office.post("install", &form).await;
    assert!(page.text().contains("bitrix24_not_admin"), "{}", page.text());
    let sql = "select count(*) from bitrix24_apps where unproven is not null";
    let left: Result<_, DbError> = office.app.ctx.db.read(move |tx| tx.find(sql, &[])).await;
    assert_eq!(left.unwrap().unwrap().int(0).unwrap(), 0);
    // Once more it is refused again, whoever asks.
    let page = office.post("install", &form).await;
    assert!(page.text().contains("bitrix24_install_refused"), "{}", page.text());
}

#[tokio::test]
async fn an_event_is_believed_by_its_token_and_an_uninstalled_portal_is_forgotten() {
    let office = Office::installed().await;
    let gone = office.host.service().uninstall_event();
    let forged =
        gone.replace("51856fefc120afa4b628cc82d3935cce", "51856fefc120afa4b628cc82d3935ccf");
    assert_eq!(office.post("events", &forged).await.status, 403);
    let other = gone.replace("a223c6b3710f85df22e9377d6c4f7553", "another");
    assert_eq!(office.post("events", &other).await.status, 403);
    assert_eq!(office.post("events", "").await.status, 403);
    let nobody = office.app.post_text("/bitrix24/int_none/events", &gone).await;
    assert_eq!(nobody.status, 404);
    assert!(settings(&office).await.find("access_token").is_some());
    assert_eq!(office.post("events", &gone).await.status, 200);
    let kept = settings(&office).await;
    for name in ["access_token", "refresh_token", "application_token"] {
        assert!(kept.find(name).is_none(), "{name} is forgotten");
    }
    let shown = office.shown().await;
    assert_eq!(
        (&shown["status"], &shown["stopped_code"]),
        (&json!("stopped"), &json!("bitrix24_uninstalled"))
    );
    // Nothing of a portal that is gone is believed any more; it may come back.
    assert_eq!(office.post("events", &gone).await.status, 403);
    let office = office.install().await;
    assert_eq!(office.shown().await["status"], "active");
}

#[tokio::test]
async fn two_who_meet_an_ended_token_renew_it_once() {
    on_each(|db| async move {
        db.migrate().unwrap();
        let office = Office::over(TestApp::over(db).await, json!({})).await.install().await;
        let stale = settings(&office).await;
        let before = office.host.service().issued;
        let (ctx, id) = (&office.app.ctx, office.id.as_str());
        let all =
            tokio::join!(renew(ctx, id, &stale), renew(ctx, id, &stale), renew(ctx, id, &stale));
        let all = [all.0.unwrap(), all.1.unwrap(), all.2.unwrap()];
        assert_eq!(office.host.service().issued, before + 1, "{all:?}");
        let is_fine = |it: &Renewal| matches!(it, Renewal::Changed(_) | Renewal::Retry { .. });
        assert!(all.iter().all(is_fine), "{all:?}");
        // Whoever comes later with the old pair finds the new one.
        assert_eq!(renew(ctx, id, &stale).await.unwrap(), Renewal::Changed(Vec::new()));
        assert_eq!(office.host.service().issued, before + 1);
        assert_eq!(settings(&office).await.get("refresh_token"), office.host.service().refresh);
        // One that died with the lock in its hand holds up nobody for long.
        let fresh = settings(&office).await;
        let sql = "update token_renewals set until_ms = $1";
        let at = ctx.now_ms() + 30 * SECOND;
        let done: Result<_, DbError> = ctx.db.write(move |tx| tx.execute(sql, &[at.into()])).await;
        assert_eq!(done.unwrap(), 1);
        assert!(matches!(renew(ctx, id, &fresh).await.unwrap(), Renewal::Retry { .. }));
        office.app.advance(31 * SECOND).await;
        assert!(matches!(renew(ctx, id, &fresh).await.unwrap(), Renewal::Changed(_)));
    })
    .await;
}

#[tokio::test]
async fn a_portal_that_is_busy_in_the_middle_is_registered_at_later() {
    let office = Office::new().await;
    // Others of this server ask it too: who installs is still answered, the rest is not.
    let now_ms = u64::try_from(office.app.ctx.now_ms()).unwrap();
    office.host.service().fill(now_ms, 1);
    let form = office.host.service().install_page();
    let page = office.post("install", &form).await;
    assert!(page.text().contains("Портал занят"), "{}", page.text());
    assert!(office.host.service().registry.places.is_empty());
    assert!(settings(&office).await.find("access_token").is_some(), "the tokens are kept");
    office.wait(30).await;
    let registry = office.host.service().registry.clone();
    assert_eq!((registry.places.len(), registry.robots.len()), (2, 1));
    assert_eq!(settings(&office).await.get("app_triggers"), "yes");
    assert_eq!(office.open_errands().await, Vec::<String>::new());
}
