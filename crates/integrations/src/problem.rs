//! Why a message cannot be delivered, and what to do about it, in Russian and in English.
//!
//! Each integration has a table of its own problems. A text of these never holds a secret or an
//! address.

use kopeck_banks::receipt::lint::Text;

use crate::message::Lang;

/// What a problem ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This message; others may pass.
    Message,
    /// This address: nothing is sent there until it is given anew.
    Address,
    /// The whole integration: nothing is sent until its settings change, and the shop is told.
    Account,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// `telegram_blocked`: stable, programs branch on it.
    pub code: &'static str,
    pub scope: Scope,
    pub ru: Text,
    pub en: Text,
}

impl Problem {
    pub const fn text(&self, lang: Lang) -> Text {
        match lang {
            Lang::Ru => self.ru,
            Lang::En => self.en,
        }
    }
}

/// A problem that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub problem: &'static Problem,
    /// The service's own words, or the value at fault; may be empty. Without secrets.
    pub detail: String,
}

/// What of a service's words is kept.
const MAX_DETAIL_CHARS: usize = 200;

impl Broken {
    pub fn of(problem: &'static Problem) -> Broken {
        Broken { problem, detail: String::new() }
    }

    #[must_use]
    pub fn because(self, detail: &str) -> Broken {
        let is_plain = |c: &char| !c.is_control();
        let detail = detail.chars().filter(is_plain).take(MAX_DETAIL_CHARS).collect();
        Broken { detail, ..self }
    }

    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    pub fn scope(&self) -> Scope {
        self.problem.scope
    }
}

/// Writes an integration's table: a name, the code, what it ends, the Russian problem and fix, the
/// English ones.
macro_rules! problems {
    ($($name:ident $code:literal $scope:ident
        $ru:literal $ru_fix:literal $en:literal $en_fix:literal)+) => {
        $(pub static $name: $crate::problem::Problem = $crate::problem::Problem {
            code: $code,
            scope: $crate::problem::Scope::$scope,
            ru: kopeck_banks::receipt::lint::Text { problem: $ru, fix: $ru_fix },
            en: kopeck_banks::receipt::lint::Text { problem: $en, fix: $en_fix },
        };)+
        pub static PROBLEMS: &[&$crate::problem::Problem] = &[$(&$name),+];
    };
}
pub(crate) use problems;
