//! What a shop says once of its receipts: read from JSON, kept as that JSON.

use jiff::civil::Date;
use kopeck_banks::receipt::{
    Ffd, Supplier,
    preset::{PRESETS, SERVICE, ShopDefaults, Taxpayer, find_preset},
    vat::{ShopVat, VatPlan, VatStep},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

use super::{
    check::find_supplier_problem,
    request::{self, SupplierInput},
};

/// Ten years: what is delivered later has a contract of its own.
const MAX_CLOSE_DAYS: u16 = 3_650;

/// A shop's defaults, from which a receipt of one line is made.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultsInput {
    /// register (when absent), or npd for the self-employed: no receipts through a bank, but a
    /// reminder to make one in «Мой налог».
    #[schema(example = "register")]
    pub taxpayer: Option<String>,
    /// service (when absent), online_course, membership, goods, prepayment.
    #[schema(example = "online_course")]
    pub preset: Option<String>,
    /// osn, usn_income, usn_income_outcome, esn, patent; T-Bank needs it.
    #[schema(example = "usn_income")]
    pub taxation: Option<String>,
    /// The shop's own VAT, or that of the supplier for whom it always sells, by the day from which
    /// it holds; or one word. What has no day holds from
    /// today on where something else was saved before, which stays as what held until today.
    #[serde(default, deserialize_with = "read_vat")]
    pub vat: Vec<VatInput>,
    /// The cash register's format: 1.05 or 1.2.
    pub ffd: Option<String>,
    /// On whose behalf the shop sells, if it does.
    pub supplier: Option<SupplierInput>,
    /// After how many days of the payment to remind of a prepayment that is not closed; 30 when
    /// absent. `closes_on` in a receipt names the day itself.
    #[schema(example = 30)]
    pub close_after_days: Option<u16>,
    /// true: the counter has a cash register of its own, so that money that comes by codes on walls
    /// and at desks is not listed as in want of a receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter_register: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VatInput {
    /// none, general (22 % and before 2026 20 %), usn5, usn7.
    #[schema(example = "none")]
    pub vat: String,
    /// A day such as 2026-01-01; absent: always.
    #[schema(example = "2026-01-01")]
    pub valid_from: Option<String>,
}

impl From<&VatStep> for VatInput {
    fn from(step: &VatStep) -> VatInput {
        let valid_from = (step.valid_from != Date::MIN).then(|| step.valid_from.to_string());
        VatInput { vat: step.vat.as_str().to_owned(), valid_from }
    }
}

fn read_vat<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<VatInput>, D::Error> {
    let value = serde_json::Value::deserialize(json)?;
    if let Some(vat) = value.as_str() {
        return Ok(vec![VatInput { vat: vat.to_owned(), valid_from: None }]);
    }
    let list: Result<Option<Vec<VatInput>>, _> = serde_json::from_value(value);
    list.map(Option::unwrap_or_default).map_err(|error| {
        let shape = "`vat` takes a word such as \"none\", or a list of {\"vat\": \"usn5\", \
                     \"valid_from\": \"2026-07-01\"}";
        D::Error::custom(format!("{shape}: {error}"))
    })
}

/// What is wrong with the defaults.
#[derive(Debug, PartialEq, Eq)]
pub struct DefaultsProblem {
    pub param: &'static str,
    pub message: String,
    pub hint: String,
}

pub fn read(input: &DefaultsInput) -> Result<ShopDefaults, DefaultsProblem> {
    let taxpayer = match input.taxpayer.as_deref() {
        None | Some("register") => Taxpayer::Register,
        Some("npd") => Taxpayer::SelfEmployed,
        Some(other) => {
            return Err(unknown("taxpayer", other, "register, npd"));
        }
    };
    let preset = match input.preset.as_deref() {
        None => &SERVICE,
        Some(name) => find_preset(name).ok_or_else(|| unknown("preset", name, &preset_names()))?,
    };
    let ffd = request::word(
        input.ffd.as_deref(),
        "ffd",
        Ffd::parse,
        Ffd::ALL.iter().map(|ffd| ffd.as_str()),
    );
    if input.close_after_days.is_some_and(|days| days > MAX_CLOSE_DAYS) {
        return Err(DefaultsProblem {
            param: "close_after_days",
            message: format!("`close_after_days` is more than {MAX_CLOSE_DAYS}."),
            hint: "Days until what is prepaid is delivered, such as 30".to_owned(),
        });
    }
    let steps = input.vat.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    if steps.is_empty() && taxpayer == Taxpayer::Register {
        return Err(DefaultsProblem {
            param: "vat",
            message: "The shop's VAT is not said.".to_owned(),
            hint: "For example none, general, usn5 or usn7".to_owned(),
        });
    }
    let wrong = |param| {
        move |problem: request::ReceiptProblem| DefaultsProblem {
            param,
            message: problem.message,
            hint: problem.hint,
        }
    };
    Ok(ShopDefaults {
        taxpayer,
        preset,
        taxation: request::taxation(input.taxation.as_deref()).map_err(wrong("taxation"))?,
        vat: VatPlan { steps, supplier: input.supplier.as_ref().map(request::supplier) },
        ffd: ffd.map_err(wrong("ffd"))?,
    })
}

fn step(input: &VatInput) -> Result<VatStep, DefaultsProblem> {
    let all = || ShopVat::ALL.iter().map(|vat| vat.as_str()).collect::<Vec<_>>().join(", ");
    let vat = ShopVat::parse(&input.vat).ok_or_else(|| unknown("vat", &input.vat, &all()))?;
    let Some(text) = &input.valid_from else {
        return Ok(VatStep { valid_from: Date::MIN, vat });
    };
    let day: Result<Date, _> = text.parse();
    let valid_from = day.map_err(|_| DefaultsProblem {
        param: "vat",
        message: format!("`valid_from` is no day: {text}."),
        hint: "Write it as 2026-01-01".to_owned(),
    })?;
    Ok(VatStep { valid_from, vat })
}

fn preset_names() -> String {
    PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
}

/// Why no receipt could name this supplier. Asked when it is saved and never when it is read back:
/// what was saved before must not stop the payments that came since.
pub fn find_wrong_supplier(supplier: &Supplier) -> Option<DefaultsProblem> {
    let finding = find_supplier_problem(supplier)?;
    let hint = finding.rule.en.fix.to_owned();
    Some(DefaultsProblem { param: "supplier", message: finding.en(), hint })
}

/// A plan that says nothing of today: money that comes today would have no rate.
pub fn no_vat_today(today: Date) -> DefaultsProblem {
    DefaultsProblem {
        param: "vat",
        message: format!("The shop's VAT of today, {today}, is not said."),
        hint: "Say what holds now beside what will: `none,usn5@2027-01-01`, or a step without \
               `valid_from`"
            .to_owned(),
    }
}

fn unknown(param: &'static str, value: &str, known: &str) -> DefaultsProblem {
    let shown: String = value.chars().take(40).collect();
    DefaultsProblem {
        param,
        message: format!("`{param}` cannot be `{shown}`."),
        hint: format!("One of: {known}"),
    }
}
