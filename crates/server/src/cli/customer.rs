//! `kopeck customer`: bank accounts and cards that customers saved, to be charged again.

mod charge;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::charge::ChargeArgs;
use super::{
    connect,
    context::{Globals, World},
    fail::Fail,
    print::{GOOD, HINT, STRONG, is_terminal, moscow, paint, table},
};
use crate::{
    customers::{
        drive::{ask_about, bind, forget_now},
        flow::{self, Shown, connection_for},
        request::customer_id,
        view::{AccountView, CardView},
    },
    http::text,
    instruments::model::{InstrumentStatus, Kind},
    kit::{
        clock::{HOUR_MS, iso},
        db::DbError,
    },
    payments::flow::charge::withdraw,
    qr::Code,
    subscriptions::{
        api::portal::{DEFAULT_HOURS, MAX_HOURS},
        flow::withdraw,
        links::{Visitor, portal_url},
        view::WithdrawalView,
    },
};

/// As the API takes it.
const MAX_CHANNEL_CHARS: usize = 50;

/// Customers and what they saved: bank accounts, cards
#[derive(Debug, Args)]
pub struct CustomerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Save accounts, list them, charge them, take them back
    #[command(subcommand)]
    Accounts(Accounts),
    /// List saved cards, charge them, take them back
    #[command(subcommand)]
    Cards(Cards),
    /// Make a link to the customer's own pages: what he pays for, another plan, the end
    Portal {
        /// Your own number of the customer
        customer: String,
        /// How long the link is good
        #[arg(long, value_name = "HOURS", default_value_t = DEFAULT_HOURS,
            value_parser = clap::value_parser!(i64).range(1..=MAX_HOURS))]
        hours: i64,
    },
    /// The customer takes back all that he agreed to: subscriptions that charge, accounts, cards
    Withdraw {
        /// Your own number of the customer
        customer: String,
        /// Where he said so: phone, paper, bot; kept as evidence
        #[arg(long, value_name = "WORD", default_value = "cli")]
        channel: String,
    },
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
    Charge(ChargeArgs),
    /// The customer takes his consent back: nothing is charged any more, for ever
    Remove {
        /// Your own number of the customer
        customer: String,
        /// The account's id
        account: String,
    },
}

#[derive(Debug, Subcommand)]
enum Cards {
    /// List a customer's cards; `save_card` of a payment saves one
    List {
        /// Your own number of the customer
        customer: String,
    },
    /// Take a payment from a saved card, without the payer
    Charge(ChargeArgs),
    /// The customer takes his consent back: nothing is charged any more, for ever
    Remove {
        /// Your own number of the customer
        customer: String,
        /// The card's id
        card: String,
    },
}

impl CustomerArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Accounts(Accounts::Bind { customer, purpose, bank }) => {
                begin(&world, &customer, &purpose, bank.as_deref()).await
            }
            Command::Accounts(Accounts::List { customer }) => {
                list(&world, &customer, Kind::Account).await
            }
            Command::Accounts(Accounts::Charge(args)) => args.run(&world, Kind::Account).await,
            Command::Accounts(Accounts::Remove { customer, account }) => {
                remove(&world, &customer, (Kind::Account, account)).await
            }
            Command::Cards(Cards::List { customer }) => list(&world, &customer, Kind::Card).await,
            Command::Cards(Cards::Charge(args)) => args.run(&world, Kind::Card).await,
            Command::Cards(Cards::Remove { customer, card }) => {
                remove(&world, &customer, (Kind::Card, card)).await
            }
            Command::Portal { customer, hours } => show_portal(&world, &customer, hours),
            Command::Withdraw { customer, channel } => {
                withdraw_all(&world, &customer, &channel).await
            }
        }
    }
}

