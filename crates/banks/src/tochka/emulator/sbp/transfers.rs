//! The only code that moves money by codes: somebody pays, or fails to. What was paid is announced.

use jiff::civil::Date;

use super::state::{Code, Kind, Transfer};
use crate::{
    emulator::{
        Served,
        json::{Obj, array},
    },
    http::HttpReply,
    money::Money,
    tochka::emulator::{
        TochkaEmulator,
        acquiring::{count_query, day_query, required_query},
        directory,
        grants::Grant,
        problem::Problem,
        route::Call,
        time::{self, DAY_MS},
    },
};

use super::codes::MAX_KOPECKS;

const NOTICE: &str = "incomingSbpPayment";
const B2B_NOTICE: &str = "incomingSbpB2BPayment";
const PER_PAGE: usize = 1_000;

/// Who stands behind the telephone.
pub(super) struct Payer {
    pub(super) name: String,
    pub(super) phone: String,
}

/// A desk's code has none of its own, but each arming has.
fn purpose<'a>(code: &'a Code, transfer: &Transfer) -> &'a str {
    let arming = code.armings.iter().find(|own| Some(&own.id) == transfer.arming_id.as_ref());
    arming.map_or(&code.purpose, |arming| &arming.purpose).as_deref().unwrap_or("")
}

impl TochkaEmulator {
    /// What the payer would be asked for now, or why the banking app says no.
    fn payable(
        &self,
        now_ms: i64,
        id: &str,
        amount: Option<Money>,
    ) -> Result<(i64, Option<String>), String> {
        let sbp = &self.state.sbp;
        let code = sbp.codes.get(id).ok_or("There is no such code.")?;
        if !sbp.is_active(code) {
            return Err("The code is suspended with its point or its company.".to_owned());
        }
        if code.is_ended(now_ms) {
            return Err("The code's life is over.".to_owned());
        }
        if code.kind.is_paid_once() && sbp.paid(id).next().is_some() {
            return Err("The code is paid already, and it is paid once only.".to_owned());
        }
        let arming = code.armed(now_ms);
        if code.kind == Kind::Desk && arming.is_none() {
            return Err("The desk's code is not armed.".to_owned());
        }
        let given = amount.map(Money::kopecks);
        let kopecks = match (arming.map(|arming| arming.amount).or(code.amount), given) {
            (Some(fixed), None) => fixed,
            (Some(fixed), Some(given)) if fixed == given => fixed,
            (Some(fixed), Some(_)) => {
                return Err(format!(
                    "The code's own sum is {fixed} kopecks: it cannot be changed."
                ));
            }
            (None, Some(given)) => given,
            (None, None) => return Err("The code has no sum: say how much is paid.".to_owned()),
        };
        if !(1..=MAX_KOPECKS).contains(&kopecks) {
            return Err("One payment in SBP is from 0.01 to 1 000 000 rubles.".to_owned());
        }
        Ok((kopecks, arming.map(|arming| arming.id.clone())))
    }

    pub(super) fn transfer(
        &mut self,
        now_ms: i64,
        id: &str,
        amount: Option<Money>,
        payer: Payer,
        rejected: Option<String>,
    ) -> Result<(), String> {
        let (amount, arming_id) = self.payable(now_ms, id, amount)?;
        let transfer = Transfer {
            ref_id: self.state.mint.uuid("transfer"),
            trx_id: self.state.mint.sbp("A2"),
            code_id: id.to_owned(),
            arming_id,
            amount,
            at_ms: now_ms,
            rejected,
            payer_name: payer.name,
            payer_phone: payer.phone,
        };
        self.state.sbp.transfers.push(transfer.clone());
        if transfer.is_paid() {
            self.end_arming(id);
            self.announce_transfer(now_ms, &transfer);
        }
        Ok(())
    }

    fn announce_transfer(&mut self, now_ms: i64, transfer: &Transfer) {
        let Some(code) = self.state.sbp.codes.get(&transfer.code_id) else { return };
        let kind = match code.kind {
            Kind::Static | Kind::Dynamic | Kind::Desk => NOTICE,
            Kind::Invoice => B2B_NOTICE,
        };
        let payload = self.print_notice(code, transfer);
        let Some(url) = self.subscribed_url(directory::CLIENT_ID, kind) else { return };
        let ids = self.announce_as(now_ms, kind, &transfer.code_id, &url, &payload);
        if let Some(code) = self.state.sbp.codes.get_mut(&transfer.code_id) {
            code.notices.extend(ids);
        }
    }

