//! `kopeck import progress`: the campaign in which customers save anew what another system or bank
//! could not give away.

use serde_json::{Value, json};

use super::bar;
use crate::{
    cli::{
        context::World,
        fail::Fail,
        print::{HINT, paint, table},
    },
    http::ApiError,
    subscriptions::{
        drive,
        flow::{Problem, describe, rebind},
        import::subscribed::list_imported,
        view::SubscriptionView,
    },
};

/// Who of the imported has something saved, and by what link the others do it.
pub async fn run(world: &World, links: bool, bank: Option<String>) -> Result<(), Fail> {
    let mut views = look(world).await?;
    let mut refused = Vec::new();
    if links {
        let waiting: Vec<&SubscriptionView> =
            views.iter().filter(|it| !has_saved(it) && it.rebind_url.is_none()).collect();
        let bar = bar(world.out.json, waiting.len());
        for it in waiting {
            if let Err(problem) = make_link(world, &it.id, bank.clone()).await {
                let error = ApiError::from(problem);
                refused.push((it.id.clone(), error.message));
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        views = look(world).await?;
    }
    let done = views.iter().filter(|it| has_saved(it)).count();
    let waiting: Vec<&SubscriptionView> = views.iter().filter(|it| !has_saved(it)).collect();
    let why = |id: &str| refused.iter().find(|(of, _)| of == id).map(|(_, why)| why.clone());
    let list: Vec<Value> = waiting
        .iter()
        .map(|it| {
            json!({ "customer_id": it.customer_id, "subscription_id": it.id, "url": link(it),
                "next_charge_at": it.next_charge_at, "refused": why(&it.id) })
        })
        .collect();
    let shown = json!({ "imported": views.len(), "saved": done, "waiting": list });
    world.out.show(&shown, || {
        let all = views.len();
        let mut lines = vec![format!("{done} of {all} have an account or a card to charge.")];
        if !waiting.is_empty() {
            let mut rows = table(&["Customer", "Subscription", "Paid until", "Link"]);
            for it in &waiting {
                let none = || why(&it.id).unwrap_or_else(|| "with its next period".to_owned());
                let url = link(it).unwrap_or_else(none);
                let until = it.next_charge_at.as_deref().unwrap_or("");
                rows.add_row(vec![&it.customer_id, &it.id, until, &url]);
            }
            lines.push(rows.to_string());
            let how = "`--links` makes one for each; what it saves is charged from then on.";
            lines.push(paint(HINT, how));
        }
        lines.join("\n")
    })
}

async fn look(world: &World) -> Result<Vec<SubscriptionView>, Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<_>, Problem> = world
        .ctx
        .db
        .read(move |tx| {
            let mut described = Vec::new();
            for it in list_imported(tx, &shop_id)? {
                described.push(describe(tx, &it)?);
            }
            Ok(described)
        })
        .await;
    Ok(found?.iter().map(|it| SubscriptionView::new(it, &world.ctx)).collect())
}

fn has_saved(view: &SubscriptionView) -> bool {
    view.account_id.is_some() || view.card_id.is_some()
}

/// By which the customer saves: the campaign's, else that of the period that waits.
fn link(view: &SubscriptionView) -> Option<String> {
    view.rebind_url.clone().or_else(|| view.pay_url.clone())
}

/// One that waits already is the one.
async fn make_link(world: &World, id: &str, bank: Option<String>) -> Result<(), Problem> {
    let (ctx, shop_id) = (&world.ctx, &world.shop.id);
    let found = drive::find(ctx, shop_id, id).await?.ok_or(Problem::NoSuchSubscription)?;
    let own = found.book.subscription.connection_id;
    let wish = rebind::Wish { bank: bank.or(Some(own)), ..rebind::Wish::default() };
    let planned = rebind::plan(ctx, shop_id, id, wish).await?;
    let (inner, shop) = (ctx.clone(), shop_id.clone());
    let made: Result<(), Problem> =
        ctx.db.write(move |tx| rebind::create(tx, &inner, &shop, planned)).await;
    made?;
    Ok(drive::settle_now(ctx, id).await?)
}
