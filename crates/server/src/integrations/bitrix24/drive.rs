//! An application's errands, one at a time under the lease of its integration's job, and the look
//! for what was lost.

use std::collections::BTreeMap;

use kopeck_banks::Money;
use kopeck_integrations::{
    Broken, Lang, Scope, Settings,
    bitrix24::{
        Bitrix24, card,
        inbound::{self, RobotResult},
        problems,
    },
};

use super::{
    checkout,
    fate::{self, Failed, failed},
    flow::PROVE,
    install, links,
    links::{For, Wish},
    look,
    model::{App, Errand, What},
    older::{Known, left_of},
    portal::{self, As, Trouble},
    store::{
        errands::{find_next_due, find_next_errand, find_waiting},
        find_app,
    },
};
use crate::{
    integrations::{drive::hold, flow::open_settings, model::Linked, pace},
    kit::{
        Ctx,
        clock::HOUR_MS,
        db::DbError,
        jobs::{After, Job},
        secret::{hash_bytes, mask_text},
    },
    payments::model::Payment,
};

/// The kind of the job; its subject is the integration's id.
pub const JOB: &str = "bitrix24";
/// How often is looked for what was lost.
const LOOK_MS: i64 = HOUR_MS;
/// After one that did not come off.
const LOOK_AGAIN_MS: i64 = LOOK_MS / 4;

/// Does what is due and says when to come again.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let now_ms = ctx.now_ms();
    let Some(linked) = portal::find(ctx, &job.subject).await? else { return Ok(After::Done) };
    if !linked.is_live() {
        // Only a new installation goes on: it is what mends one that was removed.
        let id = linked.id.clone();
        let found: Result<Option<Errand>, DbError> =
            ctx.db.read(move |tx| find_waiting(tx, &id, PROVE)).await;
        return match found? {
            Some(errand) if errand.due_ms <= now_ms => {
                hold(ctx, job, run_and_settle(ctx, &linked, errand)).await.map(After::At)
            }
            waiting => {
                let look_ms = now_ms + LOOK_MS;
                Ok(After::At(waiting.map_or(look_ms, |errand| errand.due_ms.min(look_ms))))
            }
        };
    }
    let id = linked.id.clone();
    let found: Result<(Option<Errand>, Option<App>), DbError> =
        ctx.db.read(move |tx| Ok((find_next_errand(tx, &id)?, find_app(tx, &id)?))).await;
    let (errand, app) = found?;
    if let Some(errand) = errand.filter(|errand| errand.due_ms <= now_ms) {
        if let Some(at_ms) = when_ready(ctx, &linked).await? {
            return Ok(After::At(at_ms));
        }
        return hold(ctx, job, run_and_settle(ctx, &linked, errand)).await.map(After::At);
    }
    let app = app.unwrap_or_else(|| App::new(&linked.id, linked.created_ms));
    let due_ms = app.looked_ms + LOOK_MS;
    if due_ms > now_ms {
        return Ok(After::At(next_errand_ms(ctx, &linked).await?.min(due_ms)));
    }
    let again_ms = match look::step(ctx, &linked, &app).await {
        Ok(()) => return Ok(After::At(now_ms)),
        Err(Trouble::Later { after_ms }) => i64::try_from(after_ms).unwrap_or(LOOK_AGAIN_MS),
        Err(trouble) => {
            let why = mask_text(&format!("{trouble:?}"));
            tracing::warn!(integration_id = linked.id, why, "a portal cannot be looked at");
            LOOK_AGAIN_MS
        }
    };
    // The look goes on where it stands; what a portal asked for meanwhile does not wait for it.
    Ok(After::At(next_errand_ms(ctx, &linked).await?.min(ctx.now_ms() + again_ms)))
}

async fn next_errand_ms(ctx: &Ctx, linked: &Linked) -> Result<i64, DbError> {
    let id = linked.id.clone();
    ctx.db.read(move |tx| find_next_due(tx, &id)).await
}

/// An errand reads, makes and answers: stopped halfway by the pace it would begin anew for ever.
async fn when_ready(ctx: &Ctx, linked: &Linked) -> anyhow::Result<Option<i64>> {
    let (settings, now_ms) = (open_settings(ctx, linked)?, ctx.now_ms());
    let ready: Result<Option<i64>, DbError> =
        ctx.db.write(move |tx| pace::when_ready(tx, &Bitrix24, &settings, now_ms)).await;
    Ok(ready?)
}

async fn run_and_settle(ctx: &Ctx, linked: &Linked, mut errand: Errand) -> anyhow::Result<i64> {
    let done = run(ctx, linked, &mut errand).await;
    let (inner, id) = (ctx.clone(), linked.id.clone());
    let next: Result<i64, DbError> =
        ctx.db.write(move |tx| fate::settle(tx, &inner, &id, errand, done)).await;
    Ok(next?)
}

