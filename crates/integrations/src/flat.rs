//! The flat door for bots of any builder (BotHelp, SendPulse, Aimylogic and the like): what they
//! ask of it. Their clients' ids are texts of any form; units are rubles; the answer is
//! [`crate::salebot::answer`]'s, always of the same keys.

use kopeck_banks::Money;

use crate::{
    message::Lang,
    salebot::{
        fields::{Fields, Refused},
        link::{FUNCTION_FIELDS, ReceiptPart, language, one_amount, receipt},
        problems,
    },
};

/// Longer ids are of no builder.
const MAX_ID_CHARS: usize = 100;

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatLink {
    pub client_id: String,
    pub amount: Money,
    pub description: String,
    pub receipt: ReceiptPart,
    pub lang: Lang,
    /// The bot's own number of the order, by which the same request is known again.
    pub external_id: Option<String>,
    pub success_url: Option<String>,
    pub fail_url: Option<String>,
    /// What is paid with is saved, to be charged again.
    pub saves: Option<FlatConsent>,
}

/// What the client agreed to before the link: without the text's name nothing is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlatConsent {
    pub text_version: Option<String>,
    /// The highest sum of one charge, as it was typed.
    pub max_amount: Option<String>,
}

/// A charge of what the client saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatCharge {
    pub client_id: String,
    pub amount: Money,
    pub description: String,
    /// Which of the client's; the newest if absent.
    pub saved_id: Option<String>,
    pub receipt: ReceiptPart,
    pub external_id: Option<String>,
}

impl FlatCharge {
    /// What tells the same charge again from a new one.
    pub fn sameness(&self, saved_id: &str) -> String {
        let client = &self.client_id;
        match &self.external_id {
            Some(id) => format!("flat-charge/{}/{client}/{saved_id}/{id}", client.len()),
            None => {
                let (kopecks, what) = (self.amount.kopecks(), &self.description);
                format!("flat-charge/{}/{client}/{saved_id}//{kopecks}/{what}", client.len())
            }
        }
    }
}

impl FlatLink {
    /// What tells the same wish again from a new one.
    pub fn sameness(&self) -> String {
        let client = &self.client_id;
        match &self.external_id {
            Some(id) => format!("flat/{}/{client}/{id}", client.len()),
            None => {
                let (kopecks, what) = (self.amount.kopecks(), &self.description);
                format!("flat/{}/{client}//{kopecks}/{what}", client.len())
            }
        }
    }
}

/// Reads a request for a link.
pub fn parse(fields: &Fields) -> Result<FlatLink, Refused> {
    let amount = amount(fields)?;
    let saves = matches!(fields.find("save"), Some("1" | "true" | "yes"));
    let owned = |name: &str| fields.find(name).map(str::to_owned);
    Ok(FlatLink {
        client_id: client(fields)?,
        amount,
        description: owned("description").unwrap_or_default(),
        receipt: receipt(fields, &FUNCTION_FIELDS, amount)?,
        lang: language(fields)?,
        external_id: owned("external_id"),
        success_url: owned("success_url"),
        fail_url: owned("fail_url"),
        saves: saves.then(|| FlatConsent {
            text_version: owned("consent_version"),
            max_amount: owned("consent_max"),
        }),
    })
}

/// Reads a request for a charge.
pub fn parse_charge(fields: &Fields) -> Result<FlatCharge, Refused> {
    let amount = amount(fields)?;
    let owned = |name: &str| fields.find(name).map(str::to_owned);
    Ok(FlatCharge {
        client_id: client(fields)?,
        amount,
        description: owned("description").unwrap_or_default(),
        saved_id: owned("saved_id"),
        receipt: receipt(fields, &FUNCTION_FIELDS, amount)?,
        external_id: owned("external_id"),
    })
}

fn amount(fields: &Fields) -> Result<Money, Refused> {
    let amount = one_amount([
        ((), fields.rubles("amount")?),
        ((), fields.kopecks("amount_kopecks")?),
        ((), None),
    ]);
    match amount {
        Ok(((), amount)) => Ok(amount),
        Err(true) => Err(Refused::of(&problems::TWO_AMOUNTS, "amount", "")),
        Err(false) => Err(Refused::of(&problems::AMOUNT, "amount", fields.detail("amount"))),
    }
}

/// Whose link it is: any text that can be typed.
fn client(fields: &Fields) -> Result<String, Refused> {
    let text = fields.find("client_id");
    let text = text.ok_or_else(|| Refused::of(&problems::CLIENT_MISSING, "client_id", ""))?;
    let is_good = text.chars().count() <= MAX_ID_CHARS && !text.chars().any(char::is_control);
    let text = Some(text.to_owned()).filter(|_| is_good);
    text.ok_or_else(|| Refused::of(&problems::CLIENT_MISSING, "client_id", ""))
}

/// Which payment's state is asked for: by its id.
pub fn parse_status(fields: &Fields) -> Result<String, Refused> {
    let id = fields.find("payment_id").map(str::to_owned);
    id.ok_or_else(|| Refused::of(&problems::PAYMENT_MISSING, "payment_id", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FlatLink, Refused> {
        parse(&Fields::read("application/json", text.as_bytes()).unwrap())
    }

    #[test]
    fn a_client_may_be_any_text_and_sums_are_rubles() {
        let link = read(r#"{"client_id": "tg:5f3a-Ж", "amount": "1 200,50", "lang": "ru"}"#);
        let link = link.unwrap();
        assert_eq!((link.client_id.as_str(), link.amount.kopecks()), ("tg:5f3a-Ж", 120_050));
        let whole = read(r#"{"client_id": 5, "amount_kopecks": 999}"#).unwrap();
        assert_eq!((whole.client_id.as_str(), whole.amount.kopecks()), ("5", 999));
        assert_ne!(link.sameness(), whole.sameness());
    }

    #[test]
    fn what_is_missing_or_double_is_named() {
        for (text, code) in [
            (r#"{"amount": 5}"#, "salebot_client_missing"),
            (r#"{"client_id": "a"}"#, "salebot_amount"),
            (r##"{"client_id": "a", "amount": "#{sum}"}"##, "salebot_amount"),
            (r#"{"client_id": "a", "amount": 1, "amount_kopecks": 100}"#, "salebot_two_amounts"),
        ] {
            assert_eq!(read(text).unwrap_err().code, code, "{text}");
        }
    }
}
