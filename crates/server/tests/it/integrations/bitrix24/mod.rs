//! Bitrix24 as a local application, against a portal's stand-in on a real socket: installed,
//! forged, uninstalled; its robot, its tab, its pay system, what it forgets to tell.

mod card;
mod deals;
mod errands;
mod frame;
mod install;
mod lost;
mod robot;

use kopeck::kit::db::DbError;
use kopeck_integrations::bitrix24::BitrixStandIn;
use serde_json::{Value, json};

use super::host::Host;
use crate::harness::app::{Reply, TestApp};

pub const SECOND: i64 = 1_000;
pub const HOUR: i64 = 3_600 * SECOND;
pub const VIEWER: &str = "viewer-token-of-anna-1f2e3d4c";

/// A shop and a portal that know nothing of each other but the application's id and secret.
pub struct Office {
    pub app: TestApp,
    pub host: Host<BitrixStandIn>,
    pub id: String,
}

impl Office {
    pub async fn new() -> Office {
        Office::over(TestApp::new().await, json!({})).await
    }

    pub async fn over(app: TestApp, more: Value) -> Office {
        let host = Host::start(BitrixStandIn::app(), app.clock.clone());
        host.service().endpoint = format!("{}/rest/", host.url);
        host.service().viewers.insert(VIEWER.to_owned(), Vec::new());
        let settings = host.settings();
        let mut given = json!({ "client_id": settings.get("client_id"),
            "client_secret": settings.get("client_secret"), "oauth_url": host.url,
            "paid_stages": "0=WON; 3=C3:WON" });
        given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({ "service": "bitrix24", "settings": given });
        let made = app.post("/v1/integrations", body).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        Office { app, host, id }
    }

    /// One that is installed.
    pub async fn installed() -> Office {
        Office::new().await.install().await
    }

    pub async fn install(self) -> Office {
        let form = self.host.service().install_page();
        let page = self.post("install", &form).await;
        assert!(page.text().contains("Готово"), "{}", page.text());
        self
    }

    /// As the portal does: a form, with its domain and language in the address.
    pub async fn post(&self, path: &str, form: &str) -> Reply {
        let domain = self.host.service().domain();
        let path = format!("/bitrix24/{}/{path}?DOMAIN={domain}&PROTOCOL=1&LANG=ru", self.id);
        let mut request = self.app.request(axum::http::Method::POST, &path, form.to_owned());
        request.headers_mut().remove("authorization");
        self.app.send(request).await
    }

    pub async fn shown(&self) -> Value {
        self.app.get(&format!("/v1/integrations/{}", self.id)).await.expect(200)
    }

    /// A while, second by second.
    pub async fn wait(&self, seconds: usize) {
        for _ in 0..seconds {
            self.app.advance(SECOND).await;
        }
    }

    pub fn deal(&self, id: i64, name: &str) -> Value {
        self.host.service().portal.deals[&id][name].clone()
    }

    pub fn set_deal(&self, id: i64, name: &str, value: Value) {
        let mut service = self.host.service();
        service.portal.deals.get_mut(&id).unwrap().insert(name.to_owned(), value);
    }

    pub async fn payments(&self) -> Vec<Value> {
        self.app.get("/v1/payments").await.expect(200)["data"].as_array().unwrap().clone()
    }

    /// What of the portal's wishes is not done, and why.
    pub async fn open_errands(&self) -> Vec<String> {
        let sql = "select word || ' ' || state || ': ' || coalesce(why, '') from bitrix24_errands \
                   where state <> 'done' order by id";
        let rows: Result<Vec<String>, DbError> = (self.app.ctx.db)
            .read(move |tx| tx.query(sql, &[])?.iter().map(|row| row.text(0)).collect())
            .await;
        rows.unwrap()
    }

    pub async fn edit(&self, settings: Value) {
        let path = format!("/v1/integrations/{}", self.id);
        self.app.patch(&path, json!({ "settings": settings })).await.expect(200);
    }
}
