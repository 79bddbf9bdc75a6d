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
        drive::{ask_about, bind, charge_now},
        flow::{self, NewCharge, connection_for, get_account},
        model::{AccountStatus, SavedAccount},
        request::customer_id,
        store,
        view::AccountView,
    },
    http::text,
    kit::db::DbError,
    payments::view::PaymentView,
    qr::Code,
    shops,
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
            Accounts::Charge { customer, amount, purpose, account, order } => {
                let new = NewCharge { amount, purpose, order_id: order, metadata: "{}".to_owned() };
                charge(&world, &customer, account, new).await
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
    world.out.show(&AccountView::new(&account), || {
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

async fn all(world: &World, customer: &str) -> Result<Vec<SavedAccount>, Fail> {
    let (shop_id, customer) = (world.shop.id.clone(), customer.to_owned());
    let found: Result<Vec<_>, DbError> =
        world.ctx.db.read(move |tx| store::list_accounts(tx, &shop_id, &customer)).await;
    let mut accounts = Vec::new();
    for account in found? {
        accounts.push(match account.status {
            AccountStatus::Pending => ask_about(&world.ctx, account).await?,
            AccountStatus::Active | AccountStatus::Inactive => account,
        });
    }
    Ok(accounts)
}

async fn list(world: &World, customer: &str) -> Result<(), Fail> {
    let accounts = all(world, customer).await?;
    let views: Vec<AccountView> = accounts.iter().map(AccountView::new).collect();
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

async fn charge(
    world: &World,
    customer: &str,
    wanted: Option<String>,
    new: NewCharge,
) -> Result<(), Fail> {
    text::check("purpose", &new.purpose, 140)?;
    let account = match wanted {
        Some(id) => {
            let (shop_id, customer) = (world.shop.id.clone(), customer.to_owned());
            let found: Result<_, flow::Problem> =
                world.ctx.db.read(move |tx| get_account(tx, &shop_id, &customer, &id)).await;
            found?
        }
        None => {
            let is_active = |it: &SavedAccount| it.status == AccountStatus::Active;
            let found = all(world, customer).await?.into_iter().find(is_active);
            found.ok_or(flow::Problem::NoSuchAccount)?
        }
    };
    let connection = shops::flow::get_connection(&world.ctx, &account.connection_id).await?;
    let payment = flow::plan(&world.ctx, &connection, &account, new)?;
    let (ctx, row) = (world.ctx.clone(), payment.clone());
    let saved: Result<(), DbError> =
        world.ctx.db.write(move |tx| flow::start(tx, &ctx, &row)).await;
    saved?;
    charge_now(&world.ctx, &payment.id).await?;
    let id = payment.id.clone();
    let refused: Result<_, DbError> =
        world.ctx.db.read(move |tx| store::find_charge(tx, &id)).await;
    if let Some(failure) = refused?.and_then(|charge| charge.failure) {
        return Err(failure.into());
    }
    let payment = find::again(world, &payment).await?;
    let view = PaymentView::new(&payment, &world.ctx.public_url);
    world.out.show(&view, || {
        let sum = paint(STRONG, &payment.amount.to_human());
        format!("{} {sum}: {} ({})", paint(GOOD, "✓"), payment.status().as_str(), payment.id)
    })
}
