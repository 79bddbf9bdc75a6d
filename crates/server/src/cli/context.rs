//! From flags and settings to an open world: database, vault, network.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;

use super::{
    connect,
    fail::Fail,
    print::Out,
    serve::{SANDBOX_VARIABLE, follow, has_emulator},
};
use crate::{
    ids::Mint,
    kit::{
        Ctx,
        clock::{SharedClock, SystemClock},
        config::Config,
        db::Db,
        log,
        net::{AddressPolicy, NetSettings, NetWire},
    },
    shops::{self, model::Shop},
};

/// Flags that every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Globals {
    /// Settings file; ./kopeck.toml when there is one
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// sqlite:///path/kopeck.db or postgres://…; a file in the data folder by default
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub database: Option<String>,
    /// The data folder
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub data: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
}

/// What a command works with.
pub struct World {
    pub ctx: Ctx,
    pub config: Config,
    pub shop: Shop,
    pub out: Out,
}

impl Globals {
    pub fn out(&self) -> Out {
        Out { json: self.json }
    }

    /// Defaults, file, environment, flags.
    pub fn settings(&self, more: &[(&str, &str)]) -> Result<Config, Fail> {
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        let mut overrides = Vec::new();
        if let Some(data) = &data {
            overrides.push(("data.dir", data.as_str()));
        }
        if let Some(url) = &self.database {
            overrides.push(("database.url", url.as_str()));
        }
        overrides.extend_from_slice(more);
        Config::load(self.config.as_deref(), &overrides).map_err(|error| {
            let hint = "`--config FILE` names the settings file; config.default.toml lists them";
            Fail::new("settings_invalid", format!("{error:#}"), hint)
        })
    }

    /// Opens it where there is one already, for a command that can do without.
    pub async fn find(&self) -> Result<Option<World>, Fail> {
        let has_one = self.settings(&[])?.has_database();
        Ok(if has_one { Some(self.open().await?) } else { None })
    }

    /// Opens the world for one command. It talks only to banks, whose addresses the operator
    /// chose, so an emulator on this machine is allowed.
    pub async fn open(&self) -> Result<World, Fail> {
        let config = self.settings(&[])?;
        // What a command has to say it says itself, and with --json nothing else may stand beside
        // it; `info` and its warnings are for servers.
        let level = if config.log.level == "info" { "error" } else { &config.log.level };
        log::init(level, config.log.format)?;
        let policy = match config.net.private_addresses {
            AddressPolicy::PublicOnly => AddressPolicy::AllowLoopback,
            other @ (AddressPolicy::AllowLoopback | AddressPolicy::OperatorChosen) => other,
        };
        let strict = config.net.private_addresses;
        let mut world = open(config, policy, self.out()).await?;
        if let Ok(at) = std::env::var(SANDBOX_VARIABLE) {
            follow(&mut world, &at).await?;
        }
        connect::refresh(&world).await?;
        // Webhooks may go where those of the server may: nowhere inside, unless it is a trial.
        if strict == AddressPolicy::PublicOnly && !has_emulator(&world).await? {
            let net = NetSettings { policy: strict, ..world.config.net_settings() };
            world.ctx.courier = Arc::new(NetWire::courier(&net)?);
        }
        Ok(world)
    }
}

/// Opens the database (and brings it up to date), the vault and the network.
pub async fn open(config: Config, policy: AddressPolicy, out: Out) -> Result<World, Fail> {
    make_private_dir(&config.data.dir)?;
    let url = config.database_url();
    let hint = "\nhint: --data DIR or --database URL say where it is";
    let db = Db::open(&url).map_err(|e| anyhow::anyhow!("{e:#}{hint}"))?;
    db.migrate()?;
    let mut net = config.net_settings();
    net.policy = policy;
    let clock: SharedClock = Arc::new(SystemClock);
    let ctx = Ctx {
        db,
        mint: Arc::new(Mint::new(clock.clone())),
        clock,
        wire: Arc::new(NetWire::new(&net)?),
        courier: Arc::new(NetWire::courier(&net)?),
        vault: Arc::new(config.vault()?),
        public_url: public_url(&config).into(),
        zone: config.shop.time_zone.as_str().into(),
    };
    let shop = shops::flow::default_shop(&ctx, "Shop").await?;
    Ok(World { ctx, config, shop, out })
}

/// As set, else the address that the server listens on.
pub fn public_url(config: &Config) -> String {
    if config.server.public_url.is_empty() {
        return format!("http://{}", config.server.listen);
    }
    config.server.public_url.clone()
}

/// Makes the folder for its owner only: the database holds who bought what.
pub fn make_private_dir(dir: &Path) -> anyhow::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.with_context(|| format!("cannot make the data folder {}", dir.display())),
    }
}
