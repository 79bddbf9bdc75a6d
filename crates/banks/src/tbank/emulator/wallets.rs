//! Wallets: links and pictures by unsigned GETs, Mir Pay by a signed POST, and what a terminal
//! can do.

use super::{
    TbankEmulator, directory,
    problem::Problem,
    qr,
    route::{Call, ok, success},
    state::Payment,
};
use crate::{
    emulator::json::{Obj, array},
    http::{HttpReply, HttpRequest},
};

fn svg(link: &str) -> HttpReply {
    HttpReply::new(200, "image/svg", qr::picture(link))
}

fn pay_methods(terminal: &directory::Terminal) -> HttpReply {
    let method =
        |name: &str, params: &str| Obj::new().text("PayMethod", name).raw("Params", params).end();
    let mut methods = vec![
        method("TinkoffPay", r#"{"Version":"2.0"}"#),
        method("SberPay", "{}"),
        method("MirPay", "{}"),
        method("Cards", "{}"),
    ];
    if terminal.sbp {
        methods.push(method("SBP", "{}"));
    }
    let info = Obj::new()
        .raw("Paymethods", &array(methods))
        .flag("AddCardScheme", true)
        .flag("TokenRequired", terminal.needs_token)
        .flag("InitTokenRequired", terminal.needs_token);
    ok(success().raw("TerminalInfo", &info.end()))
}

impl TbankEmulator {
    /// A GET of the API; `None` is an unknown path.
    pub(super) fn serve_get(
        &mut self,
        now_ms: i64,
        request: &HttpRequest,
        path: &str,
    ) -> Option<HttpReply> {
        let segments: Vec<&str> = path.split('/').collect();
        let reply = match segments.as_slice() {
            ["GetTerminalPayMethods"] => {
                let query = request.query();
                let key = query.iter().find(|(key, _)| key == "TerminalKey");
                let terminal = key.and_then(|(_, key)| directory::find_terminal(key));
                terminal.map(pay_methods).ok_or_else(unknown_terminal)
            }
            ["TinkoffPay", "terminals", key, "status"] => {
                let terminal = directory::find_terminal(key).ok_or_else(unknown_terminal);
                terminal.map(|_| {
                    let params = Obj::new().flag("Allowed", true).text("Version", "2.0").end();
                    ok(success().raw("Params", &params))
                })
            }
            ["TinkoffPay", "transactions", id, "versions", _, "link"] => {
                self.open_for_wallet(now_ms, id).map(|payment| {
                    let link = format!("https://o.tbank.ru/tpay/{}", payment.id);
                    let params = Obj::new().text("RedirectUrl", &link).text("WebQR", &link).end();
                    ok(success().raw("Params", &params))
                })
            }
            ["SberPay", "transactions", id, "link"] => {
                self.open_for_wallet(now_ms, id).map(|payment| {
                    let link = format!("https://sberpay.example/pay/{}", payment.id);
                    let params = Obj::new().text("RedirectUrl", &link).end();
                    ok(success().raw("Params", &params))
                })
            }
            ["TinkoffPay", id, "QR"] => self
                .open_for_wallet(now_ms, id)
                .map(|payment| svg(&format!("https://o.tbank.ru/tpay/{}", payment.id))),
            ["SberPay", id, "QR"] => self
                .open_for_wallet(now_ms, id)
                .map(|payment| svg(&format!("https://sberpay.example/pay/{}", payment.id))),
            _ => return None,
        };
        Some(reply.unwrap_or_else(|problem| problem.reply(None)))
    }

    /// The payment that a wallet is opened for: its form is shown by that.
    fn open_for_wallet(&mut self, now_ms: i64, id: &str) -> Result<&Payment, Problem> {
        let id: u64 = id.parse().map_err(|_| Problem::coded("255"))?;
        self.open_form(now_ms, id);
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        if payment.status.is_payable() {
            return Ok(payment);
        }
        Err(Problem::wrong_status(payment.status.as_str(), "FORM_SHOWED"))
    }

    pub(super) fn mir_pay_link(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let payment = self.open_for_wallet(call.now_ms, &id.to_string())?;
        let link = format!("mirpay://pay.mironline.ru/inapp/{}", payment.code);
        Ok(ok(success().text("Deeplink", &link)))
    }

    /// The document has a body here and a GET: both work.
    pub(super) fn pay_methods_call(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        Ok(pay_methods(call.terminal))
    }
}

fn unknown_terminal() -> Problem {
    Problem::field("501", "Терминал не найден.")
}
