//! `kopeck notice explain`: tells an integrator what a body is, without any network.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use kopeck_banks::{
    Bank as _, Credentials,
    bank::{GenuineNotice, Notice, RawNotice},
    tbank::{self, Tbank, settings},
    tochka::{self, Tochka},
};
use serde_json::{Value, json};

use super::{
    context::Globals,
    fail::Fail,
    print::{BAD, GOOD, WARN, paint, table},
};
use crate::{
    kit::db::{Db, DbError},
    payments::{model::Payment, store::lock_payment_of_bank},
    shops,
};

/// A notice is below 4 KiB; a file beyond this is something else.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Look into a bank's notice.
#[derive(Debug, Args)]
pub struct NoticeArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what a body is: is the signature the bank's, what does each field mean, which payment
    /// is it about. Asks nobody; exit code 1 when the signature is not good
    Explain {
        /// The body as it came; `-` reads standard input
        file: PathBuf,
        /// Whose notice it is
        #[arg(long, default_value = "tochka", value_parser = ["tochka", "tbank"])]
        bank: String,
        /// T-Bank: the terminal's password, which signs its notices [env: TBANK_PASSWORD]
        #[arg(long, value_name = "PASSWORD")]
        password: Option<String>,
        /// The bank's public key (JWK); Tochka's own by default
        #[arg(long, value_name = "FILE")]
        jwk: Option<PathBuf>,
    },
}

impl NoticeArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let Command::Explain { file, bank, password, jwk } = self.command;
        let body = read(&file)?;
        let stored = Stored::open(globals).await;
        if bank == "tbank" {
            let verdict = judge_tbank(&body, password)?;
            let forged = Forged { unverified: tbank::peek_notice(&body), hint: TBANK_FORGED };
            return explain(globals, stored.as_ref(), verdict, forged).await;
        }
        let (keys, whose) = match &jwk {
            Some(path) => {
                let keys = String::from_utf8_lossy(&read(path)?).into_owned();
                if tochka::sign::count_keys(&keys) == 0 {
                    let message = format!("{} holds no RSA key", path.display());
                    let hint = "--jwk takes a JWK, an array of them, or {\"keys\": […]}";
                    return Err(Fail::new("jwk_invalid", message, hint).param("jwk"));
                }
                (keys, "the key of --jwk")
            }
            None => (tochka::BANK_KEY.to_owned(), "Tochka's published key"),
        };
        let judge =
            |keys: &str| Tochka.notice(&Credentials::default(), &RawNotice { body: &body, keys });
        let mut verdict = (judge(&keys), whose);
        if verdict.0 == Notice::BadSignature && jwk.is_none() {
            // An emulator signs with a key of its own, which the connection remembers.
            for keys in stored.iter().flat_map(|stored| &stored.keys) {
                if let genuine @ Notice::Genuine(_) = judge(keys) {
                    verdict = (genuine, "a key that a connection of this installation remembers");
                }
            }
        }
        let forged = Forged { unverified: tochka::peek_notice(&body), hint: TOCHKA_FORGED };
        explain(globals, stored.as_ref(), verdict, forged).await
    }
}

/// What is said of a body that the bank did not sign.
struct Forged {
    unverified: Option<GenuineNotice>,
    hint: &'static str,
}

const TOCHKA_FORGED: &str = "A body changed on its way (a line break, a decoded `+`) fails too: \
     keep its bytes; --jwk names another key, such as an emulator's";
const TBANK_FORGED: &str = "Is it the password of the terminal that the body names? A body changed \
     on its way (numbers written anew, a field left out) fails too: keep its bytes";

