//! Which connection to a bank a command uses: the one that `kopeck init` saved, or one made from
//! the environment's names, so that scripts written before Kopeck need no set-up.

pub mod tbank;

use kopeck_banks::{
    Credentials,
    op::{Answer, BankOp, Customer, Outcome, Retailer},
    tochka::{settings, token, token_problem},
};

use super::{context::World, fail::Fail, print::note};
use crate::{
    gateway::flow::{refusal_of, try_out},
    kit::{Ctx, clock::timestamp, db::DbError},
    shops::{
        self,
        model::{Connection, Routing},
    },
};

/// Marks a connection that was made from the environment and follows it; `kopeck init`'s do not.
const SOURCE: &str = "source";
const FROM_ENVIRONMENT: &str = "environment";

/// The connection to use; with several, the newest.
pub async fn get(world: &World) -> Result<Connection, Fail> {
    get_of(world, None).await
}

/// As [`get`], of this bank if one is named.
pub async fn get_of(world: &World, bank: Option<&str>) -> Result<Connection, Fail> {
    let stored = shops::flow::list_connections(&world.ctx, &world.shop.id).await?;
    let is_wanted = |it: &Connection| bank.is_none_or(|bank| it.bank == bank);
    let stored: Vec<Connection> = stored.into_iter().filter(is_wanted).collect();
    let is_saved = |connection: &&Connection| !follows_environment(connection);
    if let Some(saved) = stored.iter().rev().find(is_saved) {
        let token = env(settings::ACCESS_TOKEN);
        let is_tochka = saved.bank == "tochka";
        if token
            .filter(|_| is_tochka)
            .is_some_and(|token| saved.credentials.get(settings::ACCESS_TOKEN) != token)
        {
            note(
                "TOCHKA_ACCESS_TOKEN in the environment is not the saved one and is not used; \
                 `kopeck init` saves it",
            );
        }
        return Ok(saved.clone());
    }
    if bank != Some("tbank")
        && let Some(connection) = from_environment(world, stored.clone(), true).await?
    {
        return Ok(connection);
    }
    if bank != Some("tochka")
        && let Some(connection) = tbank::from_environment(world, stored.clone(), true).await?
    {
        return Ok(connection);
    }
    stored.last().cloned().ok_or_else(|| {
        Fail::new(
            "bank_not_connected",
            "No bank is connected yet",
            "Run `kopeck init`, or set TOCHKA_ACCESS_TOKEN, or TBANK_TERMINAL_KEY and \
             TBANK_PASSWORD (with `kopeck sandbox`: \
             eval \"$(kopeck sandbox env)\")",
        )
    })
}

/// The connection to this bank that `kopeck init` saved, if any; with several, the newest.
pub async fn saved(world: &World, bank: &str) -> Result<Option<Connection>, Fail> {
    let stored = shops::flow::list_connections(&world.ctx, &world.shop.id).await?;
    let is_saved = |it: &Connection| it.bank == bank && !follows_environment(it);
    Ok(stored.into_iter().rev().find(is_saved))
}

/// Whether the shop's rule chooses among its banks: with one bank, or with those that only the
/// environment names, there is nothing to choose.
pub async fn is_routed(world: &World) -> Result<bool, Fail> {
    let stored = shops::flow::list_connections(&world.ctx, &world.shop.id).await?;
    let saved = stored.iter().filter(|it| !follows_environment(it)).count();
    let shop_id = world.shop.id.clone();
    let rule: Result<Routing, DbError> =
        world.ctx.db.read(move |tx| shops::store::get_routing(tx, &shop_id)).await;
    Ok(saved > 1 || (rule? != Routing::default() && stored.len() > 1))
}

/// Whether both speak with the same bank address about the same company.
pub fn is_same_account(a: &Credentials, b: &Credentials) -> bool {
    settings::base(a) == settings::base(b)
        && a.get(settings::CUSTOMER_CODE) == b.get(settings::CUSTOMER_CODE)
}

/// Brings the connections that follow the environment up to date; makes none. Before every
/// command, since a refund goes through the connection that its payment was made with.
pub async fn refresh(world: &World) -> Result<(), Fail> {
    let has_tochka = env(settings::ACCESS_TOKEN).is_some();
    let has_tbank = tbank::environment().is_some();
    if !has_tochka && !has_tbank {
        return Ok(());
    }
    let stored = shops::flow::list_connections(&world.ctx, &world.shop.id).await?;
    if has_tochka {
        from_environment(world, stored.clone(), false).await?;
    }
    if has_tbank {
        tbank::from_environment(world, stored, false).await?;
    }
    Ok(())
}

/// The environment's values by the names of the settings.
pub fn environment() -> Credentials {
    let known = settings::SETTINGS.iter();
    let mut credentials = Credentials::new(known.filter_map(|setting| {
        let value = std::env::var(setting.env).ok()?;
        Some((setting.name.to_owned(), value.trim().to_owned()))
    }));
    split_merchant_id(&mut credentials);
    credentials
}

fn env(name: &str) -> Option<String> {
    environment().find(name).map(str::to_owned)
}

