//! `kopeck shop`: the shop, and how it looks to its payers.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{FAINT, STRONG, paint},
};
use crate::shops::{
    brand::{Color, Logo, LogoProblem, MAX_LOGO_BYTES, logo_path},
    flow,
};

/// The shop, and how it looks to its payers.
#[derive(Debug, Args)]
pub struct ShopArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the shop and its looks
    Show,
    /// Change the colour and the logo of payers' pages
    Brand(BrandArgs),
}

/// What is not named stays as it is.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct BrandArgs {
    /// The colour of buttons and links, such as #0a7a3d
    #[arg(long, value_name = "COLOUR")]
    accent: Option<String>,
    /// Our own colour again
    #[arg(long, conflicts_with = "accent")]
    no_accent: bool,
    /// A PNG, JPEG or WebP of at most 64 KiB, shown 40 pixels high
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// The name alone again
    #[arg(long, conflicts_with = "logo")]
    no_logo: bool,
}

impl ShopArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        if let Command::Brand(args) = self.command {
            args.save(&world).await?;
        }
        show(&world).await
    }
}

impl BrandArgs {
    /// Everything is read before anything is saved.
    async fn save(self, world: &World) -> Result<(), Fail> {
        let accent = self.accent.as_deref().map(parse_accent).transpose()?;
        let logo = self.logo.as_ref().map(read_logo).transpose()?;
        let (ctx, shop) = (&world.ctx, &world.shop.id);
        if accent.is_some() || self.no_accent {
            flow::save_accent(ctx, shop, accent).await?;
        }
        if logo.is_some() || self.no_logo {
            flow::save_logo(ctx, shop, logo).await?;
        }
        Ok(())
    }
}

fn parse_accent(text: &str) -> Result<Color, Fail> {
    Color::parse(text).ok_or_else(|| {
        Fail::usage("The accent is no colour", "Six digits after a #, in quotes: '#0a7a3d'")
    })
}

fn read_logo(path: &PathBuf) -> Result<Logo, Fail> {
    let bytes = fs::read(path).map_err(|error| {
        Fail::usage(format!("Cannot read {}: {error}", path.display()), "Check the file's name")
    })?;
    Logo::read(bytes).map_err(|problem| {
        let (message, hint) = match problem {
            LogoProblem::Large => ("The logo is too large", "Make it smaller"),
            LogoProblem::Unknown => {
                ("The logo is no picture of a kind that is taken", "Convert it")
            }
        };
        let hint = format!("{hint}: a PNG, JPEG or WebP of at most {} KiB", MAX_LOGO_BYTES / 1024);
        Fail::usage(message, hint)
    })
}

async fn show(world: &World) -> Result<(), Fail> {
    let brand = flow::get_brand(&world.ctx, &world.shop.id).await?;
    let (accent, shop) = (brand.accent.map(Color::to_css), &world.shop);
    let logo = brand
        .logo
        .map(|(_, hash)| format!("{}{}", world.ctx.public_url, logo_path(&shop.id, &hash)));
    let shown = json!({ "id": shop.id, "name": shop.name, "accent": accent, "logo_url": logo });
    world.out.show(&shown, || {
        let own = |name: &str, value: &Option<String>| {
            let value = value.clone().unwrap_or_else(|| paint(FAINT, "none of its own"));
            format!("{}  {value}", paint(STRONG, name))
        };
        let name = format!("{}  {}", paint(STRONG, "name  "), shop.name);
        [name, own("accent", &accent), own("logo  ", &logo)].join("\n")
    })
}
