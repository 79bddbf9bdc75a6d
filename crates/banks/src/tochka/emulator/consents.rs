//! What an application may do for a company: asked for here, allowed at `/connect/authorize`.

use super::{
    TochkaEmulator, directory,
    fields::Fields,
    json::{Obj, array},
    problem::Problem,
    route::Call,
    state::{Consent, ConsentStatus},
    time,
};
use crate::emulator::Served;

/// The nineteen that may be asked for.
const PERMISSIONS: [&str; 19] = [
    "ReadAccountsBasic",
    "ReadAccountsDetail",
    "ReadBalances",
    "ReadStatements",
    "ReadTransactionsBasic",
    "ReadTransactionsCredits",
    "ReadTransactionsDebits",
    "ReadTransactionsDetail",
    "ReadCustomerData",
    "ReadSBPData",
    "EditSBPData",
    "CreatePaymentForSign",
    "CreatePaymentOrder",
    "ReadAcquiringData",
    "MakeAcquiringOperation",
    "ManageInvoiceData",
    "ManageWebhookData",
    "MakeCustomer",
    "ManageGuarantee",
];

pub(super) fn parse_permission(text: &str) -> Option<String> {
    PERMISSIONS.contains(&text).then(|| text.to_owned())
}

impl TochkaEmulator {
    pub(super) fn create_consent(&mut self, call: &Call<'_>) -> Result<Served, Problem> {
        let fields = Fields::of_data(&call.request.body)?;
        let permissions =
            fields.required("permissions", fields.word_list("permissions", parse_permission)?)?;
        fields.word("status", &[ConsentStatus::AwaitingAuthorisation.as_str()])?;
        let expires_ms = match fields.any_text("expirationDateTime")? {
            None => None,
            Some(text) => {
                let at: jiff::Timestamp = text
                    .parse()
                    .map_err(|_| fields.problem("expirationDateTime", "invalid datetime format"))?;
                Some(at.as_millisecond())
            }
        };
        if expires_ms.is_some_and(|at| at <= call.now_ms) {
            return Err(fields.problem("expirationDateTime", "Value error, date is in the past"));
        }
        let consent = Consent {
            id: self.state.mint.uuid("consent"),
            parent_id: None,
            status: ConsentStatus::AwaitingAuthorisation,
            permissions,
            created_ms: call.now_ms,
            changed_ms: call.now_ms,
            expires_ms,
            customer_code: None,
        };
        let printed = print_consent(&consent, Some(call.now_ms));
        self.state.consents.insert(consent.id.clone(), consent);
        // The document answers a list, the guide (with its short path) the consent itself.
        if call.request.path().contains("/consent/") {
            return Ok(call.reply(&list_of([printed])));
        }
        Ok(call.reply(&printed))
    }

    pub(super) fn consents(&self, call: &Call<'_>) -> Result<Served, Problem> {
        let asked = call.request.find_header("customer-code");
        let fits = |consent: &&Consent| {
            consent.parent_id.is_none()
                && asked.is_none_or(|code| consent.customer_code.as_deref() == Some(code))
        };
        let found = self.state.consents.values().filter(fits);
        Ok(call.reply(&list_of(found.map(|consent| print_consent(consent, Some(call.now_ms))))))
    }

    pub(super) fn consent(&self, call: &Call<'_>, id: &str) -> Result<Served, Problem> {
        let consent = self.find_consent(id)?;
        Ok(call.reply(&print_consent(consent, None)))
    }

    pub(super) fn child_consents(&self, call: &Call<'_>, id: &str) -> Result<Served, Problem> {
        self.find_consent(id)?;
        let all = self.state.consents.values();
        let children = all.filter(|consent| consent.parent_id.as_deref() == Some(id));
        Ok(call.reply(&list_of(children.map(|child| print_consent(child, Some(call.now_ms))))))
    }

    fn find_consent(&self, id: &str) -> Result<&Consent, Problem> {
        let consent = self.state.consents.get(id);
        consent.ok_or_else(|| Problem::absent("Object of Consents does not exists"))
    }

    /// A person said yes or no. Yes also makes a child: the permission of the chosen company.
    pub(super) fn decide(&mut self, now_ms: i64, id: &str, allow: bool) {
        let child_id = self.state.mint.uuid("consent");
        let Some(consent) = self.state.consents.get_mut(id) else { return };
        consent.changed_ms = now_ms;
        if !allow {
            consent.status = ConsentStatus::Rejected;
            return;
        }
        let is_first = consent.status != ConsentStatus::Authorised;
        consent.status = ConsentStatus::Authorised;
        consent.customer_code = Some(directory::BUSINESS_CODE.to_owned());
        if is_first {
            let parent_id = Some(consent.id.clone());
            let child = Consent { id: child_id.clone(), parent_id, ..consent.clone() };
            self.state.consents.insert(child_id, child);
        }
    }
}

fn list_of(items: impl IntoIterator<Item = String>) -> String {
    Obj::new().raw("Consent", &array(items)).end()
}

/// Items of lists also say whether the consent is still valid at `now_ms`.
fn print_consent(consent: &Consent, now_ms: Option<i64>) -> String {
    let mut data = Obj::new()
        .text("status", consent.status.as_str())
        .text("creationDateTime", &time::print(consent.created_ms))
        .text("statusUpdateDateTime", &time::print(consent.changed_ms))
        .words("permissions", consent.permissions.iter().map(String::as_str))
        .text_if("expirationDateTime", consent.expires_ms.map(time::print).as_deref())
        .text("consentId", &consent.id)
        .text_if("customerCode", consent.customer_code.as_deref())
        .text("applicationName", "Kopeck")
        .text("clientId", directory::CLIENT_ID);
    if let Some(now_ms) = now_ms {
        data = data.flag("isValid", consent.expires_ms.is_none_or(|at| at > now_ms));
    }
    data.end()
}
