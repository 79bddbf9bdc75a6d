//! `kopeck init`: connects the bank, finds what can be found, checks everything.

mod oauth;
pub mod steps;
mod tbank;

use clap::Args;
use kopeck_banks::{
    Credentials,
    op::{Customer, Retailer},
    tochka::{settings, token, token_problem},
};
use serde_json::json;

use self::steps::Steps;
use super::{
    address::{self, notice_url},
    connect::{self, environment, no_company, several_companies, split_merchant_id},
    context::{Globals, World},
    fail::Fail,
    keys, notices, plan,
    print::{HINT, STRONG, can_ask, moscow, paint},
};
use crate::{
    gateway::notices::fetch_keys,
    kit::clock::{DAY_MS, timestamp},
    shops::{self, flow::token_life_ms, model::Connection},
};

/// Connect a bank: asks for the token, finds company and acquiring point, registers the notice
/// address, checks everything. Every question has a flag; TOCHKA_… and TBANK_… variables are the
/// defaults.
/// Running it again updates the connection.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Which bank
    #[arg(long, default_value = "tochka", value_parser = ["tochka", "tbank"])]
    bank: String,
    /// T-Bank: the terminal's key, from its page in the cabinet [env: TBANK_TERMINAL_KEY]
    #[arg(long, value_name = "KEY")]
    terminal_key: Option<String>,
    /// T-Bank: the terminal's password, shown beside the key [env: TBANK_PASSWORD]
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// The JWT key from the internet bank, «Интеграции и API» [env: TOCHKA_ACCESS_TOKEN]
    #[arg(long, value_name = "JWT", conflicts_with = "oauth")]
    token: Option<String>,
    /// Connect by OAuth: for an application that acts for other companies
    #[arg(long)]
    oauth: bool,
    /// The application's id, or the one beside the JWT key [env: TOCHKA_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The application's secret [env: TOCHKA_CLIENT_SECRET]
    #[arg(long, value_name = "SECRET")]
    client_secret: Option<String>,
    /// Where the bank's consent page returns to [env: TOCHKA_REDIRECT_URI]
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<String>,
    /// The code that the consent page returned
    #[arg(long, requires = "oauth")]
    code: Option<String>,
    /// The company, when the token opens several [env: TOCHKA_CUSTOMER_CODE]
    #[arg(long, value_name = "CODE")]
    customer_code: Option<String>,
    /// The acquiring point, when there are several: 15 digits [env: TOCHKA_MERCHANT_ID]
    #[arg(long, value_name = "ID")]
    merchant_id: Option<String>,
    /// The API's address, for an emulator or the bank's sandbox [env: TOCHKA_BASE_URL]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// How payers and the bank reach this server: https://pay.example.ru
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Another notice address than the one that follows from the public URL
    #[arg(long, value_name = "URL", conflicts_with = "no_notices")]
    notice_url: Option<String>,
    /// Register no notice address: payments are then found by asking alone
    #[arg(long)]
    no_notices: bool,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
}

