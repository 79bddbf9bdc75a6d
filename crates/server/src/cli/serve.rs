//! `kopeck serve`: the server, until it is told to stop.

use std::{io, net::SocketAddr, sync::Arc};

use clap::Args;
use kopeck_banks::tochka::settings;
use tokio::net::TcpListener;

use super::{
    address::{loopback_address, notice_url},
    connect,
    context::{Globals, World, open},
    fail::Fail,
    integration, plan,
    print::{HINT, WARN, is_terminal, note, paint},
    receipt,
};
use crate::{
    app::App,
    ids::Mint,
    kit::{log, net::AddressPolicy},
    receipts::flow,
    sandbox::{self, Client, SandboxClock},
    shops::{self, model::Connection},
    staff::flow::members::{is_unclaimed, setup_url},
};

/// Run the server: API, pay pages, bank notices and the reconciler.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; 127.0.0.1:8080 by default
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Live by the clock of a running `kopeck sandbox`: `kopeck sandbox clock advance 400d` then
    /// plays four hundred days, renewals and all. For trials only
    #[arg(long, value_name = "URL", num_args = 0..=1, env = SANDBOX_VARIABLE,
        default_missing_value = SANDBOX)]
    sandbox: Option<String>,
}

/// With it commands live by the sandbox's clock as the server does.
pub const SANDBOX_VARIABLE: &str = "KOPECK_SERVE_SANDBOX";
/// Where a sandbox is when nothing else is said.
const SANDBOX: &str = "http://127.0.0.1:9900";

impl ServeArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let listen = self.listen.map(|listen| listen.to_string());
        let flag = listen.as_ref().map(|listen| ("server.listen", listen.as_str()));
        let mut config = globals.settings(flag.as_slice())?;
        log::init(&config.log.level, config.log.format)?;
        let listener = bind(config.server.listen, "--listen").await?;
        config.server.listen = listener.local_addr()?;
        let mut policy = config.net.private_addresses;
        let mut world = open(config.clone(), policy, globals.out()).await?;
        connect::refresh(&world).await?;
        if policy == AddressPolicy::PublicOnly && has_emulator(&world).await? {
            // Its operator connected it to an emulator on this machine, so it is a trial.
            policy = AddressPolicy::AllowLoopback;
            world = open(config, policy, globals.out()).await?;
        }
        let followed = match &self.sandbox {
            Some(at) => {
                let how = "`kopeck sandbox clock advance 30d` moves it";
                note(&format!("time is the sandbox's at {at}: {how}"));
                Some(follow(&mut world, at).await?)
            }
            None => None,
        };
        let integrations = integration::apply_settings(&world).await?;
        let changed = plan::apply_settings(&world).await?;
        greet(&world).await?;
        for (offer, made) in &changed {
            world.out.tell(&format!("  plan {}", plan::news(offer, *made)))?;
        }
        for (service, applied) in &integrations {
            let word = integration::applied_word(*applied);
            world.out.tell(&format!("  integration {service} ({word})"))?;
        }
        let mut app = App::new(world.ctx.clone());
        app.limits.api_body_bytes = world.config.limits.api_body_bytes;
        app.limits.notice_body_bytes = world.config.limits.notice_body_bytes;
        let following = followed.map(|(clock, client)| {
            let (ctx, nudge) = (world.ctx.clone(), app.nudge.clone());
            tokio::spawn(sandbox::follow(ctx, clock, client, nudge))
        });
        let served = app.serve(listener, stopped()).await;
        if let Some(following) = following {
            following.abort();
        }
        Ok(served?)
    }
}

/// From now on the world's time is the sandbox's, which must be on this machine: nobody moves the
/// clock of a server that takes money.
pub async fn follow(world: &mut World, at: &str) -> Result<(Arc<SandboxClock>, Client), Fail> {
    let connections = shops::flow::list_all_connections(&world.ctx).await?;
    let is_real = |it: &Connection| loopback_address(settings::base(&it.credentials)).is_none();
    if let Some(real) = connections.iter().find(|it| is_real(it)) {
        let message = format!("{} is connected for real: its clock is nobody's toy.", real.bank);
        let hint = "use --data for a trial of its own, or leave --sandbox out";
        return Err(Fail::new("sandbox_with_real_bank", message, hint));
    }
    let client = Client::new(at).map_err(anyhow::Error::from)?;
    let clock = Arc::new(SandboxClock::new(world.ctx.clock.clone()));
    sandbox::catch_up(&clock, &client).await.map_err(anyhow::Error::from)?;
    world.ctx.clock = clock.clone();
    world.ctx.mint = Arc::new(Mint::new(world.ctx.clock.clone()));
    Ok((clock, client))
}

pub async fn has_emulator(world: &World) -> Result<bool, Fail> {
    let all = shops::flow::list_all_connections(&world.ctx).await?;
    let is_local = |url: &str| loopback_address(url).is_some();
    Ok(all.iter().any(|connection| is_local(settings::base(&connection.credentials))))
}

/// Takes the address, or says how to take another one.
pub async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Fail> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() != io::ErrorKind::AddrInUse {
            let message = format!("Cannot listen on {address}: {error}");
            return Fail::new("address_unusable", message, format!("{flag} 127.0.0.1:8080"));
        }
        let port = address.port().checked_add(1).unwrap_or(8080);
        Fail::new(
            "address_taken",
            format!("The address {address} is taken: is Kopeck running there already?"),
            format!("{flag} {}", SocketAddr::new(address.ip(), port)),
        )
    })
}

async fn greet(world: &World) -> Result<(), Fail> {
    let public_url = &world.ctx.public_url;
    world.out.tell(&format!(
        "Kopeck listens on {}, reached at {}",
        world.config.server.listen,
        paint(HINT, public_url)
    ))?;
    let connections = shops::flow::list_all_connections(&world.ctx).await?;
    for connection in &connections {
        let url = notice_url(public_url, connection);
        world.out.tell(&format!("  {}: notices come in at {url}", connection.bank))?;
    }
    if connections.is_empty() {
        note("no bank is connected yet: run `kopeck init` (it works while the server runs)");
    }
    if is_unclaimed(&world.ctx, &world.shop.id).await? {
        let url = setup_url(&world.ctx, &world.shop.id);
        world.out.tell(&format!("  dashboard: become its owner at {}", paint(HINT, &url)))?;
    } else {
        world.out.tell(&format!("  dashboard: {public_url}/admin"))?;
    }
    let standing = flow::stand_all(&world.ctx).await?;
    if standing.due > 0 || standing.failed > 0 || standing.late > 0 {
        let text = receipt::describe_standing(&standing).replace('\n', "\n  ");
        world.out.tell(&format!("Receipts:\n  {text}"))?;
    }
    if world.config.server.public_url.is_empty() {
        note("server.public_url is not set, so banks and payers cannot find this server");
    }
    if is_terminal() {
        world.out.tell(&paint(WARN, "Ctrl-C stops it."))?;
    }
    Ok(())
}

/// Ctrl-C, or what service managers send.
pub async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a signal handler the process simply dies of the signal.
    let _ = tokio::signal::ctrl_c().await;
}
