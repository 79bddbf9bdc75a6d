//! A client of the controls, for the CLI and for tests.

use std::time::Duration;

use kopeck_banks::http::percent_encode;
use serde::Serialize;
use serde_json::{Value, json};

use super::problem::Problem;

/// The controls answer at once; only saving the state may take a moment.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Drives a running sandbox. Every answer is the object's new state as JSON.
#[derive(Clone, Debug)]
pub struct Client {
    at: String,
    http: reqwest::Client,
}

impl Client {
    /// `at` is the sandbox's address: `http://127.0.0.1:9900`.
    pub fn new(at: &str) -> Result<Client, Problem> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build();
        let http = http.map_err(|error| Problem::new(0, "client_unusable", error.to_string(), ""));
        Ok(Client { at: at.trim_end_matches('/').to_owned(), http: http? })
    }

    /// The payer pays. `method` defaults to the link's first one.
    pub async fn pay(
        &self,
        id: &str,
        method: Option<&str>,
        card: Option<&str>,
    ) -> Result<Value, Problem> {
        self.post(&act(id, "pay"), &json!({ "method": method, "card": card })).await
    }

    /// Somebody pays a code of SBP: `amount` is rubles as text, where the code has no sum.
    pub async fn pay_code(
        &self,
        id: &str,
        amount: Option<&str>,
        payer_name: Option<&str>,
    ) -> Result<Value, Problem> {
        let body = json!({ "amount": amount, "payer_name": payer_name });
        self.post(&format!("codes/{}/pay", percent_encode(id)), &body).await
    }

    pub async fn decline(&self, id: &str, reason: Option<&str>) -> Result<Value, Problem> {
        self.post(&act(id, "decline"), &json!({ "reason": reason })).await
    }

    pub async fn expire(&self, id: &str) -> Result<Value, Problem> {
        self.post(&act(id, "expire"), &json!({})).await
    }

    /// A refund in the bank's cabinet: `amount` is rubles as text, all the rest when absent.
    pub async fn refund(&self, id: &str, amount: Option<&str>) -> Result<Value, Problem> {
        self.post(&act(id, "refund"), &json!({ "amount": amount })).await
    }

    pub async fn show(&self, id: &str) -> Result<Value, Problem> {
        self.get(&format!("payments/{}", percent_encode(id))).await
    }

    /// `{"payments": […], "notices": […]}`.
    pub async fn list(&self) -> Result<Value, Problem> {
        self.get("payments").await
    }

    /// `{"now": …, "offset_ms": …, "target_offset_ms": …}`: while servers follow, the clock walks
    /// to its target.
    pub async fn clock(&self) -> Result<Value, Problem> {
        self.get("clock").await
    }

    pub async fn advance_ms(&self, ms: i64) -> Result<Value, Problem> {
        self.post("clock", &json!({ "advance_ms": ms })).await
    }

    /// A server that follows the clock has nothing more to do at this time.
    pub async fn rest(
        &self,
        name: &str,
        offset_ms: i64,
        next_due_ms: Option<i64>,
    ) -> Result<Value, Problem> {
        let body = json!({ "name": name, "offset_ms": offset_ms, "next_due_ms": next_due_ms });
        self.post("clock/rest", &body).await
    }

    /// `fault` in the words of [`kopeck_banks::emulator::FaultKind::parse`].
    pub async fn fault(&self, fault: &str, times: u32, path: &str) -> Result<Value, Problem> {
        self.post("faults", &json!({ "fault": fault, "times": times, "path": path })).await
    }

    /// As [`Client::fault`], at this bank.
    pub async fn fault_at(
        &self,
        bank: &str,
        fault: &str,
        times: u32,
        path: &str,
    ) -> Result<Value, Problem> {
        let at = format!("faults?bank={}", percent_encode(bank));
        self.post(&at, &json!({ "fault": fault, "times": times, "path": path })).await
    }

    pub async fn clear_faults(&self) -> Result<Value, Problem> {
        self.send(self.http.delete(self.url("faults"))).await
    }

    pub async fn clear_faults_at(&self, bank: &str) -> Result<Value, Problem> {
        let at = format!("faults?bank={}", percent_encode(bank));
        self.send(self.http.delete(self.url(&at))).await
    }

    /// `state`: `valid`, `expired` or `revoked`; of a terminal's key `valid` or `blocked`.
    pub async fn token(&self, token: &str, state: &str) -> Result<Value, Problem> {
        self.post("tokens", &json!({ "token": token, "state": state })).await
    }

    /// What messengers, SMS and bots of the sandbox brought to somebody.
    pub async fn messages(&self) -> Result<Value, Problem> {
        self.get("messages").await
    }

    /// Environment variables by name.
    pub async fn env(&self) -> Result<Value, Problem> {
        self.get("env").await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/_control/{path}", self.at)
    }

    async fn get(&self, path: &str) -> Result<Value, Problem> {
        self.send(self.http.get(self.url(path))).await
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Problem> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let request = self.http.post(self.url(path)).header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, Problem> {
        let hint = "start it with `kopeck sandbox`, or say where it is with --at";
        let lost = |error: reqwest::Error| {
            let message = if error.is_builder() {
                format!("{:?} is not an address such as http://127.0.0.1:9900.", self.at)
            } else {
                format!("No sandbox answers at {}.", self.at)
            };
            Problem::new(0, "sandbox_unreachable", message, hint)
        };
        let reply = request.send().await.map_err(lost)?;
        let status = reply.status();
        let body = reply.bytes().await.map_err(lost)?;
        if !status.is_success() {
            return Err(match serde_json::from_slice::<Problem>(&body) {
                Ok(problem) => Problem { status: status.as_u16(), ..problem },
                Err(_) => self.stranger(status.as_u16()),
            });
        }
        serde_json::from_slice(&body).map_err(|_| self.stranger(status.as_u16()))
    }

    fn stranger(&self, status: u16) -> Problem {
        let message = format!("What answers at {} is no sandbox (status {status}).", self.at);
        Problem::new(status, "sandbox_unreachable", message, "say where it is with --at")
    }
}

fn act(id: &str, verb: &str) -> String {
    format!("payments/{}/{verb}", percent_encode(id))
}
