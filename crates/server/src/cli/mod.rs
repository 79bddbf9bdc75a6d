//! The commands of `kopeck`, one file each.
//!
//! Commands open the database themselves and work with or without a running server: leases and
//! transactions keep two processes from doing one thing twice. Each prints for people, or JSON
//! for programs; what went wrong goes to standard error, a sentence and a hint.

mod address;
mod completions;
mod connect;
mod context;
mod coupon;
mod customer;
mod deliveries;
mod demo;
mod desk;
mod directory;
mod dunning;
mod evidence;
mod fail;
mod find;
mod import;
mod init;
mod integration;
mod keys;
mod link;
mod listen;
mod notice;
mod notices;
mod payment;
mod plan;
mod print;
mod qr;
mod receipt;
mod reconcile;
mod routing;
pub mod sandbox;
mod sbp;
mod sendings;
mod serve;
mod shop;
mod staff;
mod subscription;
mod tbank;
mod timeline;
mod tochka_payment;
mod todo;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};

use context::Globals;
use fail::{Fail, USAGE};

/// Kopeck takes payments through Russian banks: links, refunds, holds, receipts, signed notices.
#[derive(Debug, Parser)]
#[command(name = "kopeck", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Box<init::InitArgs>),
    Link(Box<link::LinkArgs>),
    Payment(payment::PaymentArgs),
    /// List the acquiring points at the bank
    Retailers,
    /// List the companies and persons that the token opens
    Customers,
    Notices(notices::NoticesArgs),
    Notice(notice::NoticeArgs),
    Qr(qr::QrArgs),
    Receipt(receipt::ReceiptArgs),
    Reconcile(reconcile::ReconcileArgs),
    Keys(keys::KeysArgs),
    Routing(routing::RoutingArgs),
    Sbp(sbp::SbpArgs),
    Shop(shop::ShopArgs),
    Desk(desk::DeskArgs),
    Customer(customer::CustomerArgs),
    Webhook(webhook::WebhookArgs),
    Integration(integration::IntegrationArgs),
    Deliveries(deliveries::DeliveriesArgs),
    Sendings(sendings::SendingsArgs),
    Events(deliveries::EventsArgs),
    Listen(listen::ListenArgs),
    Plan(plan::PlanArgs),
    Coupon(coupon::CouponArgs),
    Subscription(subscription::SubscriptionArgs),
    Dunning(dunning::DunningArgs),
    Evidence(evidence::EvidenceArgs),
    Todo(todo::TodoArgs),
    Staff(staff::StaffArgs),
    Import(import::ImportArgs),
    Serve(serve::ServeArgs),
    Sandbox(sandbox::SandboxArgs),
    Demo(demo::DemoArgs),
    Tbank(tbank::TbankArgs),
    TochkaPayment(Box<tochka_payment::TochkaPaymentArgs>),
    Completions(completions::CompletionsArgs),
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            Fail::from(error).show(cli.globals.json);
            return ExitCode::FAILURE;
        }
    };
    let json = cli.globals.json;
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            fail.show(json);
            ExitCode::from(fail.exit)
        }
    }
}

async fn run(cli: Cli) -> Result<(), Fail> {
    let globals = cli.globals;
    match cli.command {
        Command::Init(args) => args.run(&globals).await,
        Command::Link(args) => args.run(&globals).await,
        Command::Payment(args) => args.run(&globals).await,
        Command::Retailers => directory::show_retailers(&globals).await,
        Command::Customers => directory::show_customers(&globals).await,
        Command::Notices(args) => args.run(&globals).await,
        Command::Notice(args) => args.run(&globals).await,
        Command::Qr(args) => args.run(&globals).await,
        Command::Receipt(args) => args.run(&globals).await,
        Command::Reconcile(args) => args.run(&globals).await,
        Command::Keys(args) => args.run(&globals).await,
        Command::Routing(args) => args.run(&globals).await,
        Command::Sbp(args) => args.run(&globals).await,
        Command::Shop(args) => args.run(&globals).await,
        Command::Desk(args) => args.run(&globals).await,
        Command::Customer(args) => args.run(&globals).await,
        Command::Webhook(args) => args.run(&globals).await,
        Command::Integration(args) => args.run(&globals).await,
        Command::Deliveries(args) => args.run(&globals).await,
        Command::Sendings(args) => args.run(&globals).await,
        Command::Events(args) => args.run(&globals).await,
        Command::Listen(args) => args.run(&globals).await,
        Command::Plan(args) => args.run(&globals).await,
        Command::Coupon(args) => args.run(&globals).await,
        Command::Subscription(args) => args.run(&globals).await,
        Command::Dunning(args) => args.run(&globals).await,
        Command::Evidence(args) => args.run(&globals).await,
        Command::Todo(args) => args.run(&globals).await,
        Command::Staff(args) => args.run(&globals).await,
        Command::Import(args) => args.run(&globals).await,
        Command::Serve(args) => args.run(&globals).await,
        Command::Sandbox(args) => Ok(args.run().await?),
        Command::Demo(args) => args.run(&globals).await,
        Command::Tbank(args) => args.run(&globals).await,
        Command::TochkaPayment(args) => args.run(&globals).await,
        Command::Completions(args) => args.run(&globals),
    }
}

/// A command line that makes no sense, or a call for help. Programs get their JSON here too.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_help =
        !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    if is_help || !wants_json {
        // Nobody to tell when even this cannot be printed.
        let _ = error.print();
    } else {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        Fail::usage(message, "`kopeck help` shows what there is").show(true);
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}