impl InitArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let mut world = globals.open().await?;
        if let Some(url) = &self.public_url {
            world.ctx.public_url = public_url(url)?.into();
        }
        let mut steps = Steps::new(world.out);
        for (offer, made) in plan::apply_settings(&world).await? {
            steps.good(&format!("Plan {}", plan::news(&offer, made)))?;
        }
        if self.bank == "tbank" {
            return tbank::connect(self, globals, world).await;
        }
        let stored = connect::saved(&world, "tochka").await?;
        let mut credentials = self.gather(stored.as_ref());
        let expires_ms = self.access(&world, &mut steps, &mut credentials).await?;
        self.company(&world, &mut steps, &mut credentials).await?;
        self.point(&world, &mut steps, &mut credentials).await?;
        let connection = save(&world, credentials, expires_ms).await?;
        steps.good(&format!("Saved as {}, its secrets encrypted", connection.id))?;
        let key = api_key(&world, &mut steps).await?;
        let url = self.notice_url.clone();
        let url = url.unwrap_or_else(|| notice_url(&world.ctx.public_url, &connection));
        let notices = self.notices(&world, &mut steps, &connection, &url).await;
        self.remember_public_url(globals, &mut steps)?;
        let shown = json!({
            "connection_id": connection.id, "bank": connection.bank, "notice_url": url,
            "notices": notices.as_ref().map_or("failed", |state| *state),
            "customer_code": connection.credentials.find(settings::CUSTOMER_CODE),
            "merchant_id": connection.credentials.find(settings::MERCHANT_ID),
            "api_key": key, "steps": steps.into_json(),
        });
        world.out.show(&shown, || next_commands(key.as_deref()))?;
        notices.map(|_| ())
    }

    fn may_ask(&self) -> bool {
        !self.yes && can_ask()
    }

    /// Flags, then the environment, then what was saved before.
    fn gather(&self, stored: Option<&Connection>) -> Credentials {
        let mut all = stored.map(|it| it.credentials.clone()).unwrap_or_default();
        for (name, value) in environment().values() {
            all.set(name, value.as_str());
        }
        let flags = [
            (settings::ACCESS_TOKEN, &self.token),
            (settings::CLIENT_ID, &self.client_id),
            (settings::CLIENT_SECRET, &self.client_secret),
            (settings::REDIRECT_URI, &self.redirect_uri),
            (settings::CUSTOMER_CODE, &self.customer_code),
            (settings::MERCHANT_ID, &self.merchant_id),
            (settings::BASE_URL, &self.base_url),
        ];
        for (name, value) in flags {
            if let Some(value) = value {
                all.set(name, value.trim());
            }
        }
        split_merchant_id(&mut all);
        all
    }

    /// The token, by one way or the other; returns when it ends.
    async fn access(
        &self,
        world: &World,
        steps: &mut Steps,
        credentials: &mut Credentials,
    ) -> Result<Option<i64>, Fail> {
        if self.oauth {
            let tokens = oauth::connect(world, steps, self, credentials).await?;
            credentials.set(settings::ACCESS_TOKEN, tokens.access_token.as_str());
            if let Some(refresh) = &tokens.refresh_token {
                credentials.set(settings::REFRESH_TOKEN, refresh.as_str());
            }
            return Ok(Some(world.ctx.now_ms() + token_life_ms(&tokens)));
        }
        if credentials.find(settings::ACCESS_TOKEN).is_none() && self.may_ask() {
            let about = "Internet bank → Интеграции и API → Сгенерировать JWT-ключ";
            let asked = inquire::Password::new("The JWT key:")
                .without_confirmation()
                .with_help_message(about)
                .prompt();
            credentials.set(settings::ACCESS_TOKEN, asked.map_err(not_asked)?.trim());
        }
        let token = credentials.get(settings::ACCESS_TOKEN).to_owned();
        if token.is_empty() {
            let hint = "Make a JWT key in the internet bank («Интеграции и API») and give it as \
                        TOCHKA_ACCESS_TOKEN or --token; or connect with --oauth";
            let message = "No access token of the bank is given";
            return Err(Fail::new("bank_token_missing", message, hint).param("token"));
        }
        // A JWT key replaces what an earlier OAuth consent left behind.
        if self.token.is_some() {
            credentials.set(settings::REFRESH_TOKEN, "");
        }
        let now_ms = world.ctx.now_ms();
        let problem = token_problem(&token, timestamp(now_ms)).map_or(Ok(()), |p| Err(p.into()));
        steps.check("The token is unusable", problem)?;
        let expires_ms = token::find_expiry(&token).map(|at| at.as_millisecond());
        steps.good(&match expires_ms {
            Some(ms) => {
                let days = (ms - now_ms) / DAY_MS;
                format!("The token is whole and lasts until {} ({days} days)", moscow(ms))
            }
            None => "The token looks whole and names no end".to_owned(),
        })?;
        Ok(expires_ms)
    }

    /// The Business customer that the token opens.
    async fn company(
        &self,
        world: &World,
        steps: &mut Steps,
        credentials: &mut Credentials,
    ) -> Result<(), Fail> {
        let customers = connect::customers(&world.ctx, credentials).await;
        let customers = steps.check("The bank does not accept the token", customers)?;
        steps.good("The bank accepts the token")?;
        let chosen = self.choose_company(&customers, credentials);
        let chosen = steps.check("No company to work for", chosen)?;
        credentials.set(settings::CUSTOMER_CODE, chosen.customer_code.as_str());
        steps.good(&format!("Company {}: {}", chosen.customer_code, chosen.name))
    }

    fn choose_company<'a>(
        &self,
        customers: &'a [Customer],
        credentials: &Credentials,
    ) -> Result<&'a Customer, Fail> {
        let business: Vec<&Customer> = customers.iter().filter(|it| it.is_business).collect();
        if let Some(code) = credentials.find(settings::CUSTOMER_CODE) {
            return match customers.iter().find(|customer| customer.customer_code == code) {
                Some(customer) if customer.is_business => Ok(customer),
                found => {
                    let message = match found {
                        Some(_) => format!("The customer {code} is a person, not a company"),
                        None => format!("The token does not open the company {code}"),
                    };
                    let codes: Vec<&str> =
                        business.iter().map(|it| it.customer_code.as_str()).collect();
                    let hint = format!("It opens: {}", codes.join(", "));
                    Err(Fail::new("customer_code_wrong", message, hint).param("customer_code"))
                }
            };
        }
        match business.as_slice() {
            [] => Err(no_company()),
            [only] => Ok(only),
            _ if !self.may_ask() => Err(several_companies(customers)),
            several => {
                let names: Vec<String> =
                    several.iter().map(|it| format!("{} {}", it.customer_code, it.name)).collect();
                Ok(several[choose("Which company?", names)?])
            }
        }
    }

    /// The registered and active acquiring point.
    async fn point(
        &self,
        world: &World,
        steps: &mut Steps,
        credentials: &mut Credentials,
    ) -> Result<(), Fail> {
        let retailers = connect::retailers(&world.ctx, credentials).await;
        let retailers = steps.check("The acquiring points cannot be read", retailers)?;
        let chosen = self.choose_point(&retailers, credentials);
        let chosen = steps.check("No acquiring point to take payments with", chosen)?;
        let id = chosen.merchant_id.clone().unwrap_or_default();
        credentials.set(settings::MERCHANT_ID, id.as_str());
        let methods: Vec<&str> = chosen.methods.iter().map(|method| method.as_str()).collect();
        steps.good(&format!(
            "Acquiring point {id} «{}»: {}, {} %",
            chosen.name,
            methods.join(", "),
            chosen.rate
        ))
    }

    fn choose_point<'a>(
        &self,
        retailers: &'a [Retailer],
        credentials: &Credentials,
    ) -> Result<&'a Retailer, Fail> {
        let is_ready =
            |it: &&Retailer| it.is_active && it.status == "REG" && it.merchant_id.is_some();
        let ready: Vec<&Retailer> = retailers.iter().filter(is_ready).collect();
        let names = || -> Vec<String> {
            let name = |it: &&Retailer| {
                format!("{} «{}»", it.merchant_id.as_deref().unwrap_or_default(), it.name)
            };
            ready.iter().map(name).collect()
        };
        if let Some(id) = credentials.find(settings::MERCHANT_ID) {
            let found = ready.iter().find(|it| it.merchant_id.as_deref() == Some(id));
            return found.copied().ok_or_else(|| {
                let message = format!("{id} is no active acquiring point of the company");
                let hint = format!("Active are: {}", names().join(", "));
                Fail::new("merchant_id_wrong", message, hint).param("merchant_id")
            });
        }
        match ready.as_slice() {
            [] => {
                let hint = "Apply for internet acquiring in the internet bank; the bank registers \
                            the point in a day or two (its status becomes REG)";
                let message = "The company has no registered and active acquiring point";
                Err(Fail::new("retailer_missing", message, hint))
            }
            [only] => Ok(only),
            _ if !self.may_ask() => {
                let message = format!("There are several points: {}", names().join(", "));
                let hint = "Choose one with --merchant-id or TOCHKA_MERCHANT_ID";
                Err(Fail::new("merchant_id_ambiguous", message, hint).param("merchant_id"))
            }
            several => Ok(several[choose("Which acquiring point?", names())?]),
        }
    }

    /// Keys fetched, address registered: which makes the bank send a test notice.
    async fn notices(
        &self,
        world: &World,
        steps: &mut Steps,
        connection: &Connection,
        url: &str,
    ) -> Result<&'static str, Fail> {
        match fetch_keys(&world.ctx, connection).await? {
            Some(_) => steps.good("The bank's keys for signed notices are here")?,
            None => {
                steps.skipped("The bank's keys are out of reach now; the server tries again")?
            }
        }
        if self.no_notices {
            steps.skipped("No notice address, as you wish: payments are found by asking")?;
            return Ok("skipped");
        }
        if let Some(problem) = address::problem(connection, url) {
            if self.notice_url.is_some() {
                return steps.check("The notice address is unusable", Err(problem));
            }
            steps.skipped(&format!(
                "No notice address yet: {url} is not public ({}). Payments are found by asking, \
                 within a minute; later: --public-url https://…, `kopeck notices register`",
                problem.message
            ))?;
            return Ok("skipped");
        }
        let registered = address::register(world, connection, url).await;
        let registered = steps.check("The notice address is not registered", registered);
        let registered = registered.map_err(|fail| Fail {
            hint: format!(
                "{} Everything else is saved: mend it, then run `kopeck notices register`",
                fail.hint
            ),
            ..fail
        })?;
        if let address::Registered::Instead { of } = &registered {
            steps.skipped(&format!("The bank no longer sends notices to {of}"))?;
        }
        steps.good(&format!("The bank tested {url} and sends signed notices there"))?;
        Ok(notices::word(&registered))
    }

    /// The server needs the public URL too: it goes to kopeck.toml, unless there is one already.
    fn remember_public_url(&self, globals: &Globals, steps: &mut Steps) -> Result<(), Fail> {
        let Some(url) = &self.public_url else { return Ok(()) };
        let url = public_url(url)?;
        if globals.settings(&[])?.server.public_url == url {
            return Ok(());
        }
        let path = globals.config.clone().unwrap_or_else(|| "kopeck.toml".into());
        let text = format!("[server]\npublic_url = \"{url}\"\n");
        let mut options = std::fs::OpenOptions::new();
        let made = options.write(true).create_new(true).open(&path);
        let written =
            made.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        match written {
            Ok(()) => steps.good(&format!("public_url is written to {}", path.display())),
            Err(_) => steps.skipped(&format!(
                "Set public_url = \"{url}\" under [server] in {}, so that the server knows it",
                path.display()
            )),
        }
    }
}