/// The bank has two ids of this name. The old script's TOCHKA_MERCHANT_ID is SBP's (12 characters),
/// which links must not be sent with.
pub fn split_merchant_id(credentials: &mut Credentials) {
    let Some(id) = credentials.find(settings::MERCHANT_ID).map(str::to_owned) else { return };
    let is_sbp = id.len() == 12 && id.starts_with('M') && id.bytes().all(|b| b.is_ascii_graphic());
    if is_sbp {
        credentials.set(settings::MERCHANT_ID, "");
        credentials.set(settings::SBP_MERCHANT_ID, id);
    }
}

fn follows_environment(connection: &Connection) -> bool {
    connection.credentials.get(SOURCE) == FROM_ENVIRONMENT
}

async fn from_environment(
    world: &World,
    stored: Vec<Connection>,
    may_make: bool,
) -> Result<Option<Connection>, Fail> {
    let mut wanted = environment();
    let Some(token) = wanted.find(settings::ACCESS_TOKEN).map(str::to_owned) else {
        return Ok(None);
    };
    // The same account: same bank address, and the same company or, when none is named, token.
    let is_same = |connection: &Connection| {
        let has = &connection.credentials;
        let code = wanted.find(settings::CUSTOMER_CODE);
        connection.bank == "tochka"
            && follows_environment(connection)
            && settings::base(has) == settings::base(&wanted)
            && match code {
                Some(code) => has.get(settings::CUSTOMER_CODE) == code,
                None => has.get(settings::ACCESS_TOKEN) == token,
            }
    };
    let same = stored.into_iter().rev().find(is_same);
    let expires_ms = token::find_expiry(&token).map(|at| at.as_millisecond());
    wanted.set(SOURCE, FROM_ENVIRONMENT);
    if let Some(connection) = same {
        let mut merged = connection.credentials.clone();
        for (name, value) in wanted.values() {
            merged.set(name, value.as_str());
        }
        if merged == connection.credentials {
            return Ok(Some(connection));
        }
        let ctx = &world.ctx;
        return Ok(Some(shops::flow::save_credentials(ctx, connection, merged, expires_ms).await?));
    }
    if !may_make {
        return Ok(None);
    }
    if let Some(problem) = token_problem(&token, timestamp(world.ctx.now_ms())) {
        return Err(problem.into());
    }
    if wanted.find(settings::CUSTOMER_CODE).is_none() {
        let customers = customers(&world.ctx, &wanted).await?;
        let code = &only_business(&customers)?.customer_code;
        wanted.set(settings::CUSTOMER_CODE, code.as_str());
    }
    let (ctx, shop) = (&world.ctx, &world.shop.id);
    let made = shops::flow::create_connection(ctx, shop, "tochka", wanted, expires_ms).await?;
    Ok(Some(made))
}

/// An operation with credentials that are not saved yet.
pub async fn try_op(ctx: &Ctx, credentials: &Credentials, op: &BankOp) -> Result<Answer, Fail> {
    answer_of(try_out(ctx, "tochka", credentials, op).await?)
}

/// The answer, or why there is none.
pub fn answer_of(outcome: Outcome) -> Result<Answer, Fail> {
    let Outcome::Done(answer) = outcome else { return Err(refusal_of(outcome).into()) };
    Ok(answer)
}

pub async fn customers(ctx: &Ctx, credentials: &Credentials) -> Result<Vec<Customer>, Fail> {
    let answer = try_op(ctx, credentials, &BankOp::Customers).await?;
    let Answer::Customers(customers) = answer else { return Err(strange(answer)) };
    Ok(customers)
}

pub async fn retailers(ctx: &Ctx, credentials: &Credentials) -> Result<Vec<Retailer>, Fail> {
    let answer = try_op(ctx, credentials, &BankOp::Retailers).await?;
    let Answer::Retailers(retailers) = answer else { return Err(strange(answer)) };
    Ok(retailers)
}

/// The company, when there is one only.
fn only_business(customers: &[Customer]) -> Result<&Customer, Fail> {
    let mut business = customers.iter().filter(|customer| customer.is_business);
    match (business.next(), business.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(several_companies(customers)),
        (None, _) => Err(no_company()),
    }
}

pub fn no_company() -> Fail {
    Fail::new(
        "customer_code_missing",
        "The token opens no company: the bank lists no customer of the type Business",
        "Make the JWT key again and tick the company (ООО or ИП) whose money this is",
    )
}

pub fn several_companies(customers: &[Customer]) -> Fail {
    let list: Vec<String> = customers
        .iter()
        .filter(|customer| customer.is_business)
        .map(|customer| format!("{} ({})", customer.customer_code, customer.name))
        .collect();
    Fail::new(
        "customer_code_ambiguous",
        format!("The token opens several companies: {}", list.join(", ")),
        "Choose one with --customer-code or TOCHKA_CUSTOMER_CODE",
    )
    .param("customer_code")
}

/// The bank answered something else than was asked.
pub fn strange(answer: Answer) -> Fail {
    refusal_of(Outcome::Done(answer)).into()
}
