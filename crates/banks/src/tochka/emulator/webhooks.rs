//! Where notices go: registered only after test notices were answered with 200.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    TochkaEmulator, directory,
    fields::Fields,
    json::Obj,
    problem::Problem,
    route::{Call, envelope_text},
    state::{ReadyReply, Waiting, Webhook},
};
use crate::emulator::Served;

const ACQUIRING: &str = "acquiringInternetPayment";
const KINDS: [&str; 5] = [
    "incomingPayment",
    "outgoingPayment",
    "incomingSbpPayment",
    ACQUIRING,
    "incomingSbpB2BPayment",
];
const ABSENT: &str = "Object of Webhooks does not exists";

fn parse_kind(text: &str) -> Option<String> {
    KINDS.contains(&text).then(|| text.to_owned())
}

/// The documentation's sample of a kind: unknown customer, unknown operation.
fn sample(kind: &str) -> String {
    const PAYMENT: &str = include_str!("../fixtures/incomingPayment.decoded.json");
    const SBP: &str = include_str!("../fixtures/incomingSbpPayment.decoded.json");
    const INTERNET: &str = include_str!("../fixtures/acquiringInternetPayment-card.decoded.json");
    const B2B: &str = r#"{
  "qrcId": "BS10006DPRTEFPFS9HJ9SQSDSVRHJD3L",
  "amount": "0.33",
  "purpose": "Оплата по счету № 1 от 01.01.2021. Без НДС",
  "webhookType": "incomingSbpB2BPayment",
  "customerCode": "300123123"
}"#;
    match kind {
        "incomingPayment" => PAYMENT.to_owned(),
        "outgoingPayment" => PAYMENT.replace("incomingPayment", "outgoingPayment"),
        "incomingSbpPayment" => SBP.to_owned(),
        "incomingSbpB2BPayment" => B2B.to_owned(),
        _ => INTERNET.to_owned(),
    }
}

/// The bank calls https on port 443 only. Addresses of this very machine are let through, http
/// and any port, or nothing could be tried without a public server.
fn is_callable(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let (host, port) = match authority.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').unwrap_or("")),
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let is_port = port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0);
    if host.is_empty() || authority.contains('@') || !is_port {
        return false;
    }
    let is_loopback = host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    match scheme {
        "http" => is_loopback,
        "https" => is_loopback || port.is_empty() || port == "443",
        _ => false,
    }
}

fn check_client(client_id: &str) -> Result<(), Problem> {
    if client_id == directory::CLIENT_ID { Ok(()) } else { Err(Problem::forbidden()) }
}

fn print_webhook(webhook: &Webhook) -> String {
    Obj::new()
        .words("webhooksList", webhook.kinds.iter().map(String::as_str))
        .text("url", &webhook.url)
        .end()
}