/// Does it; the payment that comes of it is known by the errand from then on.
async fn run(ctx: &Ctx, linked: &Linked, errand: &mut Errand) -> Result<(), Failed> {
    let about = &mut errand.payment_id;
    match &errand.what {
        What::Register => Ok(install::register_again(ctx, &linked.id).await.map(|_| ())?),
        What::Prove => match install::prove_again(ctx, &linked.id).await {
            // About whoever installed, and not about the connection that there is.
            Err(Trouble::Broken(broken)) => Err(Failed::Never(broken.code().to_owned())),
            done => Ok(done?),
        },
        What::Deal { id } => make_for_stage(ctx, linked, *id, about).await,
        What::Robot { deal_id, event_token, properties } => {
            run_robot(ctx, linked, *deal_id, (event_token, properties), about).await
        }
        What::Paid { portal_payment_id, pay_system_id } => {
            mark_paid(ctx, linked, portal_payment_id, pay_system_id).await
        }
        What::Forgotten => Ok(()),
    }
}

/// Marks the portal's own payment as paid. The portal takes no sum with that, and may have changed
/// it since the link was made: only money of just that sum, which is still here, pays it.
async fn mark_paid(
    ctx: &Ctx,
    linked: &Linked,
    portal_payment_id: &str,
    pay_system_id: &str,
) -> Result<(), Failed> {
    let make = |settings: &Settings| card::portal_payment(settings, portal_payment_id);
    let read = card::read_portal_payment;
    let told = portal::call(ctx, &linked.id, As::App, make, read).await?;
    let left: Vec<Money> = checkout::known(ctx, linked, portal_payment_id)
        .await?
        .iter()
        .map(|it| it.payment.facts.paid.minus_or_zero(it.payment.refunded()))
        .filter(|left| !left.is_zero())
        .collect();
    if told.is_paid || left.is_empty() {
        return Ok(());
    }
    if !told.is_rubles || !left.contains(&told.sum) {
        let sum = told.sum.to_rubles();
        let paid: Vec<String> = left.iter().map(|it| it.to_rubles()).collect();
        let why = format!("{portal_payment_id}: {sum} ≠ {}", paid.join(", "));
        return Err(Broken::of(&problems::ORDER_CHANGED).because(&why).into());
    }
    let make =
        |settings: &Settings| inbound::checkout_paid(settings, portal_payment_id, pay_system_id);
    Ok(portal::call(ctx, &linked.id, As::App, make, inbound::read_checkout_paid).await?)
}

/// A deal stands at a stage that asks for a link. One that has a link that can be paid, or money,
/// asks for none: the link is written into its card only a little later.
async fn make_for_stage(
    ctx: &Ctx,
    linked: &Linked,
    deal_id: i64,
    about: &mut Option<String>,
) -> Result<(), Failed> {
    let card = links::read_card(ctx, &linked.id, As::App, deal_id).await?;
    let settings = open_settings(ctx, linked)?;
    let known = links::list_of_deal(ctx, linked, deal_id).await?;
    let has_one =
        |it: &Known| it.is_open() || !it.taken().is_zero() || !it.payment.facts.paid.is_zero();
    if !card.deal.asks_for_link(&settings)? || known.iter().any(has_one) {
        return Ok(());
    }
    let amount = card.deal.sum.filter(|sum| !sum.is_zero() && card.deal.is_in_rubles());
    let amount = amount.ok_or_else(|| Failed::Never("the deal has no sum in rubles".to_owned()))?;
    let wish = Wish {
        amount,
        purpose: card.deal.title.clone(),
        lines: card.lines.clone().unwrap_or_default(),
        buyer: links::buyer(ctx, linked, &card.deal).await?.person,
        key: format!("stage {deal_id} {}", known.len()),
        ..Wish::default()
    };
    let made = links::make(ctx, linked, &wish, For::Deal(deal_id)).await;
    *about = Some(made.map_err(|error| failed(&error))?.id);
    Ok(())
}

/// What a run of the robot came to, for the funnel.
struct Ran {
    payment: Option<Payment>,
    error: String,
}

async fn run_robot(
    ctx: &Ctx,
    linked: &Linked,
    deal_id: i64,
    (event_token, properties): (&str, &BTreeMap<String, String>),
    about: &mut Option<String>,
) -> Result<(), Failed> {
    let key = format!("robot {}", hash_bytes(event_token.as_bytes()));
    let ran = match make_by_robot(ctx, linked, deal_id, (&key, properties)).await {
        Ok(ran) => ran,
        Err(Failed::Never(error)) => Ran { payment: None, error },
        // What is wrong with the deal the funnel may know; what is wrong with the connection not.
        Err(Failed::Trouble(Trouble::Broken(broken))) if broken.scope() != Scope::Account => {
            Ran { payment: None, error: broken.problem.ru.problem.to_owned() }
        }
        Err(other) => return Err(other),
    };
    *about = ran.payment.as_ref().map(|payment| payment.id.clone());
    let url = ran.payment.as_ref().map_or(String::new(), |it| links::pay_url(ctx, it));
    let result = RobotResult {
        payment_url: &url,
        payment_id: ran.payment.as_ref().map_or("", |it| it.id.as_str()),
        status: ran.payment.as_ref().map_or("error", |it| it.status().as_str()),
        error: &ran.error,
    };
    let make = |settings: &Settings| inbound::robot_answer(settings, event_token, &result);
    portal::call(ctx, &linked.id, As::App, make, inbound::read_robot_answer).await?;
    if ran.payment.is_none() { Err(Failed::Never(ran.error)) } else { Ok(()) }
}

