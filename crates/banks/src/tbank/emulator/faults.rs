//! How a faulty reply of this bank looks; what faults are and when they strike is in
//! [`crate::emulator`].

use crate::http::HttpReply;

/// The bank's own refusals come with 200, so that every other status is a gateway's plain text.
pub(super) fn faulty_reply(status: u16) -> HttpReply {
    let reply = HttpReply::new(status, "text/plain", format!("{status} gateway trouble\n"));
    if status == 429 { reply.header("retry-after", "1") } else { reply }
}
