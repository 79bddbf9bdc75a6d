//! What a customer's pages say, in Russian and in English.

use crate::{
    http::ApiError,
    subscriptions::{pricing::LineKind, state::State},
    web::{
        lang::Lang,
        terms::{day, price},
    },
};
use crate::{
    subscriptions::{model::PeriodStatus, view::Described},
    web::terms,
};

/// The state in a word, and how it looks.
pub fn state(described: &Described, lang: Lang) -> (&'static str, &'static str) {
    match described.book.subscription.state {
        State::Pending { .. } => ("wait", lang.pick("Ждёт первой оплаты", "Waiting to be paid")),
        State::Trialing { ends: true, .. } | State::Active { ends: true, .. } => {
            ("wait", lang.pick("Отменена", "Canceled"))
        }
        State::Trialing { .. } => ("good", lang.pick("Пробный период", "Trial")),
        State::Active { .. } => ("good", lang.pick("Действует", "Active")),
        State::PastDue { .. } => ("bad", lang.pick("Не оплачена", "Not paid")),
        State::Paused { .. } => ("wait", lang.pick("Приостановлена", "Paused")),
        State::Canceled { .. } => ("", lang.pick("Завершена", "Over")),
        State::Expired => ("", lang.pick("Не оформлена", "Never begun")),
    }
}

/// When what is charged next, or until when it can be used.
pub fn next(described: &Described, is_charged: bool, lang: Lang) -> String {
    let subscription = &described.book.subscription;
    let on = |ms: i64| day(&subscription.zone, ms);
    let (ru, en) = match &subscription.state {
        State::Trialing { until_ms, ends: false } | State::Active { until_ms, ends: false } => {
            let sum = described.next_amount.map_or_else(String::new, |sum| sum.to_human());
            let on = on(*until_ms);
            match is_charged {
                true => (
                    format!("Следующее списание: {on}, {sum}"),
                    format!("Next charge: {on}, {sum}"),
                ),
                false => (
                    format!("Следующая оплата по ссылке: {on}, {sum}"),
                    format!("Next payment by link: {on}, {sum}"),
                ),
            }
        }
        State::Trialing { until_ms, ends: true } | State::Active { until_ms, ends: true } => {
            let on = on(*until_ms);
            (
                format!("Списаний больше не будет. Пользоваться можно до {on}"),
                format!("Nothing more is charged. Yours to use until {on}"),
            )
        }
        State::PastDue { until_ms } => {
            let on = on(*until_ms);
            (
                format!("Оплачено было до {on}: новый период ждёт оплаты"),
                format!("Paid until {on}: the new period waits for its money"),
            )
        }
        State::Paused { resumes_ms: Some(ms), .. } => {
            (format!("Возобновится {}", on(*ms)), format!("Goes on on {}", on(*ms)))
        }
        State::Paused { resumes_ms: None, .. } => (
            "Списаний нет. Оплаченные дни сохранены".to_owned(),
            "Nothing is charged. The days you paid for are kept".to_owned(),
        ),
        State::Canceled { access_ms, .. } => (
            format!("Доступ до {}", on(*access_ms)),
            format!("Yours to use until {}", on(*access_ms)),
        ),
        State::Pending { .. } => (
            "Начнётся, как только придёт первая оплата".to_owned(),
            "Begins with the first payment".to_owned(),
        ),
        State::Expired => (String::new(), String::new()),
    };
    match lang {
        Lang::Ru => ru,
        Lang::En => en,
    }
}

/// The plan that begins with the next period, if another one does.
pub fn later(described: &Described, lang: Lang) -> Option<String> {
    let plan = described.next_plan.as_ref()?;
    Some(match lang {
        Lang::Ru => format!("Со следующего периода — тариф «{}»", plan.code),
        Lang::En => format!("From the next period on: the plan “{}”", plan.code),
    })
}