/// A notice of T-Bank names its terminal; the password is what must fit.
fn judge_tbank(body: &[u8], password: Option<String>) -> Result<(Notice, &'static str), Fail> {
    let password = password.or_else(|| std::env::var(settings::PASSWORD_ENV).ok());
    let Some(password) = password.filter(|password| !password.trim().is_empty()) else {
        let hint = "Give --password, or set TBANK_PASSWORD: it stands beside the terminal's key";
        let message = "A notice of T-Bank is checked with the terminal's password";
        return Err(Fail::new("password_missing", message, hint).param("password"));
    };
    let shown: Option<Value> = serde_json::from_slice(body).ok();
    let terminal = shown.as_ref().and_then(|shown| shown["TerminalKey"].as_str()).unwrap_or("");
    let credentials = Credentials::new([
        (settings::TERMINAL_KEY.to_owned(), terminal.to_owned()),
        (settings::PASSWORD.to_owned(), password),
    ]);
    let raw = RawNotice { body, keys: "" };
    Ok((Tbank.notice(&credentials, &raw), "the terminal's password"))
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, Fail> {
    let cannot = |error: std::io::Error| {
        let message = format!("{} cannot be read: {error}", path.display());
        Fail::new("file_unreadable", message, "Save the body of the bank's request to a file")
    };
    if path.as_os_str() == "-" {
        let mut body = Vec::new();
        let stdin = std::io::Read::take(std::io::stdin(), MAX_FILE_BYTES);
        std::io::copy(&mut { stdin }, &mut body).map_err(cannot)?;
        return Ok(body);
    }
    let size = fs::metadata(path).map_err(cannot)?.len();
    if size > MAX_FILE_BYTES {
        let message = format!("{} is too large to be a notice", path.display());
        return Err(Fail::new("file_unreadable", message, ""));
    }
    fs::read(path).map_err(cannot)
}

async fn explain(
    globals: &Globals,
    stored: Option<&Stored>,
    (notice, whose): (Notice, &'static str),
    Forged { unverified, hint }: Forged,
) -> Result<(), Fail> {
    let out = globals.out();
    match notice {
        Notice::Genuine(notice) => {
            let about = find_payment(stored, &notice).await;
            let shown = json!({
                "signature": "good", "kind": notice.kind, "fields": fields(&notice),
                "payment": about.as_ref().map(|payment| json!({
                    "id": payment.id, "order_id": payment.order_id,
                    "status": payment.status().as_str(),
                })),
            });
            out.show(&shown, || {
                let good = format!("{} The signature is good: {whose} fits.", paint(GOOD, "✓"));
                format!("{good}\n{}\n{}", field_table(&notice), about_text(&notice, about.as_ref()))
            })
        }
        Notice::BadSignature => {
            let shown = json!({
                "signature": "bad", "kind": unverified.as_ref().map(|notice| &notice.kind),
                "unverified_fields": unverified.as_ref().map(fields),
            });
            out.show(&shown, || {
                let bad = paint(BAD, "✗");
                let head = format!("{bad} The signature is not good: no key fits, not {whose}.");
                match &unverified {
                    Some(notice) => format!(
                        "{head}\n{} Anybody may have written what follows:\n{}",
                        paint(WARN, "!"),
                        field_table(notice)
                    ),
                    None => head,
                }
            })?;
            Err(Fail::new("notice_forged", "The body is not signed by the bank", hint))
        }
        Notice::Malformed { why } => {
            let hint = "Tochka's notices are one line of text in three parts, eyJ….….…; T-Bank's \
                        are JSON objects";
            Err(Fail::new("notice_malformed", format!("This is no notice: {why}"), hint))
        }
    }
}

fn fields(notice: &GenuineNotice) -> Vec<Value> {
    let mut list = Vec::new();
    for (name, value, about) in &notice.fields {
        list.push(json!({ "name": name, "value": value, "about": about }));
    }
    list
}

fn field_table(notice: &GenuineNotice) -> String {
    let mut rows = table(&["Field", "Value", "What it means"]);
    for (name, value, about) in &notice.fields {
        rows.add_row([name.as_str(), value, about]);
    }
    rows.to_string()
}

fn about_text(notice: &GenuineNotice, payment: Option<&Payment>) -> String {
    let Some(seen) = &notice.observation else {
        return format!("It is a {} and about no payment link of Kopeck.", notice.kind);
    };
    let bank_id = seen.bank_id.as_deref().unwrap_or("unknown");
    match payment {
        Some(payment) => format!(
            "It is about the payment {}{}, which is {}.",
            payment.id,
            payment.order_id.as_ref().map(|id| format!(" (order {id})")).unwrap_or_default(),
            payment.status().as_str()
        ),
        None => format!(
            "It is about the bank's payment {bank_id}{}; there is none such in this database.",
            seen.reference.as_ref().map(|it| format!(", link {it}")).unwrap_or_default()
        ),
    }
}

/// The books of this machine, if there are any: explaining works without them, and makes none.
struct Stored {
    db: Db,
    connections: Vec<String>,
    keys: Vec<String>,
}

impl Stored {
    async fn open(globals: &Globals) -> Option<Stored> {
        let config = globals.settings(&[]).ok()?;
        let url = config.database_url();
        let file = url.trim_start_matches("sqlite:").trim_start_matches("//");
        if !url.starts_with("postgres") && !std::path::Path::new(file).exists() {
            return None;
        }
        let db = Db::open(&url).ok()?;
        let rows: Result<_, DbError> = db.read(shops::store::list_all_connections).await;
        let rows = rows.ok()?;
        let connections = rows.iter().map(|row| row.id.clone()).collect();
        let keys = rows.into_iter().map(|row| row.notice_keys).filter(|keys| !keys.is_empty());
        Some(Stored { db, connections, keys: keys.collect() })
    }
}

async fn find_payment(stored: Option<&Stored>, notice: &GenuineNotice) -> Option<Payment> {
    let (stored, seen) = (stored?, notice.observation.clone()?);
    for connection_id in stored.connections.clone() {
        let (bank_id, reference) = (seen.bank_id.clone(), seen.reference.clone());
        let found: Result<_, DbError> = stored
            .db
            .write(move |tx| {
                lock_payment_of_bank(tx, &connection_id, bank_id.as_deref(), reference.as_deref())
            })
            .await;
        if let Ok(Some(payment)) = found {
            return Some(payment);
        }
    }
    None
}
