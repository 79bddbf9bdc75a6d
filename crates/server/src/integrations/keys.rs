//! By what an address is known again without being opened: keyed, so that nobody who only has the
//! database finds out whether a phone or an e-mail is in it. Versions before had plain hashes;
//! theirs are made anew once, by a job that the change of the schema leaves behind.

use kopeck_integrations::find_integration;

use super::{
    flow::open_address,
    store::{self, keys},
};
use crate::kit::{
    Ctx,
    db::{DbError, Tx},
    jobs::{self, After, Job},
    secret::hash_bytes,
};

/// The kind of the job that makes older keys anew.
pub const REKEY_JOB: &str = "integration_rekey";
/// What the signatures are for: a key of one kind is none of another.
const ADDRESS: &str = "address";
const OPT_OUT: &str = "opt-out";
/// Rows of one transaction.
const BATCH: i64 = 200;

/// An address of one integration.
pub fn address_key(ctx: &Ctx, integration_id: &str, to: &str) -> String {
    ctx.vault.sign(&[ADDRESS, integration_id, to])
}

/// An address of a shop's service, whichever integration it is set up as, and what versions before
/// called it.
pub fn opt_out_keys(ctx: &Ctx, shop_id: &str, service: &str, to: &str) -> [String; 2] {
    let old = hash_bytes(format!("{shop_id}/{service}/{to}").as_bytes());
    [ctx.vault.sign(&[OPT_OUT, shop_id, service, to]), old]
}

/// Makes older keys anew, some at a time. Stopped between any two rows, it goes on with the rest;
/// what cannot be opened any more stays as it is.
pub async fn rekey(ctx: &Ctx, job: &Job) -> anyhow::Result<After> {
    let mut after = String::new();
    loop {
        let (inner, from, job) = (ctx.clone(), after.clone(), job.clone());
        let last: Result<Option<String>, DbError> = ctx
            .db
            .write(move |tx| {
                jobs::renew(tx, &job, inner.now_ms())?;
                let old = keys::list_old_sendings(tx, &from, BATCH)?;
                for sending in &old {
                    rekey_sending(tx, &inner, sending)?;
                }
                Ok(old.last().map(|sending| sending.id.clone()))
            })
            .await;
        let Some(last) = last? else { break };
        after = last;
    }
    let inner = ctx.clone();
    let done: Result<(), DbError> = ctx
        .db
        .write(move |tx| {
            for old in keys::list_old_addresses(tx)? {
                if let Some(to) = opened(&inner, &old.integration_id, &old.address) {
                    let key = address_key(&inner, &old.integration_id, &to);
                    keys::move_address(tx, &old.integration_id, (&old.address_key, &key))?;
                }
            }
            Ok(())
        })
        .await;
    done?;
    Ok(After::Done)
}

fn opened(ctx: &Ctx, integration_id: &str, sealed: &[u8]) -> Option<String> {
    open_address(ctx, integration_id, sealed).ok()
}

fn rekey_sending(tx: &mut dyn Tx, ctx: &Ctx, old: &keys::OldSending) -> Result<(), DbError> {
    let Some(to) = opened(ctx, &old.integration_id, &old.address) else { return Ok(()) };
    let key = address_key(ctx, &old.integration_id, &to);
    keys::move_sending(tx, &old.id, &key)?;
    keys::move_address(tx, &old.integration_id, (&old.address_key, &key))?;
    let linked = store::find_any_integration(tx, &old.integration_id)?;
    let service = linked.and_then(|linked| find_integration(&linked.service));
    let Some(service) = service else { return Ok(()) };
    let [new, old_key] = opt_out_keys(ctx, &old.shop_id, service.name(), &to);
    keys::move_opt_out(tx, (&old.shop_id, service.name()), (&old_key, &new))
}
