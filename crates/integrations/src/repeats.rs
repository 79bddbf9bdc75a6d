//! What a message twice would do to whoever reads it in a chat.

use crate::{
    integration::Duplicate,
    message::{Audience, Kind, Message},
};

/// For services that show each request once more, free of charge.
pub(crate) fn of_chat(message: &Message) -> Duplicate {
    match (message.audience, message.kind) {
        (_, Kind::Test | Kind::Welcome) => Duplicate::Harmless("a second word of no weight"),
        (_, Kind::Link | Kind::Reminder | Kind::Renewal | Kind::Rebind) => {
            Duplicate::Harmless("the same link a second time: it is paid once all the same")
        }
        (Audience::Shop, _) => {
            Duplicate::Harmless("the same news again, with the same payment's number")
        }
        (Audience::Payer, Kind::Expired | Kind::Canceled | Kind::Receipt | Kind::RenewalFailed) => {
            Duplicate::Harmless("the same news again, nothing about money that moved")
        }
        (Audience::Payer, Kind::Paid | Kind::Mismatch | Kind::Failed | Kind::Refunded) => {
            Duplicate::Harmful("the payer may believe that money moved twice")
        }
    }
}