async fn make_by_robot(
    ctx: &Ctx,
    linked: &Linked,
    deal_id: i64,
    (key, properties): (&str, &BTreeMap<String, String>),
) -> Result<Ran, Failed> {
    let never = |why: &str| Failed::Never(why.to_owned());
    let card = links::read_card(ctx, &linked.id, As::App, deal_id).await?;
    let given = |name: &str| {
        let value = properties.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    };
    if !card.deal.is_in_rubles() {
        return Err(never("Сделка не в рублях"));
    }
    let mut known = links::list_of_deal(ctx, linked, deal_id).await?;
    // Its own link, whose answer was lost, is none of what others took: it may be paid by now.
    let own = Wish { key: key.to_owned(), ..Wish::default() };
    let own = links::find_earlier(ctx, linked, &own).await.map_err(|error| failed(&error))?;
    known.retain(|it| own.as_ref().is_none_or(|own| own.id != it.payment.id));
    let amount = match given("amount") {
        Some(text) => Some(read_amount(text).ok_or_else(|| never("Сумма не прочитана"))?),
        None => card.deal.sum.filter(|sum| !sum.is_zero()).map(|sum| left_of(sum, &known)),
    };
    let amount = amount.ok_or_else(|| never("У сделки нет суммы"))?;
    let is_held = |it: &Known| !it.taken().is_zero() && it.payment.facts.paid.is_zero();
    if given("amount").is_none() && known.iter().any(is_held) {
        return Err(never("Деньги по сделке уже удержаны банком: вторая ссылка не нужна"));
    }
    if amount.is_zero() {
        return Err(never("Сделка уже оплачена: ссылка не нужна"));
    }
    let lines = match given("with_receipt") {
        Some("Y" | "1" | "true") => {
            links::rows_for(&card, amount, Lang::Ru).map_err(Failed::Never)?
        }
        _ => Vec::new(),
    };
    let ttl_minutes = match given("ttl_minutes") {
        Some(text) => Some(text.parse().map_err(|_| never("Срок не прочитан"))?),
        None => None,
    };
    let buyer = links::buyer(ctx, linked, &card.deal).await?;
    let wish = Wish {
        amount,
        purpose: given("description").unwrap_or(&card.deal.title).to_owned(),
        ttl_minutes,
        lines,
        buyer: buyer.person.clone(),
        key: key.to_owned(),
        ..Wish::default()
    };
    let made = links::make(ctx, linked, &wish, For::Deal(deal_id)).await;
    let payment = made.map_err(|error| failed(&error))?;
    links::take_place(ctx, linked, &card.deal, &payment).await?;
    let mut error = String::new();
    if let Some(service) = given("send_to").filter(|word| *word != "none") {
        let all = links::channels(ctx, linked, &buyer).await?;
        match all.iter().find(|channel| channel.service == service) {
            // A link that is there is worth more than an error about its way.
            Some(channel) => match links::send(ctx, linked, &payment, channel).await {
                Ok(()) => {}
                Err(refused) => error = format!("Ссылка не отправлена: {}", refused.message),
            },
            None => {
                error = "Ссылка не отправлена: канал не подключён или у покупателя нет адреса"
                    .to_owned();
            }
        }
    }
    Ok(Ran { payment: Some(payment), error })
}

/// As the portal writes a sum, or as a person types it: `1 500,50`, `1500.5|RUB`. Where thousands
/// may be meant, `1,500`, it is no sum.
pub fn read_amount(text: &str) -> Option<Money> {
    let (text, currency) = text.split_once('|').unwrap_or((text, "RUB"));
    if currency.trim() != "RUB" {
        return None;
    }
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let is_clear = digits.split_once(',').is_none_or(|(_, rest)| rest.len() <= 2)
        && digits.split_once('.').is_none_or(|(_, rest)| rest.len() != 3);
    let digits = digits.replace(',', ".");
    // Trailing zeros beyond kopecks say nothing.
    let digits = match digits.split_once('.') {
        Some((whole, rest)) if rest.len() > 2 && rest[2..].bytes().all(|b| b == b'0') => {
            format!("{whole}.{}", &rest[..2])
        }
        _ => digits,
    };
    Money::parse_rubles(&digits).ok().filter(|amount| is_clear && !amount.is_zero())
}

#[cfg(test)]
mod tests {
    use super::read_amount;

    #[test]
    fn a_sum_that_may_mean_thousands_is_none() {
        for (text, kopecks) in [
            ("1 500,50", Some(150_050)),
            ("1500.5|RUB", Some(150_050)),
            ("1500.0000|RUB", Some(150_000)),
            ("1500", Some(150_000)),
            ("1,500", None),
            ("1.500", None),
            ("1,234.50", None),
            ("1500|USD", None),
            ("0", None),
        ] {
            assert_eq!(read_amount(text).map(|sum| sum.kopecks()), kopecks, "{text}");
        }
    }
}
