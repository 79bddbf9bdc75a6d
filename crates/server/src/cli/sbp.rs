//! `kopeck sbp`: the Faster Payments System at the bank, from nothing to the first QR code.

mod bank;
mod point;
mod setup;
mod status;

use clap::{Args, Subcommand};

use super::{context::Globals, fail::Fail};

/// The Faster Payments System (SBP): register the company and its point of sale, make codes.
#[derive(Debug, Args)]
pub struct SbpArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Setup(Box<setup::SetupArgs>),
}

impl SbpArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        match self.command {
            Command::Setup(args) => args.run(globals).await,
        }
    }
}
