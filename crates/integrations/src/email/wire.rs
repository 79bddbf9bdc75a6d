//! A letter on its way as an [`HttpRequest`], so that it passes through the same hands as every
//! other request: `smtp://host:port`, what SMTP says before the letter in headers, the letter as
//! the body. A GET hands nothing in: it logs in and leaves.
//!
//! The reply's status is SMTP's code, its body the server's words, and the header [`STEP_HEADER`]
//! says which step they answer, since 550 means one thing at the sender and another at the
//! recipient.

use std::fmt;

use kopeck_banks::http::{HttpReply, HttpRequest, Method};

pub const SCHEME: &str = "smtp://";
pub const STEP_HEADER: &str = "smtp-step";
const TLS_HEADER: &str = "smtp-tls";
const USER_HEADER: &str = "smtp-user";
const PASSWORD_HEADER: &str = "smtp-password";
const HELLO_HEADER: &str = "smtp-hello";
const FROM_HEADER: &str = "smtp-from";
const TO_HEADER: &str = "smtp-to";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted after a word in the clear; without it nothing is said.
    Starttls,
    /// From the first byte.
    Implicit,
    None,
}

impl Tls {
    const ALL: [Tls; 3] = [Tls::Starttls, Tls::Implicit, Tls::None];

    pub const fn as_str(self) -> &'static str {
        match self {
            Tls::Starttls => "starttls",
            Tls::Implicit => "tls",
            Tls::None => "none",
        }
    }

    pub const fn usual_port(self) -> u16 {
        match self {
            Tls::Implicit => 465,
            Tls::Starttls | Tls::None => 587,
        }
    }
}

/// What the server answered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The greeting and EHLO, and the end of a trial.
    Ready,
    Starttls,
    /// No answer at all: the certificate did not hold.
    Tls,
    Auth,
    Mail,
    Recipient,
    Data,
    /// The dot after the letter: the letter is theirs now.
    End,
}

impl Step {
    const ALL: [Step; 8] = [
        Step::Ready,
        Step::Starttls,
        Step::Tls,
        Step::Auth,
        Step::Mail,
        Step::Recipient,
        Step::Data,
        Step::End,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Step::Ready => "greeting",
            Step::Starttls => "STARTTLS",
            Step::Tls => "TLS",
            Step::Auth => "AUTH",
            Step::Mail => "MAIL FROM",
            Step::Recipient => "RCPT TO",
            Step::Data => "DATA",
            Step::End => "end of DATA",
        }
    }

    pub fn of(reply: &HttpReply) -> Option<Step> {
        let word = reply.find_header(STEP_HEADER)?;
        Step::ALL.into_iter().find(|step| step.as_str() == word)
    }

    /// The server's words at this step as a reply.
    pub fn reply(self, code: u16, words: &str) -> HttpReply {
        HttpReply::new(code, "text/plain", words).header(STEP_HEADER, self.as_str())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a letter is handed in, by whom, and the letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// User and password.
    pub login: Option<(String, String)>,
    /// What we call ourselves: the sender's domain.
    pub hello: String,
    /// `None` to log in and leave.
    pub letter: Option<Letter>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    pub from: String,
    pub to: String,
    /// Headers and parts, lines ended by CR LF.
    pub bytes: Vec<u8>,
}

impl Submission {
    pub fn is_one(request: &HttpRequest) -> bool {
        request.url.starts_with(SCHEME)
    }

    pub fn to_request(self) -> HttpRequest {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host };
        let url = format!("{SCHEME}{host}:{}", self.port);
        let method = if self.letter.is_some() { Method::Post } else { Method::Get };
        let mut request = HttpRequest::new(method, url)
            .header(TLS_HEADER, self.tls.as_str())
            .header(HELLO_HEADER, self.hello);
        if let Some((user, password)) = self.login {
            request = request.header(USER_HEADER, user).header(PASSWORD_HEADER, password);
        }
        if let Some(letter) = self.letter {
            request = request.header(FROM_HEADER, letter.from).header(TO_HEADER, letter.to);
            request.body = letter.bytes;
        }
        request
    }

    /// The reverse of [`Submission::to_request`].
    pub fn parse(request: &HttpRequest) -> Option<Submission> {
        let (host, port) = request.url.strip_prefix(SCHEME)?.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let find = |name: &str| request.find_header(name).map(str::to_owned);
        let tls = request.find_header(TLS_HEADER)?;
        let letter = match request.method {
            Method::Post => Some(Letter {
                from: find(FROM_HEADER)?,
                to: find(TO_HEADER)?,
                bytes: request.body.clone(),
            }),
            Method::Get | Method::Put | Method::Delete => None,
        };
        Some(Submission {
            host: host.to_owned(),
            port: port.parse().ok()?,
            tls: Tls::ALL.into_iter().find(|it| it.as_str() == tls)?,
            login: find(USER_HEADER).zip(find(PASSWORD_HEADER)),
            hello: find(HELLO_HEADER)?,
            letter,
        })
    }
}
