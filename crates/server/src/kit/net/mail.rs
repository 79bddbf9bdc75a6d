//! Hands one letter to a mail server: SMTP on a thread of its own, step by step, so that it is
//! known at every moment whether the letter may be theirs already. Nothing is tried twice here.

use std::{
    error::Error as StdError,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::{Duration, Instant},
};

use kopeck_banks::{
    exchange::{Heard, Silence},
    http::HttpReply,
};
use kopeck_integrations::email::wire::{Letter, Step, Submission, Tls};
use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{Certificate, SmtpConnection, TlsParameters, TlsParametersBuilder},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
        response::Response,
    },
};

use super::AddressPolicy;

/// From the first packet to the letter, in waits for one answer.
const WAITS: u32 = 2;
const WHOLE: Duration = Duration::from_secs(45);
/// After the letter, in the same waits: three minutes of twenty seconds. RFC 5321 (4.5.3.2.6) gives
/// ten minutes, since servers look for viruses before they answer, and whoever hangs up earlier
/// sends a letter twice that came at once. The shop's other letters wait meanwhile, so not ten.
const LAST_WAITS: u32 = 9;
/// A server that trickles its answers holds a thread for so much longer at most.
const TRICKLE: Duration = Duration::from_secs(5);
/// PLAIN first; LOGIN is what some old servers have instead.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// Nothing answers so: the certificate did not hold.
const NO_CERTIFICATE: u16 = 595;
/// As a server says that does not know the command.
const NOT_OFFERED: u16 = 502;

/// How a submission ended, where it did not end well.
enum End {
    /// The server's own word, or ours in its place.
    Said(Step, u16, String),
    Silence(Silence),
}

type Done<T> = Result<T, End>;

/// How letters are handed in.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub policy: AddressPolicy,
    /// PEM, beside the system's roots; may be empty.
    pub extra_roots: Arc<[u8]>,
    pub connect_wait: Duration,
    pub answer_wait: Duration,
}

impl Post {
    pub(super) async fn carry(self, submission: Submission) -> Heard {
        let (talking, last) = (WHOLE.min(self.answer_wait * WAITS), self.answer_wait * LAST_WAITS);
        let until = Instant::now() + talking;
        let talk = move || {
            let waits = Waits { until, connect: self.connect_wait, answer: self.answer_wait, last };
            match talk(&submission, &self, waits) {
                Ok(reply) => Ok(reply),
                Err(End::Said(step, code, words)) => Ok(step.reply(code, &words)),
                Err(End::Silence(silence)) => Err(silence),
            }
        };
        let lost = || Silence::Lost("the mail server took too long".to_owned());
        let too_long = talking + last + TRICKLE;
        match tokio::time::timeout(too_long, tokio::task::spawn_blocking(talk)).await {
            Ok(Ok(heard)) => heard,
            Ok(Err(_)) | Err(_) => Err(lost()),
        }
    }
}

/// How long one may wait.
#[derive(Clone, Copy)]
struct Waits {
    until: Instant,
    connect: Duration,
    answer: Duration,
    /// For the answer to the letter.
    last: Duration,
}

impl Waits {
    fn next(self) -> Duration {
        let left = self.until.saturating_duration_since(Instant::now());
        self.answer.min(left).max(Duration::from_millis(1))
    }
}

fn talk(submission: &Submission, post: &Post, waits: Waits) -> Done<HttpReply> {
    let places = resolve(submission, post.policy)?;
    let tls = tls(submission, &post.extra_roots)?;
    let mut line = connect(submission, &places, tls.as_ref(), waits)?;
    if let (Tls::Starttls, Some(tls)) = (submission.tls, &tls) {
        if !line.can_starttls() {
            let words = "the server offers no STARTTLS".to_owned();
            return Err(End::Said(Step::Starttls, NOT_OFFERED, words));
        }
        wait(&mut line, waits);
        let hello = ClientId::Domain(submission.hello.clone());
        line.starttls(tls, &hello).map_err(|error| before(Step::Starttls, &error))?;
    }
    if let Some((user, password)) = &submission.login {
        wait(&mut line, waits);
        let has_login = MECHANISMS.iter().any(|it| line.server_info().supports_auth_mechanism(*it));
        if !has_login {
            let words = "the server takes no password here".to_owned();
            return Err(End::Said(Step::Auth, NOT_OFFERED, words));
        }
        let credentials = Credentials::new(user.clone(), password.clone());
        let done = line.auth(&MECHANISMS, &credentials);
        done.map_err(|error| before(Step::Auth, &error))?;
    }
    let reply = match &submission.letter {
        None => Step::Ready.reply(250, "ready"),
        Some(letter) => hand_in(&mut line, letter, waits)?,
    };
    // The letter is theirs; whether they hear our good-bye changes nothing.
    let _ = line.set_timeout(Some(Duration::from_secs(1)));
    let _ = line.quit();
    Ok(reply)
}

