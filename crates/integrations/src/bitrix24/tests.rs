//! Bitrix24: the contract both ways, deals that move and deals that stay, every refusal, rows to
//! the kopeck, what portals send.

mod cards;
mod flows;
mod portals;

use crate::{
    bitrix24::{Bitrix24, BitrixStandIn},
    contract::{self, Setup},
    message::Audience,
};

pub const SETUP: Setup = Setup {
    integration: &Bitrix24,
    stand_in: || Box::new(BitrixStandIn::default()),
    audience: Audience::Shop,
    address: "57",
    refused: &[("58", "bitrix24_deal_unknown"), ("59", "bitrix24_deal_closed")],
    no_address: &["", "0", "-1", "сделка", "https://p.bitrix24.ru/crm/lead/details/57/"],
    wrong: &[
        ("webhook_url", "", "bitrix24_settings_missing"),
        ("webhook_url", "http://p.bitrix24.ru/rest/1/abc/", "bitrix24_webhook_malformed"),
        ("webhook_url", "https://stand-in.test/rest/1/other/", "bitrix24_access_lost"),
    ],
    shows_links: true,
    flood: 30,
};

pub const APP: Setup = Setup {
    stand_in: || Box::new(BitrixStandIn::app()),
    wrong: &[
        ("access_token", "", "bitrix24_settings_missing"),
        ("access_token", "somebody else's", "bitrix24_access_lost"),
    ],
    ..SETUP
};

#[test]
fn a_webhook_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn an_application_keeps_the_contract() {
    contract::run(&APP);
}
