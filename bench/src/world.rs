//! A shop with a database on disk and a bank in memory.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{encoding::AsDer as _, rsa};
use kopeck::{
    gateway::notices::fetch_keys,
    ids::Mint,
    kit::{
        Ctx,
        clock::{Clock as _, SystemClock, timestamp},
        db::Db,
        net::{BoxFuture, Wire},
        secret::Vault,
    },
    shops::{
        flow::{create_connection, create_key, default_shop, get_connection},
        model::Connection,
    },
};
use kopeck_banks::{
    Bank as _, Credentials,
    emulator::{Emulator as _, Served},
    exchange::{Heard, Silence},
    http::HttpRequest,
    tochka::{Tochka, emulator::TochkaEmulator, sign::SigningKey},
};

/// Where the database is; a folder made here goes away with this value.
pub struct Place {
    pub url: String,
    /// For the baseline, on the same disk as the default database.
    pub folder: PathBuf,
}

impl Place {
    pub fn new(url: Option<String>) -> anyhow::Result<Place> {
        let folder = std::env::temp_dir().join(format!("kopeck-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).context("making a folder for the database")?;
        let own = format!("sqlite:{}", folder.join("kopeck.db").display());
        Ok(Place { url: url.unwrap_or(own), folder })
    }

    /// Without what a URL may hold of secrets.
    pub fn what(&self) -> String {
        match self.url.split_once("://") {
            Some((scheme, rest)) if scheme.starts_with("postgres") => {
                format!("PostgreSQL at {}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
            }
            Some(_) | None => format!("SQLite, {}", self.url),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What remains is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The bank's emulator at the end of a wire without a network, and the time that it took.
pub struct MemoryBank {
    emulator: Mutex<TochkaEmulator>,
    spent_ns: AtomicU64,
}

impl MemoryBank {
    /// The bank's own time since the last call.
    pub fn take_spent(&self) -> Duration {
        Duration::from_nanos(self.spent_ns.swap(0, Ordering::SeqCst))
    }

    fn serve(&self, request: &HttpRequest) -> Heard {
        let started = Instant::now();
        let mut emulator = self.emulator.lock().unwrap_or_else(PoisonError::into_inner);
        let served = emulator.serve(timestamp(SystemClock.now_ms()), request);
        let spent_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.spent_ns.fetch_add(spent_ns, Ordering::SeqCst);
        match served {
            Served::Now(reply) => Ok(reply),
            Served::Later(_) | Served::Silence { .. } => Err(Silence::Lost("silence".to_owned())),
        }
    }
}

struct BankWire(Arc<MemoryBank>);

impl Wire for BankWire {
    fn send(&self, request: HttpRequest) -> BoxFuture<Heard> {
        let bank = Arc::clone(&self.0);
        Box::pin(async move { bank.serve(&request) })
    }
}

pub struct World {
    pub ctx: Ctx,
    pub connection: Connection,
    pub api_key: String,
    pub bank: Arc<MemoryBank>,
    /// What the bank signs with.
    pub signer: SigningKey,
}

pub fn new_rsa_key() -> anyhow::Result<rsa::KeyPair> {
    rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(|e| anyhow!("making an RSA key: {e}"))
}

impl World {
    pub async fn new(place: &Place) -> anyhow::Result<World> {
        let key = new_rsa_key()?;
        let der = key.as_der().map_err(|e| anyhow!("writing the RSA key: {e}"))?;
        let signer = SigningKey::from_pkcs8(der.as_ref()).map_err(anyhow::Error::msg)?;
        let emulator = TochkaEmulator::new("https://bank.invalid", der.as_ref(), 1);
        let emulator = emulator.map_err(anyhow::Error::msg)?;
        let credentials = credentials(&emulator);
        let bank = MemoryBank { emulator: Mutex::new(emulator), spent_ns: AtomicU64::new(0) };
        let bank = Arc::new(bank);
        let db = Db::open(&place.url)?;
        db.migrate()?;
        let clock = Arc::new(SystemClock);
        let ctx = Ctx {
            db,
            clock: clock.clone(),
            mint: Arc::new(Mint::new(clock)),
            wire: Arc::new(BankWire(Arc::clone(&bank))),
            courier: Arc::new(BankWire(Arc::clone(&bank))),
            vault: Arc::new(Vault::from_key_text(&"5a".repeat(32))?),
            public_url: "https://pay.example.ru".into(),
            zone: "Europe/Moscow".into(),
        };
        let shop = default_shop(&ctx, "Bench").await?;
        let (_, api_key) = create_key(&ctx, &shop.id, "bench").await?;
        let made = create_connection(&ctx, &shop.id, "tochka", credentials, None).await?;
        fetch_keys(&ctx, &made).await?.context("the emulator publishes its key")?;
        let connection = get_connection(&ctx, &made.id).await?;
        Ok(World { ctx, connection, api_key, bank, signer })
    }
}

fn credentials(emulator: &TochkaEmulator) -> Credentials {
    let values = emulator.test_credentials().into_iter().filter_map(|(env, value)| {
        let setting = Tochka.settings().iter().find(|setting| setting.env == env)?;
        Some((setting.name.to_owned(), value))
    });
    Credentials::new(values)
}
