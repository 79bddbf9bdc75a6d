//! `kopeck customer accounts`: bank accounts that customers saved, to be charged again.

use clap::{Args, Subcommand};
use kopeck_banks::Money;
use serde_json::json;

use super::{
    connect,
    context::{Globals, World},
    fail::Fail,
    find,
    link::parse_money,
    print::{GOOD, HINT, STRONG, is_terminal, moscow, paint, table},
};
use crate::{
    customers::{
        drive::{ask_about, bind},
        flow::{self, connection_for},
        request::customer_id,
        view::AccountView,
    },
    http::text,
    instruments::{
        model::{Instrument, InstrumentStatus, Kind},
        store,
    },
    kit::db::DbError,
    payments::{
        flow::{
            NewPayment, Problem,
            charge::{Saved, create_any, plan},
        },
        idempotency::{self, Key, Made, Subject},
        model::{Payment, Status},
        request::MAX_ORDER_ID_CHARS,
        view::PaymentView,
    },
    qr::Code,
};

/// Customers and the bank accounts that they saved
#[derive(Debug, Args)]
pub struct CustomerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Save accounts, list them, charge them
    #[command(subcommand)]
    Accounts(Accounts),
}

#[derive(Debug, Subcommand)]
enum Accounts {
    /// Make a link by which the payer saves an account, without paying now
    Bind {
        /// Your own number of the customer
        customer: String,
        /// What the payer agrees to
        #[arg(long, value_name = "TEXT")]
        purpose: String,
        /// Which bank, when several are connected
        #[arg(long)]
        bank: Option<String>,
    },
    /// List a customer's accounts; pending ones are asked about first
    List {
        /// Your own number of the customer
        customer: String,
    },
    /// Take a payment from a saved account, without the payer
    Charge {
        /// Your own number of the customer
        customer: String,
        /// Rubles: 499 or 499.90
        #[arg(value_name = "RUBLES", value_parser = parse_money, allow_hyphen_values = true)]
        amount: Money,
        /// What it is for; the payer sees it
        #[arg(long, value_name = "TEXT")]
        purpose: String,
        /// The account's id; the newest active one by default
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// Your order number
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Run again with the same key, it is the same charge; by default the order is the key
        #[arg(long, value_name = "TEXT")]
        key: Option<String>,
    },
}

impl CustomerArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let Command::Accounts(command) = self.command;
        match command {
            Accounts::Bind { customer, purpose, bank } => {
                begin(&world, &customer, &purpose, bank.as_deref()).await
            }
            Accounts::List { customer } => list(&world, &customer).await,
            Accounts::Charge { customer, amount, purpose, account, order, key } => {
                let order_id = order.filter(|order| !order.is_empty());
                let metadata = "{}".to_owned();
                let new =
                    NewPayment { amount, purpose, order_id, metadata, ..NewPayment::default() };
                charge(&world, &customer, account, key, new).await
            }
        }
    }
}

async fn begin(
    world: &World,
    customer: &str,
    purpose: &str,
    bank: Option<&str>,
) -> Result<(), Fail> {
    let customer = customer_id(customer)?;
    text::check("purpose", purpose, 140)?;
    // A bank that only the environment names is a connection from now on.
    connect::get_of(world, Some(bank.unwrap_or("tbank"))).await?;
    let connection = connection_for(&world.ctx, &world.shop.id, bank).await?;
    let account = bind(&world.ctx, &connection, &customer, purpose).await?;
    world.out.show(&AccountView::new(&(account.clone(), None)), || {
        let mut lines = vec![
            format!("{} {} waits for the payer's yes:", paint(GOOD, "✓"), account.id),
            format!("  {}", paint(STRONG, &account.link)),
        ];
        if let Ok(code) = Code::new(&account.link)
            && is_terminal()
        {
            lines.push(format!("\n{}\n", code.to_terminal()));
        }
        lines.push(format!(
            "  {} tells when it is active",
            paint(HINT, &format!("kopeck customer accounts list {customer}"))
        ));
        lines.join("\n")
    })
}

async fn all(world: &World, customer: &str) -> Result<Vec<Instrument>, Fail> {
    let (shop_id, customer) = (world.shop.id.clone(), customer.to_owned());
    let found: Result<Vec<_>, DbError> = world
        .ctx
        .db
        .read(move |tx| store::list_saved(tx, &shop_id, &customer, Kind::Account))
        .await;
    let mut accounts = Vec::new();
    for account in found? {
        accounts.push(match account.status {
            InstrumentStatus::Pending => ask_about(&world.ctx, account).await?,
            InstrumentStatus::Active | InstrumentStatus::Inactive => account,
        });
    }
    Ok(accounts)
}

