//! The Token: SHA-256 over the values of a body's scalars and the terminal's password, sorted by
//! name. It signs our requests and the bank's notices alike.
//!
//! What is hashed is the text that is sent: number literals stay as written, booleans are `true`
//! and `false`, nulls and everything nested are left out. The values stand without separators, so a
//! genuine body can be cut anew at its seams and still match: a notice is never the only proof of a
//! sum, which is compared with the order, and of a terminal, which is compared with the connection.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};

use super::fields::{Fields, scalar};

const TOKEN: &str = "Token";
const PASSWORD: &str = "Password";

/// Which scalars of a body are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    /// Of `AddCard`: its addresses are accepted but not hashed.
    WithoutUrls,
    /// Of `getConfirmOperation`.
    TerminalOnly,
}

impl Scope {
    fn covers(self, name: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::WithoutUrls => !matches!(name, "SuccessURL" | "FailURL" | "NotificationURL"),
            Scope::TerminalOnly => name == "TerminalKey",
        }
    }
}

/// The Token of a body, 64 lower-case hex digits.
pub fn token(fields: &Fields, password: &str, scope: Scope) -> String {
    let mut pairs: Vec<(&str, String)> = fields
        .iter()
        .filter(|(name, _)| *name != TOKEN && *name != PASSWORD && scope.covers(name))
        .filter_map(|(name, raw)| Some((name, scalar(raw)?)))
        .collect();
    pairs.push((PASSWORD, password.to_owned()));
    pairs.sort();
    let text: String = pairs.into_iter().map(|(_, value)| value).collect();
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds the Token to the text of a JSON object.
pub fn sign(body: &str, password: &str, scope: Scope) -> String {
    let fields = Fields::read(body.as_bytes()).unwrap_or_default();
    let open = body.strip_suffix('}').unwrap_or(body);
    format!("{open},\"{TOKEN}\":\"{}\"}}", token(&fields, password, scope))
}

/// Whether a received body bears its own Token. Constant in time; never true without a password.
pub fn is_genuine(fields: &Fields, password: &str) -> bool {
    let Some(received) = fields.text(TOKEN).filter(|_| !password.is_empty()) else { return false };
    let expected = token(fields, password, Scope::All);
    let received = received.to_ascii_lowercase();
    verify_slices_are_equal(expected.as_bytes(), received.as_bytes()).is_ok()
}
