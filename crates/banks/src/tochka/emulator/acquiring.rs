//! Reading payments and asking for captures and refunds.

use super::{
    TochkaEmulator,
    create::print_receipt,
    directory,
    fields::{Fields, REQUIRED},
    grants::Grant,
    json::{Obj, array},
    problem::Problem,
    route::Call,
    state::{Operation, Order, Status},
    subscriptions::print_card,
    time,
};
use crate::{emulator::Served, http::HttpReply, http::encode_query, money::Money};

/// The document's default; it names no upper limit, and neither does the emulator.
pub(super) const DEFAULT_PER_PAGE: usize = 1_000;

struct ListQuery {
    customer_code: String,
    from: Option<jiff::civil::Date>,
    to: Option<jiff::civil::Date>,
    status: Option<Status>,
    page: usize,
    per_page: usize,
}

fn parse_list_query(call: &Call<'_>) -> Result<ListQuery, Problem> {
    Ok(ListQuery {
        customer_code: required_query(call, "customerCode")?,
        from: day_query(call, "fromDate")?,
        to: day_query(call, "toDate")?,
        status: match call.find_query("status") {
            None => None,
            Some(text) => Some(Status::parse(&text).ok_or_else(|| {
                Problem::invalid("status", "value is not a valid enumeration member")
            })?),
        },
        page: count_query(call, "page", 1)?,
        per_page: count_query(call, "perPage", DEFAULT_PER_PAGE)?,
    })
}

pub(super) fn required_query(call: &Call<'_>, name: &str) -> Result<String, Problem> {
    call.find_query(name).ok_or_else(|| Problem::invalid(name, REQUIRED))
}

pub(super) fn day_query(call: &Call<'_>, name: &str) -> Result<Option<jiff::civil::Date>, Problem> {
    let Some(text) = call.find_query(name) else { return Ok(None) };
    time::parse_day(&text)
        .map(Some)
        .ok_or_else(|| Problem::invalid(name, "invalid date format, YYYY-MM-DD expected"))
}

pub(super) fn count_query(call: &Call<'_>, name: &str, default: usize) -> Result<usize, Problem> {
    let Some(text) = call.find_query(name) else { return Ok(default) };
    let count = text.parse().ok().filter(|count| *count >= 1);
    count.ok_or_else(|| Problem::invalid(name, "ensure this value is an integer of at least 1"))
}

