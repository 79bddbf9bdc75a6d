//! The tab in the card of a deal: its payments, and the form that makes a link.
//!
//! The portal opens it with the token of whoever looks; that token must be able to read the deal.
//! From there the page carries a signature of its own, good for an hour: cookies do not reach a
//! frame.

use askama::Template;
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use kopeck_banks::Money;
use kopeck_integrations::{
    Broken, Lang as Tongue,
    bitrix24::{
        card::Card,
        inbound::{self, Form},
        problems,
    },
};

use super::{
    page::{self, Origin},
    portal::{language, read_form},
    words,
};
use crate::{
    http::{ApiError, Server, codes, query::RawQuery},
    integrations::{
        bitrix24::{
            drive::read_amount,
            links::{self, Buyer, Channel, For, Wish},
            older::{self, Known},
            portal::{As, Trouble, find},
        },
        chats,
        flow::open_settings,
        letter::{is_payable, moscow},
        model::Linked,
    },
    kit::clock::HOUR_MS,
    web::lang::Lang,
};

/// What the signature is for: a link of one kind opens nothing of another.
const CARD: &str = "bitrix24 card";
/// As long as the portal's own token of the viewer.
const GOOD_MS: i64 = HOUR_MS;
/// 16 letters of five bits: no two forms share a number.
const FORM_LETTERS: usize = 16;

pub fn routes() -> Router<Server> {
    Router::new()
        .route("/bitrix24/{id}/card", post(open))
        .route("/bitrix24/{id}/link", post(make))
        .route("/bitrix24/{id}/invite", post(invite))
}

/// Who looks at which deal, until when.
struct Pass {
    deal_id: i64,
    until_ms: i64,
}

impl Pass {
    fn sign(&self, server: &Server, id: &str) -> String {
        let (deal, until) = (self.deal_id.to_string(), self.until_ms.to_string());
        server.ctx.vault.sign(&[CARD, id, &deal, &until])
    }

    /// As the form carries it, if it is ours and not too old.
    fn read(server: &Server, id: &str, form: &Form) -> Option<Pass> {
        let number = |name: &str| form.find(name)?.parse::<i64>().ok();
        let pass = Pass { deal_id: number("deal")?, until_ms: number("until")? };
        let (deal, until) = (pass.deal_id.to_string(), pass.until_ms.to_string());
        let signature = form.find("signature")?;
        let is_ours = server.ctx.vault.is_signed(&[CARD, id, &deal, &until], signature);
        (is_ours && server.ctx.now_ms() < pass.until_ms).then_some(pass)
    }
}

#[derive(Template)]
#[template(path = "bitrix24_card.html")]
struct CardPage<'a> {
    lang: &'static str,
    title: &'static str,
    action: String,
    deal: i64,
    until: i64,
    signature: String,
    form: String,
    payments: Vec<Row>,
    none_yet: &'static str,
    open_link: &'static str,
    new_link: &'static str,
    said: Said,
    error: &'a str,
    hint: &'a str,
    amount_label: &'static str,
    amount: String,
    purpose_label: &'static str,
    purpose: String,
    rows_label: String,
    has_rows: bool,
    with_rows: bool,
    rows_why: String,
    send_label: &'static str,
    nobody: &'static str,
    channels: Vec<Channel>,
    chosen: String,
    button: &'static str,
    invite_title: &'static str,
    invite_action: String,
    invites: Vec<Channel>,
}

#[derive(Default)]
struct Said {
    headline: String,
    url: String,
}

struct Row {
    sum: String,
    tone: &'static str,
    state: &'static str,
    detail: String,
    purpose: String,
    /// Where it can be paid, while it can.
    url: String,
}

/// What is shown of a deal.
struct Seen {
    card: Card,
    buyer: Buyer,
    payments: Vec<Known>,
    channels: Vec<Channel>,
    /// Bots into whose chat the buyer can be asked.
    invites: Vec<Channel>,
}

/// What was typed, and what came of it.
#[derive(Default)]
struct Typed {
    amount: String,
    purpose: Option<String>,
    with_rows: Option<bool>,
    send_to: String,
    error: Option<(String, String)>,
    made: Said,
}

