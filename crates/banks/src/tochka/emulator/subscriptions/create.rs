//! Opening a subscription: the request checked field by field, the operation born.

use crate::{
    emulator::Served,
    tochka::emulator::{
        TochkaEmulator,
        create::{Request, choose_retailer, print_receipt},
        fields::Fields,
        grants::Grant,
        json::Obj,
        problem::Problem,
        receipts::parse_receipt,
        route::Call,
        state::{Mode, Operation},
    },
};

use super::state::{Period, Schedule, Subscription};

/// The document's 168 hours.
const TTL_MINUTES: u32 = 168 * 60;
const DEFAULT_COUNT: u32 = 12;

fn parse_request(body: &[u8], with_receipt: bool) -> Result<Request, Problem> {
    let fields = Fields::of_data(body)?;
    let is_recurring = fields.flag("recurring")?.unwrap_or(false);
    let saves_card = fields.flag("saveCard")?.unwrap_or(false);
    let options = fields.object("Options")?;
    if is_recurring && options.is_some() {
        return Err(fields.problem("Options", "Value error, not allowed together with recurring"));
    }
    let schedule = if is_recurring { None } else { Some(parse_schedule(options.as_ref())?) };
    Ok(Request {
        customer_code: fields.required("customerCode", fields.text("customerCode", 9..=9)?)?,
        amount: fields.required("amount", fields.amount("amount")?)?,
        purpose: fields.required("purpose", fields.text("purpose", 1..=140)?)?,
        modes: vec![Mode::Card],
        redirect_url: fields.url("redirectUrl")?,
        fail_redirect_url: fields.url("failRedirectUrl")?,
        save_card: saves_card,
        consumer_id: fields.any_text("consumerId")?,
        merchant_id: fields.any_text("merchantId")?,
        pre_authorization: false,
        ttl_minutes: TTL_MINUTES,
        reference: fields.text("paymentLinkId", 1..=45)?,
        receipt: if with_receipt { Some(parse_receipt(&fields)?) } else { None },
        subscription: Some(Subscription::new(schedule, is_recurring && saves_card)),
    })
}

/// Without options it is every month, twelve times.
fn parse_schedule(options: Option<&Fields>) -> Result<Schedule, Problem> {
    let mut schedule = Schedule { period: Period::Month, days: None, count: DEFAULT_COUNT };
    let Some(fields) = options else { return Ok(schedule) };
    if let Some(word) = fields.word("period", &Period::ALL.map(Period::as_str))? {
        let known = Period::ALL.into_iter().find(|period| period.as_str() == word);
        schedule.period = known.unwrap_or(schedule.period);
    }
    schedule.days = fields.integer("daysInPeriod", 1..=u32::MAX)?;
    if schedule.days.is_some() && schedule.period != Period::Day {
        return Err(fields.problem("daysInPeriod", "Value error, allowed with period Day only"));
    }
    if let Some(count) = fields.integer("trancheCount", 1..=u32::MAX)? {
        schedule.count = count;
    }
    if schedule.count > schedule.period.most() {
        let what = format!("Value error, at most {}", schedule.period.most());
        return Err(fields.problem("trancheCount", &what));
    }
    Ok(schedule)
}

impl TochkaEmulator {
    pub(in crate::tochka::emulator) fn open_subscription(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        with_receipt: bool,
    ) -> Result<Served, Problem> {
        let request = parse_request(&call.request.body, with_receipt)?;
        grant.check_customer(&request.customer_code)?;
        let retailer = choose_retailer(&request)?;
        let operation = self.insert_operation(call.now_ms, request, retailer)?;
        Ok(call.reply(&self.print_opened(&operation)))
    }

    fn print_opened(&self, operation: &Operation) -> String {
        let mut data = Obj::new()
            .text("purpose", &operation.purpose)
            .money("amount", operation.amount)
            .text("status", operation.status.as_str())
            .text("operationId", &operation.id)
            .text("paymentLink", &self.payment_link(&operation.id))
            .text_if("consumerId", operation.consumer_id.as_deref())
            .text("paymentLinkId", &operation.reference);
        if let Some(subscription) = &operation.subscription {
            data = super::calls::print_kind(data, subscription);
        }
        if let Some(receipt) = &operation.receipt {
            data = data
                .text("customerCode", &operation.customer_code)
                .text("merchantId", &operation.merchant_id)
                .text_if("redirectUrl", operation.redirect_url.as_deref())
                .text_if("failRedirectUrl", operation.fail_redirect_url.as_deref());
            data = print_receipt(data, receipt);
        }
        data.end()
    }
}
