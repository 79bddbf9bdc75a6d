//! One request of one sending, under the lease of its integration's job: what it is is saved
//! before it leaves, what was heard after it, and nothing is open in between.

use std::time::Duration;

use kopeck_banks::exchange::{Heard, Silence};
use kopeck_integrations::{
    Broken, Integration, Renewal, Scope, Settings,
    exchange::{self, Fate, Sent},
    journal,
};

use super::{
    alarm,
    flow::{open_address, open_settings, seal_address, service_of, shop_name},
    keys::address_key,
    letter::{self, Around},
    model::{Attempt, Linked, REPLY_MAX_BYTES, Sending, SendingState},
    pace, payers, renewal, schedule,
    store::{self, Recipient, sendings},
    subject::{self, Subject},
};
use crate::kit::{
    Ctx,
    clock::DAY_MS,
    db::{DbError, Tx},
    jobs::{self, After, Job, LEASE_MS},
    secret::mask_text,
};

/// Why a message was given up after a day.
pub const GAVE_UP: &str = "integration_gave_up";
/// Why a message that waited is not sent.
const UNWANTED: &str = "the reader wants no more of these";
/// How long attempts are kept, and how many older ones each new one sweeps away: more than one, so
/// that they become fewer.
const KEPT_MS: i64 = 90 * DAY_MS;
const SWEPT: i64 = 4;
/// Well within a lease.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE_MS.unsigned_abs() / 4_000);

/// A sending that may leave now, and all that its message says.
struct Due {
    linked: Linked,
    service: &'static dyn Integration,
    settings: Settings,
    to: String,
    sending: Sending,
    subject: Subject,
    shop: String,
    /// A process died between this request and its answer.
    is_cut: bool,
}

enum Look {
    Send(Box<Due>),
    Rest(After),
}

/// Makes one request and says when the next is due.
pub async fn drive(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let (inner, id) = (ctx.clone(), job.subject.clone());
    let look: Look = ctx.db.write(move |tx| look(tx, &inner, &id)).await?;
    let mut due = match look {
        Look::Send(due) => *due,
        Look::Rest(after) => return Ok(after),
    };
    let Asked { fate, attempt, is_lost } = ask(ctx, job, &due).await;
    due.sending.lost += i64::from(is_lost);
    let fate = match is_lost {
        true => exchange::bounded(
            due.service,
            fate,
            u32::try_from(due.sending.lost).unwrap_or(u32::MAX),
        ),
        false => fate,
    };
    let renewed = match &fate {
        Fate::Renew => Some(renewal::renew(ctx, &due.linked.id, &due.settings).await?),
        Fate::Delivered { .. }
        | Fate::More(_)
        | Fate::Retry { .. }
        | Fate::Unknown { .. }
        | Fate::Moved { .. }
        | Fate::Broken(_) => None,
    };
    let inner = ctx.clone();
    let after: Result<After, DbError> = ctx
        .db
        .write(move |tx| {
            if let Some(attempt) = &attempt {
                sendings::insert_attempt(tx, attempt)?;
                sendings::delete_old_attempts(tx, attempt.at_ms - KEPT_MS, SWEPT)?;
            }
            record(tx, &inner, &due, &fate, renewed.as_ref())
        })
        .await;
    Ok(after?)
}

/// What came of a request.
struct Asked {
    fate: Fate,
    attempt: Option<Attempt>,
    /// It left, and nothing came back.
    is_lost: bool,
}

async fn ask(ctx: &Ctx, job: &Job, due: &Due) -> Asked {
    let Due { service, settings, to, .. } = due;
    let service = *service;
    let around = Around::of(&due.shop, &ctx.public_url, &due.subject);
    let message = letter::write(&due.sending, to.clone(), &due.subject.of, around);
    let began_ms = ctx.now_ms();
    let request = match service.request(settings, &message, &due.sending.progress) {
        Err(broken) => {
            return Asked { fate: Fate::Broken(broken), attempt: None, is_lost: false };
        }
        Ok(request) => request,
    };
    if due.is_cut {
        let heard = Err(Silence::Lost("Kopeck stopped before the answer".to_owned()));
        let fate = exchange::after(service, settings, &message, sent(due, began_ms), &heard);
        return Asked { fate, attempt: None, is_lost: true };
    }
    let shown = journal::describe_request(service, settings, Some(to), &request);
    let heard = hold(ctx, job, ctx.courier.fetch(request, REPLY_MAX_BYTES)).await;
    let fate = exchange::after(service, settings, &message, sent(due, ctx.now_ms()), &heard);
    let reply = Shown { service, settings, to };
    let attempt = reply.attempt(ctx, &due.sending, began_ms, &shown, &heard);
    Asked { fate, attempt: Some(attempt), is_lost: matches!(heard, Err(Silence::Lost(_))) }
}