impl TochkaEmulator {
    pub(super) fn list(&self, call: &Call<'_>, grant: &Grant) -> Result<Served, Problem> {
        let query = parse_list_query(call)?;
        grant.check_customer(&query.customer_code)?;
        let fits = |operation: &&Operation| {
            let day = time::day(operation.created_ms);
            operation.customer_code == query.customer_code
                && query.from.is_none_or(|from| from <= day)
                && query.to.is_none_or(|to| day <= to)
                && query.status.is_none_or(|status| status == operation.status)
        };
        let newest_first = self.state.sequence.iter().rev();
        let found: Vec<&Operation> =
            newest_first.filter_map(|id| self.state.operations.get(id)).filter(fits).collect();
        let pages = found.len().div_ceil(query.per_page).max(1);
        let skip = (query.page - 1).saturating_mul(query.per_page);
        let items = found.iter().skip(skip).take(query.per_page);
        let items = array(items.map(|operation| self.print_operation(operation)));
        let data = Obj::new().raw("Operation", &items).end();
        let body = Obj::new()
            .raw("Data", &data)
            .raw("Links", &self.page_links(call, query.page, pages))
            .raw("Meta", &format!(r#"{{"totalPages":{pages}}}"#));
        Ok(Served::Now(HttpReply::new(200, "application/json", body.end())))
    }

    pub(super) fn page_links(&self, call: &Call<'_>, page: usize, pages: usize) -> String {
        let link = |page: usize| {
            let number = page.to_string();
            let query = call.request.query();
            let mut pairs: Vec<(&str, &str)> =
                query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            pairs.retain(|(key, _)| *key != "page");
            pairs.push(("page", &number));
            format!("{}{}?{}", self.origin, call.request.path(), encode_query(&pairs))
        };
        let mut links = Obj::new().text("self", &call.self_url).text("first", &link(1));
        if page > 1 {
            links = links.text("prev", &link((page - 1).min(pages)));
        }
        if page < pages {
            links = links.text("next", &link(page + 1));
        }
        links.text("last", &link(pages)).end()
    }

    /// A payment that the token may see; foreign ones do not exist for it.
    fn find_operation(&self, grant: &Grant, id: &str) -> Result<&Operation, Problem> {
        let operation = self.state.operations.get(id);
        operation
            .filter(|operation| grant.reaches(&operation.customer_code))
            .ok_or_else(|| Problem::refused("Operation not found. Операция не найдена"))
    }

    pub(super) fn one(&self, call: &Call<'_>, grant: &Grant, id: &str) -> Result<Served, Problem> {
        let operation = self.find_operation(grant, id)?;
        let items = array([self.print_operation(operation)]);
        Ok(call.reply(&Obj::new().raw("Operation", &items).end()))
    }

    /// The document gives this call no body; whatever comes is not read.
    pub(super) fn capture_call(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        self.find_operation(grant, id)?;
        self.capture(call.now_ms, id).map_err(Problem::refused)?;
        Ok(call.reply(r#"{"result":true}"#))
    }

    pub(super) fn refund_call(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        id: &str,
    ) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let amount: Money = fields.required("amount", fields.amount("amount")?)?;
        let operation = self.find_operation(grant, id)?;
        if operation.subscription.is_some() {
            let why = "Возврат по подписке доступен только в интернет-банке";
            return Err(Problem::refused(why));
        }
        let order_id = self.refund(call.now_ms, id, amount).map_err(Problem::refused)?;
        // Whether the bank answers the id of `Order[]` is unknown: nobody may rely on either.
        let is_other = self.state.mint.mostly("refund-reply");
        let answered = if is_other { self.state.mint.number(70_000_000) } else { order_id };
        let data = Obj::new()
            .flag("isRefund", true)
            .text("operationId", id)
            .money("amount", amount)
            .text("date", &time::day(call.now_ms).to_string())
            .text("orderId", &answered);
        Ok(call.reply(&data.end()))
    }

    pub(super) fn retailers(&self, call: &Call<'_>, grant: &Grant) -> Result<Served, Problem> {
        let customer_code = required_query(call, "customerCode")?;
        grant.check_customer(&customer_code)?;
        let owns = customer_code == directory::BUSINESS_CODE;
        let items = directory::RETAILERS.iter().filter(|_| owns).map(|retailer| {
            Obj::new()
                .text("status", retailer.status)
                .flag("isActive", retailer.is_active)
                .text("mcc", retailer.mcc)
                .raw("rate", retailer.rate)
                .text("name", retailer.name)
                .text("url", retailer.url)
                .text_if("merchantId", retailer.merchant_id)
                .text_if("terminalId", retailer.terminal_id)
                .words("paymentModes", retailer.modes.iter().map(|mode| mode.as_str()))
                .text_if("cashbox", retailer.cashbox)
                .end()
        });
        Ok(call.reply(&Obj::new().raw("Retailer", &array(items)).end()))
    }

    fn print_operation(&self, operation: &Operation) -> String {
        let mut data = Obj::new()
            .text("customerCode", &operation.customer_code)
            .text_if("paymentType", operation.paid_by.map(|mode| mode.as_str()))
            .text_if("paymentId", operation.payment_id.as_deref())
            .text_if("transactionId", operation.transaction_id.as_deref())
            .text("createdAt", &time::print(operation.created_ms))
            .words("paymentMode", operation.modes.iter().map(|mode| mode.as_str()))
            .text_if("redirectUrl", operation.redirect_url.as_deref())
            .text_if("failRedirectUrl", operation.fail_redirect_url.as_deref())
            .text("purpose", &operation.purpose)
            .money("amount", operation.amount)
            .text("status", operation.status.as_str())
            .text("operationId", &operation.id)
            .text("paymentLink", &self.payment_link(&operation.id))
            .text("merchantId", &operation.merchant_id)
            .text_if("consumerId", operation.consumer_id.as_deref())
            .raw("Order", &array(operation.orders.iter().map(print_order)))
            .flag("preAuthorization", operation.pre_authorization)
            .text_if("paidAt", operation.paid_ms.map(time::print).as_deref())
            .text("paymentLinkId", &operation.reference);
        let card = operation.subscription.as_deref().and_then(|own| own.shown_card());
        data = data.raw_if("CofToken", card.map(print_card).as_deref());
        if let Some(receipt) = &operation.receipt {
            data = print_receipt(data, receipt);
        }
        data.end()
    }
}

fn print_order(order: &Order) -> String {
    Obj::new()
        .text("orderId", &order.id)
        .text("type", order.kind.as_str())
        .money("amount", order.amount)
        .text("time", &time::print(order.at_ms))
        .end()
}
