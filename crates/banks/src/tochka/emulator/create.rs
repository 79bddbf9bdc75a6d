//! Making a payment link: the request checked field by field, the operation born.

use super::{
    TochkaEmulator, directory,
    directory::Retailer,
    fields::Fields,
    grants::Grant,
    json::Obj,
    problem::Problem,
    receipts::parse_receipt,
    route::Call,
    state::{Mode, Operation, Receipt, Status},
    subscriptions::state::Subscription,
    time::MINUTE_MS,
};
use crate::{emulator::Served, money::Money};

/// A week: the document's default life of a link.
const DEFAULT_TTL_MINUTES: u32 = 10_080;
const MAX_TTL_MINUTES: u32 = 44_640;

pub(super) struct Request {
    pub(super) customer_code: String,
    pub(super) amount: Money,
    pub(super) purpose: String,
    pub(super) modes: Vec<Mode>,
    pub(super) redirect_url: Option<String>,
    pub(super) fail_redirect_url: Option<String>,
    pub(super) save_card: bool,
    pub(super) consumer_id: Option<String>,
    pub(super) merchant_id: Option<String>,
    pub(super) pre_authorization: bool,
    pub(super) ttl_minutes: u32,
    pub(super) reference: Option<String>,
    pub(super) receipt: Option<Receipt>,
    pub(super) subscription: Option<Subscription>,
}

fn parse_request(body: &[u8], with_receipt: bool) -> Result<Request, Problem> {
    let fields = Fields::of_data(body)?;
    let modes = fields.required("paymentMode", fields.word_list("paymentMode", Mode::parse)?)?;
    if modes.is_empty() {
        return Err(fields.problem("paymentMode", "ensure this value has at least 1 item"));
    }
    let is_twice = |(at, mode): (usize, &Mode)| modes.iter().take(at).any(|other| other == mode);
    if modes.iter().enumerate().any(is_twice) {
        return Err(fields.problem("paymentMode", "the list has duplicated items"));
    }
    Ok(Request {
        customer_code: fields.required("customerCode", fields.text("customerCode", 9..=9)?)?,
        amount: fields.required("amount", fields.amount("amount")?)?,
        purpose: fields.required("purpose", fields.text("purpose", 1..=140)?)?,
        redirect_url: fields.url("redirectUrl")?,
        fail_redirect_url: fields.url("failRedirectUrl")?,
        save_card: fields.flag("saveCard")?.unwrap_or(false),
        consumer_id: fields.any_text("consumerId")?,
        merchant_id: fields.text("merchantId", 15..=15)?,
        pre_authorization: fields.flag("preAuthorization")?.unwrap_or(false),
        ttl_minutes: fields.integer("ttl", 1..=MAX_TTL_MINUTES)?.unwrap_or(DEFAULT_TTL_MINUTES),
        reference: fields.text("paymentLinkId", 1..=45)?,
        receipt: if with_receipt { Some(parse_receipt(&fields)?) } else { None },
        subscription: None,
        modes,
    })
}

/// The point to pay to: the one asked for, or the only one that works.
pub(super) fn choose_retailer(request: &Request) -> Result<&'static Retailer, Problem> {
    if request.customer_code != directory::BUSINESS_CODE {
        return Err(Problem::refused("Интернет-эквайринг не подключен"));
    }
    let merchant_id = request.merchant_id.as_deref().unwrap_or(directory::MERCHANT_ID);
    let retailer = directory::find_retailer(merchant_id)
        .ok_or_else(|| Problem::invalid("merchantId", "Value error, unknown merchantId"))?;
    if !retailer.is_active {
        return Err(Problem::refused("Торговая точка не активна"));
    }
    if !request.modes.iter().all(|mode| retailer.modes.contains(mode)) {
        return Err(Problem::invalid("paymentMode", "Value error, not connected at this point"));
    }
    Ok(retailer)
}

impl TochkaEmulator {
    pub(super) fn create(
        &mut self,
        call: &Call<'_>,
        grant: &Grant,
        with_receipt: bool,
    ) -> Result<Served, Problem> {
        let request = parse_request(&call.request.body, with_receipt)?;
        grant.check_customer(&request.customer_code)?;
        let retailer = choose_retailer(&request)?;
        let operation = self.insert_operation(call.now_ms, request, retailer)?;
        Ok(call.reply(&self.print_created(&operation)))
    }

