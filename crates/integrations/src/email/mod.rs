//! E-mail by SMTP: links, receipts and notices as letters with text, HTML and the QR code inside.
//!
//! SMTP is no HTTP, so a request of this integration is a [`wire::Submission`] in the clothes of
//! one, and its reply has SMTP's own three digits with the step that they answer. Whoever carries
//! it speaks the protocol; what the digits mean is read here.

mod address;
mod letter;
mod page;
mod problems;
mod stand_in;
pub mod wire;

#[cfg(test)]
mod tests;

use kopeck_banks::{
    Setting,
    http::{HttpReply, HttpRequest},
};

use crate::{
    integration::{Duplicate, Integration, Limits, Progress, Reading, Settings, Unheard},
    message::{Audience, Kind, Message},
    problem::{Broken, Problem},
    repeats,
};
use wire::{Step, Submission, Tls};

pub use problems::PROBLEMS;
pub use stand_in::EmailStandIn;

pub const HOST: &str = "host";
pub const PORT: &str = "port";
pub const TLS: &str = "tls";
pub const USER: &str = "user";
pub const PASSWORD: &str = "password";
pub const FROM: &str = "from";
pub const REPLY_TO: &str = "reply_to";

static SETTINGS: &[Setting] = &[
    Setting {
        name: HOST,
        env: "KOPECK_EMAIL_HOST",
        is_secret: false,
        about: "The server that takes outgoing mail: smtp.yandex.ru, smtp.mail.ru, your own.",
    },
    Setting {
        name: PORT,
        env: "KOPECK_EMAIL_PORT",
        is_secret: false,
        about: "Its port; 465 with tls = tls, else 587.",
    },
    Setting {
        name: TLS,
        env: "KOPECK_EMAIL_TLS",
        is_secret: false,
        about: "starttls (the default), tls (from the first byte), or none: for a relay of your \
                own network, without a password.",
    },
    Setting {
        name: USER,
        env: "KOPECK_EMAIL_USER",
        is_secret: false,
        about: "The login, mostly the whole address; empty for a relay that asks for none.",
    },
    Setting {
        name: PASSWORD,
        env: "KOPECK_EMAIL_PASSWORD",
        is_secret: true,
        about: "Its password; big services want one made for programs (an app password).",
    },
    Setting {
        name: FROM,
        env: "KOPECK_EMAIL_FROM",
        is_secret: false,
        about: "Who writes: pay@example.ru, or a name with it: Школа <pay@example.ru>. Without a \
                name, the shop's.",
    },
    Setting {
        name: REPLY_TO,
        env: "KOPECK_EMAIL_REPLY_TO",
        is_secret: false,
        about: "Where answers go, if not to the sender.",
    },
];

/// Well under what mailboxes of big services may send; their own limits are by the day.
static LIMITS: Limits =
    Limits { gap_ms: 250, address_gap_ms: 1_000, max_text_chars: 20_000, is_domestic: true };

pub struct Email;

fn setting<'a>(settings: &'a Settings, name: &str) -> &'a str {
    settings.find(name).unwrap_or("").trim()
}

/// Where a letter is handed in, without the letter.
fn submission(settings: &Settings) -> Result<Submission, Broken> {
    let host = setting(settings, HOST);
    if host.is_empty() {
        return Err(Broken::of(&problems::HOST_MISSING));
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    if !host.chars().all(is_host) {
        return Err(Broken::of(&problems::SETTINGS_INVALID).because(HOST));
    }
    let tls = match setting(settings, TLS) {
        "" | "starttls" => Tls::Starttls,
        "tls" => Tls::Implicit,
        "none" => Tls::None,
        _ => return Err(Broken::of(&problems::SETTINGS_INVALID).because(TLS)),
    };
    let port = match setting(settings, PORT) {
        "" => tls.usual_port(),
        text => text
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| Broken::of(&problems::SETTINGS_INVALID).because(PORT))?,
    };
    let (user, password) = (setting(settings, USER), setting(settings, PASSWORD));
    if user.is_empty() != password.is_empty() {
        return Err(Broken::of(&problems::LOGIN_INCOMPLETE));
    }
    if tls == Tls::None && !password.is_empty() {
        return Err(Broken::of(&problems::PASSWORD_IN_CLEAR));
    }
    Ok(Submission {
        host: host.to_owned(),
        port,
        tls,
        login: (!user.is_empty()).then(|| (user.to_owned(), password.to_owned())),
        hello: String::new(),
        letter: None,
    })
}

