//! T-Bank, the former Tinkoff: internet acquiring ("MAPI", "eacq").

pub mod emulator;
