//! Statements of accounts, made a second after they were asked for. They hold what came by codes of
//! SBP and what was sent back, each as a line of its own with its own purpose and without any id of
//! SBP; acquiring's daily sums are left out, nothing asks for them here.

use serde::{Deserialize, Serialize};

use super::{
    TochkaEmulator, directory,
    fields::Fields,
    grants::Grant,
    json::{Obj, array},
    problem::Problem,
    route::Call,
    time,
};
use crate::emulator::Served;

const READY_AFTER_MS: i64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Statement {
    id: String,
    account_id: String,
    from: String,
    to: String,
    asked_ms: i64,
}

fn print(statement: &Statement, status: &str) -> Obj {
    Obj::new()
        .text("accountId", &statement.account_id)
        .text("statementId", &statement.id)
        .text("status", status)
        .text("startDateTime", &statement.from)
        .text("endDateTime", &statement.to)
        .text("creationDateTime", &time::print(statement.asked_ms))
}

fn check_account(grant: &Grant, account_id: &str) -> Result<(), Problem> {
    let mut customers = directory::CUSTOMERS.iter().filter(|own| grant.reaches(own.code));
    let is_seen = customers.any(|own| own.account == account_id);
    if is_seen { Ok(()) } else { Err(Problem::forbidden()) }
}

impl TochkaEmulator {
    pub(super) fn ask_statement(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let fields = fields.required("Statement", fields.object("Statement")?)?;
        let account_id = fields.required("accountId", fields.text("accountId", 0..=40)?)?;
        let day = |key: &str| {
            let text = fields.required(key, fields.any_text(key)?)?;
            let day = time::parse_day(&text);
            day.ok_or_else(|| fields.problem(key, "invalid date format, YYYY-MM-DD expected"))
        };
        let (from, to) = (day("startDateTime")?, day("endDateTime")?);
        if from > to {
            return Err(fields.problem("endDateTime", "Value error, before startDateTime"));
        }
        check_account(grant, &account_id)?;
        let id = self.state.mint.number(20_000);
        let (from, to, asked_ms) = (from.to_string(), to.to_string(), call.now_ms);
        let statement = Statement { id, account_id, from, to, asked_ms };
        let data = Obj::new().raw("Statement", &print(&statement, "Created").end());
        self.state.statements.push(statement);
        Ok(call.reply(&data.end()))
    }

    pub(super) fn read_statement(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        account_id: &str,
        id: &str,
    ) -> Result<Served, Problem> {
        check_account(grant, account_id)?;
        let mut own = self.state.statements.iter().filter(|own| own.account_id == account_id);
        let statement =
            own.find(|own| own.id == id).ok_or_else(|| Problem::absent("Statement not found"))?;
        let is_ready = call.now_ms >= statement.asked_ms.saturating_add(READY_AFTER_MS);
        let item = if is_ready {
            let lines = self.sbp_lines(call.now_ms, account_id, |day| {
                let day = day.to_string();
                statement.from <= day && day <= statement.to
            });
            print(statement, "Ready").raw("Transaction", &array(lines))
        } else {
            print(statement, "Processing")
        };
        Ok(call.reply(&Obj::new().raw("Statement", &array([item.end()])).end()))
    }
}
