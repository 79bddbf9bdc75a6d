//! Schema changes: embedded files applied in order, once, in one transaction.

use anyhow::{Context as _, bail};

use super::{DbError, Dialect, Tx};
use crate::kit::clock::{Clock as _, SystemClock};

struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// In the order of application, the same names for both databases; a released line never changes.
static MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_foundation",
        sqlite: include_str!("../../../migrations/sqlite/0001_foundation.sql"),
        postgres: include_str!("../../../migrations/postgres/0001_foundation.sql"),
    },
    Migration {
        name: "0002_rests_and_voids",
        sqlite: include_str!("../../../migrations/sqlite/0002_rests_and_voids.sql"),
        postgres: include_str!("../../../migrations/postgres/0002_rests_and_voids.sql"),
    },
    Migration {
        name: "0003_attempts",
        sqlite: include_str!("../../../migrations/sqlite/0003_attempts.sql"),
        postgres: include_str!("../../../migrations/postgres/0003_attempts.sql"),
    },
    Migration {
        name: "0004_sbp",
        sqlite: include_str!("../../../migrations/sqlite/0004_sbp.sql"),
        postgres: include_str!("../../../migrations/postgres/0004_sbp.sql"),
    },
    Migration {
        name: "0005_places",
        sqlite: include_str!("../../../migrations/sqlite/0005_places.sql"),
        postgres: include_str!("../../../migrations/postgres/0005_places.sql"),
    },
    Migration {
        name: "0006_desks",
        sqlite: include_str!("../../../migrations/sqlite/0006_desks.sql"),
        postgres: include_str!("../../../migrations/postgres/0006_desks.sql"),
    },
    Migration {
        name: "0007_customers",
        sqlite: include_str!("../../../migrations/sqlite/0007_customers.sql"),
        postgres: include_str!("../../../migrations/postgres/0007_customers.sql"),
    },
    Migration {
        name: "0008_receipts",
        sqlite: include_str!("../../../migrations/sqlite/0008_receipts.sql"),
        postgres: include_str!("../../../migrations/postgres/0008_receipts.sql"),
    },
    Migration {
        name: "0009_saving_accounts",
        sqlite: include_str!("../../../migrations/sqlite/0009_saving_accounts.sql"),
        postgres: include_str!("../../../migrations/postgres/0009_saving_accounts.sql"),
    },
    Migration {
        name: "0009b_cards_and_consents",
        sqlite: include_str!("../../../migrations/sqlite/0009b_cards_and_consents.sql"),
        postgres: include_str!("../../../migrations/postgres/0009b_cards_and_consents.sql"),
    },
    Migration {
        name: "0010_heard",
        sqlite: include_str!("../../../migrations/sqlite/0010_heard.sql"),
        postgres: include_str!("../../../migrations/postgres/0010_heard.sql"),
    },
    Migration {
        name: "0011_receipt_tries",
        sqlite: include_str!("../../../migrations/sqlite/0011_receipt_tries.sql"),
        postgres: include_str!("../../../migrations/postgres/0011_receipt_tries.sql"),
    },
    Migration {
        name: "0012_subscriptions",
        sqlite: include_str!("../../../migrations/sqlite/0012_subscriptions.sql"),
        postgres: include_str!("../../../migrations/postgres/0012_subscriptions.sql"),
    },
    Migration {
        name: "0013_webhooks",
        sqlite: include_str!("../../../migrations/sqlite/0013_webhooks.sql"),
        postgres: include_str!("../../../migrations/postgres/0013_webhooks.sql"),
    },
    Migration {
        name: "0014_approvals",
        sqlite: include_str!("../../../migrations/sqlite/0014_approvals.sql"),
        postgres: include_str!("../../../migrations/postgres/0014_approvals.sql"),
    },
    Migration {
        name: "0014b_rebinds",
        sqlite: include_str!("../../../migrations/sqlite/0014b_rebinds.sql"),
        postgres: include_str!("../../../migrations/postgres/0014b_rebinds.sql"),
    },
    Migration {
        name: "0014c_schedules",
        sqlite: include_str!("../../../migrations/sqlite/0014c_schedules.sql"),
        postgres: include_str!("../../../migrations/postgres/0014c_schedules.sql"),
    },
    Migration {
        name: "0015_notices_first",
        sqlite: include_str!("../../../migrations/sqlite/0015_notices_first.sql"),
        postgres: include_str!("../../../migrations/postgres/0015_notices_first.sql"),
    },
    Migration {
        name: "0016_integrations",
        sqlite: include_str!("../../../migrations/sqlite/0016_integrations.sql"),
        postgres: include_str!("../../../migrations/postgres/0016_integrations.sql"),
    },
    Migration {
        name: "0017_webhook_upkeep",
        sqlite: include_str!("../../../migrations/sqlite/0017_webhook_upkeep.sql"),
        postgres: include_str!("../../../migrations/postgres/0017_webhook_upkeep.sql"),
    },
    Migration {
        name: "0018_subscriptions",
        sqlite: include_str!("../../../migrations/sqlite/0018_subscriptions.sql"),
        postgres: include_str!("../../../migrations/postgres/0018_subscriptions.sql"),
    },
    Migration {
        name: "0018b_todos",
        sqlite: include_str!("../../../migrations/sqlite/0018b_todos.sql"),
        postgres: include_str!("../../../migrations/postgres/0018b_todos.sql"),
    },
    Migration {
        name: "0018c_told",
        sqlite: include_str!("../../../migrations/sqlite/0018c_told.sql"),
        postgres: include_str!("../../../migrations/postgres/0018c_told.sql"),
    },
    Migration {
        name: "0019_mail",
        sqlite: include_str!("../../../migrations/sqlite/0019_mail.sql"),
        postgres: include_str!("../../../migrations/postgres/0019_mail.sql"),
    },
    Migration {
        name: "0019b_chats",
        sqlite: include_str!("../../../migrations/sqlite/0019b_chats.sql"),
        postgres: include_str!("../../../migrations/postgres/0019b_chats.sql"),
    },
    Migration {
        name: "0020_receipt_reasons",
        sqlite: include_str!("../../../migrations/sqlite/0020_receipt_reasons.sql"),
        postgres: include_str!("../../../migrations/postgres/0020_receipt_reasons.sql"),
    },
    Migration {
        name: "0021_subscription_receipts",
        sqlite: include_str!("../../../migrations/sqlite/0021_subscription_receipts.sql"),
        postgres: include_str!("../../../migrations/postgres/0021_subscription_receipts.sql"),
    },
    Migration {
        name: "0021b_receipts_said",
        sqlite: include_str!("../../../migrations/sqlite/0021b_receipts_said.sql"),
        postgres: include_str!("../../../migrations/postgres/0021b_receipts_said.sql"),
    },
    Migration {
        name: "0023_sendings",
        sqlite: include_str!("../../../migrations/sqlite/0023_sendings.sql"),
        postgres: include_str!("../../../migrations/postgres/0023_sendings.sql"),
    },
    Migration {
        name: "0023b_unheard",
        sqlite: include_str!("../../../migrations/sqlite/0023b_unheard.sql"),
        postgres: include_str!("../../../migrations/postgres/0023b_unheard.sql"),
    },
    Migration {
        name: "0023c_keys",
        sqlite: include_str!("../../../migrations/sqlite/0023c_keys.sql"),
        postgres: include_str!("../../../migrations/postgres/0023c_keys.sql"),
    },
    Migration {
        name: "0024_bitrix24",
        sqlite: include_str!("../../../migrations/sqlite/0024_bitrix24.sql"),
        postgres: include_str!("../../../migrations/postgres/0024_bitrix24.sql"),
    },
    Migration {
        name: "0025_staff",
        sqlite: include_str!("../../../migrations/sqlite/0025_staff.sql"),
        postgres: include_str!("../../../migrations/postgres/0025_staff.sql"),
    },
    Migration {
        name: "0026_subscription_credits",
        sqlite: include_str!("../../../migrations/sqlite/0026_subscription_credits.sql"),
        postgres: include_str!("../../../migrations/postgres/0026_subscription_credits.sql"),
    },
    Migration {
        name: "0027_errands",
        sqlite: include_str!("../../../migrations/sqlite/0027_errands.sql"),
        postgres: include_str!("../../../migrations/postgres/0027_errands.sql"),
    },
    Migration {
        name: "0028_brands",
        sqlite: include_str!("../../../migrations/sqlite/0028_brands.sql"),
        postgres: include_str!("../../../migrations/postgres/0028_brands.sql"),
    },
];

