//! What a request with an Idempotency-Key made. Its answer holds a secret, so no answer is ever
//! stored: whoever repeats the request is answered from the webhook itself, which keeps it sealed.

use super::{api::view, flow, view::WebhookWithSecret};
use crate::{
    http::{Answer, ApiError},
    payments::{idempotency::Work, submit::Ask},
};

/// A new webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub id: String,
}

impl Work for Made {
    fn to_text(&self) -> String {
        format!("new_webhook {}", self.id)
    }

    fn parse(text: &str) -> Option<Made> {
        let id = text.strip_prefix("new_webhook ")?;
        Some(Made { id: id.to_owned() })
    }

    /// With the secret that signs now.
    async fn compose(&self, ask: &Ask) -> Result<Answer, ApiError> {
        let ctx = &ask.server.ctx;
        let webhook = flow::get(ctx, &ask.caller.shop_id, &self.id).await?;
        let keyring = flow::open(ctx, &webhook)?;
        let key = keyring.newest().ok_or_else(|| anyhow::anyhow!("{} has no key", self.id))?;
        Answer::json(201, &WebhookWithSecret::new(view(ctx, &webhook)?, key))
    }
}
