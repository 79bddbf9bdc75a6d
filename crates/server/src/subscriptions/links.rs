//! Links that a customer may use without a login: signed with this installation's key, good for
//! ever, and for nothing but what they name.

use super::model::Subscription;
use crate::kit::Ctx;

/// What the signature is for: a link of one kind opens nothing of another.
const WITHDRAW: &str = "withdraw";

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
