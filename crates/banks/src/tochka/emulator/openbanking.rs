//! Customers and accounts: the little of open banking that taking payments needs.

use super::{
    TochkaEmulator, directory,
    directory::Customer,
    grants::Grant,
    json::{Obj, array},
    problem::Problem,
    route::Call,
};
use crate::emulator::Served;

/// When all accounts of the emulator were opened.
const OPENED_AT: &str = "2020-10-20T06:06:06.364+00:00";

impl TochkaEmulator {
    pub(super) fn customers(&self, call: &Call<'_>, grant: &Grant) -> Result<Served, Problem> {
        let seen = directory::CUSTOMERS.iter().filter(|customer| grant.reaches(customer.code));
        let items = array(seen.map(print_customer));
        Ok(call.reply(&Obj::new().raw("Customer", &items).end()))
    }

    pub(super) fn customer(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        code: &str,
    ) -> Result<Served, Problem> {
        grant.check_customer(code)?;
        let customer = directory::CUSTOMERS.iter().find(|customer| customer.code == code);
        Ok(call.reply(&print_customer(customer.ok_or_else(Problem::forbidden)?)))
    }

    pub(super) fn accounts(&self, call: &Call<'_>, grant: &Grant) -> Result<Served, Problem> {
        let seen = directory::CUSTOMERS.iter().filter(|customer| grant.reaches(customer.code));
        let items = array(seen.map(print_account));
        Ok(call.reply(&Obj::new().raw("Account", &items).end()))
    }

    pub(super) fn account(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        account_id: &str,
    ) -> Result<Served, Problem> {
        if !is_account_id(account_id) {
            return Err(Problem::invalid("accountId", "Value error, invalid"));
        }
        let mut customers = directory::CUSTOMERS.iter();
        let customer = customers
            .find(|customer| customer.account == account_id && grant.reaches(customer.code))
            .ok_or_else(Problem::forbidden)?;
        Ok(call.reply(&print_account(customer)))
    }
}

/// Twenty digits, a slash, nine digits.
fn is_account_id(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let parts = text.split_once('/');
    parts.is_some_and(|(account, bik)| {
        account.len() == 20 && bik.len() == 9 && digits(account) && digits(bik)
    })
}

fn print_customer(customer: &Customer) -> String {
    Obj::new()
        .text("customerCode", customer.code)
        .text("customerType", customer.kind)
        .flag("isResident", true)
        .text("taxCode", customer.tax_code)
        .text("fullName", customer.full_name)
        .text("shortName", customer.short_name)
        .text_if("customerOgrn", customer.ogrn)
        .end()
}

fn print_account(customer: &Customer) -> String {
    let details = Obj::new()
        .text("schemeName", "RU.CBR.AccountNumber")
        .text("identification", customer.account)
        .text("name", "Основной текущий счёт");
    Obj::new()
        .text("customerCode", customer.code)
        .text("accountId", customer.account)
        .text("status", "Enabled")
        .text("statusUpdateDateTime", OPENED_AT)
        .text("currency", "RUB")
        .text("accountType", customer.kind)
        .text("accountSubType", "CurrentAccount")
        .text("registrationDate", "2020-10-20")
        .raw("accountDetails", &array([details.end()]))
        .end()
}
