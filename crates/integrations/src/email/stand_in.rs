//! A mail server as far as a submission goes: what it answers at which step, and whether what it is
//! handed is a letter at all. Real servers are met in the server's own tests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kopeck_banks::http::{HttpReply, HttpRequest};

use super::{
    FROM, HOST, PASSWORD, PORT, USER,
    wire::{Letter, Step, Submission, Tls},
};
use crate::{
    integration::Settings,
    stand_in::{Arrived, Shell, StandIn},
};

const GOOD_USER: &str = "pay@example.ru";
const GOOD_PASSWORD: &str = "correct-horse-battery";
/// Letters a minute before it asks for a pause.
const PER_MINUTE: usize = 300;
/// RFC 5322: the longest line without its end.
const MAX_LINE: usize = 998;

#[derive(Default)]
pub struct EmailStandIn {
    shell: Shell,
    pub letters: Vec<Vec<u8>>,
}

type Refusal = (u16, Step, &'static str);

impl EmailStandIn {
    fn take(&mut self, now_ms: u64, request: &HttpRequest) -> Result<Step, Refusal> {
        let bad = (501, Step::Ready, "5.5.4 Not a submission");
        let submission = Submission::parse(request).ok_or(bad)?;
        if submission.hello.is_empty() || submission.hello.contains(' ') {
            return Err((501, Step::Ready, "5.5.4 Invalid EHLO"));
        }
        if submission.tls == Tls::None {
            return Err((530, Step::Mail, "5.7.0 Must issue a STARTTLS command first"));
        }
        let Some((user, password)) = submission.login else {
            return Err((530, Step::Mail, "5.7.0 Authentication required"));
        };
        if (user.as_str(), password.as_str()) != (GOOD_USER, GOOD_PASSWORD) {
            return Err((535, Step::Auth, "5.7.8 Error: authentication failed"));
        }
        let Some(letter) = submission.letter else { return Ok(Step::Ready) };
        if letter.from != GOOD_USER {
            return Err((553, Step::Mail, "5.7.1 Sender address rejected: not owned by user"));
        }
        match letter.to.as_str() {
            "nobody@example.com" => {
                return Err((550, Step::Recipient, "5.1.1 No such user here"));
            }
            to if !to.contains('@') => {
                return Err((501, Step::Recipient, "5.1.3 Bad recipient address syntax"));
            }
            _ => {}
        }
        if self.shell.count("letters", now_ms, PER_MINUTE, 60_000).is_err() {
            return Err((450, Step::Recipient, "4.7.1 Error: too much mail"));
        }
        let read = Read::of(&letter).ok_or((554, Step::End, "5.6.0 Not a letter"))?;
        self.shell.arrived.push(Arrived {
            at_ms: now_ms,
            to: letter.to,
            text: read.text,
            link: read.link,
            has_picture: read.has_picture,
        });
        self.letters.push(letter.bytes);
        Ok(Step::End)
    }
}

/// What a reader sees.
struct Read {
    text: String,
    link: Option<String>,
    has_picture: bool,
}

impl Read {
    /// `None` for what no mail program would show.
    fn of(letter: &Letter) -> Option<Read> {
        let text = std::str::from_utf8(&letter.bytes).ok().filter(|text| text.is_ascii())?;
        let lines = text.split("\r\n");
        if lines.clone().any(|line| line.len() > MAX_LINE || line.contains(['\r', '\n'])) {
            return None;
        }
        let (head, _) = text.split_once("\r\n\r\n")?;
        let has = |name: &str| head.lines().filter(|line| line.starts_with(name)).count() == 1;
        let needed = ["From: ", "To: ", "Subject: ", "Date: ", "Message-ID: ", "MIME-Version: 1.0"];
        needed.into_iter().all(has).then_some(())?;
        let plain = part(text, "text/plain")?;
        let html = part(text, "text/html")?;
        let link = html
            .split_once("class=\"button\" href=\"")
            .and_then(|(_, rest)| rest.split_once('"').map(|(link, _)| link.replace("&amp;", "&")));
        let has_picture = text.contains("Content-ID: <qr>") && html.contains("cid:qr");
        Some(Read { text: plain, link, has_picture })
    }
}

/// The text of the first part of this type.
fn part(text: &str, kind: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("Content-Type: {kind}; charset=utf-8"))?;
    let (head, rest) = rest.split_once("\r\n\r\n")?;
    let (body, _) = rest.split_once("\r\n--kopeck-")?;
    let bytes = if head.contains("base64") {
        let digits: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        STANDARD.decode(digits).ok()?
    } else if head.contains("quoted-printable") {
        unquote(body)?
    } else {
        body.as_bytes().to_vec()
    };
    String::from_utf8(bytes).ok()
}

fn unquote(text: &str) -> Option<Vec<u8>> {
    let (text, mut bytes) = (text.replace("=\r\n", ""), Vec::new());
    let mut parts = text.split('=');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

impl StandIn for EmailStandIn {
    fn name(&self) -> &'static str {
        "email"
    }

    /// `base_url` names the host and the port; the scheme is SMTP's anyway.
    fn settings(&self, base_url: &str) -> Settings {
        let place = base_url.split_once("://").map_or(base_url, |(_, place)| place);
        let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
        let values = [
            (HOST, host),
            (PORT, port),
            (USER, GOOD_USER),
            (PASSWORD, GOOD_PASSWORD),
            (FROM, GOOD_USER),
        ];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        match self.take(now_ms, request) {
            Ok(step) => step.reply(250, "2.0.0 Ok: queued as 4QxYzT1"),
            Err((code, step, words)) => step.reply(code, words),
        }
    }
}
