//! A saved account as plain data.

use kopeck_banks::op::{AccountBinding, BindingStatus};

use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// How long a payer may take to agree, and a bank to tell of it.
pub const PATIENCE_MS: i64 = 3 * DAY_MS;

/// A bank account that a customer saved, or is asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedAccount {
    pub id: String,
    pub shop_id: String,
    /// The shop's own number of the customer.
    pub customer_id: String,
    pub connection_id: String,
    pub bank: String,
    pub purpose: String,
    /// The payment that saves it; `None` for one that is saved without paying.
    pub payment_id: Option<String>,
    /// Since when the bank is asked about it: since its payment ended, if it has one.
    pub watched_ms: Option<i64>,
    /// Where the bank is asked about it.
    pub request_key: String,
    /// What the payer opens or scans.
    pub link: String,
    pub status: AccountStatus,
    /// The bank's token, sealed.
    pub sealed: Option<Vec<u8>>,
    pub member_id: Option<String>,
    pub member_name: Option<String>,
    pub created_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// The payer has not agreed yet.
    Pending,
    Active,
    /// Not saved, or removed since.
    Inactive,
}

impl AccountStatus {
    pub const ALL: [AccountStatus; 3] =
        [AccountStatus::Pending, AccountStatus::Active, AccountStatus::Inactive];

    pub const fn as_str(self) -> &'static str {
        match self {
            AccountStatus::Pending => "pending",
            AccountStatus::Active => "active",
            AccountStatus::Inactive => "inactive",
        }
    }

    pub fn parse(text: &str) -> Option<AccountStatus> {
        AccountStatus::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// What follows from what the bank says. There is no way back from inactive.
    pub const fn next(self, heard: BindingStatus, has_token: bool) -> AccountStatus {
        match (self, heard) {
            (AccountStatus::Inactive, _) | (_, BindingStatus::Inactive) => AccountStatus::Inactive,
            (AccountStatus::Pending, BindingStatus::Active) if has_token => AccountStatus::Active,
            (AccountStatus::Pending, BindingStatus::Active | BindingStatus::Pending) => {
                AccountStatus::Pending
            }
            (AccountStatus::Active, BindingStatus::Active | BindingStatus::Pending) => {
                AccountStatus::Active
            }
        }
    }
}

impl SavedAccount {
    /// Takes in what the bank says; `seal` keeps its token.
    pub fn hear<E>(
        &self,
        heard: &AccountBinding,
        seal: impl FnOnce(&str) -> Result<Vec<u8>, E>,
    ) -> Result<SavedAccount, E> {
        let token = heard.account_token.as_deref().filter(|token| !token.is_empty());
        let has_token = token.is_some() || self.sealed.is_some();
        let mut next = self.clone();
        next.status = self.status.next(heard.status, has_token);
        if let (Some(token), None) = (token, &self.sealed) {
            next.sealed = Some(seal(token)?);
        }
        next.member_id = self.member_id.clone().or(heard.member_id.clone());
        next.member_name = self.member_name.clone().or(heard.member_name.clone());
        Ok(next)
    }

    /// When the bank is asked next; `None` when nothing can change by itself any more. Nobody can
    /// have agreed to save what nobody paid: until its payment ends there is nothing to ask.
    pub fn next_look_ms(&self, now_ms: i64) -> Option<i64> {
        let (since_ms, max_ms) = match &self.payment_id {
            // It is decided; only the bank may be late to say so.
            Some(_) => (self.watched_ms?, 6 * HOUR_MS),
            None => (self.created_ms, 5 * MINUTE_MS),
        };
        let age_ms = now_ms - since_ms;
        let is_waiting = self.status == AccountStatus::Pending && age_ms < PATIENCE_MS;
        let wait_ms = (age_ms / 4).clamp(5 * SECOND_MS, max_ms);
        is_waiting.then_some(now_ms + wait_ms)
    }
}

/// The link lets anybody save an account in this customer's name: it is not for logs.
impl std::fmt::Debug for SavedAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SavedAccount({}, {})", self.id, self.status.as_str())
    }
}