impl TochkaEmulator {
    /// PUT creates or replaces, POST edits what exists.
    pub(super) fn put_webhook(
        &mut self,
        call: &Call<'_>,
        client_id: &str,
        is_new: bool,
    ) -> Result<Served, Problem> {
        check_client(client_id)?;
        let fields = Fields::of_body(&call.request.body)?;
        let url = fields.required("url", fields.url("url")?)?;
        let listed =
            fields.required("webhooksList", fields.word_list("webhooksList", parse_kind)?)?;
        if !is_callable(&url) {
            return Err(fields.problem("url", "Value error, only https on port 443 is allowed"));
        }
        if !is_new && !self.state.webhooks.contains_key(client_id) {
            return Err(Problem::absent(ABSENT));
        }
        let mut kinds: Vec<String> = Vec::new();
        for kind in listed {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(self.send_tests(call, client_id, Webhook { url, kinds }, true))
    }

    pub(super) fn test_send(
        &mut self,
        call: &Call<'_>,
        client_id: &str,
    ) -> Result<Served, Problem> {
        check_client(client_id)?;
        let fields = Fields::of_body(&call.request.body)?;
        let kind = fields.required("webhookType", fields.word("webhookType", &KINDS)?)?;
        let webhook = self.state.webhooks.get(client_id).ok_or_else(|| Problem::absent(ABSENT))?;
        let webhook = Webhook { url: webhook.url.clone(), kinds: vec![kind] };
        Ok(self.send_tests(call, client_id, webhook, false))
    }

    pub(super) fn show_webhook(&self, call: &Call<'_>, client_id: &str) -> Result<Served, Problem> {
        check_client(client_id)?;
        let webhook = self.state.webhooks.get(client_id).ok_or_else(|| Problem::absent(ABSENT))?;
        Ok(call.reply(&print_webhook(webhook)))
    }

    pub(super) fn delete_webhook(
        &mut self,
        call: &Call<'_>,
        client_id: &str,
    ) -> Result<Served, Problem> {
        check_client(client_id)?;
        self.state.webhooks.remove(client_id).ok_or_else(|| Problem::absent(ABSENT))?;
        Ok(call.reply(r#"{"result":true}"#))
    }

    /// One test notice for each kind; the reply comes when all were answered.
    fn send_tests(
        &mut self,
        call: &Call<'_>,
        client_id: &str,
        webhook: Webhook,
        save: bool,
    ) -> Served {
        let ticket = self.state.next_ticket;
        self.state.next_ticket += 1;
        let kinds = webhook.kinds.clone();
        let left = kinds
            .iter()
            .map(|kind| self.enqueue_test(call.now_ms, kind, &webhook.url, sample(kind), ticket));
        let left = left.collect();
        let waiting = Waiting {
            client_id: client_id.to_owned(),
            self_url: call.self_url.clone(),
            webhook: save.then_some(webhook),
            left,
            failed: false,
        };
        self.state.waiting.insert(ticket, waiting);
        self.finish_if_answered(ticket);
        match self.state.ready.remove(&ticket) {
            // Nothing was to be tested: an empty list of kinds.
            Some(ready) => Served::Now(crate::http::HttpReply::new(
                ready.status,
                "application/json",
                ready.body,
            )),
            None => Served::Later(ticket),
        }
    }

    /// The end of one test notice.
    pub(super) fn settle_test(&mut self, ticket: u64, notice_id: u64, is_taken: bool) {
        if let Some(waiting) = self.state.waiting.get_mut(&ticket) {
            waiting.left.remove(&notice_id);
            waiting.failed |= !is_taken;
            self.finish_if_answered(ticket);
        }
    }

    fn finish_if_answered(&mut self, ticket: u64) {
        let is_through = self.state.waiting.get(&ticket).is_some_and(|w| w.left.is_empty());
        if !is_through {
            return;
        }
        let Some(waiting) = self.state.waiting.remove(&ticket) else { return };
        let data = match (waiting.webhook, waiting.failed) {
            (Some(_), true) => {
                let problem = Problem::unregistered("Webhook url did not answer 200 to the test");
                let reply = problem.reply(&self.state.mint.uuid("error"));
                let body = reply.text().into_owned();
                self.state.ready.insert(ticket, ReadyReply { status: reply.status, body });
                return;
            }
            (Some(webhook), false) => {
                let data = print_webhook(&webhook);
                self.state.webhooks.insert(waiting.client_id, webhook);
                data
            }
            (None, failed) => Obj::new().flag("result", !failed).end(),
        };
        let body = envelope_text(&waiting.self_url, &data);
        self.state.ready.insert(ticket, ReadyReply { status: 200, body });
    }

    /// The registered address of a client, when it wants notices of this kind.
    pub(super) fn subscribed_url(&self, client_id: &str, wanted: &str) -> Option<String> {
        let webhook = self.state.webhooks.get(client_id)?;
        webhook.kinds.iter().any(|kind| kind == wanted).then(|| webhook.url.clone())
    }
}
