//! Refunds that no list shows: what is gone from a payment beyond the refunds that are known.
//! Never asks, never guesses at a refund of the shop's whose answer may still come.

use kopeck_banks::Money;

use super::{
    super::model::{Origin, Payment, Refund, RefundState},
    GIVEN_UP,
};

/// A bank that lists no refunds tells what is left. What is gone, and neither the shop's refunds
/// nor those found earlier explain it, was given back in the bank's cabinet and becomes a refund
/// of its own; or it is one of the shop's that was given up too early, when the sum fits.
///
/// While the answer to a refund of the shop's is not known, it may be the explanation: first that
/// is settled, and what is then unexplained is the cabinet's.
///
/// Several refunds seen at once are one here, so which refunds there are depends on which looks
/// came when. What does not: their sum, which is what is gone and never more than was paid, and
/// the payment's status. Only if the bank took another sum than the order's and gave back a part
/// before it ever told which may the refund found then be too large; the payment's own sums are
/// right as soon as it tells.
pub(super) fn settle(payment: &mut Payment) {
    let Some(left) = payment.facts.left else { return };
    let is_open = |refund: &Refund| matches!(refund.state, RefundState::Asked { .. });
    if payment.refunds.iter().any(is_open) {
        return;
    }
    let gone = payment.facts.paid.minus_or_zero(left);
    let known = payment.refunds.iter().filter(|refund| refund.state == RefundState::Succeeded);
    // A sum beyond all money explains everything.
    let Some(known) = Money::checked_sum(known.map(|refund| refund.amount)) else { return };
    let amount = gone.minus_or_zero(known);
    if amount.is_zero() {
        return;
    }
    let is_given_up = |refund: &&mut Refund| match &refund.state {
        RefundState::Failed(failure) => refund.amount == amount && failure.code == GIVEN_UP,
        RefundState::Requested | RefundState::Asked { .. } | RefundState::Succeeded => false,
    };
    if let Some(refund) = payment.refunds.iter_mut().find(is_given_up) {
        refund.state = RefundState::Succeeded;
        // As it is noted when the answer comes: no list is going to show it.
        refund.bank_refund_id = Some(refund.id.clone());
        payment.facts.refunds.insert(refund.id.clone(), amount);
        return;
    }
    let tail = payment.id.trim_start_matches("pay_");
    payment.refunds.push(Refund {
        // What is left only falls, so no two refunds are found at the same.
        id: format!("rf_{tail}_left_{}", left.kopecks()),
        amount,
        reason: None,
        origin: Origin::Bank,
        state: RefundState::Succeeded,
        bank_refund_id: None,
        left_before: None,
        bank_request_id: None,
        statement_id: None,
        created_ms: payment.created_ms,
    });
    payment.refunds.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
}

/// Whether it was found here: no list will ever show it, nor may a listed one be taken for it.
pub(super) fn is_told_by_rest(refund: &Refund) -> bool {
    refund.origin == Origin::Bank && refund.bank_refund_id.is_none()
}
