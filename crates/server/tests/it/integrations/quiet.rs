//! What stands in the log while everything goes wrong: no key, no address, no phone.

use std::{
    io,
    sync::{Arc, Mutex},
};

use kopeck_integrations::{
    bitrix24::BitrixStandIn,
    sms::SmsStandIn,
    stand_in::{Fault, StandIn},
    telegram::TelegramStandIn,
};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::host::Host;
use crate::harness::app::TestApp;

const HOUR: i64 = 3_600_000;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

async fn fail<S: StandIn + 'static>(app: &TestApp, host: &Host<S>, to: &str) {
    for fault in [Fault::Garbage, Fault::Status(502), Fault::ReplyLost, Fault::Hang] {
        host.fail(fault, 1);
    }
    send(app, to).await;
    host.heal();
}

async fn send(app: &TestApp, to: &str) {
    let payment = app.create(json!({ "ttl_minutes": 10_000 })).await;
    let path = format!("/v1/payments/{}/send", payment["id"].as_str().unwrap());
    app.post(&path, json!({ "to": to })).await.expect(202);
    for _ in 0..5 {
        app.advance(HOUR).await;
    }
}

#[tokio::test]
async fn the_log_holds_no_key_no_address_and_no_phone() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(lines.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::new().await;
    let telegram = Host::start(TelegramStandIn::default(), app.clock.clone());
    telegram.connect(&app, json!({ "news_to": "700100200" })).await;
    let sms = Host::start(SmsStandIn::default(), app.clock.clone());
    sms.connect(&app, json!({})).await;
    let portal = Host::start(BitrixStandIn::app(), app.clock.clone());
    portal.service().endpoint = format!("{}/rest/", portal.url);
    let linked = portal.connect(&app, json!({ "news": [] })).await;
    fail(&app, &telegram, "telegram:700100200").await;
    fail(&app, &sms, "sms:+79001234567").await;
    sms.service().balance = 0;
    send(&app, "sms:+79001234568").await;
    fail(&app, &portal, "bitrix24:57").await;
    portal.service().scopes.clear();
    send(&app, "bitrix24:57").await;
    let form = portal.service().robot_run(57, "11|secret-token-of-a-run", &[]);
    let path = format!("/bitrix24/{}/robot", linked["id"].as_str().unwrap());
    assert_eq!(app.post_text(&path, &form).await.status, 200);
    app.advance(HOUR).await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("is stopped"), "what went wrong is told: {text}");
    let mut secrets: Vec<String> =
        ["700100200", "9001234567", "9001234568", "anna@example.ru", "secret-token-of-a-run"]
            .map(str::to_owned)
            .into();
    for settings in [telegram.settings(), sms.settings(), portal.settings()] {
        let known = [
            "token",
            "api_id",
            "access_token",
            "refresh_token",
            "client_secret",
            "application_token",
        ];
        secrets.extend(known.iter().filter_map(|name| settings.find(name)).map(str::to_owned));
    }
    assert!(secrets.len() > 8, "{secrets:?}");
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} stands in the log");
    }
}
