//! The SBP: QR links, bound accounts, the banks of payers and the test of payments.

use super::{
    TbankEmulator,
    directory::{MEMBERS, Member, PAYER_BANK},
    init::{data, due_date},
    problem::{Problem, text_of},
    qr,
    route::{Call, ok, success},
    state::{Account, AccountStatus, ChargeFate, Target},
    status::{Source, Status},
};
use crate::{
    emulator::json::{Obj, array},
    http::HttpReply,
};

/// Ten rubles to one million, the bank's default range.
const MIN_KOPECKS: i64 = 1_000;
const MAX_KOPECKS: i64 = 100_000_000;

fn check_sbp(call: &Call<'_>) -> Result<(), Problem> {
    if call.terminal.sbp { Ok(()) } else { Err(Problem::coded("3001")) }
}

/// The bank that the link shall open, when one is named.
fn member(call: &Call<'_>) -> Result<Option<&'static Member>, Problem> {
    let Some(text) = call.fields.filled("BankId") else { return Ok(None) };
    let known = MEMBERS.iter().find(|own| own.uuid == text || own.id == text.replace("bank", ""));
    known.map(Some).ok_or_else(|| Problem::coded("3044"))
}

/// The link itself, a bank's own link or a picture.
fn shown(call: &Call<'_>, link: &str) -> Result<String, Problem> {
    let member = member(call)?;
    match (call.fields.filled("DataType").as_deref(), member) {
        (None | Some("PAYLOAD"), None) => Ok(link.to_owned()),
        (None | Some("PAYLOAD"), Some(member)) => Ok(qr::deep_link(link, member.id)),
        (Some("IMAGE"), None) => Ok(qr::picture(link)),
        (Some("IMAGE"), Some(_)) => Err(Problem::field("64", "BankId только для PAYLOAD.")),
        (Some(_), _) => Err(Problem::field("64", "Неверное значение поля DataType.")),
    }
}

fn print_account(account: &Account) -> Obj {
    let bank = (account.status == AccountStatus::Active).then_some(PAYER_BANK);
    Obj::new()
        .text("RequestKey", &account.request_key)
        .text("Status", account.status.as_str())
        .text_if("AccountToken", account.token.as_deref())
        .text_if("BankMemberId", bank.map(|bank| bank.id))
        .text_if("BankMemberName", bank.map(|bank| bank.name))
}

impl TbankEmulator {
    pub(super) fn get_qr(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        check_sbp(call)?;
        let id = self.find_payment(call)?;
        shown(call, "")?;
        let qr_id = self.state.mint.sbp("AD");
        let request_key = self.state.mint.token("account");
        let request_key = request_key.get(..32).unwrap_or(&request_key).to_owned();
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        if !payment.status.is_payable() {
            return Err(Problem::wrong_status(payment.status.as_str(), "FORM_SHOWED"));
        }
        if !(MIN_KOPECKS..=MAX_KOPECKS).contains(&payment.amount.kopecks()) {
            return Err(Problem::coded("3016"));
        }
        if payment.wants_account() && !call.terminal.recurrents {
            return Err(Problem::coded("3013"));
        }
        self.open_form(call.now_ms, id);
        let payment = self.state.payments.get_mut(&id).ok_or_else(|| Problem::coded("255"))?;
        let fresh = || qr::payment_link(&qr_id, payment.amount);
        // One payment keeps its link, however often it is asked for.
        let link = payment.qr_link.clone().unwrap_or_else(fresh);
        payment.qr_link = Some(link.clone());
        let is_new_account = payment.wants_account() && payment.qr_request_key.is_none();
        if is_new_account {
            payment.qr_request_key = Some(request_key.clone());
        }
        let (own_key, expires_ms) = (payment.qr_request_key.clone(), payment.expires_ms);
        let (order_id, description) = (payment.order_id.clone(), payment.description.clone());
        if is_new_account {
            let terminal = call.terminal.key.to_owned();
            let account = new_account(request_key, terminal, description, &link, expires_ms);
            self.state.accounts.insert(account.request_key.clone(), account);
        }
        // A number here, text in Init.
        let body = call
            .done()
            .text("OrderId", &order_id)
            .raw("PaymentId", &id.to_string())
            .text("Data", &shown(call, &link)?)
            .text_if("RequestKey", own_key.as_deref());
        Ok(ok(body))
    }

    pub(super) fn qr_members(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        let rows = MEMBERS.iter().map(|member| {
            Obj::new()
                .text("MemberId", member.id)
                .text("MemberName", member.name)
                .flag("IsPayee", member.id == PAYER_BANK.id)
                .end()
        });
        let members = array(rows);
        Ok(ok(success().text("OrderId", &payment.order_id).raw("Members", &members)))
    }

    pub(super) fn qr_banks(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let device = call.fields.object("Device").ok_or_else(|| Problem::empty_field("Device"))?;
        device.required("Type")?;
        let rows = MEMBERS.iter().enumerate().map(|(at, member)| {
            let logo = format!("https://qr.nspk.ru/proxyapp/logo/bank{}.png", member.id);
            Obj::new()
                .text("BankId", member.uuid)
                .text("NspkBankId", member.id)
                .text("BankName", member.name)
                .text("BankLogo", &logo)
                .raw("BankOrder", &(at + 1).to_string())
                .end()
        });
        let banks = array(rows);
        Ok(ok(success().raw("BankList", &banks)))
    }

    pub(super) fn add_account(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        check_sbp(call)?;
        if !call.terminal.recurrents {
            return Err(Problem::coded("3013"));
        }
        let description = call.fields.sized("Description", 140, "213")?;
        data(call.fields, "Data")?;
        let expires_ms = due_date(call, "3017")?;
        let link = qr::binding_link(&self.state.mint.sbp("AB"));
        let key = self.state.mint.uuid("account");
        let shown = shown(call, &link)?;
        let terminal = call.terminal.key.to_owned();
        let mut account = new_account(key.clone(), terminal, description, &link, expires_ms);
        let code = self.page_code();
        self.state.codes.insert(code.clone(), Target::Account(key.clone()));
        account.code = Some(code);
        self.state.accounts.insert(key.clone(), account);
        Ok(ok(call.done().text("Data", &shown).text("RequestKey", &key)))
    }

    pub(super) fn account_state(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let key = call.fields.required("RequestKey")?;
        let account = self.state.accounts.get(&key);
        let account = account.filter(|account| account.terminal == call.terminal.key);
        let account = account.ok_or_else(|| Problem::coded("3012"))?;
        let body = print_account(account)
            .text("TerminalKey", call.terminal.key)
            .flag("Success", true)
            .text("ErrorCode", "0")
            .text("Message", "OK");
        Ok(ok(body))
    }

    pub(super) fn account_list(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let accounts = self.state.accounts.values();
        let own = accounts.filter(|account| account.terminal == call.terminal.key);
        let rows = array(own.map(|account| print_account(account).end()));
        Ok(ok(call.done().raw("AccountTokens", &rows)))
    }

    pub(super) fn charge_account(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        check_sbp(call)?;
        if !call.terminal.recurrents {
            return Err(Problem::coded("3013"));
        }
        let id = self.find_payment(call)?;
        let token = call.fields.required("AccountToken")?;
        if call.terminal.needs_bank_member && call.fields.filled("BankMemberId").is_none() {
            return Err(Problem::coded("5031"));
        }
        let accounts = self.state.accounts.values();
        let account = accounts
            .filter(|account| account.terminal == call.terminal.key)
            .find(|account| account.token.as_ref() == Some(&token))
            .ok_or_else(|| Problem::coded("3014"))?;
        if account.status != AccountStatus::Active {
            return Err(Problem::coded("3015"));
        }
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        if !payment.wants_account() {
            return Err(Problem::internal());
        }
        if payment.status != Status::New {
            return Err(Problem::coded("3037"));
        }
        self.start_account_charge(call.now_ms, id, &token);
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        let body = call
            .done()
            .raw("Amount", &payment.amount.kopecks().to_string())
            .text("OrderId", &payment.order_id)
            .text("Status", payment.status.as_str())
            .text("PaymentId", &id.to_string())
            .raw("Currency", "643");
        Ok(ok(body))
    }

    /// What became of the refund, not of the payment.
    pub(super) fn qr_state(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        let id = self.find_payment(call)?;
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        let body = success()
            .text("Status", payment.status.as_str())
            .text("OrderId", &payment.order_id)
            .raw("Amount", &payment.current().kopecks().to_string())
            .text_if("QrCancelCode", payment.refund_error.as_deref())
            .text_if("QrCancelMessage", payment.refund_error.as_deref().map(text_of));
        Ok(ok(body))
    }

    pub(super) fn sbp_pay_test(&mut self, call: &Call<'_>) -> Result<HttpReply, Problem> {
        if !call.terminal.is_demo() {
            let what = "Метод доступен только для DEMO-терминалов.";
            return Err(Problem::new("9999", "Внутренняя ошибка системы.", what));
        }
        let id = self.find_payment(call)?;
        let (expired, rejected) =
            (call.fields.flag("IsDeadlineExpired"), call.fields.flag("IsRejected"));
        if expired && rejected {
            return Err(Problem::field(
                "64",
                "IsDeadlineExpired и IsRejected исключают друг друга.",
            ));
        }
        let payment = self.state.payments.get(&id).ok_or_else(|| Problem::coded("255"))?;
        if payment.qr_link.is_none() || !payment.status.is_open() {
            return Err(Problem::new(
                "8",
                "Неверный статус транзакции.",
                "Сначала вызовите GetQr.",
            ));
        }
        let done = if expired {
            self.expire_now(call.now_ms, id)
        } else if rejected {
            self.decline(call.now_ms, id, "5060", true);
            Ok(())
        } else {
            self.approve(call.now_ms, id, Source::Sbp, None)
        };
        done.map_err(|why| Problem::new("8", "Неверный статус транзакции.", why))?;
        Ok(ok(success().text("Details", "0")))
    }

    /// A payment by QR may bring its account with it.
    pub(super) fn bind_account_with_payment(&mut self, now_ms: i64, id: u64) {
        let payment = self.state.payments.get(&id);
        let key = payment.and_then(|payment| payment.qr_request_key.clone());
        if let Some(key) = key {
            // It is open unless it was bound before: then nothing is left to do.
            drop(self.settle_account(now_ms, &key, true));
        }
    }

    /// The payer allowed the binding in the app of the bank, or did not.
    pub(super) fn settle_account(
        &mut self,
        now_ms: i64,
        key: &str,
        is_allowed: bool,
    ) -> Result<(), String> {
        let token = self.state.mint.token("account");
        let account = self.state.accounts.get_mut(key).ok_or("There is no such binding.")?;
        if account.status != AccountStatus::New {
            return Err(format!("The binding is {} already.", account.status.as_str()));
        }
        let is_active = is_allowed && now_ms < account.expires_ms;
        account.status = if is_active { AccountStatus::Active } else { AccountStatus::Inactive };
        account.token = is_active.then(|| token.get(..32).unwrap_or(&token).to_owned());
        let account = account.clone();
        self.announce_account(now_ms, &account);
        if is_allowed && !is_active {
            return Err(text_of("3012").to_owned());
        }
        Ok(())
    }
}

fn new_account(
    request_key: String,
    terminal: String,
    description: String,
    link: &str,
    expires_ms: i64,
) -> Account {
    Account {
        request_key,
        terminal,
        description,
        status: AccountStatus::New,
        code: None,
        link: link.to_owned(),
        expires_ms,
        token: None,
        fate: ChargeFate::Valid,
    }
}