fn public_url(url: &str) -> Result<String, Fail> {
    let url = url.trim().trim_end_matches('/');
    let has_scheme = url.starts_with("https://") || url.starts_with("http://");
    if has_scheme && !url.contains(['"', '\\', ' ', '\n']) {
        return Ok(url.to_owned());
    }
    let message = format!("{url} is no address such as https://pay.example.ru");
    Err(Fail::usage(message, "--public-url https://pay.example.ru").param("public_url"))
}

/// Updates the connection of this account, one made from the environment included; payments of
/// another company or another bank address stay with a connection of their own.
async fn save(
    world: &World,
    credentials: Credentials,
    expires_ms: Option<i64>,
) -> Result<Connection, Fail> {
    let (ctx, shop_id) = (&world.ctx, &world.shop.id);
    let stored = shops::flow::list_connections(ctx, shop_id).await?;
    let is_same = |it: &Connection| {
        it.bank == "tochka" && connect::is_same_account(&it.credentials, &credentials)
    };
    Ok(match stored.into_iter().rev().find(is_same) {
        Some(known) => shops::flow::save_credentials(ctx, known, credentials, expires_ms).await?,
        None => {
            shops::flow::create_connection(ctx, shop_id, "tochka", credentials, expires_ms).await?
        }
    })
}

