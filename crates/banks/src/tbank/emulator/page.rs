//! The hosted page at `/new/…`: what the payer sees and presses. The only place where a card's
//! number is typed; of it the emulator keeps the mask.

use super::{
    TbankEmulator,
    cards::{ACS_PASSWORD, CardFate, TEST_CARDS, TestCard, find_test_card, mask},
    control::expiry,
    directory,
    state::{AccountStatus, Binding, BindingStatus, Payment, Target},
    status::{Source, Status},
};
use crate::{
    emulator::hosted::{field, fill, frame, is_cvc, is_expiry, notice_page, see_other},
    http::{HttpReply, HttpRequest, html_escape, parse_query},
};

/// The field of the form that says whether the account is kept.
const KEEP: &str = "keep";

const PAY: &str = include_str!("pay.html");
const PAY_CARD: &str = include_str!("pay_card.html");

/// What came of pressing a button; the word travels in the page's address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pressed {
    Paid,
    Asked,
    Failed,
    NotATestCard,
    BadForm,
    Closed,
}

impl Pressed {
    const ALL: [Pressed; 6] = [
        Pressed::Paid,
        Pressed::Asked,
        Pressed::Failed,
        Pressed::NotATestCard,
        Pressed::BadForm,
        Pressed::Closed,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Pressed::Paid => "paid",
            Pressed::Asked => "asked",
            Pressed::Failed => "failed",
            Pressed::NotATestCard => "not_a_test_card",
            Pressed::BadForm => "bad_form",
            Pressed::Closed => "closed",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Pressed::Paid => "Готово.",
            Pressed::Asked => "Банк просит подтвердить платёж.",
            Pressed::Failed => "Банк отклонил платёж. Попробуйте ещё раз или другой картой.",
            Pressed::NotATestCard => {
                "Это не тестовая карта. Здесь работают только карты из списка ниже: никогда не \
                 вводите номер настоящей карты."
            }
            Pressed::BadForm => "Проверьте способ оплаты, срок действия (ММ/ГГ) и CVC (3 цифры).",
            Pressed::Closed => "По этой ссылке больше нельзя заплатить.",
        }
    }
}

fn not_found() -> HttpReply {
    notice_page(404, "Ссылка не найдена", "Проверьте адрес: такого платежа нет.")
}

/// A card typed into the form.
fn typed_card(form: &[(String, String)]) -> Result<&'static TestCard, Pressed> {
    let card = find_test_card(&field(form, "card")).ok_or(Pressed::NotATestCard)?;
    if is_expiry(&field(form, "expiry")) && is_cvc(&field(form, "cvc")) {
        return Ok(card);
    }
    Err(Pressed::BadForm)
}