/// Keeps the job while its work is under way: a mail server may look at a letter for minutes.
pub async fn hold<T>(ctx: &Ctx, job: &Job, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(RENEW_EVERY) => {
                let (inner, job) = (ctx.clone(), job.clone());
                let renewed: Result<bool, DbError> =
                    ctx.db.write(move |tx| jobs::renew(tx, &job, inner.now_ms())).await;
                // What is in the air lands all the same, and is written down if it still waits.
                if let Err(error) = renewed {
                    tracing::warn!("a lease was not renewed: {error}");
                }
            }
        }
    }
}

/// What the service may know of the request.
fn sent(due: &Due, now_ms: i64) -> Sent<'_> {
    let since_ms = now_ms - due.sending.step_ms.unwrap_or(now_ms);
    Sent { progress: &due.sending.progress, since_ms: u64::try_from(since_ms).unwrap_or_default() }
}

/// The sending whose turn it is; marked as asked, since its request leaves next.
fn look(tx: &mut dyn Tx, ctx: &Ctx, id: &str) -> Result<Look, DbError> {
    let now_ms = ctx.now_ms();
    let Some(mut linked) = store::lock_integration(tx, id)?.filter(Linked::is_live) else {
        return Ok(Look::Rest(After::Done));
    };
    let Some(mut sending) = sendings::find_next_sending(tx, id)? else {
        return Ok(Look::Rest(After::Done));
    };
    let broken = |error: anyhow::Error| DbError::Decode(format!("{id}: {error:#}"));
    let service = service_of(&linked).map_err(broken)?;
    let next_ms = schedule::next_request(service.limits(), linked.sent_ms).max(sending.due_ms);
    if next_ms > now_ms {
        return Ok(Look::Rest(After::At(next_ms)));
    }
    // Whatever stopped the integration: news of yesterday is no news. One whose answer is not known
    // is settled first.
    if sending.asked_ms.is_none() && schedule::is_stale(sending.begun_ms, now_ms) {
        end(&mut sending, SendingState::Failed, Some(GAVE_UP.to_owned()), None, now_ms);
        sendings::update_sending(tx, &sending)?;
        return Ok(Look::Rest(After::At(now_ms)));
    }
    if let Some(code) = store::find_ended_address(tx, id, &sending.address_key)? {
        end(&mut sending, SendingState::Failed, Some(code), None, now_ms);
        sendings::update_sending(tx, &sending)?;
        return Ok(Look::Rest(After::At(now_ms)));
    }
    let subject = subject::load(tx, ctx, &sending)?;
    if sending.asked_ms.is_none() && !subject.is_needed(&sending) {
        end(&mut sending, SendingState::Dropped, None, None, now_ms);
        sendings::update_sending(tx, &sending)?;
        return Ok(Look::Rest(After::At(now_ms)));
    }
    // Opened before it is marked as asked: what cannot be opened was not sent.
    let settings = open_settings(ctx, &linked).map_err(broken)?;
    let to = open_address(ctx, id, &sending.address).map_err(broken)?;
    if sending.asked_ms.is_none() && payers::is_unwanted(tx, ctx, (&linked.service, &sending), &to)?
    {
        end(&mut sending, SendingState::Dropped, None, Some(UNWANTED.to_owned()), now_ms);
        sendings::update_sending(tx, &sending)?;
        return Ok(Look::Rest(After::At(now_ms)));
    }
    if let Some(at_ms) = pace::take_turn(tx, service, &settings, now_ms)? {
        return Ok(Look::Rest(After::At(at_ms)));
    }
    // We hold the lease, so whoever asked before us is gone without having heard.
    let is_cut = sending.asked_ms.is_some();
    sending.tries += 1;
    sending.step_ms = sending.step_ms.or(Some(now_ms));
    sending.asked_ms = Some(now_ms);
    linked.sent_ms = now_ms;
    sendings::update_sending(tx, &sending)?;
    store::update_integration(tx, &linked)?;
    let shop = shop_name(tx, &linked.shop_id)?;
    Ok(Look::Send(Box::new(Due { linked, service, settings, to, sending, subject, shop, is_cut })))
}

