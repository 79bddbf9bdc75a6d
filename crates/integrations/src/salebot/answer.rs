//! The flat answer to a bot: always the same keys, texts in all of them but `ok`, HTTP 200 even for
//! a refusal, since many builders drop the body of any other status.

use kopeck_banks::Money;
use serde::Serialize;

use super::fields::Refused;
use crate::message::Lang;

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub payment_id: String,
    /// Our page, which works before the bank has answered.
    pub payment_url: String,
    pub short_url: String,
    pub qr_url: String,
    /// The bank's own SBP address.
    pub sbp_url: String,
    pub bank_id: String,
    pub amount: Money,
    pub status: String,
    /// ISO 8601.
    pub expires_at: String,
    /// `30.11.2026 14:05`.
    pub expires_text: String,
}

/// The answer. Absent values are empty texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub ok: bool,
    pub payment_id: String,
    pub payment_url: String,
    pub short_url: String,
    pub qr_url: String,
    pub sbp_url: String,
    /// `1234.50`
    pub amount: String,
    /// `1 234,50 ₽`
    pub amount_text: String,
    pub status: String,
    pub expires_at: String,
    pub expires_text: String,
    pub error_code: String,
    /// A sentence that may be shown to whoever builds the bot.
    pub error_text: String,
    /// Under the names that old bots read.
    pub tinkoff_pay_url: String,
    pub tinkoff_payment_id: String,
    pub error_payment_func: String,
}

impl Answer {
    pub fn made(made: Made) -> Answer {
        let bank_id = if made.bank_id.is_empty() { made.payment_id.clone() } else { made.bank_id };
        Answer {
            ok: true,
            tinkoff_pay_url: made.payment_url.clone(),
            tinkoff_payment_id: bank_id,
            payment_id: made.payment_id,
            payment_url: made.payment_url,
            short_url: made.short_url,
            qr_url: made.qr_url,
            sbp_url: made.sbp_url,
            amount: made.amount.to_rubles(),
            amount_text: made.amount.to_human(),
            status: made.status,
            expires_at: made.expires_at,
            expires_text: made.expires_text,
            ..Answer::default()
        }
    }

    /// Any problem, also of the server's own: a code, a sentence on what is wrong and one on what
    /// to do.
    pub fn failed(code: &str, problem: &str, fix: &str) -> Answer {
        let text = [problem, fix].map(str::trim).join(" ").trim().to_owned();
        Answer {
            error_code: code.to_owned(),
            error_payment_func: text.clone(),
            error_text: text,
            ..Answer::default()
        }
    }

    pub fn refused(refused: &Refused, lang: Lang) -> Answer {
        let text = refused.text(lang);
        let problem = match (refused.param, refused.detail.as_str()) {
            ("", "") => text.problem.to_owned(),
            ("", detail) => format!("{} ({detail})", text.problem),
            (param, "") => format!("{param}: {}", text.problem),
            (param, detail) => format!("{param}: {} ({detail})", text.problem),
        };
        Answer::failed(refused.code, &problem, text.fix)
    }
}
