//! `kopeck sbp setup`: registers what SBP does not know yet, finds what it knows, saves both, and
//! shows the first code. Run again, it finds everything and changes nothing.

use clap::Args;
use kopeck_banks::{
    op::{CodeKind, SbpAccount, SbpCompany, SbpOp, SbpPoint, SetupOp},
    tochka::settings,
};
use serde_json::{Value, json};

use super::{
    bank::{Bank, Made, lacks},
    point::{self, PointArgs},
    status,
};
use crate::{
    cli::{
        connect,
        context::Globals,
        fail::Fail,
        init::{choose, steps::Steps},
        print::{HINT, can_ask, paint},
        qr::place::{create as create_place, find as place_of},
    },
    kit::db::DbError,
    places::{
        self,
        drive::drive_now,
        flow::NewPlace,
        model::{Place, State as PlaceState},
    },
    qr::Code,
};

/// More codes than a shop hangs.
const MANY: i64 = 1_000;
/// How often the first code is asked for, should an answer be lost.
const TRIES: usize = 3;

/// From nothing to the first QR code: registers the company and a point of sale in SBP, chooses
/// the account, makes a code. Every question has a flag. Running it again finds what is there.
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Where the money goes, when the company has several accounts: number/BIK
    #[arg(long, value_name = "NUMBER/BIK")]
    account: Option<String>,
    #[command(flatten)]
    point: PointArgs,
    /// Make no code
    #[arg(long)]
    no_code: bool,
    /// Only look: what is there and what is missing
    #[arg(long, conflicts_with_all = ["account", "id", "brand"])]
    status: bool,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
}

impl SetupArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        let connection = connect::get_of(&world, Some("tochka")).await?;
        let mut bank = Bank { world: &world, connection };
        if self.status {
            return status::show(&bank).await;
        }
        let may_ask = !self.yes && can_ask();
        let mut steps = Steps::new(world.out);
        let company = company(&bank, &mut steps).await?;
        let accounts = bank.accounts(&company.id).await;
        let accounts = steps.check("The accounts cannot be read", accounts)?;
        let account = self.choose_account(&accounts, &bank, may_ask);
        let account = steps.check("No account to send the money to", account)?;
        steps.good(&format!("Account {}", account.account_id))?;
        let place = (company.id.as_str(), may_ask);
        let point = point::find(&mut bank, &mut steps, &self.point, place).await?;
        let mut credentials = bank.connection.credentials.clone();
        credentials.set(settings::SBP_COMPANY_ID, company.id.as_str());
        credentials.set(settings::SBP_MERCHANT_ID, point.id.as_str());
        credentials.set(settings::SBP_ACCOUNT_ID, account.account_id.as_str());
        point::save(&mut bank, credentials).await?;
        steps.good(&format!("Saved with the connection {}", bank.connection.id))?;
        let code = match self.no_code {
            true => None,
            false => Some(first_code(&bank, &mut steps, &point).await?),
        };
        let shown = json!({
            "connection_id": bank.connection.id,
            "company_id": company.id,
            "account_id": account.account_id,
            "point": show_point(&point),
            "code": code.as_ref().map(show_code),
            "steps": steps.into_json(),
        });
        world.out.show(&shown, || describe(code.as_ref()))
    }

    /// By flag, as saved, as the connection's own, the only one.
    fn choose_account<'a>(
        &self,
        accounts: &'a [SbpAccount],
        bank: &Bank<'_>,
        may_ask: bool,
    ) -> Result<&'a SbpAccount, Fail> {
        let active: Vec<&SbpAccount> = accounts.iter().filter(|it| it.is_active).collect();
        let names: Vec<String> = active.iter().map(|it| it.account_id.clone()).collect();
        let find = |id: &str| active.iter().find(|it| it.account_id == id.trim()).copied();
        let saved = &bank.connection.credentials;
        if let Some(id) = self.account.as_deref().or(saved.find(settings::SBP_ACCOUNT_ID)) {
            return find(id).ok_or_else(|| {
                let message = format!("{id} is no active account of the company in SBP");
                let hint = format!("Choose with --account: {}", names.join(", "));
                Fail::new("sbp_account_wrong", message, hint).param("account")
            });
        }
        if let Some(own) = saved.find(settings::ACCOUNT_ID).and_then(find) {
            return Ok(own);
        }
        match active.as_slice() {
            [] => {
                let message = "SBP knows no active account of the company";
                let hint = "Open a settlement account in rubles in the internet bank, or ask the \
                            bank's support why SBP does not have it";
                Err(Fail::new("sbp_account_missing", message, hint))
            }
            [only] => Ok(only),
            several if may_ask => Ok(several[choose("Which account gets the money?", names)?]),
            _ => {
                let message = format!("There are several accounts: {}", names.join(", "));
                let hint = "Choose one with --account or TOCHKA_SBP_ACCOUNT_ID";
                Err(Fail::new("sbp_account_ambiguous", message, hint).param("account"))
            }
        }
    }
}

