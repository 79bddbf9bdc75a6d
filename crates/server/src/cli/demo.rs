//! `kopeck demo`: server, database and the bank's emulator in one process, with real HTTP between
//! them.

mod once;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;
use kopeck_banks::{Credentials, tochka::settings};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    address::{self, notice_url},
    context::{Globals, World, make_private_dir, open},
    fail::Fail,
    link::{self, CreateArgs, Look},
    print::{FAINT, HINT, STRONG, is_terminal, paint},
    receipt::ReceiptFlags,
    serve::{bind, stopped},
};
use crate::{
    app::App,
    gateway::notices::fetch_keys,
    ids::Mint,
    kit::{clock::SystemClock, db::DbError, log, net::AddressPolicy},
    payments::{
        model::{Payment, Status},
        store::{self, PaymentFilter},
    },
    sandbox::{self, Client, KeyBits, Options, Sandbox, test_cards},
    shops::{self, model::Connection},
    staff::flow::members::{is_unclaimed, setup_url},
    web::components,
};

/// The same ids and tokens in every demo, so that a guide may show them.
const SEED: u64 = 4711;
/// Where the demo's own API key is kept, so that a restart can show it again.
const KEY_FILE: &str = "demo-api-key.txt";

/// Try everything without a bank: server, database and the bank's emulator in one process.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where the server listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the bank's emulator listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9900")]
    sandbox_listen: SocketAddr,
    /// Tell the whole story without a person: link, payment, notice, refund; then stop. Uses free
    /// ports and a folder that is deleted afterwards
    #[arg(long)]
    once: bool,
}

impl DemoArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        if self.once {
            return once::run(globals).await;
        }
        let dir = globals.data.clone().unwrap_or_else(|| PathBuf::from("kopeck-data/demo"));
        let listener = bind(self.listen, "--listen").await?;
        let bank_listener = bind(self.sandbox_listen, "--sandbox-listen").await?;
        let stage = Stage::start(globals, &dir, listener, bank_listener, KeyBits::Rsa3072).await?;
        let payment = stage.open_link().await?;
        let key = stage.api_key(&dir).await?;
        stage.greet(&payment, &key, &dir).await?;
        stopped().await;
        stage.stop().await
    }
}

/// Everything that runs in a demo.
struct Stage {
    world: World,
    sandbox: Arc<Sandbox>,
    /// `http://127.0.0.1:9900`.
    bank_url: String,
    connection: Connection,
    ending: watch::Sender<bool>,
    server: JoinHandle<anyhow::Result<()>>,
    bank: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    async fn start(
        globals: &Globals,
        dir: &Path,
        listener: TcpListener,
        bank_listener: TcpListener,
        key_bits: KeyBits,
    ) -> Result<Stage, Fail> {
        make_private_dir(dir)?;
        let bank_url = format!("http://{}", bank_listener.local_addr()?);
        let sandbox = Sandbox::open(Options {
            origin: bank_url.clone(),
            seed: SEED,
            clock: Arc::new(SystemClock),
            state_file: Some(dir.join("sandbox.json")),
            key_bits,
            control_from_anywhere: false,
        })?;
        let world = demo_world(globals, dir, &listener, &sandbox).await?;
        let ending = watch::Sender::new(false);
        let ended = |mut ending: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, which is an end too.
            let _ = ending.wait_for(|over| *over).await;
        };
        let (pages, over) = (components::routes(), ended(ending.subscribe()));
        let bank = tokio::spawn(sandbox::serve(sandbox.clone(), bank_listener, pages, over));
        let (app, over) = (App::new(world.ctx.clone()), ended(ending.subscribe()));
        follow(&app, &sandbox, &bank_url, ended(ending.subscribe()))?;
        let server = tokio::spawn(app.serve(listener, over));
        let connection = connection(&world, &sandbox).await?;
        fetch_keys(&world.ctx, &connection).await?;
        let url = notice_url(&world.ctx.public_url, &connection);
        address::register(&world, &connection, &url).await?;
        Ok(Stage { world, sandbox, bank_url, connection, ending, server, bank })
    }

    /// The newest link that can still be paid, else a new one.
    async fn open_link(&self) -> Result<Payment, Fail> {
        let (shop_id, id) = (self.world.shop.id.clone(), self.connection.id.clone());
        let filter = PaymentFilter { status: Some(Status::Open), ..PaymentFilter::default() };
        let open: Result<Vec<Payment>, DbError> =
            self.world.ctx.db.read(move |tx| store::list_payments(tx, &shop_id, &filter, 50)).await;
        let now_ms = self.world.ctx.now_ms();
        // A bank on another port has other pages.
        let leads_here = |payment: &Payment| {
            let url = payment.facts.bank_url.as_deref().unwrap_or_default();
            payment.connection_id == id && url.starts_with(&self.bank_url)
        };
        let is_usable = |payment: &Payment| payment.expires_ms > now_ms && leads_here(payment);
        match open?.into_iter().find(is_usable) {
            Some(payment) => Ok(payment),
            None => link::create(&self.world, order("4711")?).await,
        }
    }

    /// The demo's key; only its hash is in the database, so the text is kept in the folder.
    async fn api_key(&self, dir: &Path) -> Result<String, Fail> {
        let path = dir.join(KEY_FILE);
        if let Ok(text) = std::fs::read_to_string(&path) {
            let found = shops::flow::find_key(&self.world.ctx, text.trim()).await?;
            if found.is_some() {
                return Ok(text.trim().to_owned());
            }
        }
        let text = self.make_key("Demo").await?;
        std::fs::write(&path, format!("{text}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(text)
    }

    async fn make_key(&self, name: &str) -> Result<String, Fail> {
        let (ctx, shop_id) = (&self.world.ctx, &self.world.shop.id);
        Ok(shops::flow::create_key(ctx, shop_id, name).await?.1)
    }

    async fn greet(&self, payment: &Payment, key: &str, dir: &Path) -> Result<(), Fail> {
        let world = &self.world;
        let url = &world.ctx.public_url;
        let dashboard = match is_unclaimed(&world.ctx, &world.shop.id).await? {
            true => setup_url(&world.ctx, &world.shop.id),
            false => format!("{url}/admin"),
        };
        let h = |text: &str| paint(STRONG, text);
        world.out.tell(&format!(
            "{} at {url}, the bank's emulator at {}, data in {}\n",
            h("Kopeck runs"),
            self.bank_url,
            dir.display()
        ))?;
        link::show(world, payment, Look { qr: false, no_qr: !is_terminal() })?;
        let cards: Vec<String> = test_cards()
            .iter()
            .map(|card| format!("  {}  {} · {}", h(card.number), card.about, card.about_ru))
            .collect();
        let data = dir.display();
        let c = |text: &str| paint(HINT, text);
        world.out.tell(&format!(
            "\n{} open the link above in a browser and choose a test card:\n{}\n\n\
             {} watch it in the dashboard:\n  {}\n\
             or in a second terminal:\n  {}\n  {}\n\n\
             {} (API key {}):\n  {}\n\n{}",
            h("Pay:"),
            cards.join("\n"),
            h("Then:"),
            c(&dashboard),
            c(&format!("kopeck --data {data} payment timeline {}", payment.id)),
            c(&format!("kopeck --data {data} payment refund {} --amount 1000", payment.id)),
            h("From your program"),
            h(key),
            c(&format!(
                "curl {url}/v1/payments -H 'Authorization: Bearer {key}' \\\n    -H 'Content-Type: \
                 application/json' \\\n    -d '{{\"amount\":\"5000.00\",\"purpose\":\"Order 1\"}}'"
            )),
            paint(FAINT, "Ctrl-C stops it; the next start goes on with the same books."),
        ))
    }

    async fn stop(self) -> Result<(), Fail> {
        self.ending.send_replace(true);
        self.server.await.context("the server")??;
        self.bank.await.context("the emulator")??;
        Ok(())
    }
}

/// The server rests with the bank's clock: a move of it is a walk through all that falls due.
fn follow(
    app: &App,
    sandbox: &Arc<Sandbox>,
    bank_url: &str,
    over: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Fail> {
    let client = Client::new(bank_url).map_err(anyhow::Error::from)?;
    let walking = sandbox::follow(app.ctx.clone(), sandbox.clock(), client, app.nudge.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = walking => {}
            () = over => {}
        }
    });
    Ok(())
}