    /// A number that is taken, by a link or by a subscription, is refused.
    pub(super) fn insert_operation(
        &mut self,
        now_ms: i64,
        request: Request,
        retailer: &Retailer,
    ) -> Result<Operation, Problem> {
        let is_taken = |reference: &String| self.state.references.contains_key(reference);
        if request.reference.as_ref().is_some_and(is_taken) {
            return Err(Problem::refused("Заказ с таким номером уже существует"));
        }
        let merchant_id = retailer.merchant_id.unwrap_or(directory::MERCHANT_ID);
        let id = self.state.mint.uuid("operation");
        let reference = request.reference.unwrap_or_else(|| self.next_reference());
        // A card to be remembered is remembered for someone.
        let consumer_id = match request.consumer_id {
            None if request.save_card => Some(self.state.mint.uuid("consumer")),
            given => given,
        };
        let expires_ms = now_ms.saturating_add(i64::from(request.ttl_minutes) * MINUTE_MS);
        let operation = Operation {
            id: id.clone(),
            reference: reference.clone(),
            client_id: directory::CLIENT_ID.to_owned(),
            customer_code: request.customer_code,
            merchant_id: merchant_id.to_owned(),
            amount: request.amount,
            purpose: request.purpose,
            modes: request.modes,
            redirect_url: request.redirect_url,
            fail_redirect_url: request.fail_redirect_url,
            consumer_id,
            pre_authorization: request.pre_authorization,
            ttl_minutes: request.ttl_minutes,
            receipt: request.receipt,
            created_ms: now_ms,
            expires_ms,
            status: Status::Created,
            paid_by: None,
            paid_ms: None,
            payment_id: None,
            transaction_id: None,
            qrc_id: None,
            orders: Vec::new(),
            running_refund: None,
            declines: Vec::new(),
            notices: Vec::new(),
            subscription: request.subscription.map(Box::new),
        };
        self.state.alarms.insert((expires_ms, id.clone()));
        self.state.references.insert(reference, id.clone());
        self.state.sequence.push(id.clone());
        self.state.operations.insert(id, operation.clone());
        Ok(operation)
    }

    /// The bank numbers links that come without a number.
    fn next_reference(&mut self) -> String {
        loop {
            let number = self.state.next_reference.to_string();
            self.state.next_reference += 1;
            if !self.state.references.contains_key(&number) {
                return number;
            }
        }
    }

    fn print_created(&self, operation: &Operation) -> String {
        let mut data = Obj::new()
            .text("purpose", &operation.purpose)
            .text("status", operation.status.as_str())
            .money("amount", operation.amount)
            .text("operationId", &operation.id)
            .text("paymentLink", &self.payment_link(&operation.id))
            .text_if("consumerId", operation.consumer_id.as_deref())
            .text("merchantId", &operation.merchant_id)
            .flag("preAuthorization", operation.pre_authorization)
            .raw("ttl", &operation.ttl_minutes.to_string())
            .text("paymentLinkId", &operation.reference)
            .words("paymentMode", operation.modes.iter().map(|mode| mode.as_str()));
        if let Some(receipt) = &operation.receipt {
            data = data
                .text("customerCode", &operation.customer_code)
                .text_if("redirectUrl", operation.redirect_url.as_deref())
                .text_if("failRedirectUrl", operation.fail_redirect_url.as_deref());
            data = print_receipt(data, receipt);
        }
        data.end()
    }

    pub(super) fn payment_link(&self, operation_id: &str) -> String {
        format!("{}/order/?uuid={operation_id}", self.origin)
    }
}

pub(super) fn print_receipt(data: Obj, receipt: &Receipt) -> Obj {
    data.text_if("taxSystemCode", receipt.tax_system.as_deref())
        .raw("Client", &receipt.client)
        .raw("Items", &receipt.items)
        .raw_if("Supplier", receipt.supplier.as_deref())
}