/// What hides secrets and addresses in what was heard.
struct Shown<'a> {
    service: &'static dyn Integration,
    settings: &'a Settings,
    to: &'a str,
}

impl Shown<'_> {
    fn attempt(
        &self,
        ctx: &Ctx,
        sending: &Sending,
        at_ms: i64,
        request: &str,
        heard: &Heard,
    ) -> Attempt {
        let (status, reply) = match heard {
            Ok(reply) => {
                let text =
                    journal::describe_reply(self.service, self.settings, Some(self.to), reply);
                (Some(i64::from(reply.status)), text)
            }
            Err(Silence::NotSent(why) | Silence::Lost(why)) => (None, why.clone()),
        };
        // PostgreSQL stores no NUL.
        let keep = |text: &str| mask_text(text).replace('\0', "");
        Attempt {
            id: ctx.mint.id("att"),
            sending_id: sending.id.clone(),
            at_ms,
            took_ms: ctx.now_ms() - at_ms,
            request: keep(request),
            status,
            reply: keep(&reply),
        }
    }
}

fn end(
    sending: &mut Sending,
    state: SendingState,
    code: Option<String>,
    why: Option<String>,
    now_ms: i64,
) {
    sending.state = state;
    sending.code = code;
    sending.why = why.map(|why| mask_text(&why));
    sending.ended_ms = Some(now_ms);
}

/// Writes down what became of the request.
fn record(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    due: &Due,
    fate: &Fate,
    renewed: Option<&Renewal>,
) -> Result<After, DbError> {
    let now_ms = ctx.now_ms();
    let id = due.linked.id.as_str();
    let locked = store::lock_integration(tx, id)?;
    let found = sendings::find_sending(tx, &due.sending.shop_id, &due.sending.id)?;
    // Removed meanwhile: the attempt is kept and nothing else.
    let Some((mut linked, mut sending)) =
        locked.zip(found.filter(|it| it.state == SendingState::Pending))
    else {
        return Ok(After::Done);
    };
    sending.asked_ms = None;
    sending.lost = due.sending.lost;
    if let Fate::Retry { after_ms: Some(after_ms), .. } = fate {
        pace::rest(tx, due.service, &due.settings, (now_ms, *after_ms))?;
    }
    match fate {
        Fate::Delivered { remote_id } => {
            sending.remote_id = remote_id.clone();
            end(&mut sending, SendingState::Delivered, None, None, now_ms);
            alarm::settle(tx, ctx, &linked)?;
        }
        Fate::More(progress) => {
            sending.progress = progress.clone();
            sending.tries = 0;
            sending.lost = 0;
            sending.step_ms = None;
            sending.due_ms = now_ms;
        }
        Fate::Retry { after_ms, why } => again(ctx, &mut sending, *after_ms, why),
        Fate::Unknown { why, duplicate } => {
            let why = format!("{why}; not sent again: {duplicate}");
            end(&mut sending, SendingState::Unknown, None, Some(why), now_ms);
        }
        Fate::Moved { to } => moved(tx, ctx, &mut linked, &mut sending, to)?,
        Fate::Renew => renewed_tokens(tx, ctx, (&mut linked, &mut sending), renewed)?,
        Fate::Broken(broken) => {
            let code = broken.code().to_owned();
            match broken.scope() {
                Scope::Message => {}
                Scope::Address => {
                    store::insert_ended_address(tx, id, &sending.address_key, &code, now_ms)?;
                    store::chats::end(tx, (id, &sending.address_key), (now_ms, &code))?;
                }
                Scope::Account => stop(tx, ctx, &mut linked, broken)?,
            }
            // What waits for a mended account is not lost with the first that met its fault.
            if broken.scope() != Scope::Account {
                let why = Some(broken.detail.clone()).filter(|why| !why.is_empty());
                end(&mut sending, SendingState::Failed, Some(code), why, now_ms);
            } else {
                sending.step_ms = None;
            }
        }
    }
    sendings::update_sending(tx, &sending)?;
    store::update_integration(tx, &linked)?;
    let service = service_of(&linked).map_err(|error| DbError::Decode(format!("{error:#}")))?;
    let until_ms = schedule::next_to_address(service.limits(), linked.sent_ms);
    if sending.state != SendingState::Pending {
        sendings::delay_address(tx, id, &sending.address_key, until_ms)?;
    }
    Ok(After::At(schedule::next_request(service.limits(), linked.sent_ms)))
}