/// What the demo sells.
fn order(number: &str) -> Result<CreateArgs, Fail> {
    Ok(CreateArgs {
        bank: Some("tochka".to_owned()),
        amount: link::parse_money("5000").map_err(|error| Fail::usage(error, ""))?,
        purpose: format!("Заказ {number}"),
        order: Some(number.to_owned()),
        methods: vec![kopeck_banks::op::PayMethod::Card, kopeck_banks::op::PayMethod::Sbp],
        hold: false,
        ttl: None,
        success_url: None,
        fail_url: None,
        receipt: ReceiptFlags::default(),
        look: Look::default(),
    })
}

/// A world of its own: never the real database, whatever the environment says.
async fn demo_world(
    globals: &Globals,
    dir: &Path,
    listener: &TcpListener,
    sandbox: &Sandbox,
) -> Result<World, Fail> {
    let data = dir.display().to_string();
    let mut config = globals.settings(&[
        ("data.dir", &data),
        ("database.url", ""),
        ("server.public_url", ""),
    ])?;
    config.server.listen = listener.local_addr()?;
    let level = if config.log.level == "info" { "warn" } else { &config.log.level };
    log::init(level, config.log.format)?;
    let mut world = open(config, AddressPolicy::AllowLoopback, globals.out()).await?;
    // One clock for shop and bank: whoever moves the bank's time moves the shop's.
    world.ctx.clock = sandbox.clock();
    world.ctx.mint = Arc::new(Mint::new(world.ctx.clock.clone()));
    Ok(world)
}

/// The connection to the emulator, as its test credentials say.
async fn connection(world: &World, sandbox: &Sandbox) -> Result<Connection, Fail> {
    let named = sandbox.env().into_iter().filter_map(|(name, value)| {
        let setting = settings::SETTINGS.iter().find(|setting| setting.env == name)?;
        Some((setting.name.to_owned(), value))
    });
    let credentials = Credentials::new(named);
    let (ctx, shop_id) = (&world.ctx, &world.shop.id);
    // In a demo's own books there is no other bank: on another port it is the same one.
    let known = shops::flow::list_connections(ctx, shop_id).await?.pop();
    Ok(match known {
        Some(known) if known.credentials == credentials => known,
        Some(known) => shops::flow::save_credentials(ctx, known, credentials, None).await?,
        None => shops::flow::create_connection(ctx, shop_id, "tochka", credentials, None).await?,
    })
}
