//! `kopeck subscription metrics`: the numbers that people ask for, by months.

use clap::Args;

use crate::{
    cli::{
        context::World,
        fail::Fail,
        print::{FAINT, paint, right, table},
    },
    subscriptions::{
        api::history::read_months, flow::metrics::measure, view::metrics::MetricsView,
    },
};

#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// The first month, such as 2026-01; eleven months before the last by default
    #[arg(long, value_name = "MONTH")]
    from: Option<String>,
    /// The last month; this one by default
    #[arg(long, value_name = "MONTH")]
    to: Option<String>,
    /// Where months begin at midnight; the shop's zone if absent
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

impl MetricsArgs {
    pub async fn run(self, world: &World) -> Result<(), Fail> {
        let span = (self.from.as_deref(), self.to.as_deref());
        let zone = self.time_zone.as_deref().unwrap_or(&world.ctx.zone);
        let months = read_months(span, zone, world.ctx.now_ms())?;
        let measured = measure(&world.ctx, &world.shop.id, months).await?;
        let view = MetricsView::new(zone, &measured);
        world.out.show(&view, || {
            let mut rows = table(&[
                "Month",
                "Active",
                "A month",
                "New",
                "Back",
                "Left",
                "Paused",
                "Recovered",
                "Paid",
            ]);
            for it in &view.months {
                let recovered = format!("{} · {}", it.recovered, sum(it.recovered_kopecks));
                rows.add_row(vec![
                    it.month.as_str().into(),
                    right(it.active),
                    right(sum(it.mrr_kopecks)),
                    right(it.new),
                    right(it.returned),
                    right(it.churned),
                    right(it.paused),
                    right(recovered),
                    right(sum(it.paid_kopecks)),
                ]);
            }
            let about = "Active and A month stand at the month's end; A month is list price, \
                         without coupons. Recovered came after a charge was declined.";
            format!("{rows}\n{}", paint(FAINT, about))
        })
    }
}

fn sum(kopecks: i64) -> String {
    kopeck_banks::Money::from_kopecks(kopecks)
        .map_or_else(|_| kopecks.to_string(), |sum| sum.to_human())
}