fn show_portal(world: &World, customer: &str, hours: i64) -> Result<(), Fail> {
    let customer_id = customer_id(customer)?;
    let until_ms = world.ctx.now_ms() + hours * HOUR_MS;
    let visitor = Visitor { shop_id: world.shop.id.clone(), customer_id, until_ms };
    let url = portal_url(&world.ctx, &visitor);
    let shown = json!({ "customer_id": customer, "url": url, "expires_at": iso(until_ms) });
    world.out.show(&shown, || {
        format!(
            "{url}\n{}",
            paint(HINT, &format!("For {customer} alone, until {}", moscow(until_ms)))
        )
    })
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

/// All that the customer saved of this kind; what is pending is asked about first.
async fn all(world: &World, customer: &str, kind: Kind) -> Result<Vec<Shown>, Fail> {
    let (shop_id, customer) = (world.shop.id.clone(), customer.to_owned());
    let found: Result<Vec<Shown>, DbError> =
        world.ctx.db.read(move |tx| flow::list_saved(tx, (&shop_id, &customer), kind)).await;
    let mut saved = Vec::new();
    for (own, consent) in found? {
        let own = match own.status {
            InstrumentStatus::Pending => ask_about(&world.ctx, own).await?,
            InstrumentStatus::Active | InstrumentStatus::Inactive => own,
        };
        saved.push((own, consent));
    }
    Ok(saved)
}

fn shape(shown: &Shown) -> Value {
    match shown.0.kind {
        Kind::Account => json!(AccountView::new(shown)),
        Kind::Card | Kind::Kept => json!(CardView::new(shown)),
    }
}

async fn list(world: &World, customer: &str, kind: Kind) -> Result<(), Fail> {
    let saved = all(world, customer, kind).await?;
    let views: Vec<Value> = saved.iter().map(shape).collect();
    let (name, title, of) = match kind {
        Kind::Account => ("accounts", "Account", "Payer's bank"),
        Kind::Card | Kind::Kept => ("cards", "Card", "Number"),
    };
    world.out.show(&json!({ "customer_id": customer, name: views }), || {
        let mut table = table(&[title, "State", of, "For", "Since, Moscow"]);
        for (it, _) in &saved {
            let of = it.member_name.as_deref().unwrap_or("");
            let since = moscow(it.created_ms);
            table.add_row(vec![&it.id, it.status.as_str(), of, &it.purpose, &since]);
        }
        table.to_string()
    })
}

async fn remove(world: &World, customer: &str, own: (Kind, String)) -> Result<(), Fail> {
    let (ctx, shop_id, customer) = (world.ctx.clone(), world.shop.id.clone(), customer.to_owned());
    let done: Result<Shown, flow::Problem> = world
        .ctx
        .db
        .write(move |tx| {
            let (kind, id) = own;
            withdraw(tx, &ctx, (&shop_id, &customer), (kind, &id))
                .map_err(flow::Problem::Payment)?;
            flow::get_saved(tx, (&shop_id, &customer), (kind, &id))
        })
        .await;
    let shown = done?;
    // The bank is told by whoever serves; what is charged ends here and now.
    forget_now(&world.ctx, &shown.0.id).await?;
    world.out.show(&shape(&shown), || {
        format!("{} {} is never charged again", paint(GOOD, "✓"), shown.0.id)
    })
}

async fn withdraw_all(world: &World, customer: &str, channel: &str) -> Result<(), Fail> {
    let customer = customer_id(customer)?;
    text::check("channel", channel, MAX_CHANNEL_CHARS)?;
    let ended = withdraw::withdraw_all(&world.ctx, &world.shop.id, &customer, channel).await?;
    for own in &ended.instruments {
        forget_now(&world.ctx, &own.id).await?;
    }
    let view = WithdrawalView::new(&customer, &ended);
    world.out.show(&view, || {
        let mut lines = vec![format!("{} {customer} is charged for nothing", paint(GOOD, "✓"))];
        let consents = view.consents.iter().map(|it| ("subscription", &it.subscription_id));
        let accounts = view.account_ids.iter().map(|id| ("account", id));
        let cards = view.card_ids.iter().map(|id| ("card", id));
        let all = consents.chain(accounts).chain(cards);
        lines.extend(all.map(|(what, id)| format!("  {what} {id}")));
        lines.join("\n")
    })
}
