//! Plans as code: the `[[plans]]` of a settings file, read by the API's own checks and named in
//! every complaint. Nothing here touches the database.

use serde_json::{Map, Value};

use super::{
    model::Terms,
    request::{PlanInput, check_code},
};
use crate::http::{
    ApiError,
    json::{invalid, missing, read},
};

/// A plan as a file wants it to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub code: String,
    pub terms: Terms,
}

/// Reads every plan, or says which one is wrong and which of its keys.
pub fn read_plans(plans: Vec<Map<String, Value>>) -> Result<Vec<Listed>, ApiError> {
    let mut listed: Vec<Listed> = Vec::new();
    for (at, fields) in plans.into_iter().enumerate() {
        let name = fields.get("code").and_then(Value::as_str).map(str::to_owned);
        let found = read_plan(fields).map_err(|error| in_plan(error, at, name.as_deref()))?;
        if listed.iter().any(|other| other.code == found.code) {
            let error = invalid("code", "stands on two plans");
            return Err(in_plan(error, at, Some(&found.code)));
        }
        listed.push(found);
    }
    Ok(listed)
}

fn read_plan(mut fields: Map<String, Value>) -> Result<Listed, ApiError> {
    let code = match fields.remove("code") {
        Some(Value::String(code)) => code,
        Some(_) => return Err(invalid("code", "is not a string")),
        None => return Err(missing("code")),
    };
    check_code("code", &code)?;
    let body = Value::Object(fields).to_string();
    Ok(Listed { code, terms: read::<PlanInput>(body.as_bytes())?.read()? })
}

/// People look for the plan by its code; one without a code, by its place in the file.
fn in_plan(error: ApiError, at: usize, code: Option<&str>) -> ApiError {
    let plan = code.map_or_else(|| format!("number {}", at + 1), |code| format!("`{code}`"));
    ApiError { message: format!("The plan {plan} in [[plans]]: {}", error.message), ..error }
}