impl Integration for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn title(&self) -> &'static str {
        "E-mail (SMTP)"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn limits(&self) -> &'static Limits {
        &LIMITS
    }

    fn problems(&self) -> &'static [&'static Problem] {
        PROBLEMS
    }

    fn wants(&self, _kind: Kind, _audience: Audience) -> bool {
        true
    }

    fn address(&self, text: &str) -> Result<String, Broken> {
        address::normal(text).ok_or_else(|| Broken::of(&problems::ADDRESS_INVALID))
    }

    fn request(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
    ) -> Result<HttpRequest, Broken> {
        let mut submission = submission(settings)?;
        let wrong_from = || Broken::of(&problems::FROM_INVALID);
        let from = address::sender(setting(settings, FROM), &message.shop);
        let from = from.ok_or_else(wrong_from)?;
        from.email.domain().clone_into(&mut submission.hello);
        if let Some(to) = &message.to {
            let reply_to = Some(setting(settings, REPLY_TO)).filter(|text| !text.is_empty());
            let reply_to = reply_to.map(|text| address::sender(text, "").ok_or_else(wrong_from));
            let head = letter::Head { from: &from, to, reply_to: reply_to.transpose()? };
            submission.letter = Some(letter::write(message, head)?);
        }
        Ok(submission.to_request())
    }

    fn read(
        &self,
        settings: &Settings,
        message: &Message,
        _progress: &Progress,
        reply: &HttpReply,
    ) -> Reading {
        let words = reply.text();
        let words = words.trim();
        let Some(step) = Step::of(reply) else {
            return Reading::unclear(format!("{} without SMTP's step", reply.status));
        };
        match (reply.status, step) {
            (200..=299, Step::End) => {
                let from = address::sender(setting(settings, FROM), &message.shop);
                let id = from.map(|from| letter::message_id(message, from.email.domain()));
                Reading::Delivered { remote_id: id }
            }
            // A trial ends with the greeting or the login.
            (200..=299, Step::Ready) if message.to.is_none() => {
                Reading::Delivered { remote_id: None }
            }
            // A certificate is no better tomorrow.
            (_, Step::Tls) => Reading::Broken(refusal(reply.status, step, words)),
            (400..=499, _) => Reading::retry(format!("{} {step}: {words}", reply.status)),
            (500..=599, _) => Reading::Broken(refusal(reply.status, step, words)),
            _ => Reading::unclear(format!("{} {step}: {words}", reply.status)),
        }
    }

    /// Receivers that look at the Message-ID show a letter once; not all look.
    fn duplicate(&self, message: &Message, _progress: &Progress) -> Duplicate {
        repeats::of_chat(message)
    }

    /// A server that took the letter and was too slow to say so is slow again at once: three
    /// letters at most, and time for it to recover.
    fn unheard(&self) -> Unheard {
        Unheard { most: Some(3), wait_ms: Some(10 * 60 * 1_000) }
    }
}

/// What a server means by 5xx at a step: by its digits, the enhanced code of RFC 3463 and, where
/// servers disagree on both, its words.
fn refusal(status: u16, step: Step, words: &str) -> Broken {
    let lower = words.to_lowercase();
    let says = |part: &str| lower.contains(part);
    let starts = |code: &str| lower.starts_with(code);
    let problem = match step {
        Step::Tls => &problems::CERTIFICATE,
        Step::Starttls => &problems::NO_TLS,
        Step::Auth => &problems::PASSWORD_REFUSED,
        Step::Ready => &problems::REFUSED,
        Step::Mail | Step::Recipient if status == 530 => &problems::LOGIN_NEEDED,
        Step::Mail => &problems::SENDER_REFUSED,
        Step::Recipient if says("relay") || says("authenticat") => &problems::RELAY_DENIED,
        Step::Recipient | Step::End if starts("5.2.2") || says("quota") || says("full") => {
            &problems::MAILBOX_FULL
        }
        Step::Recipient if status == 552 => &problems::MAILBOX_FULL,
        Step::Recipient if starts("5.7") => &problems::REFUSED,
        Step::Recipient => match status {
            550 | 551 | 553 | 556 => &problems::ADDRESS_UNKNOWN,
            _ => &problems::REFUSED,
        },
        // After the letter, some servers say only then that the mailbox is none.
        Step::End if starts("5.1.1") || starts("5.1.10") => &problems::ADDRESS_UNKNOWN,
        Step::Data | Step::End => &problems::CONTENT_REFUSED,
    };
    Broken::of(problem).because(words)
}