/// A key for the shop's own programs, made with the first connection.
async fn api_key(world: &World, steps: &mut Steps) -> Result<Option<String>, Fail> {
    let live = keys::all(world).await?.iter().filter(|key| key.revoked_ms.is_none()).count();
    if live > 0 {
        steps.good(&format!("API keys: {live} (`kopeck keys create` makes another)"))?;
        return Ok(None);
    }
    let (_, text) = shops::flow::create_key(&world.ctx, &world.shop.id, "Made by init").await?;
    steps.good("An API key is made")?;
    Ok(Some(text))
}

fn next_commands(key: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(key) = key {
        text = format!("\nAPI key, shown this once:\n\n  {}\n", paint(STRONG, key));
    }
    let command = |line: &str| paint(HINT, line);
    format!(
        "{text}\nNext:\n  {}\n  {}\n  {}",
        command("kopeck serve"),
        command("kopeck link create --amount 5000 --purpose \"Order 4711\" --order 4711"),
        command("kopeck payment timeline 4711"),
    )
}

/// Lets the person choose; returns which.
pub fn choose(question: &str, names: Vec<String>) -> Result<usize, Fail> {
    Ok(inquire::Select::new(question, names).raw_prompt().map_err(not_asked)?.index)
}

/// The person left, or there is nobody.
pub fn not_asked(error: inquire::InquireError) -> Fail {
    Fail::new("question_unanswered", error.to_string(), "Every question has a flag: see --help")
}
