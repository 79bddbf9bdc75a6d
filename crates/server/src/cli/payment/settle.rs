//! `kopeck payment settle`: a person looked in the bank's cabinet and found no charge.

use crate::{
    cli::{
        context::World,
        fail::Fail,
        find,
        print::{GOOD, paint},
    },
    payments::{
        flow::{Problem, doubt},
        model::Payment,
        view::PaymentView,
    },
};

pub(super) async fn run(world: &World, id: &str) -> Result<(), Fail> {
    let payment = find::payment(world, id).await?;
    let payment = find::look(world, payment).await?;
    let (ctx, shop_id, id) = (world.ctx.clone(), payment.shop_id.clone(), payment.id.clone());
    let settled: Result<Payment, Problem> =
        world.ctx.db.write(move |tx| doubt::settle_not_charged(tx, &ctx, (&shop_id, &id))).await;
    let payment = settled?;
    let view = PaymentView::new(&payment, &world.ctx.public_url);
    world.out.show(&view, || {
        let (mark, status) = (paint(GOOD, "✓"), payment.status().as_str());
        format!("{mark} The charge was not made: the payment is {status}")
    })
}
