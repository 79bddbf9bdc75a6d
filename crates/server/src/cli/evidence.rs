//! `kopeck evidence`: all that is known of what a customer agreed to and what was taken.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{
    context::Globals,
    fail::Fail,
    print::{GOOD, STRONG, note, paint, right, table},
};
use crate::{
    customers::request::customer_id,
    places::poster::parse_lang,
    qr::Lang,
    subscriptions::{
        flow::{Problem, evidence::gather},
        paper::report,
        view::evidence::EvidenceView,
    },
};

/// All that a customer agreed to, was charged and was given back, for a dispute: as a table, as
/// JSON (--json), or on paper (--pdf)
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// Your own number of the customer
    customer: String,
    /// Write a PDF
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// The PDF's language: ru or en
    #[arg(long, value_name = "LANG", default_value = "ru", value_parser = read_lang)]
    lang: Lang,
}

pub(super) fn read_lang(text: &str) -> Result<Lang, String> {
    parse_lang(text).ok_or_else(|| "one of: ru, en".to_owned())
}

impl EvidenceArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let customer = customer_id(&self.customer)?;
        let (shop_id, now_ms) = (world.shop.id.clone(), world.ctx.now_ms());
        let found: Result<EvidenceView, Problem> =
            world.ctx.db.read(move |tx| gather(tx, (&shop_id, &customer), now_ms)).await;
        let evidence = found?;
        if evidence.subscriptions.is_empty() && evidence.instruments.is_empty() {
            note(&format!("nothing is known of the customer {}", self.customer));
        }
        if let Some(path) = &self.pdf {
            let pdf = report(&evidence, self.lang).to_pdf()?;
            std::fs::write(path, pdf)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            world.out.tell(&format!("{} {}", paint(GOOD, "✓"), path.display()))?;
        }
        world.out.show(&evidence, || words(&evidence))
    }
}

fn words(evidence: &EvidenceView) -> String {
    let mut consents = table(&["Given", "To", "Text", "Where", "At most", "Withdrawn"]);
    for it in &evidence.consents {
        let most = it.max_amount_kopecks.map(sum).unwrap_or_default();
        consents.add_row(vec![
            it.given_at.as_str().into(),
            it.subject_id.as_str().into(),
            it.text_version.as_str().into(),
            it.channel.as_str().into(),
            right(most),
            it.withdrawn_at.as_deref().unwrap_or("").into(),
        ]);
    }
    let mut payments = table(&["Made", "Payment", "Sum", "Outcome", "Given back"]);
    for it in &evidence.payments {
        payments.add_row(vec![
            it.created_at.as_str().into(),
            it.id.as_str().into(),
            right(sum(it.amount_kopecks)),
            it.status.into(),
            right(sum(it.refunded_kopecks)),
        ]);
    }
    let mut events = table(&["When", "What", "Of", "Delivered"]);
    for it in &evidence.events {
        let delivered = it.delivered_at.as_deref().unwrap_or("");
        events.add_row(vec![&it.at, &it.kind, &it.subject_id, delivered]);
    }
    let head = |text: &str| paint(STRONG, text);
    format!(
        "{}\n{consents}\n{}\n{payments}\n{}\n{events}",
        head("Consents"),
        head("Charges and payments"),
        head("What happened")
    )
}

fn sum(kopecks: i64) -> String {
    kopeck_banks::Money::from_kopecks(kopecks)
        .map_or_else(|_| kopecks.to_string(), |sum| sum.to_human())
}