async fn open(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    let lang = language(&form);
    let Some(linked) = find(&server.ctx, &id).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let settings = open_settings(&server.ctx, &linked)?;
    let origin = Origin::of(&settings, &form);
    if !inbound::is_genuine(&settings, &form) {
        let trouble = Broken::of(&problems::ACCESS_LOST).into();
        return page::trouble(&trouble, lang, &origin);
    }
    let Some(placement) = inbound::placement(&form) else {
        return page::trouble(&Broken::of(&problems::DEAL_INVALID).into(), lang, &origin);
    };
    // The viewer's own eyes: a deal that is closed to him is closed here.
    let who = As::Viewer(&placement.viewer_token);
    let card = match links::read_card(&server.ctx, &id, who, placement.deal_id).await {
        Ok(card) => card,
        Err(trouble) => return page::trouble(&trouble, lang, &origin),
    };
    let pass = Pass { deal_id: placement.deal_id, until_ms: server.ctx.now_ms() + GOOD_MS };
    show(&server, &linked, (card, pass), (Typed::default(), lang, &origin)).await
}

/// Makes the link and shows the tab again. The same form twice is one link.
async fn make(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    let lang = language(&form);
    let Some(linked) = find(&server.ctx, &id).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let origin = Origin::of(&open_settings(&server.ctx, &linked)?, &form);
    let Some(pass) = Pass::read(&server, &id, &form) else {
        return page::gone(lang, &origin);
    };
    let card = match links::read_card(&server.ctx, &id, As::App, pass.deal_id).await {
        Ok(card) => card,
        Err(trouble) => return page::trouble(&trouble, lang, &origin),
    };
    let (inner, own, posted, seen) = (server.clone(), linked.clone(), form, card.clone());
    // A page that is closed meanwhile leaves its link all the same.
    let made = server.finish(async move { make_link(&inner, &own, &seen, &posted, lang).await });
    let typed = made.await.unwrap_or_default();
    server.nudge.notify_one();
    show(&server, &linked, (card, pass), (typed, lang, &origin)).await
}

/// A link by which the deal's buyer ties his chat with the shop's bot to himself: then links go
/// there.
async fn invite(
    State(server): State<Server>,
    Path(id): Path<String>,
    query: RawQuery,
    content: Body,
) -> Result<Response, ApiError> {
    let form = read_form(&server, &query, content).await?;
    let lang = language(&form);
    let Some(linked) = find(&server.ctx, &id).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let origin = Origin::of(&open_settings(&server.ctx, &linked)?, &form);
    let Some(pass) = Pass::read(&server, &id, &form) else {
        return page::gone(lang, &origin);
    };
    let card = match links::read_card(&server.ctx, &id, As::App, pass.deal_id).await {
        Ok(card) => card,
        Err(trouble) => return page::trouble(&trouble, lang, &origin),
    };
    let wanted = form.find("service").unwrap_or("");
    let service = links::BY_CHAT.into_iter().find(|name| *name == wanted);
    let customer = links::customer_of(&linked, &card.deal);
    let Some((service, customer)) = service.zip(customer) else {
        return show(&server, &linked, (card, pass), (Typed::default(), lang, &origin)).await;
    };
    let made = chats::invite(&server.ctx, &linked.shop_id, &customer, service).await;
    let typed = match made {
        Ok(invitation) => {
            let headline = lang.pick(
                "Передайте покупателю: по этой ссылке он откроет чат, и счета будут приходить туда",
                "Give it to the buyer: it opens the chat that links will come into",
            );
            let made = Said { headline: headline.to_owned(), url: invitation.url };
            Typed { made, ..Typed::default() }
        }
        Err(problem) => {
            let error = words::translate(problem.into(), lang);
            Typed { error: Some((error.message, error.hint)), ..Typed::default() }
        }
    };
    show(&server, &linked, (card, pass), (typed, lang, &origin)).await
}

async fn make_link(
    server: &Server,
    linked: &Linked,
    card: &Card,
    form: &Form,
    lang: Lang,
) -> Typed {
    let field = |name: &str| form.find(name).unwrap_or("").to_owned();
    let mut typed = Typed {
        amount: field("amount"),
        purpose: Some(field("purpose")),
        with_rows: Some(form.find("rows").is_some()),
        send_to: field("send_to"),
        ..Typed::default()
    };
    match try_link(server, linked, (card, &field("form")), &typed, lang).await {
        Ok(made) => {
            // The next link is another one: nothing of this one is left in its form.
            Typed { made, ..Typed::default() }
        }
        Err(error) => {
            typed.error = Some(error);
            typed
        }
    }
}

