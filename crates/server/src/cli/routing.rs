//! `kopeck routing`: which bank carries a payment that names none.

use clap::{Args, Subcommand};
use kopeck_banks::op::PayMethod;
use serde_json::json;

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{FAINT, STRONG, paint},
};
use crate::{
    kit::db::DbError,
    shops::{self, flow::RoutingProblem, model::Routing, store},
};

/// Which bank carries a payment that names none: the preferred one, and the next when it fails.
#[derive(Debug, Args)]
pub struct RoutingArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the rule
    Show,
    /// Replace the rule
    Set(SetArgs),
    /// Forget the rule: the bank connected last goes first
    Reset,
}

/// Banks are named by their words (tochka, tbank) or by their connections' ids, the best first.
/// A bank that answers nothing or breaks lately goes behind the healthy ones by itself.
#[derive(Debug, Args)]
struct SetArgs {
    /// The order in general; banks left out come after those named
    #[arg(long, value_delimiter = ',', value_name = "BANK,BANK")]
    order: Vec<String>,
    /// Cards: only these banks, in this order
    #[arg(long, value_delimiter = ',', value_name = "BANK,BANK")]
    card: Vec<String>,
    /// SBP: only these banks, in this order
    #[arg(long, value_delimiter = ',', value_name = "BANK,BANK")]
    sbp: Vec<String>,
    /// T-Pay: only these banks, in this order
    #[arg(long, value_delimiter = ',', value_name = "BANK,BANK")]
    tpay: Vec<String>,
    /// Dolyame: only these banks, in this order
    #[arg(long, value_delimiter = ',', value_name = "BANK,BANK")]
    dolyame: Vec<String>,
}

impl RoutingArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Show => show(&world).await,
            Command::Set(args) => {
                let by_method = [
                    (PayMethod::Card, args.card),
                    (PayMethod::Sbp, args.sbp),
                    (PayMethod::TPay, args.tpay),
                    (PayMethod::Dolyame, args.dolyame),
                ];
                let named = by_method.into_iter().filter(|(_, banks)| !banks.is_empty());
                let rule = Routing { order: args.order, by_method: named.collect() };
                if rule == Routing::default() {
                    return Err(Fail::usage(
                        "Nothing was said about any bank",
                        "Such as `kopeck routing set --order tochka,tbank --sbp tochka`",
                    ));
                }
                save(&world, rule).await
            }
            Command::Reset => save(&world, Routing::default()).await,
        }
    }
}

async fn save(world: &World, rule: Routing) -> Result<(), Fail> {
    shops::flow::save_routing(&world.ctx, &world.shop.id, rule).await?.map_err(explain)?;
    show(world).await
}

fn explain(problem: RoutingProblem) -> Fail {
    let RoutingProblem { param, word, known } = problem;
    let hint = if known.is_empty() {
        "Connect one first: `kopeck init`".to_owned()
    } else {
        format!("Connected: {}", known.join(", "))
    };
    Fail::new("bank_unknown", format!("`{word}` is no connected bank"), &hint).param(&param)
}

async fn show(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let rule: Result<Routing, DbError> =
        world.ctx.db.read(move |tx| store::get_routing(tx, &shop_id)).await;
    let rule = rule?;
    let methods: serde_json::Map<String, serde_json::Value> =
        rule.by_method.iter().map(|(m, banks)| (m.as_str().to_owned(), json!(banks))).collect();
    world.out.show(&json!({ "order": rule.order, "methods": methods }), || {
        let order = if rule.order.is_empty() {
            "the bank connected last goes first".to_owned()
        } else {
            rule.order.join(" → ")
        };
        let mut lines = vec![format!("{}  {}", paint(STRONG, "order  "), order)];
        for (method, banks) in &rule.by_method {
            let name = format!("{:<7}", method.as_str());
            lines.push(format!("{}  {} only", paint(STRONG, &name), banks.join(" → ")));
        }
        let note = "A bank that fails lately goes behind; `--bank` of a payment overrides all.";
        lines.push(paint(FAINT, note));
        lines.join("\n")
    })
}