async fn list(world: &World, customer: &str) -> Result<(), Fail> {
    let accounts = all(world, customer).await?;
    let views: Vec<AccountView> =
        accounts.iter().map(|own| AccountView::new(&(own.clone(), None))).collect();
    world.out.show(&json!({ "customer_id": customer, "accounts": views }), || {
        let mut table = table(&["Account", "State", "Payer's bank", "For", "Since, Moscow"]);
        for it in &accounts {
            let bank = it.member_name.as_deref().unwrap_or("");
            let since = moscow(it.created_ms);
            table.add_row(vec![&it.id, it.status.as_str(), bank, &it.purpose, &since]);
        }
        table.to_string()
    })
}

/// A payment with one key is one charge, however often the command is run.
async fn charge(
    world: &World,
    customer: &str,
    wanted: Option<String>,
    key: Option<String>,
    new: NewPayment,
) -> Result<(), Fail> {
    text::check("purpose", &new.purpose, 140)?;
    if let Some(order) = &new.order_id {
        text::check("order", order, MAX_ORDER_ID_CHARS)?;
    }
    let amount = new.amount.to_rubles();
    let order = new.order_id.as_deref().unwrap_or_default();
    let said = ["customer charge", customer, &amount, &new.purpose, order];
    // By the customer and not by the account: a newer account is no other order.
    let of_order = || new.order_id.as_ref().map(|order| format!("charge {customer} {order}"));
    let key = key.or_else(of_order).map(|key| Key::of_command(key, &said));
    let payment = match find_made(world, key.as_ref()).await? {
        Some(payment) => payment,
        None => match make(world, customer, wanted, key.as_ref(), new).await? {
            Some(payment) => payment,
            // A twin was first.
            None => find_made(world, key.as_ref())
                .await?
                .ok_or(flow::Problem::Missing(Kind::Account))?,
        },
    };
    let is_over = |payment: &Payment| !matches!(payment.status(), Status::Opening | Status::Open);
    let payment = find::wait_for(world, &payment, is_over).await?;
    if let Some(failure) = payment.failure() {
        return Err(failure.into());
    }
    let view = PaymentView::new(&payment, &world.ctx.public_url);
    world.out.show(&view, || {
        let sum = paint(STRONG, &payment.amount.to_human());
        let done = format!("{sum}: {} ({})", payment.status().as_str(), payment.id);
        if is_over(&payment) {
            return format!("{} {done}", paint(GOOD, "✓"));
        }
        let next = format!("kopeck payment show {}", payment.id);
        format!("{done}\n  {} tells what became of it; it is sent once", paint(HINT, &next))
    })
}

/// The payment that this key stands for already.
async fn find_made(world: &World, key: Option<&Key>) -> Result<Option<Payment>, Fail> {
    let Some(key) = key.cloned() else { return Ok(None) };
    let shop_id = world.shop.id.clone();
    let made: Result<_, DbError> =
        world.ctx.db.read(move |tx| idempotency::find_made(tx, &shop_id, &key)).await;
    match made? {
        None => Ok(None),
        Some(Made::Same { payment_id }) => find::by_id(world, &payment_id).await,
        Some(Made::Other) => {
            let message = "This order, or this --key, was charged before with other words or sums";
            let hint = "Repeat the command as it was; for another charge name another --key";
            Err(Fail::new("idempotency_key_reused", message, hint).param("key"))
        }
    }
}

/// Saves the charge with its key; `None` when a twin was first.
async fn make(
    world: &World,
    customer: &str,
    wanted: Option<String>,
    key: Option<&Key>,
    new: NewPayment,
) -> Result<Option<Payment>, Fail> {
    let account_id = match wanted {
        Some(id) => id,
        None => {
            let is_active = |it: &Instrument| it.status == InstrumentStatus::Active;
            let found = all(world, customer).await?.into_iter().find(is_active);
            found.ok_or(flow::Problem::Missing(Kind::Account))?.id
        }
    };
    let customer_id = Some(customer.to_owned());
    let from = Saved { kind: Kind::Account, id: account_id, customer_id, bank: None };
    let payment = plan(&world.ctx, &world.shop.id, &from, new).await?;
    let (ctx, row, key) = (world.ctx.clone(), payment.clone(), key.cloned());
    let subject = Subject::Create { payment_id: payment.id.clone() };
    let taken: Result<bool, Problem> = world
        .ctx
        .db
        .write(move |tx| {
            if !idempotency::take(tx, &row.shop_id, key.as_ref(), &subject, ctx.now_ms())? {
                return Ok(false);
            }
            create_any(tx, &ctx, &row, None)?;
            Ok(true)
        })
        .await;
    Ok(taken?.then_some(payment))
}