type Words = (String, String);

fn tongue(lang: Lang) -> Tongue {
    if lang == Lang::Ru { Tongue::Ru } else { Tongue::En }
}

async fn try_link(
    server: &Server,
    linked: &Linked,
    (card, number): (&Card, &str),
    typed: &Typed,
    lang: Lang,
) -> Result<Said, Words> {
    let words = |ru: &'static str, en: &'static str| (lang.pick(ru, en).to_owned(), String::new());
    let of_error = |error: ApiError| {
        let error = words::translate(error, lang);
        (error.message, error.hint)
    };
    let of_trouble = |trouble: Trouble| page::say(&trouble, lang);
    if !card.deal.is_in_rubles() {
        return Err(words("Сделка не в рублях", "The deal is not in rubles"));
    }
    let amount = read_amount(&typed.amount).ok_or_else(|| {
        let hint = lang.pick("Например: 1500 или 349,90", "Such as 1500 or 349.90");
        (lang.pick("Сумма не читается", "The amount cannot be read").to_owned(), hint.to_owned())
    })?;
    let lines = if typed.with_rows == Some(true) {
        links::rows_for(card, amount, tongue(lang)).map_err(|why| (why, String::new()))?
    } else {
        Vec::new()
    };
    if number.is_empty() {
        return Err(of_error(ApiError::of(codes::IDEMPOTENCY_KEY_INVALID)));
    }
    let ctx = &server.ctx;
    let buyer = links::buyer(ctx, linked, &card.deal).await.map_err(of_trouble)?;
    let channels = links::channels(ctx, linked, &buyer).await.map_err(|it| of_error(it.into()))?;
    let wish = Wish {
        amount,
        purpose: typed.purpose.clone().unwrap_or_default(),
        lines,
        buyer: buyer.person,
        key: format!("card {} {number}", card.deal.id),
        said: format!("{} {}", amount.to_rubles(), typed.purpose.as_deref().unwrap_or_default()),
        ..Wish::default()
    };
    let made = links::make(ctx, linked, &wish, For::Deal(card.deal.id)).await;
    let payment = made.map_err(of_error)?;
    let placed = links::take_place(ctx, linked, &card.deal, &payment).await;
    placed.map_err(|error| of_error(error.into()))?;
    let url = links::pay_url(ctx, &payment);
    let mut headline = lang.pick("Ссылка готова", "The link is ready").to_owned();
    if let Some(channel) = channels.iter().find(|it| it.service == typed.send_to) {
        headline = match links::send(ctx, linked, &payment, channel).await {
            Ok(()) => match lang {
                Lang::Ru => format!("Ссылка готова и отправляется: {}", channel.title),
                Lang::En => format!("The link is ready and on its way: {}", channel.title),
            },
            Err(error) => match lang {
                Lang::Ru => format!("Ссылка готова, но не отправлена: {}", error.message),
                Lang::En => format!("The link is ready, but not sent: {}", error.message),
            },
        };
    }
    Ok(Said { headline, url })
}

async fn see(server: &Server, linked: &Linked, card: Card) -> Result<Seen, Trouble> {
    let buyer = links::buyer(&server.ctx, linked, &card.deal).await?;
    let channels = links::channels(&server.ctx, linked, &buyer).await?;
    let invites = links::invitable(&server.ctx, linked, (&buyer, &channels)).await?;
    let payments = links::list_of_deal(&server.ctx, linked, card.deal.id).await?;
    Ok(Seen { card, buyer, payments, channels, invites })
}

async fn show(
    server: &Server,
    linked: &Linked,
    (card, pass): (Card, Pass),
    (typed, lang, origin): (Typed, Lang, &Origin),
) -> Result<Response, ApiError> {
    let seen = match see(server, linked, card).await {
        Ok(seen) => seen,
        Err(trouble) => return page::trouble(&trouble, lang, origin),
    };
    let signed = (pass.sign(server, &linked.id), &pass);
    let html = draw(server, linked, (&seen, typed), (signed, lang));
    page::framed(StatusCode::OK, html, origin)
}

