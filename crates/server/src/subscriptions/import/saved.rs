//! Cards and accounts that customers saved elsewhere: the bank's token, and the evidence that its
//! payer agreed. Without the evidence nothing may be charged, so nothing is taken over.

use serde_json::json;

use super::{Mode, Verdict, table::Row};
use crate::{
    http::{ApiError, json::read, query::moment_ms, text},
    instruments::{
        model::{Consent, Instrument, InstrumentStatus, Kind, Terms},
        store,
    },
    kit::{Ctx, db::Tx},
    shops::model::Connection,
    subscriptions::{
        flow::{NewConsent, Problem},
        request::{ConsentInput, user_id},
    },
};

pub const COLUMNS: [&str; 12] = [
    "customer",
    "bank",
    "kind",
    "rebill_id",
    "account_token",
    "masked",
    "expires",
    "consent_version",
    "consent_channel",
    "consent_at",
    "consent_ip",
    "max_amount",
];
const MAX_TOKEN_CHARS: usize = 200;
const MAX_NAME_CHARS: usize = 60;
/// For what its signature is: the same token is known again, and nobody can read it back.
const TOKEN: &str = "imported token";

/// A row that makes sense by itself.
pub struct Saved {
    pub customer_id: String,
    pub bank: String,
    kind: Kind,
    token: String,
    masked: Option<String>,
    expires: Option<String>,
    consent: NewConsent,
    given_ms: i64,
}

/// Where an imported token is found again.
pub fn request_key(ctx: &Ctx, token: &str) -> String {
    format!("imported:{}", ctx.vault.sign(&[TOKEN, token]))
}

/// What the customer agreed to, and when, from the columns that all imports share.
pub fn consent(row: &Row) -> Result<(NewConsent, i64), String> {
    let fields = json!({
        "text_version": row.find("consent_version"), "channel": row.find("consent_channel"),
        "ip": row.find("consent_ip"), "max_amount": row.find("max_amount"),
    });
    let input: ConsentInput = read(fields.to_string().as_bytes()).map_err(said)?;
    let at = row.find("consent_at").ok_or("`consent_at` is missing: when was it agreed to?")?;
    let given_ms = moment_ms("consent_at", at).map_err(said)?;
    Ok((input.read().map_err(said)?, given_ms))
}

/// An error of the API as a reason.
pub fn said(error: ApiError) -> String {
    error.message
}

impl Saved {
    pub fn read(row: &Row) -> Result<Saved, String> {
        let bank = row.find("bank").unwrap_or("tbank").to_owned();
        if bank == "tochka" {
            return Err("Tochka gives no token away: import the subscription, then its customer \
                        saves a card anew by a link"
                .to_owned());
        }
        let customer = row.find("customer").ok_or("`customer` is missing")?;
        let (kind, token) = match (row.find("rebill_id"), row.find("account_token")) {
            (Some(token), None) => (Kind::Card, token),
            (None, Some(token)) => (Kind::Account, token),
            (Some(_), Some(_)) => {
                return Err("`rebill_id` is a card's and `account_token` an account's: one of \
                            them"
                    .to_owned());
            }
            (None, None) => return Err("`rebill_id` is missing".to_owned()),
        };
        if row.find("kind").is_some_and(|word| word != kind.as_str()) {
            return Err(format!(
                "`kind` says otherwise than the token, which is {}'s",
                kind.as_str()
            ));
        }
        text::check("rebill_id", token, MAX_TOKEN_CHARS).map_err(said)?;
        for name in ["masked", "expires"] {
            let text = row.find(name).unwrap_or("");
            text::check(name, text, MAX_NAME_CHARS).map_err(said)?;
            text::check_no_card(name, text).map_err(said)?;
        }
        let (consent, given_ms) = consent(row)?;
        Ok(Saved {
            customer_id: user_id(customer).map_err(said)?,
            bank,
            kind,
            token: token.to_owned(),
            masked: row.find("masked").map(str::to_owned),
            expires: row.find("expires").map(str::to_owned),
            consent,
            given_ms,
        })
    }

    /// Takes it over, or says what would become of it.
    pub fn take(
        &self,
        tx: &mut dyn Tx,
        ctx: &Ctx,
        connection: &Connection,
        mode: Mode,
    ) -> Result<Verdict, Problem> {
        let key = request_key(ctx, &self.token);
        if self.given_ms > ctx.now_ms() {
            return Ok(Verdict::Refused("`consent_at` is in the future".to_owned()));
        }
        if let Some(known) = store::find_by_request(tx, &connection.id, &key)? {
            return Ok(if known.customer_id != self.customer_id {
                Verdict::Refused("the same token is another customer's".to_owned())
            } else if known.withdrawn_ms.is_some() {
                Verdict::Refused("the customer took it back since".to_owned())
            } else {
                Verdict::Same
            });
        }
        if mode == Mode::DryRun {
            return Ok(Verdict::New);
        }
        let id = ctx.mint.id(self.kind.prefix());
        let own = Instrument {
            kind: self.kind,
            is_scheduled: false,
            shop_id: connection.shop_id.clone(),
            customer_id: self.customer_id.clone(),
            connection_id: connection.id.clone(),
            bank: connection.bank.clone(),
            purpose: "Перенесено из другой системы".to_owned(),
            payment_id: None,
            watched_ms: None,
            request_key: key,
            link: String::new(),
            status: InstrumentStatus::Active,
            sealed: Some(ctx.vault.seal(ctx.mint.bytes(), self.token.as_bytes(), &id)?),
            member_id: None,
            member_name: self.masked.clone(),
            expires: self.expires.clone(),
            withdrawn_ms: None,
            removed_ms: None,
            created_ms: ctx.now_ms(),
            id,
        };
        store::insert_instrument(tx, &own)?;
        // The token is no part of what is begun: it comes with the bank's word.
        store::update_instrument(tx, &own)?;
        store::insert_consent(tx, &self.evidence(ctx, &own))?;
        Ok(Verdict::New)
    }

    fn evidence(&self, ctx: &Ctx, own: &Instrument) -> Consent {
        let new = &self.consent;
        Consent {
            id: ctx.mint.id("cns"),
            shop_id: own.shop_id.clone(),
            customer_id: own.customer_id.clone(),
            subject_id: own.id.clone(),
            terms: Terms {
                text_version: new.text_version.clone(),
                channel: new.channel.clone(),
                ip: new.ip.clone(),
                user_agent: None,
                max: new.ceiling,
                period: None,
            },
            given_ms: self.given_ms,
        }
    }
}
