//! `kopeck desk`: cash desks with one printed code each, armed with a sum for each sale.

mod charge;

use clap::{Args, Subcommand};
use kopeck_banks::op::CodeKind;
use serde_json::json;

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{FAINT, GOOD, HINT, STRONG, is_terminal, moscow, paint, table},
    qr::place,
};
use crate::{
    desks::{
        flow::Problem,
        links,
        model::{Sale, State},
        store, submit,
        view::{DeskView, SaleView},
    },
    kit::db::DbError,
    places::{self, flow::NewPlace, model::Place},
    qr::Code,
};

/// Cash desks: one printed code each, armed with a sum for each sale.
#[derive(Debug, Args)]
pub struct DeskArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a desk and its code, to print and put on the counter
    Create {
        /// Which till it is: «Касса 1»
        name: String,
        /// Which bank, when several are connected
        #[arg(long, value_parser = ["tochka", "tbank"])]
        bank: Option<String>,
    },
    /// List the desks and what goes on there
    List,
    Charge(charge::ChargeArgs),
    /// Cancel the sale at a desk
    Cancel {
        #[command(flatten)]
        which: Which,
    },
    /// Make a clerk's link: whoever has it may charge at the desk, by phone or tablet
    Link {
        #[command(flatten)]
        which: Which,
        /// Whose link it is
        #[arg(long)]
        name: String,
    },
    /// List a desk's links of clerks
    Links {
        #[command(flatten)]
        which: Which,
    },
    /// Revoke a clerk's link
    Unlink {
        #[command(flatten)]
        which: Which,
        /// The link's id, as `kopeck desk links` shows it
        id: String,
    },
}

/// Which desk.
#[derive(Debug, Args)]
pub struct Which {
    /// The desk's id or name, when there are several
    #[arg(long, value_name = "ID")]
    desk: Option<String>,
}

impl DeskArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Create { name, bank } => create(&world, name, bank.as_deref()).await,
            Command::List => list(&world).await,
            Command::Charge(args) => args.run(&world).await,
            Command::Cancel { which } => {
                let desk = which.find(&world).await?;
                let sale = submit::cancel(&world.ctx, &desk, charge::PATIENCE).await?;
                world.out.show(&SaleView::new(&sale), || describe(&sale))
            }
            Command::Link { which, name } => link(&world, &which, &name).await,
            Command::Links { which } => show_links(&world, &which).await,
            Command::Unlink { which, id } => {
                let desk = which.find(&world).await?;
                if !links::revoke(&world.ctx, &desk.id, &id).await? {
                    return Err(Problem::NoSuchLink.into());
                }
                let shown = json!({ "id": id, "revoked": true });
                world.out.show(&shown, || format!("{} The link is revoked", paint(GOOD, "✓")))
            }
        }
    }
}

impl Which {
    /// By id, by name, the only one.
    pub async fn find(&self, world: &World) -> Result<Place, Fail> {
        let desks = all(world).await?;
        let names: Vec<String> =
            desks.iter().map(|it| format!("{} «{}»", it.id, it.name)).collect();
        let fits = |it: &Place| match &self.desk {
            Some(wanted) => it.id == *wanted || it.name == *wanted,
            None => true,
        };
        let mut found: Vec<Place> = desks.into_iter().filter(fits).collect();
        match (found.pop(), found.is_empty()) {
            (Some(desk), true) => Ok(desk),
            (Some(_), false) => {
                let message = format!("There are several desks: {}", names.join(", "));
                Err(Fail::new("desk_ambiguous", message, "Choose one with --desk").param("desk"))
            }
            (None, _) if names.is_empty() => {
                let hint = "Make one: `kopeck desk create \"Касса 1\"`";
                Err(Fail::new("desk_not_found", "The shop has no desk yet", hint))
            }
            (None, _) => {
                let hint = format!("There are: {}", names.join(", "));
                Err(Fail::new("desk_not_found", "The shop has no such desk", hint).param("desk"))
            }
        }
    }
}

async fn all(world: &World) -> Result<Vec<Place>, Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<_, DbError> = world
        .ctx
        .db
        .read(move |tx| places::store::list_places(tx, &shop_id, Some(CodeKind::Desk), None, 1_000))
        .await;
    Ok(found?)
}

pub async fn last_sale(world: &World, desk: &Place) -> Result<Option<Sale>, Fail> {
    let id = desk.id.clone();
    let found: Result<_, DbError> = world.ctx.db.read(move |tx| store::find_last(tx, &id)).await;
    Ok(found?)
}

