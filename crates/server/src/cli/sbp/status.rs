//! `kopeck sbp setup --status`: what SBP knows and what is missing. Changes nothing.

use kopeck_banks::{op::SbpCompany, tochka::settings};
use serde_json::{Value, json};

use super::{bank::Bank, setup::show_point};
use crate::cli::{
    fail::Fail,
    print::{GOOD, WARN, paint},
};

pub async fn show(bank: &Bank<'_>) -> Result<(), Fail> {
    let company = bank.find_company().await?;
    let (mut accounts, mut points) = (Vec::new(), Vec::new());
    if let Some(company) = &company {
        accounts = bank.accounts(&company.id).await?;
        points = bank.points(&company.id).await?;
    }
    let saved = &bank.connection.credentials;
    let (account, point) =
        (saved.find(settings::SBP_ACCOUNT_ID), saved.find(settings::SBP_MERCHANT_ID));
    let has_account = accounts.iter().any(|it| it.is_active && Some(&*it.account_id) == account);
    let has_point = points.iter().any(|it| it.is_active && Some(&*it.id) == point);
    let has_company = company.as_ref().is_some_and(|it| it.is_active);
    let checks = [
        (has_company, "the company is registered and active", "the company is not active in SBP"),
        (has_account, "the account is chosen", "no account is chosen"),
        (has_point, "the point of sale is chosen and active", "no active point of sale is chosen"),
    ];
    let is_ready = checks.iter().all(|(is_good, ..)| *is_good);
    let missing: Vec<&str> =
        checks.iter().filter(|(is_good, ..)| !is_good).map(|(_, _, bad)| *bad).collect();
    let listed: Vec<Value> = accounts
        .iter()
        .map(|it| json!({ "account_id": it.account_id, "is_active": it.is_active }))
        .collect();
    let shown = json!({
        "connection_id": bank.connection.id,
        "is_ready": is_ready,
        "missing": missing,
        "company": company.as_ref().map(show_company),
        "accounts": listed,
        "points": points.iter().map(show_point).collect::<Vec<_>>(),
        "account_id": account,
        "point_id": point,
    });
    bank.world.out.show(&shown, || {
        let mut lines: Vec<String> = checks
            .iter()
            .map(|(is_good, good, bad)| match is_good {
                true => format!("{} {good}", paint(GOOD, "✓")),
                false => format!("{} {bad}", paint(WARN, "!")),
            })
            .collect();
        if !is_ready {
            lines.push("\n`kopeck sbp setup` does what is missing".to_owned());
        }
        lines.join("\n")
    })
}

fn show_company(company: &SbpCompany) -> Value {
    json!({
        "id": company.id, "name": company.name, "is_active": company.is_active,
        "tax_code": company.tax_code,
    })
}