/// A transaction that can also run a script of many statements.
pub(super) trait Script: Tx {
    fn script(&mut self, sql: &str) -> Result<(), DbError>;
}

/// Call inside a transaction that keeps every other starter out.
pub(super) fn apply(tx: &mut dyn Script) -> anyhow::Result<Vec<&'static str>> {
    tx.script(
        "create table if not exists migrations(name text primary key, applied_ms bigint not null)",
    )?;
    let mut applied = Vec::new();
    for row in tx.query("select name from migrations order by name", &[])? {
        applied.push(row.text(0)?);
    }
    if let Some(unknown) = applied.iter().find(|name| MIGRATIONS.iter().all(|m| m.name != *name)) {
        bail!(
            "the database is newer than this program: it holds the change `{unknown}`, which \
             Kopeck {} does not know; install the newer version again",
            env!("CARGO_PKG_VERSION")
        );
    }
    let mut fresh = Vec::new();
    for migration in MIGRATIONS.iter().filter(|m| !applied.iter().any(|name| name == m.name)) {
        let script = match tx.dialect() {
            Dialect::Sqlite => migration.sqlite,
            Dialect::Postgres => migration.postgres,
        };
        tx.script(script).with_context(|| format!("migration {}", migration.name))?;
        tx.execute(
            "insert into migrations(name, applied_ms) values ($1, $2)",
            &[migration.name.into(), SystemClock.now_ms().into()],
        )?;
        fresh.push(migration.name);
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_file_is_listed_for_both_databases() {
        let listed: Vec<String> = MIGRATIONS.iter().map(|m| format!("{}.sql", m.name)).collect();
        assert!(listed.is_sorted(), "migrations are applied in the order of their numbers");
        for folder in ["sqlite", "postgres"] {
            let path = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(path).unwrap().map(|f| f.unwrap().file_name());
            let mut files: Vec<String> = files.map(|f| f.into_string().unwrap()).collect();
            files.sort();
            assert_eq!(files, listed, "{folder}");
        }
    }
}