async fn create(world: &World, name: String, bank: Option<&str>) -> Result<(), Fail> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 80 {
        let hint = "kopeck desk create \"Касса 1\"";
        return Err(Fail::usage("A desk's name has 1 to 80 characters", hint).param("name"));
    }
    let new = NewPlace {
        kind: CodeKind::Desk,
        name,
        amount: None,
        vat: None,
        purpose: None,
        ttl_minutes: None,
    };
    let desk = place::create(world, new, bank).await?;
    world.out.show(&DeskView::new(&desk, None), || {
        let payload = desk.code_url.as_deref().unwrap_or_default();
        let mut lines = vec![
            format!("{} {} {}", paint(GOOD, "✓"), paint(STRONG, &desk.name), desk.id),
            format!("  {payload}"),
        ];
        if let Ok(code) = Code::new(payload)
            && is_terminal()
        {
            lines.push(format!("\n{}\n", code.to_terminal()));
        }
        lines.push(format!(
            "  {} prints it; then {}",
            paint(HINT, &format!("kopeck qr place poster {} --out desk.pdf", desk.id)),
            paint(HINT, "kopeck desk charge 1500"),
        ));
        lines.join("\n")
    })
}

async fn list(world: &World) -> Result<(), Fail> {
    let mut views = Vec::new();
    let mut table = table(&["Desk", "Name", "Now", "Sum", "Clerk", "Until, Moscow"]);
    for desk in all(world).await? {
        let sale = last_sale(world, &desk).await?;
        let live = sale.as_ref().filter(|sale| !sale.is_over());
        table.add_row(vec![
            desk.id.clone(),
            desk.name.clone(),
            live.map_or_else(|| "free".to_owned(), |sale| sale.state().as_str().to_owned()),
            live.map_or_else(String::new, |sale| sale.amount.to_human()),
            live.and_then(|sale| sale.clerk.clone()).unwrap_or_default(),
            live.map_or_else(String::new, |sale| moscow(sale.until_ms)),
        ]);
        views.push(DeskView::new(&desk, sale.as_ref()));
    }
    world.out.show(&json!({ "desks": views }), || match views.is_empty() {
        true => "No desks yet: `kopeck desk create \"Касса 1\"` makes one".to_owned(),
        false => table.to_string(),
    })
}

async fn link(world: &World, which: &Which, name: &str) -> Result<(), Fail> {
    let desk = which.find(world).await?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        let message = "A clerk's name has 1 to 40 characters";
        return Err(Fail::usage(message, "--name Анна").param("name"));
    }
    let (link, token) = links::make(&world.ctx, &desk, name).await?;
    let url = format!("{}/desk/{token}", world.ctx.public_url);
    let shown = json!({ "id": link.id, "desk_id": desk.id, "name": link.name, "url": url });
    world.out.show(&shown, || {
        format!(
            "{} The link of {}, shown this once; whoever has it may charge at {}:\n\n  {}\n\n{}",
            paint(GOOD, "✓"),
            link.name,
            desk.name,
            paint(STRONG, &url),
            paint(FAINT, &format!("`kopeck desk unlink {}` revokes it", link.id)),
        )
    })
}

async fn show_links(world: &World, which: &Which) -> Result<(), Fail> {
    let desk = which.find(world).await?;
    let found = links::list(&world.ctx, &desk.id).await?;
    let views: Vec<_> = found
        .iter()
        .map(|it| json!({ "id": it.id, "name": it.name, "revoked": it.revoked_ms.is_some() }))
        .collect();
    world.out.show(&json!({ "desk_id": desk.id, "links": views }), || {
        let mut table = table(&["Link", "Clerk", "Since, Moscow", "State"]);
        for it in &found {
            let state = if it.revoked_ms.is_some() { "revoked" } else { "works" };
            table.add_row(vec![&it.id, &it.name, &moscow(it.created_ms), state]);
        }
        table.to_string()
    })
}

pub fn describe(sale: &Sale) -> String {
    let (sum, state) = (sale.amount.to_human(), sale.state());
    match state {
        State::Paid => format!("{} {sum} paid", paint(GOOD, "✓")),
        State::Arming | State::Waiting | State::Paying if sale.cancel_ms.is_some() => {
            format!("{sum}: being canceled")
        }
        State::Arming
        | State::Waiting
        | State::Paying
        | State::Canceled
        | State::Expired
        | State::Failed => format!("{sum}: {}", state.as_str()),
    }
}
