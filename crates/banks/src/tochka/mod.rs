//! The bank Tochka: its Open API as translation. See `docs/banks/tochka.md` for facts and quirks.

pub mod emulator;
pub mod sign;

use crate::{
    bank::{Bank, Capabilities, Credentials, Notice, RawNotice, Setting, Step},
    http::HttpReply,
    op::{BankOp, PayMethod},
};

#[derive(Debug)]
pub struct Tochka;

static CAPABILITIES: Capabilities = Capabilities {
    partial_capture: false,
    void_hold: false,
    max_purpose_chars: 140,
    max_reference_chars: 45,
    ttl_minutes: 1..=44_640,
    default_ttl_minutes: 10_080,
    grace_minutes: 60,
    methods: &PayMethod::ALL,
    payment_notice_kinds: &["acquiringInternetPayment"],
};

impl Bank for Tochka {
    fn name(&self) -> &'static str {
        "tochka"
    }
    fn title(&self) -> &'static str {
        "Точка"
    }
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }
    fn settings(&self) -> &'static [Setting] {
        &[]
    }
    fn start(&self, _: &Credentials, _: &BankOp) -> Step {
        unimplemented!()
    }
    fn next(&self, _: &Credentials, _: &BankOp, _: &HttpReply) -> Step {
        unimplemented!()
    }
    fn notice(&self, _: &Credentials, _: &RawNotice<'_>) -> Notice {
        unimplemented!()
    }
}
