//! A customer's evidence on paper, in Russian or in English: for a bank's dispute, a court or the
//! customer himself. It only writes down what the evidence holds.

use jiff::{Timestamp, fmt::strtime};
use kopeck_banks::Money;

use super::{
    schedule::{DEFAULT_ZONE, find_zone},
    view::evidence::{ConsentProof, EventProof, EvidenceView, PaymentProof},
};
use crate::qr::{
    Lang,
    report::{Part, Report},
};

const fn pick(lang: Lang, ru: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Ru => ru,
        Lang::En => en,
    }
}

/// `21.12.2026 10:00:03`, Moscow time; what cannot be read stays as it is.
fn moment(iso: &str) -> String {
    let at: Option<Timestamp> = iso.parse().ok();
    let zoned = at.zip(find_zone(DEFAULT_ZONE)).map(|(at, zone)| at.to_zoned(zone));
    let text = zoned.map(|zoned| strtime::format("%d.%m.%Y %H:%M:%S", &zoned));
    text.and_then(Result::ok).unwrap_or_else(|| iso.to_owned())
}

fn sum(kopecks: i64) -> String {
    Money::from_kopecks(kopecks).map_or_else(|_| kopecks.to_string(), |sum| sum.to_human())
}

/// What an event means; a word that has no sentence here stays the word.
fn sentence(kind: &str, lang: Lang) -> String {
    let (ru, en) = match kind {
        "payment.created" => ("Платёж создан", "The payment was made"),
        "payment.opened" => ("Платёж открыт в банке", "The payment is open at the bank"),
        "payment.paid" => ("Деньги получены", "The money came"),
        "payment.failed" => ("Списание не прошло", "The charge failed"),
        "payment.expired" => ("Ссылка на оплату истекла", "The payment link ran out"),
        "payment.canceled" => ("Платёж отменён", "The payment was canceled"),
        "payment.refunded" => ("Деньги возвращены", "The money was given back"),
        "refund.created" => ("Возврат запрошен", "A refund was asked for"),
        "refund.succeeded" => ("Возврат выполнен", "The refund was made"),
        "refund.failed" => ("Возврат не прошёл", "The refund failed"),
        "account.saved" => ("Счёт сохранён для списаний", "The account was saved"),
        "card.saved" => ("Карта сохранена для списаний", "The card was saved"),
        "consent.withdrawn" => ("Согласие отозвано", "The consent was withdrawn"),
        "charge.unwanted" => (
            "Списание пришло после отзыва согласия и возвращается",
            "A charge came after the withdrawal and is given back",
        ),
        "subscription.created" => ("Подписка оформлена", "Subscribed"),
        "subscription.activated" => ("Подписка началась", "The subscription began"),
        "subscription.renewed" => ("Подписка продлена", "Renewed"),
        "subscription.renewal_upcoming" => {
            ("Предупреждение о списании", "Notice of the next charge")
        }
        "subscription.renewal_failed" => ("Списание не прошло", "A renewal failed"),
        "subscription.past_due" => ("Ожидается оплата", "The money is awaited"),
        "subscription.payment_needed" => ("Отправлена ссылка на оплату", "A link was offered"),
        "subscription.changed" => ("Условия изменены", "Changed"),
        "subscription.ending" => ("Отмена с конца периода", "Ends with its period"),
        "subscription.reactivated" => ("Отмена отозвана", "Reactivated"),
        "subscription.paused" => ("Приостановлена", "Paused"),
        "subscription.resumed" => ("Возобновлена", "Resumed"),
        "subscription.canceled" => ("Подписка окончена", "The subscription ended"),
        "subscription.expired" => ("Первая оплата не пришла", "The first payment never came"),
        "subscription.given_back" => ("Списание возвращается", "A charge is given back"),
        "subscription.consent_withdrawn" => {
            ("Согласие на списания отозвано", "The consent to be charged was withdrawn")
        }
        other => return other.to_owned(),
    };
    pick(lang, ru, en).to_owned()
}

