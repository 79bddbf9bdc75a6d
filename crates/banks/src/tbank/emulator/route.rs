//! Which method of the bank a request is, whose terminal it comes from and whether its token is
//! right. Open to strangers' clients: a trailing slash, a doubled `/v2`, any content type.

use super::{
    TbankEmulator,
    directory::{self, Terminal},
    fields::Fields,
    problem::Problem,
    token,
};
use crate::{
    emulator::json::Obj,
    http::{HttpReply, HttpRequest, Method, percent_decode},
};

/// One request to the API, its terminal known and its token checked.
pub(super) struct Call<'a> {
    pub(super) now_ms: i64,
    pub(super) terminal: &'static Terminal,
    pub(super) fields: &'a Fields,
}

impl Call<'_> {
    /// A good answer, open for more fields.
    pub(super) fn done(&self) -> Obj {
        Obj::new()
            .text("TerminalKey", self.terminal.key)
            .flag("Success", true)
            .text("ErrorCode", "0")
            .text("Message", "OK")
    }
}

/// The same of the methods that do not name the terminal.
pub(super) fn success() -> Obj {
    Obj::new().flag("Success", true).text("ErrorCode", "0").text("Message", "OK")
}

pub(super) fn ok(body: Obj) -> HttpReply {
    HttpReply::new(200, "application/json", body.end())
}

type Serve = fn(&mut TbankEmulator, &Call<'_>) -> Result<HttpReply, Problem>;

/// The methods that are called by POST with a signed JSON body.
const METHODS: [(&str, Serve); 28] = [
    ("Init", TbankEmulator::init),
    ("Confirm", TbankEmulator::confirm_call),
    ("Cancel", TbankEmulator::cancel_call),
    ("GetState", TbankEmulator::get_state),
    ("CheckOrder", TbankEmulator::check_order),
    ("Charge", TbankEmulator::charge),
    ("Resend", TbankEmulator::resend_call),
    ("getConfirmOperation", TbankEmulator::confirm_operation),
    ("AddCustomer", TbankEmulator::add_customer),
    ("GetCustomer", TbankEmulator::get_customer),
    ("RemoveCustomer", TbankEmulator::remove_customer),
    ("AddCard", TbankEmulator::add_card),
    ("GetAddCardState", TbankEmulator::add_card_state),
    ("GetCardList", TbankEmulator::card_list),
    ("RemoveCard", TbankEmulator::remove_card),
    ("GetQr", TbankEmulator::get_qr),
    ("QrMembersList", TbankEmulator::qr_members),
    ("AddAccountQr", TbankEmulator::add_account),
    ("GetAddAccountQrState", TbankEmulator::account_state),
    ("GetAccountQrList", TbankEmulator::account_list),
    ("ChargeQr", TbankEmulator::charge_account),
    ("GetQrState", TbankEmulator::qr_state),
    ("GetQrBankList", TbankEmulator::qr_banks),
    ("SbpPayTest", TbankEmulator::sbp_pay_test),
    ("MirPay/GetDeepLink", TbankEmulator::mir_pay_link),
    ("SendClosingReceipt", TbankEmulator::closing_receipt),
    ("GetTerminalPayMethods", TbankEmulator::pay_methods_call),
    ("SubmitRandomAmount", TbankEmulator::card_data_refused),
];

/// Methods that carry card data: for merchants with PCI DSS only, which nobody is here.
const CARD_METHODS: [&str; 8] = [
    "FinishAuthorize",
    "Check3dsVersion",
    "AttachCard",
    "ACSUrl",
    "3DSMethod",
    "Submit3DSAuthorization",
    "Submit3DSAuthorizationV2",
    "Authorize",
];

fn not_found() -> HttpReply {
    HttpReply::new(404, "text/plain; charset=utf-8", "Not Found\n")
}

impl TbankEmulator {
    pub(super) fn route(&mut self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let segments: Vec<String> =
            request.path().split('/').filter(|s| !s.is_empty()).map(percent_decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["new", code] => match request.method {
                Method::Get => self.show_page(now_ms, request, code),
                Method::Post => self.press_page(now_ms, request, code),
                Method::Put | Method::Delete => not_found(),
            },
            // A base address with and without `/v2` both work, whatever a client adds to it.
            ["v2", "v2", rest @ ..] | ["v2", rest @ ..] => self.method(now_ms, request, rest),
            ["cashbox", "SendClosingReceipt"] => {
                self.method(now_ms, request, &["SendClosingReceipt"])
            }
            _ => not_found(),
        }
    }

    fn method(&mut self, now_ms: i64, request: &HttpRequest, path: &[&str]) -> HttpReply {
        let path = path.strip_prefix(&["cashbox"]).unwrap_or(path).join("/");
        match request.method {
            Method::Get => self.serve_get(now_ms, request, &path).unwrap_or_else(not_found),
            Method::Post => {
                if CARD_METHODS.contains(&path.as_str()) {
                    return card_data_problem().reply(None);
                }
                let Some((name, serve)) = METHODS.iter().find(|(name, _)| *name == path) else {
                    return not_found();
                };
                let Some(fields) = Fields::of_body(&request.body) else {
                    let what = "Параметры запроса не должны быть пустыми.";
                    return Problem::field("203", what).reply(None);
                };
                let terminal = fields.text("TerminalKey");
                let answer = self.call(now_ms, name, *serve, &fields);
                answer.unwrap_or_else(|problem| problem.reply(terminal.as_deref()))
            }
            Method::Put | Method::Delete => not_found(),
        }
    }

    fn call(
        &mut self,
        now_ms: i64,
        name: &str,
        serve: Serve,
        fields: &Fields,
    ) -> Result<HttpReply, Problem> {
        let key = fields.sized("TerminalKey", 20, "210")?;
        let terminal = directory::find_terminal(&key)
            .ok_or_else(|| Problem::field("501", "Терминал не найден."))?;
        if name != "GetTerminalPayMethods" {
            check_token(terminal, name, fields)?;
        }
        if self.state.blocked_terminals.contains(terminal.key) {
            return Err(Problem::coded("202"));
        }
        serve(self, &Call { now_ms, terminal, fields })
    }

    fn card_data_refused(&mut self, _: &Call<'_>) -> Result<HttpReply, Problem> {
        Err(card_data_problem())
    }
}

fn card_data_problem() -> Problem {
    Problem::new(
        "9999",
        "Метод недоступен для данного терминала.",
        "Передача карточных данных доступна только при наличии PCI DSS.",
    )
}

fn check_token(terminal: &Terminal, name: &str, fields: &Fields) -> Result<(), Problem> {
    let Some(given) = fields.filled("Token") else {
        return if terminal.needs_token {
            Err(Problem::field("204", "Поле Token не должно быть пустым."))
        } else {
            Ok(())
        };
    };
    let is_signed = |key: &str| match name {
        "AddCard" => !token::ADD_CARD_UNSIGNED.contains(&key),
        // The terminal and the password are all that is signed here.
        "getConfirmOperation" => key == "TerminalKey",
        _ => true,
    };
    let right = token::compute(&fields.0, terminal.password, is_signed);
    if token::is_right(&given, &right) {
        return Ok(());
    }
    Err(Problem::field("204", "Неверный токен. Проверьте пару TerminalKey/SecretKey."))
}
