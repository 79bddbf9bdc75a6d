//! `kopeck subscription entitlements`: what a customer may use until when, in one row.

use crate::{
    cli::{
        context::World,
        fail::Fail,
        print::{GOOD, WARN, paint, table},
    },
    kit::db::DbError,
    subscriptions::{
        flow::describe,
        store,
        view::{Described, entitled::MergedView},
    },
};

pub(super) async fn run(world: &World, customer_id: String) -> Result<(), Fail> {
    let (shop_id, of) = (world.shop.id.clone(), customer_id.clone());
    let found: Result<Vec<Described>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            let all = store::list_entitled(tx, &shop_id, &of)?;
            all.iter().map(|it| describe(tx, it)).collect()
        })
        .await;
    let merged = MergedView::new(customer_id, &found?, world.ctx.now_ms());
    world.out.show(&merged, || {
        let until = merged.until.as_deref().unwrap_or("");
        if !merged.active {
            return format!("{} {} may use nothing", paint(WARN, "—"), merged.customer_id);
        }
        let head = format!("{} {}: may use it until {until}", paint(GOOD, "✓"), merged.customer_id);
        let mut rows = table(&["Feature", "Value", "Plan", "Until"]);
        for (name, it) in &merged.features {
            let value = it.value.to_string();
            let until = it.until.as_deref().unwrap_or("");
            rows.add_row([name.as_str(), value.as_str(), it.plan.as_str(), until]);
        }
        format!("{head}\n{rows}")
    })
}