/// The document.
pub fn report(evidence: &EvidenceView, lang: Lang) -> Report {
    let title = pick(lang, "Согласия и списания", "Consents and charges");
    let p = |ru, en| pick(lang, ru, en);
    let (made, shop, customer) = (moment(&evidence.made_at), &evidence.shop, &evidence.customer_id);
    let mut parts = vec![
        Part::Text(format!("{}: {shop}", p("Магазин", "Shop"))),
        Part::Text(format!("{}: {customer}", p("Покупатель", "Customer"))),
        Part::Text(format!("{}: {made}", p("Составлено", "Put together"))),
        Part::Text(p("Время московское.", "All times are Moscow's.").to_owned()),
        Part::Heading(p("Согласия", "Consents").to_owned()),
        consents(evidence, lang),
    ];
    for it in evidence.consents.iter().filter(|it| it.text.is_some()) {
        let text = it.text.as_deref().unwrap_or("");
        parts.push(Part::Heading(format!("{} «{}»", p("Текст", "Text"), it.text_version)));
        parts.push(Part::Text(text.to_owned()));
    }
    parts.extend([
        Part::Heading(p("Сохранённые счета и карты", "Saved accounts and cards").to_owned()),
        instruments(evidence, lang),
        Part::Heading(p("Списания и оплаты", "Charges and payments").to_owned()),
        payments(&evidence.payments, lang),
        Part::Heading(p("Что происходило", "What happened").to_owned()),
        events(&evidence.events, lang),
    ]);
    Report { title: format!("{title}: {customer}"), lang: pick(lang, "ru", "en"), parts }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn consents(evidence: &EvidenceView, lang: Lang) -> Part {
    let p = |ru, en| pick(lang, ru, en);
    let row = |it: &ConsentProof| {
        let end = it.withdrawn_at.as_deref().map(moment).unwrap_or_else(|| "—".to_owned());
        let by = it.withdrawn_by.as_deref().map(|by| format!("\n{by}")).unwrap_or_default();
        let from = [it.ip.as_deref(), it.user_agent.as_deref()];
        let from: Vec<&str> = from.into_iter().flatten().collect();
        vec![
            moment(&it.given_at),
            format!("{}\n{}\n{}", it.text_version, it.of, it.subject_id),
            format!("{}\n{}", it.channel, from.join("\n")).trim_end().to_owned(),
            it.max_amount_kopecks.map_or_else(|| "—".to_owned(), sum),
            format!("{end}{by}"),
        ]
    };
    Part::Table {
        columns: vec![14, 40, 22, 13, 15],
        head: texts(&[
            p("Дано", "Given"),
            p("Текст и на что", "Text, and to what"),
            p("Где", "Where"),
            p("Не больше", "At most"),
            p("Отозвано", "Withdrawn"),
        ]),
        rows: evidence.consents.iter().map(row).collect(),
    }
}

fn instruments(evidence: &EvidenceView, lang: Lang) -> Part {
    let p = |ru, en| pick(lang, ru, en);
    let rows = evidence.instruments.iter().map(|it| {
        let end = it.withdrawn_at.as_deref().map(moment).unwrap_or_else(|| "—".to_owned());
        vec![
            moment(&it.created_at),
            format!("{}\n{}", it.kind, it.id),
            format!("{} {}", it.bank, it.name.as_deref().unwrap_or("")).trim_end().to_owned(),
            it.status.to_owned(),
            end,
        ]
    });
    Part::Table {
        columns: vec![14, 40, 24, 11, 15],
        head: texts(&[
            p("Сохранено", "Saved"),
            p("Что", "What"),
            p("Банк", "Bank"),
            p("Состояние", "State"),
            p("Отозвано", "Withdrawn"),
        ]),
        rows: rows.collect(),
    }
}

fn payments(all: &[PaymentProof], lang: Lang) -> Part {
    let p = |ru, en| pick(lang, ru, en);
    let row = |it: &PaymentProof| {
        let how = if it.is_charge {
            p("списание", "charge")
        } else {
            p("по ссылке", "by a link")
        };
        let period = it.period.map(|at| format!(", {} {at}", p("период", "period")));
        let failure = it.failure.as_deref().map(|code| format!("\n{code}")).unwrap_or_default();
        let back = match it.refunded_kopecks {
            0 => "—".to_owned(),
            kopecks => sum(kopecks),
        };
        vec![
            moment(&it.created_at),
            format!("{}\n{how}{}\n{}", it.purpose, period.unwrap_or_default(), it.id),
            format!("{} {}", it.bank, it.bank_payment_id.as_deref().unwrap_or("")),
            sum(it.amount_kopecks),
            format!("{}{failure}", it.status),
            back,
        ]
    };
    Part::Table {
        columns: vec![14, 41, 17, 12, 11, 11],
        head: texts(&[
            p("Когда", "When"),
            p("За что и как", "For what, and how"),
            p("Номер в банке", "Number at the bank"),
            p("Сумма", "Sum"),
            p("Исход", "Outcome"),
            p("Возврат", "Refunded"),
        ]),
        rows: all.iter().map(row).collect(),
    }
}

fn events(all: &[EventProof], lang: Lang) -> Part {
    let p = |ru, en| pick(lang, ru, en);
    let row = |it: &EventProof| {
        let taken = it.delivered_at.as_deref().map(moment).unwrap_or_else(|| "—".to_owned());
        vec![
            moment(&it.at),
            format!("{}\n{}", sentence(&it.kind, lang), it.kind),
            it.subject_id.clone(),
            taken,
        ]
    };
    Part::Table {
        columns: vec![14, 34, 40, 15],
        head: texts(&[
            p("Когда", "When"),
            p("Что", "What"),
            p("О чём", "Of what"),
            p("Доставлено", "Delivered"),
        ]),
        rows: all.iter().map(row).collect(),
    }
}