pub fn period(status: PeriodStatus, lang: Lang) -> (&'static str, &'static str) {
    match status {
        PeriodStatus::Open => ("wait", lang.pick("ждёт оплаты", "awaited")),
        PeriodStatus::Paid => ("good", lang.pick("оплачен", "paid")),
        PeriodStatus::Void => ("", lang.pick("не оплачен", "not paid")),
    }
}

pub const fn line(kind: LineKind, lang: Lang) -> &'static str {
    match kind {
        LineKind::Price => lang.pick("Новый тариф", "The new plan"),
        LineKind::SetupFee => lang.pick("Подключение", "Set-up"),
        LineKind::Discount => lang.pick("Скидка", "Discount"),
        LineKind::Unused => lang.pick("Неиспользованное время", "Time not used"),
        LineKind::Balance => lang.pick("С вашего остатка", "From your balance"),
    }
}

/// What the customer agrees to, word for word; it is kept with the consent.
pub fn consent(
    shop: &str,
    terms: &crate::subscriptions::model::Terms,
    quantity: u32,
    lang: Lang,
) -> String {
    let price = price(terms, quantity, lang);
    let trial = match terms.trial_days {
        0 => String::new(),
        count => match lang {
            Lang::Ru => format!(" после пробного периода ({})", terms::days(count, lang)),
            Lang::En => format!(" after the trial ({})", terms::days(count, lang)),
        },
    };
    match lang {
        Lang::Ru => format!(
            "Согласен, что {shop} будет автоматически списывать {price}{trial} за «{}» с карты \
             или счёта, которыми я плачу, пока я не отменю подписку или не отзову согласие. \
             Сделать это можно в любой момент на этой странице.",
            terms.name
        ),
        Lang::En => format!(
            "I agree that {shop} charges {price}{trial} for “{}” to the card or account I pay with \
             until I cancel or withdraw this consent, which I can do on this page at any time.",
            terms.name
        ),
    }
}

/// What was done.
pub fn done(word: &str, lang: Lang) -> Option<&'static str> {
    Some(match word {
        "cancel" => lang.pick("Подписка отменена", "The subscription is canceled"),
        "reactivate" => lang.pick("Отмена снята", "The cancellation is taken back"),
        "pause" => lang.pick("Подписка приостановлена", "The subscription is paused"),
        "resume" => lang.pick("Подписка возобновлена", "The subscription goes on"),
        "change" => lang.pick("Тариф изменён", "The plan is changed"),
        "subscribe" => lang.pick("Подписка оформлена", "You are subscribed"),
        _ => return None,
    })
}

/// What was refused, in the customer's words: he can help few of the reasons.
pub fn refusal(error: &ApiError, lang: Lang) -> (String, String) {
    let (ru, en) = match error.code.as_str() {
        "subscription_busy" => (
            ["Сейчас идёт оплата", "Попробуйте ещё раз, когда она закончится."],
            ["A payment is under way", "Try again when it is over."],
        ),
        "subscription_state" => (
            ["Сейчас это невозможно", "Состояние подписки уже другое: посмотрите ниже."],
            [
                "This is not possible now",
                "The subscription is in another state already: see below.",
            ],
        ),
        "consent_missing" => (
            ["Нужно ваше согласие", "Отметьте, что согласны на списания."],
            ["Your consent is needed", "Tick that you agree to be charged."],
        ),
        "subscription_exists" => (
            ["Эта подписка у вас уже есть", "Вот она."],
            ["You have this subscription already", "Here it is."],
        ),
        "plan_archived" | "plan_not_found" => (
            ["Этот тариф больше не продаётся", "Выберите другой."],
            ["This plan is no longer sold", "Choose another one."],
        ),
        "bank_unavailable" => (
            ["Банк не отвечает", "Попробуйте ещё раз через минуту."],
            ["The bank does not answer", "Try again in a minute."],
        ),
        _ => (
            ["Не получилось", "Напишите в магазин: он поможет."],
            ["That did not work", "Write to the shop: it will help."],
        ),
    };
    let [headline, detail] = match lang {
        Lang::Ru => ru,
        Lang::En => en,
    };
    (headline.to_owned(), detail.to_owned())
}