/// What of the deal's sum has neither come nor been asked for: a form that is filled in with what
/// an open link asks for already would make a second link for the same money.
fn left_of(seen: &Seen) -> Money {
    let open = seen.payments.iter().filter(|it| it.is_open()).map(|it| it.payment.amount);
    let left = older::left_of(seen.card.deal.sum.unwrap_or_default(), &seen.payments);
    open.fold(left, Money::minus_or_zero)
}

fn draw(
    server: &Server,
    linked: &Linked,
    (seen, typed): (&Seen, Typed),
    ((signature, pass), lang): ((String, &Pass), Lang),
) -> askama::Result<String> {
    let left = left_of(seen);
    let rows = &seen.card.lines;
    let count = rows.as_ref().map_or(0, Vec::len);
    let is_whole = seen.card.deal.sum == Some(left);
    let amount =
        if typed.amount.is_empty() && !left.is_zero() { left.to_rubles() } else { typed.amount };
    let has_buyer = seen.buyer.person.phone.is_some() || seen.buyer.person.email.is_some();
    let error = typed.error.unwrap_or_default();
    CardPage {
        lang: lang.as_str(),
        title: lang.pick("Оплата", "Payment"),
        action: format!("/bitrix24/{}/link?LANG={}", linked.id, lang.as_str()),
        deal: pass.deal_id,
        until: pass.until_ms,
        signature,
        form: server.ctx.mint.code(FORM_LETTERS),
        payments: seen.payments.iter().map(|it| row(server, it, lang)).collect(),
        none_yet: lang.pick("Платежей по сделке ещё нет.", "The deal has no payments yet."),
        open_link: lang.pick("Открыть ссылку", "Open the link"),
        new_link: lang.pick("Новая ссылка", "A new link"),
        said: typed.made,
        error: &error.0,
        hint: &error.1,
        amount_label: lang.pick("Сумма, ₽", "Amount, ₽"),
        amount,
        purpose_label: lang.pick("За что", "What for"),
        purpose: typed.purpose.unwrap_or_else(|| seen.card.deal.title.clone()),
        rows_label: match lang {
            Lang::Ru => format!("Чек по товарам сделки (строк: {count})"),
            Lang::En => format!("Receipt of the deal's rows ({count})"),
        },
        has_rows: rows.is_ok() && has_buyer,
        with_rows: typed.with_rows.unwrap_or(is_whole),
        rows_why: match rows {
            Ok(_) if has_buyer => String::new(),
            Ok(_) => lang
                .pick(
                    "Чека по товарам не будет: у покупателя нет телефона и почты.",
                    "No receipt of the rows: the buyer has no phone and no e-mail.",
                )
                .to_owned(),
            Err(problem) => {
                let why = problem.words(tongue(lang));
                match lang {
                    Lang::Ru => format!("Чека по товарам не будет. {why}"),
                    Lang::En => format!("No receipt of the rows. {why}"),
                }
            }
        },
        send_label: lang.pick("Отправить покупателю", "Send to the buyer"),
        nobody: lang.pick("не отправлять", "do not send"),
        channels: seen.channels.clone(),
        chosen: typed.send_to,
        button: lang.pick("Создать ссылку", "Make a link"),
        invite_title: lang.pick("Позвать покупателя в чат", "Ask the buyer into a chat"),
        invite_action: format!("/bitrix24/{}/invite?LANG={}", linked.id, lang.as_str()),
        invites: seen.invites.clone(),
    }
    .render()
}

fn row(server: &Server, known: &Known, lang: Lang) -> Row {
    let payment = &known.payment;
    let (tone, state) = if known.is_replaced && is_payable(payment) {
        ("", lang.pick("заменена новой", "a newer one is in its place"))
    } else {
        words::state(payment.status(), lang)
    };
    let url = if known.is_open() { links::pay_url(&server.ctx, payment) } else { String::new() };
    Row {
        sum: payment.amount.to_human(),
        tone,
        state,
        detail: words::detail(payment, lang, moscow),
        purpose: payment.purpose.clone(),
        url,
    }
}