fn hand_in(line: &mut SmtpConnection, letter: &Letter, waits: Waits) -> Done<HttpReply> {
    let address = |text: &str, step| {
        let wrong = |_| End::Said(step, 501, "5.1.3 not an address".to_owned());
        text.parse::<Address>().map_err(wrong)
    };
    let from = address(&letter.from, Step::Mail)?;
    let to = address(&letter.to, Step::Recipient)?;
    let mut say = |step: Step, command: String| {
        wait(line, waits);
        line.command(command).map_err(|error| before(step, &error))
    };
    say(Step::Mail, Mail::new(Some(from), Vec::new()).to_string())?;
    say(Step::Recipient, Rcpt::new(to, Vec::new()).to_string())?;
    say(Step::Data, Data.to_string())?;
    // From here on a silence does not say whether the letter came.
    let _ = line.set_timeout(Some(waits.last));
    match line.message(&letter.bytes) {
        Ok(answer) => Ok(Step::End.reply(u16::from(answer.code()), &words(&answer))),
        Err(error) => match said(&error) {
            Some((code, words)) => Err(End::Said(Step::End, code, words)),
            None => Err(End::Silence(Silence::Lost(describe(&error)))),
        },
    }
}

fn words(answer: &Response) -> String {
    answer.message().collect::<Vec<_>>().join(" ")
}

/// A server that no longer answers is as bad as one that cannot be told to wait.
fn wait(line: &mut SmtpConnection, waits: Waits) {
    let _ = line.set_timeout(Some(waits.next()));
}

fn resolve(submission: &Submission, policy: AddressPolicy) -> Done<Vec<SocketAddr>> {
    let not_sent = |why: String| End::Silence(Silence::NotSent(why));
    let host = submission.host.as_str();
    policy.check_host(host).map_err(not_sent)?;
    let found = (host, submission.port).to_socket_addrs();
    let found = found.map_err(|error| not_sent(format!("`{host}` is not found: {error}")))?;
    let allowed: Vec<SocketAddr> = found.filter(|found| policy.allows(found.ip())).collect();
    if allowed.is_empty() {
        let why = format!("`{host}` is a private address, not one of the public internet");
        return Err(not_sent(why));
    }
    Ok(allowed)
}

fn tls(submission: &Submission, extra_roots: &[u8]) -> Done<Option<TlsParameters>> {
    let bad = |words: String| End::Said(Step::Tls, NO_CERTIFICATE, words);
    if submission.tls == Tls::None {
        return Ok(None);
    }
    let mut builder = TlsParametersBuilder::new(submission.host.clone());
    if !extra_roots.is_empty() {
        let roots = Certificate::from_pem(extra_roots);
        builder = builder.add_root_certificate(roots.map_err(|error| bad(describe(&error)))?);
    }
    let built = builder.build_rustls().map_err(|error| bad(describe(&error)))?;
    Ok(Some(built))
}

fn connect(
    submission: &Submission,
    places: &[SocketAddr],
    tls: Option<&TlsParameters>,
    waits: Waits,
) -> Done<SmtpConnection> {
    let hello = ClientId::Domain(submission.hello.clone());
    let tls = tls.filter(|_| submission.tls == Tls::Implicit);
    let wait = Some(waits.connect.min(waits.next()));
    let line = SmtpConnection::connect(places, wait, &hello, tls, None);
    line.map_err(|error| before(Step::Ready, &error))
}

/// What went wrong before the letter: it is not theirs.
fn before(step: Step, error: &Error) -> End {
    if let Some((code, words)) = said(error) {
        return End::Said(step, code, words);
    }
    if is_certificate(error) {
        return End::Said(Step::Tls, NO_CERTIFICATE, describe(error));
    }
    End::Silence(Silence::NotSent(format!("{step}: {}", describe(error))))
}

/// The server's own code and words.
fn said(error: &Error) -> Option<(u16, String)> {
    let code = u16::from(error.status()?);
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    Some((code, words.replace('\n', " ")))
}

fn is_certificate(error: &Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let own = error.downcast_ref::<rustls::Error>();
        if let Some(rustls::Error::InvalidCertificate(_)) = inner.or(own) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The causes without lettre's own words, which say nothing.
fn describe(error: &Error) -> String {
    let mut why: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        why.push(error.to_string());
        cause = error.source();
    }
    if error.is_timeout() {
        return format!("no answer in time ({})", why.join(": "));
    }
    if why.is_empty() { error.to_string() } else { why.join(": ") }
}
