//! `kopeck retailers` and `kopeck customers`: who the merchant is at the bank.

use kopeck_banks::op::{Answer, BankOp, Customer, Retailer};
use serde_json::{Value, json};

use super::{
    connect::{self, answer_of, strange},
    context::{Globals, World},
    fail::Fail,
    print::table,
};
use crate::gateway::flow::ask_now;

/// One answer of the connected bank.
pub async fn ask(world: &World, op: &BankOp) -> Result<Answer, Fail> {
    let connection = connect::get_of(world, Some("tochka")).await?;
    answer_of(ask_now(&world.ctx, &connection, op).await?)
}

pub async fn show_retailers(globals: &Globals) -> Result<(), Fail> {
    let world = globals.open().await?;
    let answer = ask(&world, &BankOp::Retailers).await?;
    let Answer::Retailers(retailers) = answer else { return Err(strange(answer)) };
    let shown: Vec<Value> = retailers.iter().map(retailer_view).collect();
    world.out.show(&json!({ "retailers": shown }), || retailers_table(&retailers))
}

fn retailer_view(retailer: &Retailer) -> Value {
    let methods: Vec<&str> = retailer.methods.iter().map(|method| method.as_str()).collect();
    json!({
        "name": retailer.name, "merchant_id": retailer.merchant_id,
        "terminal_id": retailer.terminal_id, "is_active": retailer.is_active,
        "status": retailer.status, "methods": methods, "rate": retailer.rate,
        "mcc": retailer.mcc, "url": retailer.url, "cashbox": retailer.cashbox,
    })
}

fn retailers_table(retailers: &[Retailer]) -> String {
    if retailers.is_empty() {
        return "The bank lists no acquiring point: apply for internet acquiring in the internet \
                bank first."
            .to_owned();
    }
    let mut rows = table(&["Point", "Merchant id", "State", "Methods", "Rate, %", "MCC", "Site"]);
    for retailer in retailers {
        let methods: Vec<&str> = retailer.methods.iter().map(|method| method.as_str()).collect();
        let active = if retailer.is_active { "" } else { ", not active" };
        rows.add_row([
            retailer.name.clone(),
            retailer.merchant_id.clone().unwrap_or_default(),
            format!("{}{active}", retailer.status),
            methods.join(", "),
            retailer.rate.clone(),
            retailer.mcc.clone(),
            retailer.url.clone().unwrap_or_default(),
        ]);
    }
    rows.to_string()
}

pub async fn show_customers(globals: &Globals) -> Result<(), Fail> {
    let world = globals.open().await?;
    let answer = ask(&world, &BankOp::Customers).await?;
    let Answer::Customers(customers) = answer else { return Err(strange(answer)) };
    let view = |customer: &Customer| {
        json!({
            "customer_code": customer.customer_code, "is_business": customer.is_business,
            "name": customer.name, "tax_code": customer.tax_code,
        })
    };
    let shown: Vec<Value> = customers.iter().map(view).collect();
    world.out.show(&json!({ "customers": shown }), || {
        let mut rows = table(&["Customer code", "Type", "Name", "INN"]);
        for customer in &customers {
            let kind = if customer.is_business { "Business" } else { "Personal" };
            rows.add_row([
                customer.customer_code.clone(),
                kind.to_owned(),
                customer.name.clone(),
                customer.tax_code.clone().unwrap_or_default(),
            ]);
        }
        rows.to_string()
    })
}