pub fn stop(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &mut Linked,
    broken: &Broken,
) -> Result<(), DbError> {
    let (integration_id, service, code) = (&linked.id, &linked.service, broken.code());
    tracing::warn!(integration_id, "{service} is stopped: {code}");
    linked.stopped = Some((ctx.now_ms(), code.to_owned()));
    alarm::raise(tx, ctx, linked, broken)
}

fn again(ctx: &Ctx, sending: &mut Sending, after_ms: Option<u64>, why: &str) {
    let chance = u64::from_le_bytes(ctx.mint.bytes());
    let now_ms = ctx.now_ms();
    let next = schedule::next_try(sending.begun_ms, sending.tries, after_ms, now_ms, chance);
    match next {
        Some(due_ms) => {
            sending.due_ms = due_ms;
            sending.why = Some(mask_text(why));
        }
        None => {
            let why = Some(why.to_owned());
            end(sending, SendingState::Failed, Some(GAVE_UP.to_owned()), why, now_ms);
        }
    }
}

/// The address is another one now, here and wherever it stands for the same.
fn moved(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    linked: &mut Linked,
    sending: &mut Sending,
    to: &str,
) -> Result<(), DbError> {
    let sealed = seal_address(ctx, &linked.id, to);
    let sealed = sealed.map_err(|error| DbError::Decode(format!("sealing: {error:#}")))?;
    let news_to = linked.news_to.clone();
    let was = news_to.and_then(|sealed| open_address(ctx, &linked.id, &sealed).ok());
    if was.is_some_and(|was| address_key(ctx, &linked.id, &was) == sending.address_key) {
        linked.news_to = Some(sealed.clone());
    }
    let key = address_key(ctx, &linked.id, to);
    let payment_id = sending.payment_id.clone().unwrap_or_default();
    let recipients = store::list_recipients(tx, &payment_id, &linked.id)?;
    let known = recipients.into_iter().find(|it| it.address_key == sending.address_key);
    if let Some(known) = known {
        let recipient = Recipient { address_key: key.clone(), address: sealed.clone(), ..known };
        store::delete_recipient(tx, &payment_id, &linked.id, &sending.address_key)?;
        store::insert_recipient(tx, &payment_id, &linked.id, &recipient, ctx.now_ms())?;
    }
    sending.address = sealed;
    sending.address_key = key;
    sending.step_ms = None;
    sending.due_ms = ctx.now_ms();
    Ok(())
}

fn renewed_tokens(
    tx: &mut dyn Tx,
    ctx: &Ctx,
    (linked, sending): (&mut Linked, &mut Sending),
    renewed: Option<&Renewal>,
) -> Result<(), DbError> {
    let now_ms = ctx.now_ms();
    match renewed {
        // They are saved.
        Some(Renewal::Changed(_)) => {
            sending.due_ms = now_ms;
            sending.step_ms = None;
        }
        Some(Renewal::Broken(broken)) => stop(tx, ctx, linked, broken)?,
        Some(Renewal::Retry { why }) => again(ctx, sending, None, why),
        None => again(ctx, sending, None, renewal::NO_TOKENS),
    }
    Ok(())
}