    /// Amounts are strings of rubles here; an invoice's notice names the code only.
    fn print_notice(&self, code: &Code, transfer: &Transfer) -> String {
        let sbp = &self.state.sbp;
        let company = sbp.companies.get(&code.company_id);
        let customer_code = company.map_or("", |company| company.customer_code.as_str());
        let brand = sbp.points.get(&code.point_id).map_or("", |point| point.brand.as_str());
        let amount = Money::from_kopecks(transfer.amount).unwrap_or_default().to_rubles();
        let obj = Obj::new();
        let obj = match code.kind {
            Kind::Invoice => obj.text("qrcId", &code.id).text("amount", &amount),
            Kind::Static | Kind::Dynamic | Kind::Desk => obj
                .text("operationId", &transfer.trx_id)
                .text("qrcId", &code.id)
                .text("amount", &amount)
                .text("payerMobileNumber", &transfer.payer_phone)
                .text("payerName", &transfer.payer_name)
                .text("brandName", brand)
                .text("merchantId", &code.point_id),
        };
        let obj = obj.text("purpose", purpose(code, transfer));
        match code.kind {
            Kind::Invoice => obj.text("webhookType", B2B_NOTICE),
            Kind::Static | Kind::Dynamic | Kind::Desk => {
                obj.text("webhookType", NOTICE).text("refTransactionId", &transfer.ref_id)
            }
        }
        .text("customerCode", customer_code)
        .end()
    }

    /// What a statement of these days says of codes: each payment and each refund by itself, with
    /// its own purpose.
    pub(in crate::tochka::emulator) fn sbp_lines(
        &self,
        now_ms: i64,
        account_id: &str,
        is_wanted: impl Fn(Date) -> bool,
    ) -> Vec<String> {
        let sbp = &self.state.sbp;
        let mut lines = Vec::new();
        let mut add = |id: &str, word: &str, kopecks: i64, at_ms: i64, purpose: &str| {
            let day = time::day(at_ms);
            if at_ms > now_ms || !is_wanted(day) {
                return;
            }
            let amount = Money::from_kopecks(kopecks).unwrap_or_default();
            let amount = Obj::new().money("amount", amount).text("currency", "RUB").end();
            let line = Obj::new()
                .text("transactionId", id)
                .text("creditDebitIndicator", word)
                .text("status", "Booked")
                .text("documentProcessDate", &day.to_string())
                .text("description", purpose)
                .raw("Amount", &amount);
            lines.push(line.end());
        };
        for (at, transfer) in sbp.transfers.iter().enumerate() {
            let code = sbp.codes.get(&transfer.code_id);
            let Some(code) = code.filter(|code| code.account_id == account_id) else { continue };
            if !transfer.is_paid() {
                continue;
            }
            let purpose = purpose(code, transfer);
            add(&at.to_string(), "Credit", transfer.amount, transfer.at_ms, purpose);
            let refunds = sbp.refunds.values().filter(|own| own.ref_id == transfer.ref_id);
            for refund in refunds.filter(|refund| refund.failure.is_none()) {
                add(&refund.id, "Debit", refund.amount, refund.final_ms, &refund.purpose);
            }
        }
        lines
    }

    /// Newest first; no sums, as at the bank. Without a first day: yesterday and today.
    pub(super) fn sbp_payments(&self, call: &Call<'_>, grant: &Grant) -> Result<Served, Problem> {
        let customer_code = required_query(call, "customerCode")?;
        grant.check_customer(&customer_code)?;
        let code_id = call.find_query("qrcId");
        let yesterday = time::day(call.now_ms.saturating_sub(DAY_MS));
        let from = day_query(call, "fromDate")?.unwrap_or(yesterday);
        let to = day_query(call, "toDate")?;
        let page = count_query(call, "page", 1)?;
        let per_page = count_query(call, "perPage", PER_PAGE)?;
        let sbp = &self.state.sbp;
        let is_own = |transfer: &Transfer| {
            let code = sbp.codes.get(&transfer.code_id);
            let company = code.and_then(|code| sbp.companies.get(&code.company_id));
            company.is_some_and(|company| company.customer_code == customer_code)
        };
        let fits = |transfer: &&Transfer| {
            let day = time::day(transfer.at_ms);
            is_own(transfer)
                && from <= day
                && to.is_none_or(|to| day <= to)
                && code_id.as_ref().is_none_or(|id| *id == transfer.code_id)
        };
        let found: Vec<&Transfer> = sbp.transfers.iter().rev().filter(fits).collect();
        let pages = found.len().div_ceil(per_page).max(1);
        let skip = (page - 1).saturating_mul(per_page);
        let items = found.iter().skip(skip).take(per_page).map(|transfer| {
            let (status, message) = match &transfer.rejected {
                None => ("Accepted", "Запрос обработан успешно"),
                Some(why) => ("Rejected", why.as_str()),
            };
            Obj::new()
                .text("qrcId", &transfer.code_id)
                .text("status", status)
                .text("message", message)
                .text("refTransactionId", &transfer.ref_id)
                .end()
        });
        let data = Obj::new().raw("Payments", &array(items)).end();
        let links = Obj::new().text("self", &call.self_url).end();
        let body = Obj::new()
            .raw("Data", &data)
            .raw("Links", &links)
            .raw("Meta", &format!(r#"{{"totalPages":{pages}}}"#));
        Ok(Served::Now(HttpReply::new(200, "application/json", body.end())))
    }
}
