//! A readable reply about subscriptions. As everywhere: what leaves a doubt is an `Err`, and the
//! outcome unknown.

use crate::{
    Money,
    op::{
        Answer, Decline, DeclineReason, Subscription, SubscriptionOp, SubscriptionPage,
        SubscriptionWord, Words,
    },
    tochka::{
        codes, observation,
        reply::{Unreadable, data, json, link},
        wire::{BoolResult, Reply},
    },
};

use super::{parse_period, parse_status, wire};

pub fn read(op: &SubscriptionOp, body: &[u8]) -> Result<Answer, Unreadable> {
    Ok(match op {
        SubscriptionOp::Open(_) => return link(body),
        SubscriptionOp::List { page, .. } => {
            Answer::Subscription(SubscriptionWord::List(list(*page, body)?))
        }
        SubscriptionOp::Status { .. } => {
            let word = data::<wire::Status>(body)?.status;
            Answer::Subscription(SubscriptionWord::Status { status: parse_status(&word), word })
        }
        SubscriptionOp::Cancel { .. } => {
            Answer::Accepted { done: data::<BoolResult>(body)?.result }
        }
        SubscriptionOp::Charge { .. } => {
            let is_charged = data::<BoolResult>(body)?.result;
            Answer::Subscription(if is_charged {
                SubscriptionWord::Charged
            } else {
                SubscriptionWord::Declined(Box::new(declined()))
            })
        }
    })
}

fn list(page: u32, body: &[u8]) -> Result<SubscriptionPage, Unreadable> {
    let reply: Reply<wire::Subscriptions> = json(body)?;
    let total_pages = reply.meta.and_then(|meta| meta.total_pages).unwrap_or(1);
    let items = reply.data.subscriptions.into_iter().map(subscription).collect();
    Ok(SubscriptionPage { items, page, total_pages })
}

fn subscription(item: wire::Subscription) -> Subscription {
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    let options = item.options.as_ref();
    let period = options.and_then(|options| {
        parse_period(options.period.as_deref()?, number(&options.days_in_period))
    });
    Subscription {
        reference: item.payment_link_id,
        payment_status: item.status.as_deref().and_then(codes::parse_status),
        amount: item.amount.as_deref().and_then(|raw| Money::parse_json(raw).ok()),
        purpose: item.purpose,
        url: item.payment_link,
        created_at: item.created_at.as_deref().and_then(observation::parse_time),
        payer_id: item.consumer_id,
        is_scheduled: item.recurring.as_deref() != Some("true"),
        period,
        count: options.and_then(|options| number(&options.tranche_count)),
        card: item.card.and_then(observation::saved_card),
        bank_id: item.operation_id,
    }
}

/// The bank says no and nothing else: whether money, card or issuer is at fault is not told.
fn declined() -> Decline {
    Decline {
        bank_code: String::new(),
        reason: DeclineReason::Unknown,
        payer: Words {
            ru: "Списание с сохранённой карты не прошло. Проверьте, есть ли на ней деньги, или \
                 оплатите другой картой.",
            en: "The saved card was not charged. Check that there is money on it, or pay with \
                 another card.",
        },
        merchant: Words {
            ru: "Банк ответил, что списание не прошло, и причины не назвал: он её никогда не \
                 называет.",
            en: "The bank said that the charge failed and gave no reason: it never does.",
        },
    }
}
