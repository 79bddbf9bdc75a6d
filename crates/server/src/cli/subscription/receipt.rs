//! `kopeck subscription receipt`: what the receipts of its charges say from now on.

use clap::Args;

use super::find;
use crate::{
    cli::{
        context::World,
        fail::Fail,
        print::{GOOD, paint},
        receipt::ReceiptFlags,
    },
    subscriptions::{
        flow::{
            Problem,
            receipt::{self, Said, Wish},
        },
        view::SubscriptionView,
    },
};

#[derive(Debug, Args)]
pub(super) struct ChangeReceiptArgs {
    /// The subscription's id
    id: String,
    /// What the plan says again
    #[arg(long, conflicts_with_all = ["receipt", "item", "preset"])]
    by_plan: bool,
    #[command(flatten)]
    flags: ReceiptFlags,
}

impl ChangeReceiptArgs {
    pub(super) async fn run(self, world: &World) -> Result<(), Fail> {
        let receipt = match self.by_plan {
            true => Some(Said::ByPlan),
            false => self.flags.own_text()?.map(Said::Own),
        };
        let wish = Wish { contact: self.flags.customer(), receipt };
        if wish.receipt.is_none() && wish.contact.is_none() {
            let hint = "Such as --email buyer@example.ru, --item \"Доступ;1;4900.00;none\" or \
                        --by-plan";
            return Err(Fail::usage("Nothing is said of the receipt", hint));
        }
        let (ctx, shop_id, id) = (world.ctx.clone(), world.shop.id.clone(), self.id.clone());
        receipt::check(&ctx, &shop_id, &id, &wish).await?;
        let done: Result<(), Problem> =
            world.ctx.db.write(move |tx| receipt::change(tx, &ctx, (&shop_id, &id), wish)).await;
        done?;
        let found = find(world, &self.id).await?;
        let view = SubscriptionView::new(&found, &world.ctx);
        let told = "the receipts of the charges to come say so";
        world.out.show(&view, || format!("{} {told}", paint(GOOD, "✓")))
    }
}
