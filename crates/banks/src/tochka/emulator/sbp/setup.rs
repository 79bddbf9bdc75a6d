//! The company and its points of sale in SBP.

use super::state::{Company, Point};
use crate::{
    emulator::{
        Served,
        json::{Obj, array},
    },
    tochka::emulator::{
        TochkaEmulator,
        directory::{self, Customer},
        fields::Fields,
        grants::Grant,
        problem::Problem,
        route::Call,
        time,
    },
};

const BIK: &str = "044525104";
const CAPABILITIES: [&str; 7] = ["001", "010", "011", "100", "101", "110", "111"];
const STATUSES: [&str; 2] = ["Active", "Suspended"];

/// `StatusEnum`.
pub(super) const fn status_word(is_active: bool) -> &'static str {
    if is_active { "Active" } else { "Suspended" }
}

fn customer(code: &str) -> Option<&'static Customer> {
    directory::CUSTOMERS.iter().find(|customer| customer.code == code)
}

fn parse_status(call: &Call<'_>) -> Result<bool, Problem> {
    let fields = Fields::of_data(&call.request.body)?;
    let word = fields.required("status", fields.word("status", &STATUSES)?)?;
    Ok(word == "Active")
}

fn print_company(company: &Company) -> Obj {
    let obj = Obj::new()
        .text("status", status_word(company.is_active))
        .text("legalId", &company.id)
        .text("createdAt", &time::print(company.created_ms))
        .text("address", "ул. Малышева, д. 51")
        .text("city", "Екатеринбург")
        .text("countryCode", "RU")
        .text("countrySubDivisionCode", "65")
        .text("zipCode", "620075")
        .text("customerCode", &company.customer_code);
    match customer(&company.customer_code) {
        Some(customer) => obj
            .text("inn", customer.tax_code)
            .text("name", customer.full_name)
            .text("ogrn", customer.ogrn.unwrap_or_default()),
        None => obj,
    }
}

fn print_point(point: &Point) -> String {
    Obj::new()
        .text("status", status_word(point.is_active))
        .text("createdAt", &time::print(point.created_ms))
        .text("address", &point.address)
        .text("city", &point.city)
        .text("countryCode", "RU")
        .text("countrySubDivisionCode", &point.region)
        .text("zipCode", &point.postcode)
        .text("merchantId", &point.id)
        .text("legalId", &point.company_id)
        .text("brandName", &point.brand)
        .text("capabilities", &point.capabilities)
        .text_if("contactPhoneNumber", point.phone.as_deref())
        .text("mcc", &point.mcc)
        .raw("additionalContacts", "[]")
        .end()
}

fn print_accounts(company: &Company) -> String {
    let accounts = customer(&company.customer_code).map(|customer| {
        Obj::new()
            .text("accountId", customer.account)
            .text("status", status_word(company.is_active))
            .text("createdAt", &time::print(company.created_ms))
            .text("legalId", &company.id)
            .end()
    });
    array(accounts)
}

impl TochkaEmulator {
    /// A company that the token may see; foreign and unknown ones alike are forbidden.
    pub(super) fn find_company(&self, grant: &Grant, id: &str) -> Result<&Company, Problem> {
        let company = self.state.sbp.companies.get(id);
        company
            .filter(|company| grant.reaches(&company.customer_code))
            .ok_or_else(Problem::forbidden)
    }

    pub(super) fn find_point(&self, grant: &Grant, id: &str) -> Result<&Point, Problem> {
        let point = self.state.sbp.points.get(id).ok_or_else(Problem::forbidden)?;
        self.find_company(grant, &point.company_id)?;
        Ok(point)
    }

    fn points_of(&self, company_id: &str) -> String {
        let points = self.state.sbp.points.values();
        array(points.filter(|point| point.company_id == company_id).map(print_point))
    }

