//! `kopeck keys`: the API keys of the shop.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{GOOD, STRONG, moscow, paint, table},
};
use crate::{
    kit::{clock::iso, db::DbError},
    shops::{
        self,
        model::{ApiKey, Scope},
        store,
    },
};

/// Make, list and revoke API keys.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key; it is shown this once
    Create {
        /// What it is for, so that you know it again in the list
        #[arg(default_value = "API key")]
        name: String,
        /// all, or bot: makes links by the flat doors of bots, and nothing else
        #[arg(long, value_name = "WORD", default_value = "all", value_parser = parse_scope)]
        scope: Scope,
    },
    /// List the keys
    List,
    /// Revoke a key; whoever uses it is refused from now on
    Revoke {
        /// The key's id, its first characters, or its name
        key: String,
    },
}

impl KeysArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Create { name, scope } => create(&world, &name, scope).await,
            Command::List => list(&world).await,
            Command::Revoke { key } => revoke(&world, &key).await,
        }
    }
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    let words = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(text).ok_or_else(|| format!("takes one of: {words}"))
}

async fn create(world: &World, name: &str, scope: Scope) -> Result<(), Fail> {
    let (ctx, shop_id) = (&world.ctx, &world.shop.id);
    let (key, text) = shops::flow::create_key_of(ctx, shop_id, name, scope).await?;
    let mut shown = view(&key);
    shown["key"] = json!(text);
    world.out.show(&shown, || {
        let head = paint(GOOD, "✓");
        let text = paint(STRONG, &text);
        format!("{head} {} — keep it now, it is shown this once:\n\n  {text}\n", key.name)
    })
}

pub async fn all(world: &World) -> Result<Vec<ApiKey>, Fail> {
    let shop_id = world.shop.id.clone();
    let keys: Result<_, DbError> =
        world.ctx.db.read(move |tx| store::list_keys(tx, &shop_id)).await;
    Ok(keys?)
}

fn view(key: &ApiKey) -> Value {
    json!({
        "id": key.id, "name": key.name, "prefix": key.prefix, "scope": key.scope.as_str(),
        "created_at": iso(key.created_ms), "revoked_at": key.revoked_ms.map(iso),
    })
}

async fn list(world: &World) -> Result<(), Fail> {
    let keys = all(world).await?;
    let shown: Vec<Value> = keys.iter().map(view).collect();
    world.out.show(&json!({ "keys": shown }), || {
        if keys.is_empty() {
            return "No keys yet: `kopeck keys create` makes one.".to_owned();
        }
        let mut rows = table(&["Id", "Name", "Begins with", "Made (Moscow)", "Revoked"]);
        for key in &keys {
            let revoked = key.revoked_ms.map(moscow).unwrap_or_default();
            let (id, name) = (key.id.clone(), key.name.clone());
            rows.add_row([id, name, key.prefix.clone(), moscow(key.created_ms), revoked]);
        }
        rows.to_string()
    })
}

async fn revoke(world: &World, wanted: &str) -> Result<(), Fail> {
    let keys = all(world).await?;
    let fits = |key: &&ApiKey| {
        key.revoked_ms.is_none() && (key.id == wanted || key.prefix == wanted || key.name == wanted)
    };
    let found: Vec<&ApiKey> = keys.iter().filter(fits).collect();
    let key = match found.as_slice() {
        [key] => *key,
        [] => {
            let message = format!("There is no live key {wanted}");
            return Err(Fail::new("key_not_found", message, "`kopeck keys list` shows them"));
        }
        _ => {
            let message = format!("Several keys are called {wanted}");
            return Err(Fail::new("key_ambiguous", message, "Name one by its id"));
        }
    };
    let (shop_id, id, now_ms) = (world.shop.id.clone(), key.id.clone(), world.ctx.now_ms());
    let done: Result<bool, DbError> =
        world.ctx.db.write(move |tx| store::revoke_key(tx, &shop_id, &id, now_ms)).await;
    done?;
    let shown = json!({ "id": key.id, "revoked": true });
    world.out.show(&shown, || format!("{} {} is revoked", paint(GOOD, "✓"), key.name))
}
