//! A terminal of T-Bank from the environment: TBANK_TERMINAL_KEY and TBANK_PASSWORD.

use kopeck_banks::{Credentials, tbank::settings};

use super::{FROM_ENVIRONMENT, SOURCE, follows_environment};
use crate::{
    cli::{context::World, fail::Fail},
    shops::{self, model::Connection},
};

/// The environment's values by the names of the settings, if it names a terminal.
pub fn environment() -> Option<Credentials> {
    let values = settings::SETTINGS.iter().filter_map(|setting| {
        let value = std::env::var(setting.env).ok()?;
        Some((setting.name.to_owned(), value.trim().to_owned()))
    });
    let credentials = Credentials::new(values);
    credentials.find(settings::TERMINAL_KEY).is_some().then_some(credentials)
}

/// Whether both are the same terminal at the same address.
pub fn is_same_terminal(a: &Credentials, b: &Credentials) -> bool {
    settings::base(a) == settings::base(b) && settings::terminal_key(a) == settings::terminal_key(b)
}

pub async fn from_environment(
    world: &World,
    stored: Vec<Connection>,
    may_make: bool,
) -> Result<Option<Connection>, Fail> {
    let Some(mut wanted) = environment() else { return Ok(None) };
    wanted.set(SOURCE, FROM_ENVIRONMENT);
    let is_same = |it: &Connection| {
        it.bank == "tbank" && follows_environment(it) && is_same_terminal(&it.credentials, &wanted)
    };
    let (ctx, shop) = (&world.ctx, &world.shop.id);
    match stored.into_iter().rev().find(is_same) {
        Some(known) if known.credentials == wanted => Ok(Some(known)),
        Some(known) => Ok(Some(shops::flow::save_credentials(ctx, known, wanted, None).await?)),
        None if may_make => {
            if wanted.find(settings::PASSWORD).is_none() {
                let hint = "Set TBANK_PASSWORD too: it stands beside the terminal's key";
                return Err(Fail::new("password_missing", "The terminal has no password", hint));
            }
            let made = shops::flow::create_connection(ctx, shop, "tbank", wanted, None).await?;
            Ok(Some(made))
        }
        None => Ok(None),
    }
}