    pub(super) fn sbp_customer(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        code: &str,
        bank_code: &str,
    ) -> Result<Served, Problem> {
        if bank_code.chars().count() != 9 {
            return Err(Problem::invalid("bankCode", "length must be from 9 to 9 characters"));
        }
        grant.check_customer(code)?;
        let mut companies = self.state.sbp.companies.values();
        let company = companies
            .find(|company| company.customer_code == code && bank_code == BIK)
            .ok_or_else(|| Problem::absent("Legal entity not found"))?;
        let data = print_company(company)
            .text("bankCode", BIK)
            .raw("MerchantList", &self.points_of(&company.id))
            .raw("AccountList", &print_accounts(company));
        Ok(call.reply(&data.end()))
    }

    pub(super) fn register_company(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let code = fields.required("customerCode", fields.text("customerCode", 0..=9)?)?;
        let bank_code = fields.required("bankCode", fields.text("bankCode", 9..=9)?)?;
        grant.check_customer(&code)?;
        if bank_code != BIK {
            return Err(Problem::invalid("bankCode", "Value error, unknown bankCode"));
        }
        if code != directory::BUSINESS_CODE {
            return Err(Problem::refused("В СБП регистрируются только юрлица и ИП"));
        }
        if self.state.sbp.companies.values().any(|company| company.customer_code == code) {
            return Err(Problem::refused("Юрлицо уже существует в СБП"));
        }
        let id = format!("LA{}", self.state.mint.number(1_000_000_000));
        let created_ms = call.now_ms;
        let company = Company { id: id.clone(), customer_code: code, is_active: true, created_ms };
        self.state.sbp.companies.insert(id.clone(), company);
        Ok(call.reply(&Obj::new().text("legalId", &id).end()))
    }

    pub(super) fn sbp_company(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let company = self.find_company(grant, id)?;
        Ok(call.reply(&print_company(company).end()))
    }

    pub(super) fn set_company(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let is_active = parse_status(call)?;
        self.find_company(grant, id)?;
        if let Some(company) = self.state.sbp.companies.get_mut(id) {
            company.is_active = is_active;
        }
        Ok(call.reply(r#"{"result":true}"#))
    }

    pub(super) fn sbp_accounts(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let accounts = print_accounts(self.find_company(grant, id)?);
        Ok(call.reply(&Obj::new().raw("AccountList", &accounts).end()))
    }

    pub(super) fn register_point(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        company_id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let text = |key: &str, most: usize| fields.required(key, fields.text(key, 1..=most)?);
        fields.required("countryCode", fields.word("countryCode", &["RU"])?)?;
        fields.word("scenario", &["C2B", "B2B"])?;
        fields.word("salesMode", &["REMOTE", "FACE_TO_FACE"])?;
        let point = Point {
            id: String::new(),
            company_id: company_id.to_owned(),
            is_active: true,
            created_ms: call.now_ms,
            address: text("address", 140)?,
            city: text("city", 140)?,
            region: text("countrySubDivisionCode", 2)?,
            postcode: text("zipCode", 6)?,
            brand: text("brandName", 35)?,
            capabilities: fields
                .required("capabilities", fields.word("capabilities", &CAPABILITIES)?)?,
            mcc: text("mcc", 4)?,
            phone: fields.text("contactPhoneNumber", 0..=13)?,
        };
        if !self.find_company(grant, company_id)?.is_active {
            return Err(Problem::refused("Юрлицо заблокировано в СБП"));
        }
        let id = format!("MA{}", self.state.mint.number(1_000_000_000));
        self.state.sbp.points.insert(id.clone(), Point { id: id.clone(), ..point });
        Ok(call.reply(&Obj::new().text("merchantId", &id).end()))
    }

    pub(super) fn sbp_points(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        company_id: &str,
    ) -> Result<Served, Problem> {
        self.find_company(grant, company_id)?;
        Ok(call.reply(&Obj::new().raw("MerchantList", &self.points_of(company_id)).end()))
    }

    pub(super) fn sbp_point(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        Ok(call.reply(&print_point(self.find_point(grant, id)?)))
    }

    pub(super) fn set_point(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let is_active = parse_status(call)?;
        self.find_point(grant, id)?;
        if let Some(point) = self.state.sbp.points.get_mut(id) {
            point.is_active = is_active;
        }
        Ok(call.reply(r#"{"result":true}"#))
    }
}
