//! People, roles and what a role allows, as plain data.

/// Milliseconds that a session lives without a request: a working day.
pub const IDLE_MS: i64 = 12 * 60 * 60 * 1000;
/// The longest that a session lives.
pub const LONGEST_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// After this long a session gets another token.
pub const ROTATE_MS: i64 = 60 * 60 * 1000;
/// How long the token before is good: requests that were on their way, a second tab.
pub const EARLIER_MS: i64 = 60 * 1000;
/// How long somebody may look for the telephone after the password was right.
pub const HALF_MS: i64 = 10 * 60 * 1000;
/// Wrong passwords or codes in a row that are nobody's fault.
const FREE_TRIES: i64 = 5;
const MINUTE_MS: i64 = 60 * 1000;
const LONGEST_WAIT_MS: i64 = 15 * MINUTE_MS;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, banks and people included.
    Owner,
    /// Sees all, closes receipts, takes files home.
    Accountant,
    /// Sells: links, captures, refunds, subscriptions.
    Operator,
    /// Sees all, changes nothing.
    Reader,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Owner, Role::Accountant, Role::Operator, Role::Reader];

    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Accountant => "accountant",
            Role::Operator => "operator",
            Role::Reader => "reader",
        }
    }

    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }

    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::Look | Permission::Own => true,
            Permission::Sell => matches!(self, Role::Owner | Role::Operator),
            Permission::Account => matches!(self, Role::Owner | Role::Accountant),
            Permission::Settle => !matches!(self, Role::Reader),
            Permission::Manage => matches!(self, Role::Owner),
        }
    }
}

/// What a way into the dashboard asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To see what the shop has.
    Look,
    /// What is one's own: the password, the language, the way out.
    Own,
    /// Links, captures, refunds, subscriptions.
    Sell,
    /// Receipts, files, the audit.
    Account,
    /// To close what was looked after.
    Settle,
    /// Banks, keys, webhooks, people, settings.
    Manage,
}

impl Permission {
    pub const ALL: [Permission; 6] = [
        Permission::Look,
        Permission::Own,
        Permission::Sell,
        Permission::Account,
        Permission::Settle,
        Permission::Manage,
    ];
}

/// Somebody who works at a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub shop_id: String,
    pub login: String,
    pub name: String,
    pub role: Role,
    /// ru or en.
    pub lang: String,
    /// As [`super::password`] wrote it; none until the invitation is followed.
    pub password: Option<String>,
    /// Sealed.
    pub totp: Option<Vec<u8>>,
    /// Sealed; not confirmed yet.
    pub totp_next: Option<Vec<u8>>,
    pub totp_step: i64,
    pub created_ms: i64,
    pub disabled_ms: Option<i64>,
}

/// One browser that is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub staff_id: String,
    pub token: String,
    pub earlier_token: Option<String>,
    pub rotated_ms: i64,
    pub created_ms: i64,
    pub seen_ms: i64,
    /// The code is still awaited.
    pub is_half: bool,
}

impl Session {
    pub fn is_over(&self, now_ms: i64) -> bool {
        let half_over = self.is_half && now_ms - self.created_ms > HALF_MS;
        half_over || now_ms - self.seen_ms > IDLE_MS || now_ms - self.created_ms > LONGEST_MS
    }

    /// Whether a token, by its hash, still opens it.
    pub fn opens_by(&self, hash: &str, now_ms: i64) -> bool {
        let earlier = self.earlier_token.as_deref() == Some(hash);
        self.token == hash || (earlier && now_ms - self.rotated_ms <= EARLIER_MS)
    }
}

/// How long nothing is tried after so many wrong tries in a row: a minute, then twice as long
/// each time, a quarter of an hour at most.
pub fn wait_after_ms(tries: i64) -> i64 {
    if tries < FREE_TRIES {
        return 0;
    }
    let doublings = u32::try_from(tries - FREE_TRIES).unwrap_or(u32::MAX).min(8);
    (MINUTE_MS << doublings).min(LONGEST_WAIT_MS)
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Begun; nobody knows of its end, as when the process died.
    Asked,
    Done,
    Refused,
}

impl Outcome {
    pub const ALL: [Outcome; 3] = [Outcome::Asked, Outcome::Done, Outcome::Refused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Asked => "asked",
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// One change that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub id: String,
    pub shop_id: String,
    pub at_ms: i64,
    pub staff_id: Option<String>,
    /// As it was then.
    pub name: String,
    pub action: String,
    pub subject: String,
    /// What was typed, without secrets; JSON.
    pub detail: String,
    pub outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_manages_and_a_reader_changes_nothing() {
        for role in Role::ALL {
            assert_eq!(role.may(Permission::Manage), role == Role::Owner);
            assert!(role.may(Permission::Look) && role.may(Permission::Own));
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for permission in Permission::ALL {
            assert!(Role::Owner.may(permission));
            let is_looking = matches!(permission, Permission::Look | Permission::Own);
            assert_eq!(Role::Reader.may(permission), is_looking, "{permission:?}");
        }
        assert!(
            !Role::Accountant.may(Permission::Sell) && !Role::Operator.may(Permission::Account)
        );
    }

    #[test]
    fn wrong_tries_wait_longer_and_never_for_good() {
        let waits: Vec<i64> = (0..12).map(|tries| wait_after_ms(tries) / MINUTE_MS).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(wait_after_ms(i64::MAX), LONGEST_WAIT_MS);
    }

    #[test]
    fn a_session_ends_when_nobody_comes_and_at_its_end() {
        let session = |is_half| Session {
            id: "ses_1".into(),
            staff_id: "stf_1".into(),
            token: "new".into(),
            earlier_token: Some("old".into()),
            rotated_ms: 0,
            created_ms: 0,
            seen_ms: 0,
            is_half,
        };
        assert!(!session(false).is_over(IDLE_MS) && session(false).is_over(IDLE_MS + 1));
        assert!(!session(true).is_over(HALF_MS) && session(true).is_over(HALF_MS + 1));
        let busy = Session { seen_ms: LONGEST_MS, ..session(false) };
        assert!(!busy.is_over(LONGEST_MS) && busy.is_over(LONGEST_MS + 1));
        assert!(session(false).opens_by("old", EARLIER_MS));
        assert!(!session(false).opens_by("old", EARLIER_MS + 1));
        assert!(session(false).opens_by("new", IDLE_MS) && !session(false).opens_by("", 0));
    }
}
