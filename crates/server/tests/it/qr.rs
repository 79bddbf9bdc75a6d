//! What is drawn can be read: pictures, posters and terminals, rendered by foreign renderers and
//! decoded by a foreign decoder.

pub mod eye;
mod pictures;
mod posters;
mod print;

/// As long as the links that banks make.
pub const PAYLOAD: &str =
    "https://qr.nspk.ru/AS10003P3RH0LJ2A9ROO038L6NT5RU1M?type=01&bank=100000000001&crc=F3D0";
