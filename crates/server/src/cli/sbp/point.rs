//! The point of sale of `kopeck sbp setup`: chosen among those that SBP knows, or registered.

use clap::Args;
use kopeck_banks::{
    Credentials,
    op::{NewPoint, Retailer, SbpOp, SbpPoint, SbpWord, SetupOp},
    tochka::settings,
};

use super::bank::{Bank, Made};
use crate::{
    cli::{
        connect,
        fail::Fail,
        init::{choose, not_asked, steps::Steps},
        print::moscow,
    },
    kit::clock::MINUTE_MS,
    shops,
};

/// A registration is under way, or its answer was lost: the brand, and when it was asked for.
const ASKED: &str = "sbp_point_asked";
const ASKED_MS: &str = "sbp_point_asked_ms";
/// After this a point that is not in the bank's list was not made.
const SETTLED_MS: i64 = 10 * MINUTE_MS;

#[derive(Debug, Args)]
pub struct PointArgs {
    /// The point of sale in SBP when there are several, 12 characters
    /// [env: TOCHKA_SBP_MERCHANT_ID]
    #[arg(long = "point", value_name = "ID", conflicts_with = "brand")]
    id: Option<String>,
    /// What payers see as the recipient: «Кофейня у Артёма». A point of this name is taken or made
    #[arg(long)]
    brand: Option<String>,
    /// Street and house
    #[arg(long)]
    address: Option<String>,
    #[arg(long)]
    city: Option<String>,
    /// The first two digits of OKTMO: 45 is Moscow, 40 Petersburg
    #[arg(long, value_name = "DIGITS")]
    region: Option<String>,
    /// Six digits
    #[arg(long, value_name = "DIGITS")]
    postcode: Option<String>,
    /// What is sold, four digits; by default as internet acquiring has it
    #[arg(long, value_name = "DIGITS")]
    mcc: Option<String>,
    /// The point's phone, 79991234567
    #[arg(long, value_name = "DIGITS")]
    phone: Option<String>,
    /// Payers stand before it: a shop, not a website
    #[arg(long)]
    face_to_face: bool,
}

/// Finds the point or registers it.
pub async fn find(
    bank: &mut Bank<'_>,
    steps: &mut Steps,
    args: &PointArgs,
    (company_id, may_ask): (&str, bool),
) -> Result<SbpPoint, Fail> {
    let points = bank.points(company_id).await;
    let points = steps.check("The points of sale cannot be read", points)?;
    let chosen = args.choose(&points, &bank.connection.credentials, may_ask);
    if let Some(point) = steps.check("No point of sale to make codes for", chosen)? {
        keep_asked(bank, None).await?;
        steps.good(&format!("Point of sale {} «{}»", point.id, point.brand))?;
        return Ok(point);
    }
    let settled = check_settled(bank);
    steps.check("A registration is still without an answer", settled)?;
    let may_edit = bank.check_may_edit().await;
    steps.check("The point of sale cannot be registered", may_edit)?;
    let wanted = args.gather(bank, may_ask).await;
    let wanted = steps.check("The point of sale cannot be registered yet", wanted)?;
    let made = register(bank, company_id, &points, wanted).await;
    let point = steps.check("The point of sale is not registered", made)?;
    steps.good(&format!("Point of sale {} «{}» is registered", point.id, point.brand))?;
    Ok(point)
}

impl PointArgs {
    /// By flag, by name, as saved before, the only one; `None`: one is to be registered.
    fn choose(
        &self,
        points: &[SbpPoint],
        saved: &Credentials,
        may_ask: bool,
    ) -> Result<Option<SbpPoint>, Fail> {
        let active: Vec<&SbpPoint> = points.iter().filter(|it| it.is_active).collect();
        let names: Vec<String> =
            active.iter().map(|it| format!("{} «{}»", it.id, it.brand)).collect();
        if let Some(brand) = &self.brand {
            let is_it = |it: &&&SbpPoint| it.brand.trim() == brand.trim();
            return Ok(active.iter().find(is_it).copied().cloned());
        }
        if let Some(id) = self.id.as_deref().or(saved.find(settings::SBP_MERCHANT_ID)) {
            let found = active.iter().find(|it| it.id == id);
            return found.map(|it| Some((*it).clone())).ok_or_else(|| {
                let message = format!("{id} is no active point of sale of the company in SBP");
                let hint = match names.as_slice() {
                    [] => "There is none; --brand registers one".to_owned(),
                    names => format!("Choose with --point: {}", names.join(", ")),
                };
                Fail::new("sbp_point_wrong", message, hint).param("point")
            });
        }
        match active.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some((*only).clone())),
            several if may_ask => {
                let mut choices = names;
                choices.push("Another one, to be registered now".to_owned());
                let index = choose("Which point of sale?", choices)?;
                Ok(several.get(index).map(|it| (*it).clone()))
            }
            _ => {
                let message = format!("There are several points of sale: {}", names.join(", "));
                let hint = "Choose one with --point or TOCHKA_SBP_MERCHANT_ID";
                Err(Fail::new("sbp_point_ambiguous", message, hint).param("point"))
            }
        }
    }

    /// Flags, then what internet acquiring knows, then questions.
    async fn gather(&self, bank: &Bank<'_>, may_ask: bool) -> Result<NewPoint, Fail> {
        let retailer = find_retailer(bank).await;
        let known = |text: Option<&String>| text.filter(|text| !text.trim().is_empty()).cloned();
        let name = known(retailer.as_ref().map(|it| &it.name));
        let mcc = known(self.mcc.as_ref()).or(known(retailer.as_ref().map(|it| &it.mcc)));
        let mut missing = Vec::new();
        let mut need = |flag: &'static str, question: &str, given: Option<String>, more: &str| {
            if let Some(given) = given {
                return Ok(given);
            }
            if !may_ask {
                missing.push(flag);
                return Ok(String::new());
            }
            let asked = inquire::Text::new(question).with_default(more).prompt();
            asked.map(|text| text.trim().to_owned()).map_err(not_asked)
        };
        let name = name.as_deref().unwrap_or("");
        let point = NewPoint {
            brand: need("--brand", "Name that payers see:", known(self.brand.as_ref()), name)?,
            address: need("--address", "Street and house:", known(self.address.as_ref()), "")?,
            city: need("--city", "City:", known(self.city.as_ref()), "")?,
            region: need(
                "--region",
                "Region, the first two digits of OKTMO (45 is Moscow):",
                known(self.region.as_ref()),
                "",
            )?,
            postcode: need("--postcode", "Postcode:", known(self.postcode.as_ref()), "")?,
            mcc: need("--mcc", "MCC, four digits:", mcc, "")?,
            phone: known(self.phone.as_ref()),
            is_face_to_face: self.face_to_face,
            is_for_companies: false,
        };
        let Some(first) = missing.first() else { return Ok(point) };
        let message = "The company has no point of sale in SBP, and one cannot be registered \
                       without its name and place";
        let hint = format!("Give {}", missing.join(", "));
        Err(Fail::new("sbp_point_missing", message, hint).param(first.trim_start_matches('-')))
    }
}

