//! `kopeck subscription rebind`: a link by which a subscription goes on to another card or bank.

use super::{Save, find};
use crate::{
    cli::{
        context::World,
        fail::Fail,
        print::{GOOD, HINT, STRONG, paint},
    },
    instruments::model::Kind,
    subscriptions::{
        drive,
        flow::{NewConsent, Problem, rebind},
        view::SubscriptionView,
    },
};

pub(super) async fn run(
    world: &World,
    id: &str,
    (bank, save): (Option<String>, Option<Save>),
    consent: Option<String>,
) -> Result<(), Fail> {
    let wish = rebind::Wish {
        bank,
        saves: save.map(|save| match save {
            Save::Account => Kind::Account,
            Save::Card => Kind::Card,
        }),
        success_url: None,
        fail_url: None,
        consent: consent.map(NewConsent::by_cli),
    };
    let planned = rebind::plan(&world.ctx, &world.shop.id, id, wish).await?;
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let made: Result<(), Problem> =
        world.ctx.db.write(move |tx| rebind::create(tx, &ctx, &shop_id, planned)).await;
    made?;
    drive::settle_now(&world.ctx, id).await?;
    let found = find(world, id).await?;
    let view = SubscriptionView::new(&found, &world.ctx);
    world.out.show(&view, || {
        let url = view.rebind_url.as_deref().unwrap_or_default();
        format!(
            "{} send the customer this link; its 10 rubles count for the next period:\n  {}\n  {}",
            paint(GOOD, "✓"),
            paint(STRONG, url),
            paint(HINT, "until it is paid everything stays as it is"),
        )
    })
}