impl TbankEmulator {
    pub(super) fn show_page(
        &mut self,
        now_ms: i64,
        request: &HttpRequest,
        code: &str,
    ) -> HttpReply {
        let Some(target) = self.state.codes.get(code).cloned() else { return not_found() };
        let word = field(&request.query(), "result");
        let result = Pressed::ALL.into_iter().find(|result| result.as_str() == word);
        match target {
            Target::Payment(id) => {
                self.open_form(now_ms, id);
                let payment = self.state.payments.get(&id);
                payment.map_or_else(not_found, |payment| payment_page(payment, result))
            }
            Target::Binding(key) => {
                let Some(binding) = self.state.bindings.get_mut(&key) else { return not_found() };
                if binding.status == BindingStatus::New {
                    binding.status = BindingStatus::FormShowed;
                }
                binding_page(binding, result)
            }
            Target::Account(key) => {
                let account = self.state.accounts.get(&key);
                account.map_or_else(not_found, |account| {
                    let (title, text) = match account.status {
                        AccountStatus::New => ("Привязка счёта", account.description.as_str()),
                        AccountStatus::Active => ("Счёт привязан", "Можно закрыть страницу."),
                        AccountStatus::Inactive => ("Счёт не привязан", "Попросите новую ссылку."),
                    };
                    if account.status != AccountStatus::New {
                        return notice_page(200, title, text);
                    }
                    let action = account.code.as_deref().unwrap_or("");
                    let button = button_panel(action, "sbp", "", "Привязать счёт");
                    let text = html_escape(text);
                    frame(200, title, &format!(r#"<p class="card">{text}</p>{button}"#))
                })
            }
        }
    }

    pub(super) fn press_page(
        &mut self,
        now_ms: i64,
        request: &HttpRequest,
        code: &str,
    ) -> HttpReply {
        let Some(target) = self.state.codes.get(code).cloned() else { return not_found() };
        let form = parse_query(&String::from_utf8_lossy(&request.body));
        let (pressed, success_url, fail_url, is_over) = match target {
            Target::Payment(id) => {
                let pressed = self.press_payment(now_ms, id, &form).unwrap_or_else(|why| why);
                let Some(payment) = self.state.payments.get(&id) else { return not_found() };
                let is_over = payment.status == Status::Rejected;
                (pressed, payment.success_url.clone(), payment.fail_url.clone(), is_over)
            }
            Target::Binding(key) => {
                let pressed = self.press_binding(now_ms, &key, &form).unwrap_or_else(|why| why);
                let Some(binding) = self.state.bindings.get(&key) else { return not_found() };
                let is_over = binding.status == BindingStatus::Rejected;
                (pressed, binding.success_url.clone(), binding.fail_url.clone(), is_over)
            }
            Target::Account(key) => {
                let done = self.settle_account(now_ms, &key, true);
                let pressed = if done.is_ok() { Pressed::Paid } else { Pressed::Closed };
                (pressed, None, None, true)
            }
        };
        let page = format!("/new/{code}?result={}", pressed.as_str());
        let shop = match pressed {
            Pressed::Paid => success_url,
            Pressed::Failed if is_over => fail_url,
            Pressed::Failed
            | Pressed::Asked
            | Pressed::NotATestCard
            | Pressed::BadForm
            | Pressed::Closed => None,
        };
        see_other(shop.as_deref().unwrap_or(&page))
    }

    fn press_payment(
        &mut self,
        now_ms: i64,
        id: u64,
        form: &[(String, String)],
    ) -> Result<Pressed, Pressed> {
        let payment = self.state.payments.get(&id).ok_or(Pressed::Closed)?;
        if !payment.status.is_open() || payment.expires_ms <= now_ms {
            return Err(Pressed::Closed);
        }
        if payment.status == Status::ThreeDsChecking {
            if field(form, "acs") != ACS_PASSWORD {
                self.decline(now_ms, id, "101", false);
                return Ok(Pressed::Failed);
            }
            let face = payment.challenged.clone();
            let done = self.approve(now_ms, id, Source::Cards, face);
            return done.map(|()| Pressed::Paid).map_err(|_| Pressed::Closed);
        }
        let source = Source::parse(&field(form, "method")).ok_or(Pressed::BadForm)?;
        if !sources(payment).contains(&source) {
            return Err(Pressed::BadForm);
        }
        if let Some(key) = payment.qr_request_key.clone().filter(|_| field(form, KEEP) == "no") {
            // The payer pays and keeps his account to himself; if that was decided, so it is.
            drop(self.settle_account(now_ms, &key, false));
        }
        let card = if source == Source::Cards { Some(typed_card(form)?) } else { None };
        self.pay_with(now_ms, id, source, card).map_err(|_| Pressed::Closed)?;
        let status = self.state.payments.get(&id).map(|payment| payment.status);
        Ok(match status {
            Some(Status::ThreeDsChecking) => Pressed::Asked,
            Some(Status::AuthFail | Status::Rejected) | None => Pressed::Failed,
            Some(_) => Pressed::Paid,
        })
    }

    fn press_binding(
        &mut self,
        now_ms: i64,
        key: &str,
        form: &[(String, String)],
    ) -> Result<Pressed, Pressed> {
        let binding = self.state.bindings.get_mut(key).ok_or(Pressed::Closed)?;
        if !binding.status.is_open() || binding.expires_ms <= now_ms {
            return Err(Pressed::Closed);
        }
        if let Some(face) = binding.challenged.clone() {
            if field(form, "acs") == ACS_PASSWORD {
                self.complete_binding(now_ms, key, face);
                return Ok(Pressed::Paid);
            }
            self.reject_binding(now_ms, key, "511");
            return Ok(Pressed::Failed);
        }
        let card = typed_card(form)?;
        let face = (mask(card.number), expiry());
        let is_demo =
            directory::find_terminal(&binding.terminal).is_none_or(directory::Terminal::is_demo);
        // Only the checks that are named so ask the card's bank.
        let asks = binding.check_type.starts_with("3DS") && !is_demo;
        if card.fate == CardFate::Challenge && asks {
            binding.status = BindingStatus::ThreeDsChecking;
            binding.challenged = Some(face);
            return Ok(Pressed::Asked);
        }
        match card.fate.error_code() {
            Some(code) if binding.check_type != "NO" => {
                self.reject_binding(now_ms, key, code);
                Ok(Pressed::Failed)
            }
            Some(_) | None => {
                self.complete_binding(now_ms, key, face);
                Ok(Pressed::Paid)
            }
        }
    }
}

/// The ways that the page offers.
fn sources(payment: &Payment) -> Vec<Source> {
    let has_sbp = directory::find_terminal(&payment.terminal).is_some_and(|own| own.sbp);
    let all = Source::ALL.into_iter();
    all.filter(|source| has_sbp || *source != Source::Sbp).collect()
}

fn message(class: &str, text: &str) -> String {
    format!(r#"<p class="message {class}" role="status">{}</p>"#, html_escape(text))
}

fn message_of(payment: &Payment, result: Option<Pressed>) -> String {
    let (class, text) = match payment.status {
        Status::New | Status::FormShowed | Status::AuthFail => {
            return result.map_or_else(String::new, |result| message("bad", result.message()));
        }
        Status::ThreeDsChecking => ("", Pressed::Asked.message()),
        Status::Authorizing | Status::ThreeDsChecked | Status::Confirming => {
            ("", "Платёж проверяется.")
        }
        Status::Authorized | Status::PartialReversed => {
            ("good", "Деньги удержаны: магазин спишет их или вернёт.")
        }
        Status::Confirmed => ("good", "Оплачено. Спасибо!"),
        Status::Refunding | Status::AsyncRefunding => ("good", "Оплачено, идёт возврат."),
        Status::PartialRefunded => ("good", "Оплачено, часть денег возвращена."),
        Status::Refunded | Status::Reversing | Status::Reversed => {
            ("good", "Деньги возвращены полностью.")
        }
        Status::Canceled => ("bad", "Магазин отменил платёж."),
        Status::DeadlineExpired => ("bad", "Срок действия ссылки истёк."),
        Status::Rejected => ("bad", "Банк отклонил платёж."),
    };
    message(class, text)
}

fn payment_page(payment: &Payment, result: Option<Pressed>) -> HttpReply {
    let sum = payment.amount.to_human();
    let panels = if payment.status == Status::ThreeDsChecking {
        acs_panel(&payment.code)
    } else if payment.status.is_payable() {
        sources(payment).into_iter().map(|source| panel(payment, source)).collect()
    } else {
        way_back(payment)
    };
    let terminal = directory::find_terminal(&payment.terminal);
    let body = fill(
        PAY,
        &[
            ("merchant", &html_escape(terminal.map_or("", |terminal| terminal.merchant))),
            ("reference", &html_escape(&payment.order_id)),
            ("sum", &html_escape(&sum)),
            ("purpose", &html_escape(&payment.description)),
            ("message", &message_of(payment, result)),
            ("panels", &panels),
        ],
    );
    let status = if payment.status == Status::DeadlineExpired { 410 } else { 200 };
    frame(status, &format!("Оплата {sum}"), &body)
}

fn binding_page(binding: &Binding, result: Option<Pressed>) -> HttpReply {
    let title = "Привязка карты";
    let body = match binding.status {
        BindingStatus::Completed => message("good", "Карта привязана."),
        BindingStatus::Rejected => message("bad", "Карта не привязана."),
        BindingStatus::ThreeDsChecking => acs_panel(&binding.code),
        BindingStatus::New | BindingStatus::FormShowed => {
            let told = result.map_or_else(String::new, |own| message("bad", own.message()));
            format!("{told}{}", card_panel(&binding.code, "Привязать", ""))
        }
    };
    frame(200, title, &body)
}

fn way_back(payment: &Payment) -> String {
    let is_paid = !payment.captured.is_zero() || !payment.held.is_zero();
    let url = if is_paid { &payment.success_url } else { &payment.fail_url };
    url.as_deref().map_or_else(String::new, |url| {
        let url = html_escape(url);
        format!(
            r#"<p class="card"><a class="button quiet" href="{url}">Вернуться в магазин</a></p>"#
        )
    })
}

fn panel(payment: &Payment, source: Source) -> String {
    let (class, text) = match source {
        Source::Cards => {
            let action = if payment.two_stage { "Удержать" } else { "Оплатить" };
            return card_panel(&payment.code, action, &payment.amount.to_human());
        }
        Source::Sbp if payment.qr_request_key.is_some() => return saving_panels(&payment.code),
        Source::Sbp => ("", "Оплатить через СБП"),
        Source::TinkoffPay => ("tpay", "Оплатить через T-Pay"),
        Source::SberPay => ("quiet", "Оплатить через SberPay"),
        Source::MirPay => ("quiet", "Оплатить через Mir Pay"),
        Source::Bnpl => ("quiet", "Оплатить Долями"),
    };
    button_panel(&payment.code, source.method(), class, text)
}

fn button_panel(code: &str, word: &str, class: &str, text: &str) -> String {
    let code = html_escape(code);
    format!(
        r#"<form class="card" id="{word}" method="post" action="/new/{code}">
<input type="hidden" name="method" value="{word}"><button class="{class}">{text}</button></form>
"#
    )
}

/// A payment by SBP that also saves the account, if the payer likes.
fn saving_panels(code: &str) -> String {
    let agree = button_panel(code, "sbp", "", "Оплатить через СБП и привязать счёт");
    let refuse = button_panel(code, "sbp", "quiet", "Оплатить через СБП, не привязывая счёт")
        .replace(r#"id="sbp""#, r#"id="sbp-only""#)
        .replace("<button", &format!(r#"<input type="hidden" name="{KEEP}" value="no"><button"#));
    format!("{agree}{refuse}")
}

fn acs_panel(code: &str) -> String {
    let code = html_escape(code);
    format!(
        r#"<form class="card" id="acs" method="post" action="/new/{code}" autocomplete="off">
<h2>Подтверждение платежа</h2><p class="soft">Тестовый пароль: {ACS_PASSWORD}</p>
<label>Пароль <input name="acs" required></label><button>Подтвердить</button></form>
"#
    )
}

fn card_panel(code: &str, action: &str, sum: &str) -> String {
    let rows = TEST_CARDS.iter().map(|card| {
        let groups = [0, 4, 8, 12].map(|at| card.number.get(at..at + 4).unwrap_or(""));
        format!("<tr><td>{}</td><td>{}</td></tr>", groups.join(" "), html_escape(card.ru))
    });
    fill(
        PAY_CARD,
        &[
            ("code", &html_escape(code)),
            ("action", action),
            ("sum", &html_escape(sum)),
            ("cards", &rows.collect::<String>()),
        ],
    )
}