/// The company as SBP knows it; registered if it does not.
async fn company(bank: &Bank<'_>, steps: &mut Steps) -> Result<SbpCompany, Fail> {
    let found = bank.find_company().await;
    let company = match steps.check("SBP cannot be asked about the company", found)? {
        Some(company) => {
            steps.good(&format!("SBP knows the company: {} {}", company.id, company.name))?;
            company
        }
        None => {
            let made = register(bank).await;
            let company = steps.check("The company is not registered in SBP", made)?;
            steps.good(&format!("The company is registered in SBP: {}", company.id))?;
            company
        }
    };
    if company.is_active {
        return Ok(company);
    }
    let message =
        format!("The company {} is suspended in SBP: its codes take no money", company.id);
    let hint = "Switch it on in the internet bank, «QR-платежи», or ask the bank's support why it \
                was suspended";
    steps.check("The company is suspended", Err(Fail::new("sbp_company_suspended", message, hint)))
}

/// A company exists once, so whatever the answer was, a look tells; a second request, by the next
/// run, is refused at worst.
async fn register(bank: &Bank<'_>) -> Result<SbpCompany, Fail> {
    let made = bank.make(SbpOp::Setup(SetupOp::RegisterCompany)).await?;
    if let Some(company) = bank.find_company().await? {
        return Ok(company);
    }
    let why = match made {
        Made::Done(_) => "it says that it did, but does not show it yet".to_owned(),
        Made::Taken => "it says that it is registered, but does not show it".to_owned(),
        Made::Lost(why) => why,
    };
    let message = format!("Whether the bank registered the company is not known yet: {why}");
    let hint = "Run the command again in a minute: it looks first";
    Err(Fail::new("sbp_company_unknown", message, hint))
}

/// The first code on a wall: a place with the point's name, whose payer enters the sum. A run that
/// was cut off is taken up.
async fn first_code(bank: &Bank<'_>, steps: &mut Steps, point: &SbpPoint) -> Result<Place, Fail> {
    let (world, connection_id) = (bank.world, bank.connection.id.clone());
    let shop_id = world.shop.id.clone();
    let listed: Result<Vec<Place>, DbError> = world
        .ctx
        .db
        .read(move |tx| {
            places::store::list_places(tx, &shop_id, Some(CodeKind::Static), None, MANY)
        })
        .await;
    let fits = |it: &Place| {
        let is_own = it.connection_id == connection_id && it.amount.is_none();
        let is_here = it.point_id.as_deref().is_none_or(|id| id == point.id);
        is_own && is_here && matches!(it.state(), PlaceState::Active | PlaceState::Opening)
    };
    let found = listed?.into_iter().rev().find(fits);
    let is_new = found.is_none();
    let made = match found {
        Some(place) => Ok(place),
        None => make_code(bank, point).await,
    };
    let mut place = steps.check("The first code is not made", made)?;
    for _ in 0..TRIES {
        if place.code_url.is_some() || place.state() == PlaceState::Failed {
            break;
        }
        drive_now(&world.ctx, &place.id).await?;
        place = place_of(world, &place.id).await?;
    }
    let url = steps.check("The first code is not made", code_url(&place))?;
    let verb = if is_new { "made" } else { "there" };
    steps.good(&format!("The first code is {verb}: {url}"))?;
    Ok(place)
}

async fn make_code(bank: &Bank<'_>, point: &SbpPoint) -> Result<Place, Fail> {
    let new = NewPlace {
        kind: CodeKind::Static,
        name: point.brand.clone(),
        amount: None,
        vat: None,
        purpose: None,
        ttl_minutes: None,
    };
    let made = create_place(bank.world, new, Some(&bank.connection.id)).await;
    made.map_err(|fail| match fail.code.as_str() {
        "bank_permission_missing" => lacks("EditSBPData", &fail.message, &fail.hint),
        _ => fail,
    })
}

fn code_url(place: &Place) -> Result<String, Fail> {
    if let Some(failure) = &place.failure {
        return Err(failure.clone().into());
    }
    place.code_url.clone().ok_or_else(|| {
        let message = "The bank made no code yet";
        let hint = "Run the command again in a minute: it goes on with the same code";
        Fail::new("sbp_code_unknown", message, hint)
    })
}

pub fn show_point(point: &SbpPoint) -> Value {
    let kinds: Vec<&str> = point.kinds.iter().map(|kind| kind.as_str()).collect();
    json!({
        "id": point.id, "brand": point.brand, "is_active": point.is_active,
        "address": point.address, "city": point.city, "mcc": point.mcc, "codes": kinds,
    })
}

fn show_code(place: &Place) -> Value {
    json!({
        "id": place.code_id, "url": place.code_url, "purpose": place.purpose, "place_id": place.id,
    })
}

fn describe(place: Option<&Place>) -> String {
    let next = format!(
        "Next:\n  {}\n  {}",
        paint(HINT, "kopeck serve"),
        paint(HINT, "kopeck qr create --amount 1500 --purpose \"Order 4711\""),
    );
    let Some((place, url)) = place.and_then(|it| it.code_url.as_deref().map(|url| (it, url)))
    else {
        return format!("\n{next}");
    };
    let picture = Code::new(url).map(|drawn| drawn.to_terminal()).unwrap_or_default();
    let poster = format!("kopeck qr place poster {} --out poster.pdf", place.id);
    format!(
        "\n{picture}\n\nPay any sum by it with a phone: {}\n\n{next}\n  {}",
        paint(HINT, url),
        paint(HINT, &poster),
    )
}
