//! Payments that are codes of SBP: the bank's side of them, which knows no number of ours.

use kopeck::{kit::Ctx, shops::flow::save_credentials};
use kopeck_banks::op::{Answer, BankOp, NewPoint, SbpOp, SbpWord, SetupOp};
use serde_json::Value;

use super::{
    tasks,
    truth::Operation,
    world::{Bank, World, ask},
};

/// Registers the shop in SBP and makes its connection know the point.
pub fn open_point(ctx: &Ctx, bank: &mut Bank) {
    let mut credentials = bank.connection.credentials.clone();
    let mut word = |op: SetupOp| {
        let op = BankOp::Sbp(SbpOp::Setup(op));
        let answer = ask(ctx, bank.emulator.as_mut(), &credentials, &op);
        let Answer::Sbp(word) = answer else { panic!("{answer:?}") };
        word
    };
    let id = |word: SbpWord| {
        let SbpWord::Registered { id } = word else { panic!("{word:?}") };
        id
    };
    let company_id = id(word(SetupOp::RegisterCompany));
    let point = NewPoint {
        brand: "Shop".to_owned(),
        address: "ул. Малышева, д. 51".to_owned(),
        city: "Екатеринбург".to_owned(),
        region: "65".to_owned(),
        postcode: "620075".to_owned(),
        mcc: "5499".to_owned(),
        ..NewPoint::default()
    };
    let point_id = id(word(SetupOp::RegisterPoint { company_id, point }));
    let SbpWord::Company(company) = word(SetupOp::ShowCompany) else { panic!("no company") };
    credentials.set("sbp_merchant_id", point_id);
    credentials.set("sbp_account_id", company.accounts[0].account_id.as_str());
    let saved = save_credentials(ctx, bank.connection.clone(), credentials.clone(), None);
    tasks::now(saved).unwrap();
    bank.connection.credentials = credentials;
}

/// A code in the words of links, so that the checks know one set. Its number is filled in later.
pub fn read_code(code: &Value) -> Operation {
    let text = |name: &str| code[name].as_str().unwrap_or_default().to_owned();
    let kopecks = |value: &Value| value.as_i64().unwrap();
    let payments = code["payments"].as_array().unwrap();
    let is_paid = |own: &&Value| own["rejected"].is_null();
    let refunds = payments.iter().flat_map(|own| own["refunds"].as_array().unwrap());
    let is_gone = |own: &&Value| own["status"] != "Rejected";
    let refunds = refunds
        .filter(is_gone)
        .map(|own| (own["id"].as_str().unwrap().to_owned(), kopecks(&own["amount_kopecks"])));
    let refunds: std::collections::BTreeMap<_, _> = refunds.collect();
    let paid = kopecks(&code["paid_kopecks"]);
    let back: i64 = refunds.values().sum();
    let status = match () {
        () if paid > 0 && back >= paid => "REFUNDED",
        () if paid > 0 && back > 0 => "REFUNDED_PARTIALLY",
        () if paid > 0 => "APPROVED",
        () if code["is_active"] == false => "EXPIRED",
        () => "CREATED",
    };
    Operation {
        id: text("id"),
        reference: String::new(),
        status: status.to_owned(),
        amount: kopecks(&code["amount_kopecks"]),
        paid,
        refunds,
        held: 0,
        has_declines: !payments.iter().all(|own| is_paid(&own)),
    }
}

impl World {
    /// A bank's codes get the numbers of our payments; a code that nobody was shown, since its
    /// registration was lost, is nobody's and must not have been paid.
    pub fn know_codes(&mut self, at: usize) -> Result<(), String> {
        let payments = self.payments(at);
        let mut orphan = None;
        self.banks[at].truth.retain_mut(|own| {
            if !own.reference.is_empty() {
                return true;
            }
            let is_ours = payments.iter().find(|one| one.facts.bank_id.as_ref() == Some(&own.id));
            let Some(payment) = is_ours else {
                orphan = Some(own.clone()).filter(|own| own.paid > 0).or(orphan.take());
                return false;
            };
            own.reference.clone_from(&payment.reference);
            true
        });
        match orphan {
            Some(own) => Err(format!("an orphan was paid: {own:#?}")),
            None => Ok(()),
        }
    }
}
