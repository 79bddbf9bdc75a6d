//! The day's register: what was paid, what the bank keeps and what it sends on.

use std::collections::BTreeMap;

use super::{
    TochkaEmulator,
    acquiring::{day_query, required_query},
    directory,
    fields::REQUIRED,
    grants::Grant,
    json::{Obj, array},
    problem::Problem,
    route::Call,
    state::{Mode, Operation, Order, OrderKind, Status},
    time,
};
use crate::{emulator::Served, money::Money};

/// In hundredths of a percent: 2.5 %, and 0.7 % for SBP.
const CARD_RATE: i64 = 250;
const SBP_RATE: i64 = 70;

/// What the bank keeps, rounded half up to a kopeck.
fn commission(amount: Money, mode: Mode) -> Money {
    let rate = match mode {
        Mode::Sbp => SBP_RATE,
        Mode::Card | Mode::Tinkoff | Mode::Dolyame => CARD_RATE,
    };
    // At most 2.5 % of an amount in range: neither overflows nor leaves the range.
    Money::from_kopecks((amount.kopecks() * rate + 5_000) / 10_000).unwrap_or_default()
}

impl TochkaEmulator {
    pub(super) fn registry(&self, call: &Call<'_>, grant: &Grant) -> Result<Served, Problem> {
        let customer_code = required_query(call, "customerCode")?;
        let merchant_id = required_query(call, "merchantId")?;
        let date = day_query(call, "date")?.ok_or_else(|| Problem::invalid("date", REQUIRED))?;
        let payment_id = call.find_query("paymentId");
        grant.check_customer(&customer_code)?;
        if merchant_id.chars().count() != 15 {
            return Err(Problem::invalid("merchantId", "length must be 15 characters"));
        }
        if directory::find_retailer(&merchant_id).is_none() {
            return Err(Problem::forbidden());
        }
        let is_today = date == time::day(call.now_ms);
        let mut groups: BTreeMap<Mode, Vec<(&Operation, &Order)>> = BTreeMap::new();
        for operation in self.state.sequence.iter().filter_map(|id| self.state.operations.get(id)) {
            let Some(mode) = operation.paid_by else { continue };
            let fits = operation.customer_code == customer_code
                && operation.merchant_id == merchant_id
                && is_registered(operation.status)
                && !(is_today && mode == Mode::Card)
                && payment_id.as_ref().is_none_or(|id| operation.payment_id.as_ref() == Some(id));
            if !fits {
                continue;
            }
            // One for a payment, one for each charge of a subscription.
            let approvals = operation.orders.iter().filter(|order| {
                order.kind == OrderKind::Approval && time::day(order.at_ms) == date
            });
            for approval in approvals {
                groups.entry(mode).or_default().push((operation, approval));
            }
        }
        let items = groups.iter().map(|(mode, payments)| {
            let amounts = payments.iter().map(|(_, approval)| approval.amount);
            // A day's sum beyond ten billion rubles does not happen in an emulator.
            let total = Money::checked_sum(amounts).unwrap_or_default();
            let lines = payments
                .iter()
                .map(|(operation, approval)| self.print_line(operation, *mode, approval));
            Obj::new()
                .text("paymentType", mode.as_str())
                .money("totalAmount", total)
                .text_if("paymentId", payment_id.as_deref())
                .raw("payments", &array(lines))
                .end()
        });
        Ok(call.reply(&Obj::new().raw("Registry", &array(items)).end()))
    }

    fn print_line(&self, operation: &Operation, mode: Mode, approval: &Order) -> String {
        let amount = approval.amount;
        let commission = commission(amount, mode);
        Obj::new()
            .text("purpose", &operation.purpose)
            .text("status", operation.status.as_str())
            .money("amount", amount)
            .text("operationId", &operation.id)
            .text("paymentLink", &self.payment_link(&operation.id))
            .text("time", &time::print(approval.at_ms))
            .text("number", &operation.reference)
            .money("commission", commission)
            .money("enrollmentAmount", amount.minus_or_zero(commission))
            .end()
    }
}

fn is_registered(status: Status) -> bool {
    match status {
        Status::Approved
        | Status::Refunded
        | Status::RefundedPartially
        | Status::WaitFullPayment => true,
        Status::Created | Status::Authorized | Status::OnRefund | Status::Expired => false,
    }
}
