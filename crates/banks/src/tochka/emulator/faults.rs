//! How a faulty reply of this bank looks; what faults are and when they strike is in
//! [`crate::emulator`].

use serde_json::json;

use super::{TochkaEmulator, problem::Problem};
use crate::http::HttpReply;

impl TochkaEmulator {
    /// In the bank's shape; a gateway's 502 to 504 are plain text.
    pub(super) fn faulty_reply(&mut self, status: u16, path: &str) -> HttpReply {
        if (502..=504).contains(&status) {
            return HttpReply::new(status, "text/plain", format!("{status} gateway trouble\n"));
        }
        if path.starts_with("/connect/") {
            let body = json!({ "error": "server_error", "error_description": "emulated fault" });
            return retry_after(HttpReply::json(status, &body));
        }
        let id = self.state.mint.uuid("error");
        retry_after(Problem::of_status(status).reply(&id))
    }
}

fn retry_after(reply: HttpReply) -> HttpReply {
    if reply.status == 429 { reply.header("retry-after", "1") } else { reply }
}