/// The point of internet acquiring, for its name and what it sells. SBP does without, so a key
/// that may not read it is no hindrance.
async fn find_retailer(bank: &Bank<'_>) -> Option<Retailer> {
    let credentials = &bank.connection.credentials;
    let retailers = connect::retailers(&bank.world.ctx, credentials).await.ok()?;
    let own = credentials.find(settings::MERCHANT_ID);
    let mut active = retailers.into_iter().filter(|it| it.is_active);
    active.find(|it| own.is_none() || it.merchant_id.as_deref() == own)
}

/// Two points of one name may exist, so the request is marked before it leaves and looked for
/// afterwards; it is never sent again while it may still be on its way.
async fn register(
    bank: &mut Bank<'_>,
    company_id: &str,
    before: &[SbpPoint],
    wanted: NewPoint,
) -> Result<SbpPoint, Fail> {
    let brand = wanted.brand.trim().to_owned();
    keep_asked(bank, Some(&brand)).await?;
    let op = SetupOp::RegisterPoint { company_id: company_id.to_owned(), point: wanted };
    let made = match bank.make(SbpOp::Setup(op)).await {
        Ok(made) => made,
        Err(fail) => {
            keep_asked(bank, None).await?;
            return Err(fail);
        }
    };
    let id = match made {
        Made::Done(SbpWord::Registered { id }) => Some(id),
        Made::Done(_) | Made::Taken | Made::Lost(_) => None,
    };
    let is_new = |it: &SbpPoint| match &id {
        Some(id) => it.id == *id,
        None => it.brand.trim() == brand && before.iter().all(|old| old.id != it.id),
    };
    let found = bank.points(company_id).await?.into_iter().find(is_new);
    let point = match (found, id) {
        (Some(point), _) => point,
        // Made a moment ago, so the list may be behind.
        (None, Some(id)) => SbpPoint { id, brand, is_active: true, ..SbpPoint::default() },
        (None, None) => return Err(unanswered(bank)),
    };
    keep_asked(bank, None).await?;
    Ok(point)
}

fn check_settled(bank: &Bank<'_>) -> Result<(), Fail> {
    let asked_ms = bank.connection.credentials.find(ASKED_MS).and_then(|ms| ms.parse::<i64>().ok());
    match asked_ms {
        Some(ms) if bank.world.ctx.now_ms() < ms + SETTLED_MS => Err(unanswered(bank)),
        Some(_) | None => Ok(()),
    }
}

fn unanswered(bank: &Bank<'_>) -> Fail {
    let asked_ms = bank.connection.credentials.find(ASKED_MS).and_then(|ms| ms.parse::<i64>().ok());
    let until = moscow(asked_ms.unwrap_or(bank.world.ctx.now_ms()) + SETTLED_MS);
    let brand = bank.connection.credentials.get(ASKED);
    let message = format!(
        "The bank was asked to register «{brand}» and did not answer; its list does not have it"
    );
    let hint = format!(
        "Run the command again: it looks first, and asks anew only after {until}, when the first \
         request can no longer come through"
    );
    Fail::new("sbp_point_unknown", message, hint)
}

/// Marks a registration as asked, durably, or as settled.
async fn keep_asked(bank: &mut Bank<'_>, brand: Option<&str>) -> Result<(), Fail> {
    let mut credentials = bank.connection.credentials.clone();
    if brand.is_none() && credentials.find(ASKED).is_none() {
        return Ok(());
    }
    let now = bank.world.ctx.now_ms().to_string();
    credentials.set(ASKED, brand.unwrap_or(""));
    credentials.set(ASKED_MS, if brand.is_some() { now.as_str() } else { "" });
    save(bank, credentials).await
}

/// Keeps what is known of the connection now.
pub async fn save(bank: &mut Bank<'_>, credentials: Credentials) -> Result<(), Fail> {
    if credentials == bank.connection.credentials {
        return Ok(());
    }
    let connection = bank.connection.clone();
    let expires_ms = connection.token_expires_ms;
    let ctx = &bank.world.ctx;
    bank.connection =
        shops::flow::save_credentials(ctx, connection, credentials, expires_ms).await?;
    Ok(())
}
