//! `kopeck reconcile`: reads the bank's list and registers and puts right what differs.

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kopeck_banks::Money;
use serde_json::json;

use super::{
    connect,
    context::Globals,
    fail::Fail,
    print::{GOOD, WARN, paint, right, table},
};
use crate::{
    kit::clock::DAY_MS,
    reconcile::flow::{Report, sweep},
    sandbox::parse_duration_ms,
    shops,
};

/// The bank's list reaches back further, but a command must end.
const MAX_SINCE_MS: i64 = 366 * DAY_MS;

/// Compare with the bank's own list and registers, and heal what differs.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// How far back: 30d, 12h
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_since)]
    since: i64,
}

fn parse_since(text: &str) -> Result<i64, String> {
    let ms = parse_duration_ms(text)?;
    let is_fit = (1..=MAX_SINCE_MS).contains(&ms);
    is_fit.then_some(ms).ok_or_else(|| "at most 366d".to_owned())
}

impl ReconcileArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        // Makes the connection when there is only the environment.
        connect::get(&world).await?;
        let since_ms = world.ctx.now_ms() - self.since;
        let mut shown = Vec::new();
        let mut texts = Vec::new();
        for connection in shops::flow::list_connections(&world.ctx, &world.shop.id).await? {
            let bar = progress(globals.json);
            let report = sweep(&world.ctx, &connection, since_ms, |report| {
                bar.set_message(format!("{} payments read", report.listed));
                bar.tick();
            })
            .await;
            bar.finish_and_clear();
            let report = report.map_err(|error| Fail {
                code: "reconcile_failed".to_owned(),
                ..Fail::from(error)
            })?;
            texts.push(text(&connection.bank, &report));
            shown.push(json!({
                "connection_id": connection.id, "bank": connection.bank, "report": report,
            }));
        }
        world.out.show(&json!({ "reconciled": shown }), || texts.join("\n"))
    }
}

/// On standard error, and only where somebody watches.
fn progress(json: bool) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    bar.set_draw_target(target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} reading the bank's books: {msg}") {
        bar.set_style(style);
    }
    bar.tick();
    bar
}

fn text(bank: &str, report: &Report) -> String {
    let mut lines = vec![format!(
        "{bank}: {} payments in the bank's list, {} of them Kopeck's, {} made elsewhere.",
        report.listed, report.known, report.foreign
    )];
    let rubles = |kopecks: i64| Money::from_kopecks(kopecks).map(Money::to_human);
    if let (Ok(sum), Ok(fee)) = (rubles(report.register_kopecks), rubles(report.commission_kopecks))
        && report.register_lines > 0
    {
        let count = report.register_lines;
        lines.push(format!("Registers: {count} lines, {sum}, commission {fee}."));
    }
    if report.healed.is_empty() {
        lines.push(format!("{} Nothing differed: the books agree.", paint(GOOD, "✓")));
    } else {
        let count = report.healed.len();
        lines.push(format!("{} Healed: {count}", paint(WARN, "!")));
        let mut rows = table(&["Payment", "Order", "Is now", "Amount, ₽"]);
        for healed in &report.healed {
            rows.add_row([
                comfy_table::Cell::new(&healed.payment_id),
                comfy_table::Cell::new(healed.order_id.as_deref().unwrap_or_default()),
                comfy_table::Cell::new(healed.status),
                right(&healed.amount),
            ]);
        }
        lines.push(rows.to_string());
    }
    for problem in &report.problems {
        lines.push(format!("{} {problem}", paint(WARN, "!")));
    }
    lines.join("\n")
}
