//! What this machine can do without Kopeck: the yardsticks of the same run.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use rusqlite::{Connection, params};

use crate::{
    report::{Report, per_second},
    world::{Place, new_rsa_key},
};

pub const ONE_INSERT: &str = "one such insert";
pub const INSERTS: &str = "plain inserts, one fsync each";
pub const VERIFICATIONS: &str = "raw RS256 verifications, one core";

/// About as long as a notice.
const BODY: [u8; 1_000] = [b'a'; 1_000];

/// One row of a notice's size in one transaction, one after another: what a handler that writes a
/// notice down by itself does at best.
pub fn inserts(report: &mut Report, place: &Place, seconds: u32) -> anyhow::Result<()> {
    let db = Connection::open(place.folder.join("baseline.db")).context("opening the baseline")?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.execute_batch("create table notices (id integer primary key, hash text unique, body blob)")?;
    let mut insert = db.prepare("insert into notices (id, hash, body) values (?1, ?2, ?3)")?;
    let (started, life) = (Instant::now(), Duration::from_secs(seconds.into()));
    let mut count = 0_u32;
    while started.elapsed() < life {
        count += 1;
        insert.execute(params![count, format!("{count:064x}"), BODY])?;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    report.add(INSERTS, rate, "/s");
    report.add(ONE_INSERT, 1e6 / rate, "µs");
    Ok(())
}

pub fn verifications(report: &mut Report, seconds: u32) -> anyhow::Result<()> {
    let key = new_rsa_key()?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &BODY, &mut signature)
        .map_err(|_| anyhow!("the key cannot sign"))?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
    let (started, life) = (Instant::now(), Duration::from_secs(seconds.into()));
    let mut count = 0;
    while started.elapsed() < life {
        count += 1;
        public.verify(&BODY, &signature).map_err(|_| anyhow!("a good signature was refused"))?;
    }
    report.add(VERIFICATIONS, per_second(count, started.elapsed()), "/s");
    Ok(())
}
