//! Listing, reading, ending and charging subscriptions, as the bank's API has it.

use crate::{
    emulator::Served,
    http::HttpReply,
    money::Money,
    tochka::emulator::{
        TochkaEmulator,
        acquiring::{DEFAULT_PER_PAGE, count_query, required_query},
        create::print_receipt,
        fields::Fields,
        grants::Grant,
        json::{Obj, array},
        problem::Problem,
        route::Call,
        state::{Operation, Status},
        time,
    },
};

use super::state::{KeptCard, Schedule, Subscription};

/// Also said of one that is there, but of the other kind.
const MISSING: &str = "Subscription not found";

/// The card as the bank shows it since version 1.93.
pub(in crate::tochka::emulator) fn print_card(card: &KeptCard) -> String {
    Obj::new()
        .text("tokenCardId", &card.id)
        .text("cardType", "MIR")
        .text("maskedPan", &card.masked)
        .end()
}

pub(super) fn print_kind(data: Obj, subscription: &Subscription) -> Obj {
    match subscription.schedule {
        None => data.flag("recurring", true),
        Some(Schedule { period, days, count }) => {
            let options = Obj::new()
                .raw("trancheCount", &count.to_string())
                .text("period", period.as_str())
                .raw_if("daysInPeriod", days.map(|days| days.to_string()).as_deref());
            data.flag("recurring", false).raw("Options", &options.end())
        }
    }
}

fn flag_query(call: &Call<'_>, name: &str) -> Result<bool, Problem> {
    match call.find_query(name).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::invalid(name, "value could not be parsed to a boolean")),
    }
}

impl TochkaEmulator {
    pub(in crate::tochka::emulator) fn subscriptions(
        &self,
        call: &Call<'_>,
        grant: &Grant,
    ) -> Result<Served, Problem> {
        let customer_code = required_query(call, "customerCode")?;
        let is_recurring = flag_query(call, "recurring")?;
        let page = count_query(call, "page", 1)?;
        let per_page = count_query(call, "perPage", DEFAULT_PER_PAGE)?;
        grant.check_customer(&customer_code)?;
        let newest_first = self.state.sequence.iter().rev();
        let all = newest_first.filter_map(|id| self.state.operations.get(id));
        let found: Vec<(&Operation, &Subscription)> = all
            .filter(|operation| operation.customer_code == customer_code)
            .filter_map(|operation| Some((operation, operation.subscription.as_deref()?)))
            .filter(|(_, own)| own.schedule.is_none() == is_recurring)
            .collect();
        let pages = found.len().div_ceil(per_page).max(1);
        let skip = (page - 1).saturating_mul(per_page);
        let items = found.iter().skip(skip).take(per_page);
        let items = array(items.map(|(operation, own)| self.print_subscription(operation, own)));
        let body = Obj::new()
            .raw("Data", &Obj::new().raw("Subscription", &items).end())
            .raw("Links", &self.page_links(call, page, pages))
            .raw("Meta", &format!(r#"{{"totalPages":{pages}}}"#));
        Ok(Served::Now(HttpReply::new(200, "application/json", body.end())))
    }

    fn print_subscription(&self, operation: &Operation, own: &Subscription) -> String {
        let mut data = Obj::new()
            .text("customerCode", &operation.customer_code)
            .text_if("paymentId", operation.payment_id.as_deref())
            .text("createdAt", &time::print(operation.created_ms))
            .text_if("redirectUrl", operation.redirect_url.as_deref())
            .text_if("failRedirectUrl", operation.fail_redirect_url.as_deref())
            .text("purpose", &operation.purpose)
            .money("amount", operation.amount)
            .text("status", operation.status.as_str())
            .text("operationId", &operation.id)
            .text("paymentLink", &self.payment_link(&operation.id))
            .text("merchantId", &operation.merchant_id)
            .text_if("consumerId", operation.consumer_id.as_deref())
            .text("paymentLinkId", &operation.reference)
            .raw_if("CofToken", own.shown_card().map(print_card).as_deref());
        data = print_kind(data, own);
        if let Some(receipt) = &operation.receipt {
            data = print_receipt(data, receipt);
        }
        data.end()
    }

    /// One that the token may see; foreign ones do not exist for it.
    fn find_subscription(
        &self,
        grant: &Grant,
        id: &str,
        is_scheduled: bool,
    ) -> Result<(&Operation, &Subscription), Problem> {
        let operation = self.state.operations.get(id);
        operation
            .filter(|operation| grant.reaches(&operation.customer_code))
            .and_then(|operation| Some((operation, operation.subscription.as_deref()?)))
            .filter(|(_, own)| own.schedule.is_some() == is_scheduled)
            .ok_or_else(|| Problem::refused(MISSING))
    }

    pub(in crate::tochka::emulator) fn subscription_status(
        &self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let (operation, own) = self.find_subscription(grant, id, true)?;
        let word = own.life.word(operation.status == Status::Expired);
        Ok(call.reply(&Obj::new().text("status", word).end()))
    }

    pub(in crate::tochka::emulator) fn set_subscription_status(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        fields.required("status", fields.word("status", &["Cancelled"])?)?;
        self.find_subscription(grant, id, true)?;
        self.cancel_subscription(call.now_ms, id).map_err(Problem::refused)?;
        Ok(call.reply(r#"{"result":true}"#))
    }

    /// The one call whose reply has neither `Links` nor `Meta`.
    pub(in crate::tochka::emulator) fn charge_call(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let amount: Money = fields.required("amount", fields.amount("amount")?)?;
        self.find_subscription(grant, id, false)?;
        let is_done = self.charge(call.now_ms, id, amount).map_err(Problem::refused)?;
        let data = Obj::new().flag("result", is_done).end();
        let body = Obj::new().raw("Data", &data).end();
        Ok(Served::Now(HttpReply::new(200, "application/json", body)))
    }
}

impl Subscription {
    /// Only of one that the merchant charges.
    pub(in crate::tochka::emulator) fn shown_card(&self) -> Option<&KeptCard> {
        self.card.as_ref().filter(|_| self.schedule.is_none())
    }
}
