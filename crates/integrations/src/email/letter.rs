//! A message as a letter: headers, plain text, HTML, and the QR code as a picture inside.
//!
//! The same message gives the same bytes: its date is that of the message and not of the attempt,
//! and its boundaries and its Message-ID follow from the message's id, by which receivers tell a
//! letter that came twice.

use lettre::message::{
    Attachment, Mailbox, MessageBuilder, MultiPart, SinglePart,
    header::{Date, Header as _, HeaderName, HeaderValue},
};

use super::{address, page, problems, wire};
use crate::{
    message::{Kind, Lang, Message},
    problem::Broken,
    wording::{Sums, Words, compose},
};

/// Longer words are for chats to cut.
const MAX_CHARS: usize = 4_000;
const MAX_SUBJECT_CHARS: usize = 150;
/// The picture's name within the letter.
const QR_ID: &str = "qr";

/// Between whom the letter goes.
pub(super) struct Head<'a> {
    pub from: &'a Mailbox,
    pub to: &'a str,
    pub reply_to: Option<Mailbox>,
}

/// What stands in a letter, before it is text or HTML.
pub(super) struct Content<'a> {
    pub lang: Lang,
    pub shop: &'a str,
    /// The first line without the shop.
    pub title: String,
    pub lines: Vec<String>,
    /// Where it leads and what the button says.
    pub link: Option<(&'a str, &'static str)>,
    pub has_qr: bool,
    /// Small print: a text, and a link with its words.
    pub notes: Vec<String>,
    pub small: Vec<(&'a str, &'static str)>,
}

/// The same in every attempt, and no other letter has it.
pub(super) fn message_id(message: &Message, domain: &str) -> String {
    format!("<{}@{domain}>", message.id)
}

pub(super) fn write(message: &Message, head: Head<'_>) -> Result<wire::Letter, Broken> {
    let words = compose(message, Sums::Typographic, true);
    if message.kind.asks_to_pay() && words.link.is_none() {
        return Err(Broken::of(&problems::NO_LINK));
    }
    let picture = message.payment.as_ref().and_then(|payment| payment.qr_png.clone());
    let picture = picture.filter(|_| message.kind.asks_to_pay());
    let content = content(message, &words, picture.is_some());
    let boundary = |what: &str| format!("kopeck-{what}-{}", message.id);
    let html = SinglePart::html(page::html(&content, QR_ID));
    let body = MultiPart::alternative()
        .boundary(boundary("words"))
        .singlepart(SinglePart::plain(plain(&content)));
    let body = match picture {
        None => body.singlepart(html),
        Some(png) => {
            let name = "qr.png".to_owned();
            let qr = Attachment::new_inline_with_name(QR_ID.to_owned(), name);
            let whole = MultiPart::related().boundary(boundary("picture"));
            body.multipart(whole.singlepart(html).singlepart(qr.body(png, address::png())))
        }
    };
    let subject = subject(message, &words.head);
    let letter = headers(message, &head, subject)?.multipart(body);
    let letter = letter.map_err(|error| refused(&error.to_string()))?;
    let from = head.from.email.to_string();
    Ok(wire::Letter { from, to: head.to.to_owned(), bytes: letter.formatted() })
}

fn refused(why: &str) -> Broken {
    Broken::of(&problems::REFUSED).because(why)
}

fn headers(message: &Message, head: &Head<'_>, subject: String) -> Result<MessageBuilder, Broken> {
    let to = head.to.parse().map_err(|_| Broken::of(&problems::ADDRESS_INVALID))?;
    let date =
        Date::parse(&date(message.written_ms)).map_err(|error| refused(&error.to_string()))?;
    let raw = |name, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    let mut builder = lettre::Message::builder()
        .from(head.from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject)
        .header(date)
        .message_id(Some(message_id(message, head.from.email.domain())))
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(reply_to) = &head.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    if let Some(url) = &message.unsubscribe_url {
        builder = builder
            .raw_header(raw("List-Unsubscribe", format!("<{url}>")))
            .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    Ok(builder)
}

/// As HTTP and, but for its zone's name, mail have it.
fn date(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn subject(message: &Message, head: &str) -> String {
    let order = message.payment.as_ref().and_then(|payment| payment.order.as_deref());
    let subject = match (order.map(str::trim).filter(|order| !order.is_empty()), message.lang) {
        (Some(order), Lang::Ru) => format!("{head} (заказ {order})"),
        (Some(order), Lang::En) => format!("{head} (order {order})"),
        (None, Lang::Ru | Lang::En) => head.to_owned(),
    };
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    crate::wording::cut(&subject, MAX_SUBJECT_CHARS)
}

fn content<'a>(message: &'a Message, words: &'a Words, has_qr: bool) -> Content<'a> {
    let (lang, shop) = (message.lang, message.shop.as_str());
    let body = words.body(MAX_CHARS);
    let mut lines = body.lines();
    let head = lines.next().unwrap_or_default();
    let title = capital(head.strip_prefix(&format!("{shop}: ")).unwrap_or(head));
    let mut notes = Vec::new();
    let more = match message.kind {
        Kind::Link | Kind::Reminder => lang.pick(
            "Деньги принимает банк; данные карты вводятся только на его странице.",
            "The bank takes the money; card details are typed on its page only.",
        ),
        Kind::Renewal => lang.pick(
            "Деньги спишутся сами, делать ничего не нужно.",
            "It is charged by itself; there is nothing to do.",
        ),
        Kind::RenewalFailed => lang.pick(
            "Проверьте, есть ли деньги на карте или счёте и не истёк ли её срок.",
            "See whether there is money on the card or account, and whether the card still holds.",
        ),
        Kind::Test
        | Kind::Paid
        | Kind::Mismatch
        | Kind::Failed
        | Kind::Expired
        | Kind::Canceled
        | Kind::Refunded
        | Kind::Receipt
        | Kind::Rebind
        | Kind::Welcome => "",
    };
    notes.extend(Some(more.to_owned()).filter(|more| !more.is_empty()));
    notes.push(match lang {
        Lang::Ru => format!("{shop}. Письмо отправлено автоматически."),
        Lang::En => format!("{shop}. This letter was sent automatically."),
    });
    let payment = message.payment.as_ref();
    let link = words.link.as_ref().map(|(url, label)| (url.as_str(), *label));
    let leave_url = payment.and_then(|payment| payment.leave_url.as_deref());
    let leave = leave_url.map(|url| {
        (url, lang.pick("Отказаться от автоматических списаний", "Stop automatic charges"))
    });
    let unsubscribe = message.unsubscribe_url.as_deref().map(|url| {
        (url, lang.pick("Не присылать таких писем", "Send me no more letters like this"))
    });
    Content {
        lang,
        shop,
        title,
        lines: lines.map(str::to_owned).collect(),
        // Where one leaves is said in small print.
        link: link.filter(|(url, _)| leave_url != Some(*url)),
        has_qr,
        notes,
        small: leave.into_iter().chain(unsubscribe).collect(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn plain(content: &Content<'_>) -> String {
    let mut text = format!("{}\n\n{}\n", content.shop, content.title);
    for line in &content.lines {
        text.push_str(&format!("{line}\n"));
    }
    if let Some((url, label)) = &content.link {
        text.push_str(&format!("\n{label}: {url}\n"));
    }
    text.push_str("\n-- \n");
    for note in &content.notes {
        text.push_str(&format!("{note}\n"));
    }
    for (url, label) in &content.small {
        text.push_str(&format!("{label}: {url}\n"));
    }
    text
}
