//! Who may do what: the token of a request, its consent and the customers that it reaches.

use super::{
    TochkaEmulator, directory,
    problem::Problem,
    route::Call,
    state::{ConsentStatus, State, Token, TokenKind, TokenState},
};

pub(super) enum Needs {
    /// Any living token, the application's own included.
    Consents,
    /// A key, or a user's token whose consent has all these permissions.
    All(&'static [&'static str]),
}

/// What a checked token reaches.
#[derive(Debug)]
pub(super) struct Grant {
    /// `None`: all customers.
    customer_code: Option<String>,
}

impl Grant {
    pub(super) fn reaches(&self, code: &str) -> bool {
        self.customer_code.as_deref().is_none_or(|own| own == code)
    }

    /// Foreign and unknown customers alike: the commonest cause of a 403, says the bank.
    pub(super) fn check_customer(&self, code: &str) -> Result<(), Problem> {
        let is_known = directory::CUSTOMERS.iter().any(|customer| customer.code == code);
        if is_known && self.reaches(code) { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

/// The two keys that exist from the start.
pub(super) fn issue_keys(state: &mut State) {
    for key in [directory::access_token(), directory::SANDBOX_TOKEN.to_owned()] {
        let token = Token {
            kind: TokenKind::Key,
            state: TokenState::Valid,
            expires_ms: None,
            consent_id: None,
            redirect_uri: None,
            oauth_state: None,
            scope: String::new(),
        };
        state.tokens.insert(key, token);
    }
}

impl Token {
    pub(super) fn is_expired(&self, now_ms: i64) -> bool {
        self.state == TokenState::Expired || self.expires_ms.is_some_and(|at| at <= now_ms)
    }
}

impl TochkaEmulator {
    pub(super) fn grant(&self, call: &Call<'_>, needs: &Needs) -> Result<Grant, Problem> {
        let header = call.request.find_header("authorization").unwrap_or("");
        let (scheme, name) = header.split_once(' ').unwrap_or(("", ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::forbidden());
        }
        let token = self.state.tokens.get(name.trim()).ok_or_else(Problem::forbidden)?;
        if token.state == TokenState::Revoked {
            return Err(Problem::forbidden());
        }
        match token.kind {
            TokenKind::Key | TokenKind::Client | TokenKind::User => {}
            TokenKind::Refresh | TokenKind::Code => return Err(Problem::forbidden()),
        }
        if token.is_expired(call.now_ms) {
            return Err(Problem::expired_token());
        }
        match (token.kind, needs) {
            (TokenKind::Key, _) | (_, Needs::Consents) => Ok(Grant { customer_code: None }),
            (TokenKind::User, Needs::All(permissions)) => {
                self.grant_of_consent(call.now_ms, token, permissions)
            }
            (TokenKind::Client | TokenKind::Refresh | TokenKind::Code, Needs::All(_)) => {
                Err(Problem::forbidden())
            }
        }
    }

    fn grant_of_consent(
        &self,
        now_ms: i64,
        token: &Token,
        permissions: &[&str],
    ) -> Result<Grant, Problem> {
        let id = token.consent_id.as_deref().unwrap_or("");
        let consent = self.state.consents.get(id).ok_or_else(Problem::forbidden)?;
        let is_live = consent.status == ConsentStatus::Authorised
            && consent.expires_ms.is_none_or(|at| at > now_ms);
        let allows = |needed: &&str| consent.permissions.iter().any(|own| own == needed);
        if is_live && permissions.iter().all(allows) {
            Ok(Grant { customer_code: consent.customer_code.clone() })
        } else {
            Err(Problem::forbidden())
        }
    }
}
