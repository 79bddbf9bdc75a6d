//! Use cases of the routing rule: reading and changing it, and planning a payment by it.

use kopeck_banks::op::{PayMethod, Refusal, RefusalClass};

use super::{NewPayment, Problem, plan};
use crate::{
    gateway::{flow::get_bank, store::list_statuses},
    kit::{
        Ctx,
        clock::{MINUTE_MS, timestamp},
        db::{DbError, Tx},
    },
    payments::{
        model::Payment,
        route::{self, Candidate, Route},
    },
    shops::{
        self,
        model::{Connection, Routing},
    },
};

/// How far back a bank's failures count: an outage is noticed at once and forgiven soon.
const RECENT_MS: i64 = 5 * MINUTE_MS;
/// So many of its last links are looked at …
const RECENT_COUNT: i64 = 5;
/// … and so many of them without an answer, or with a server's error, make it ill: one may be lost
/// by chance.
const FAILED_MAX: usize = 2;

/// Plans a payment at the bank that the shop's rule prefers for it, with the others to go on to.
pub async fn plan_routed(ctx: &Ctx, shop_id: &str, new: NewPayment) -> Result<Payment, Problem> {
    let candidates = list_candidates(ctx, shop_id, &new.methods).await?;
    if let [only] = candidates.as_slice() {
        return plan_at(ctx, &only.connection, new);
    }
    let id = shop_id.to_owned();
    let rule: Result<Routing, DbError> =
        ctx.db.read(move |tx| shops::store::get_routing(tx, &id)).await;
    let routes = route::choose(&rule?, &new.methods, &candidates);
    let has_route = |method: &&PayMethod| routes.iter().any(|it| it.methods.contains(method));
    let homeless: Vec<PayMethod> =
        new.methods.iter().filter(|method| !has_route(method)).copied().collect();
    if !homeless.is_empty() {
        return Err(Problem::Bank(no_route(&homeless)));
    }
    let find = |route: &Route| {
        let mut all = candidates.iter().map(|candidate| &candidate.connection);
        all.find(|connection| connection.id == route.connection_id)
    };
    // What a bank would refuse at once, it is not asked.
    let mut refused = None;
    let mut planned = None;
    let mut kept = Vec::new();
    for route in routes {
        let Some(connection) = find(&route) else { continue };
        let asked = NewPayment { methods: route.methods.clone(), ..new.clone() };
        match plan_at(ctx, connection, asked) {
            Ok(payment) => {
                planned = planned.or(Some(payment));
                kept.push(route);
            }
            Err(Problem::Bank(refusal)) => refused = refused.or(Some(refusal)),
            Err(problem) => return Err(problem),
        }
    }
    let Some(mut payment) = planned else {
        return Err(Problem::Bank(refused.unwrap_or_else(|| no_route(&new.methods))));
    };
    if let Some(first) = kept.first() {
        payment.bank_methods = first.own_methods();
    }
    payment.methods = new.methods;
    if kept.len() > 1 {
        payment.routes = kept;
    }
    Ok(payment)
}

/// Plans it at this bank; a token that has ended is told at once, before anything is saved.
pub fn plan_at(ctx: &Ctx, connection: &Connection, new: NewPayment) -> Result<Payment, Problem> {
    let bank = get_bank(&connection.bank).map_err(Problem::Internal)?;
    let payment = plan(ctx, bank, connection, new)?;
    match bank.credentials_problem(&connection.credentials, timestamp(ctx.now_ms())) {
        Some(refusal) => Err(Problem::Bank(refusal)),
        None => Ok(payment),
    }
}

/// The shop's connections, the one made last first, and how their banks have been lately.
async fn list_candidates(
    ctx: &Ctx,
    shop_id: &str,
    wanted: &[PayMethod],
) -> Result<Vec<Candidate>, Problem> {
    let connections = shops::flow::list_connections(ctx, shop_id).await;
    let connections = connections.map_err(Problem::Internal)?;
    let since_ms = ctx.now_ms() - RECENT_MS;
    let ids: Vec<String> = connections.iter().map(|connection| connection.id.clone()).collect();
    let health: Result<Vec<bool>, DbError> =
        ctx.db.read(move |tx| ids.iter().map(|id| is_healthy(tx, id, since_ms)).collect()).await;
    let pairs = connections.into_iter().zip(health?).rev();
    pairs.map(|(connection, ok)| candidate(connection, ok, wanted)).collect()
}

fn candidate(
    connection: Connection,
    is_healthy: bool,
    wanted: &[PayMethod],
) -> Result<Candidate, Problem> {
    let bank = get_bank(&connection.bank).map_err(Problem::Internal)?;
    let has = bank.capabilities().methods;
    let methods = wanted.iter().copied().filter(|method| has.contains(method)).collect();
    Ok(Candidate { is_healthy, methods, connection })
}

fn is_healthy(tx: &mut dyn Tx, connection_id: &str, since_ms: i64) -> Result<bool, DbError> {
    let statuses = list_statuses(tx, connection_id, since_ms, RECENT_COUNT)?;
    let failed = statuses.iter().filter(|status| status.is_none_or(|status| status >= 500));
    Ok(failed.count() < FAILED_MAX)
}

fn no_route(wanted: &[PayMethod]) -> Refusal {
    let words: Vec<&str> = wanted.iter().map(|method| method.as_str()).collect();
    Refusal {
        class: RefusalClass::Unsupported,
        code: "bank_route_missing",
        message: format!("No connected bank may take a payment by {}", words.join(", ")),
        hint: "Ask for other methods, or let a bank carry them: `kopeck routing`".into(),
        param: Some("methods"),
    }
}
