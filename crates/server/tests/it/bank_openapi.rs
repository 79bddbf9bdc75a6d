//! Each bank's own OpenAPI document judges every request of our client and every reply of our
//! emulator. What lies outside of the document is listed as data, with the reason.

mod court;
mod document;
mod tbank;
mod tochka;
