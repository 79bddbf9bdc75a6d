//! Links that a customer may use without a login: signed with this installation's key, and good for
//! nothing but what they name. The link to take a consent back is good for ever; the one to the
//! customer's own pages, by which things change, for as long as the shop said.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::model::Subscription;
use crate::kit::Ctx;

/// What the signature is for: a link of one kind opens nothing of another.
const WITHDRAW: &str = "withdraw";
const PORTAL: &str = "portal";

/// Where the customer takes back the consent to be charged. For ever: whoever kept an old letter
/// can still do it.
pub fn withdraw_url(ctx: &Ctx, subscription: &Subscription) -> String {
    let (url, id) = (&ctx.public_url, &subscription.id);
    let signature = ctx.vault.sign(&[WITHDRAW, &subscription.shop_id, id]);
    format!("{url}/withdraw/{id}/{signature}")
}

/// Whether the link is one of ours.
pub fn may_withdraw(ctx: &Ctx, subscription: &Subscription, signature: &str) -> bool {
    ctx.vault.is_signed(&[WITHDRAW, &subscription.shop_id, &subscription.id], signature)
}

/// A customer of a shop, as a link names him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub shop_id: String,
    pub customer_id: String,
    pub until_ms: i64,
}

/// What a link to a customer's pages is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    Good(Visitor),
    /// It was one of ours, and its time is over.
    Over,
    /// None of ours.
    Unknown,
}

/// The part of the customer's address that names and proves him.
pub fn portal_token(ctx: &Ctx, visitor: &Visitor) -> String {
    let Visitor { shop_id, customer_id, until_ms } = visitor;
    let until = until_ms.to_string();
    let signature = ctx.vault.sign(&[PORTAL, shop_id, customer_id, &until]);
    format!("{}.{shop_id}.{until}.{signature}", URL_SAFE_NO_PAD.encode(customer_id))
}

pub fn portal_url(ctx: &Ctx, visitor: &Visitor) -> String {
    format!("{}/portal/{}", ctx.public_url, portal_token(ctx, visitor))
}

pub fn read_visit(ctx: &Ctx, token: &str) -> Visit {
    let parts: Vec<&str> = token.split('.').collect();
    let [customer, shop_id, until, signature] = parts[..] else { return Visit::Unknown };
    let customer_id = URL_SAFE_NO_PAD.decode(customer).ok();
    let customer_id = customer_id.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((customer_id, until_ms)) = customer_id.zip(until.parse().ok()) else {
        return Visit::Unknown;
    };
    if !ctx.vault.is_signed(&[PORTAL, shop_id, &customer_id, until], signature) {
        return Visit::Unknown;
    }
    let visitor = Visitor { shop_id: shop_id.to_owned(), customer_id, until_ms };
    if visitor.until_ms <= ctx.now_ms() { Visit::Over } else { Visit::Good(visitor) }
}
