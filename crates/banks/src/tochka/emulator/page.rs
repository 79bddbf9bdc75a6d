//! The hosted page at `/order/?uuid=…`: what the payer sees and presses. Plain HTML without
//! scripts, so that a test can press its buttons with a form post.

use super::{
    TochkaEmulator,
    cards::{CardFate, TEST_CARDS, find_test_card},
    directory,
    state::{Mode, Operation, Status},
};
use crate::{
    emulator::hosted::{field, fill, frame, is_cvc, is_expiry, notice_page, see_other},
    http::{HttpReply, HttpRequest, html_escape, parse_query},
};

const PAY: &str = include_str!("pay.html");
const PAY_CARD: &str = include_str!("pay_card.html");

/// What came of pressing a button; the word travels in the page's address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pressed {
    Fate(CardFate),
    NotATestCard,
    BadForm,
    Closed,
}

impl Pressed {
    const ALL: [Pressed; 8] = [
        Pressed::Fate(CardFate::Approve),
        Pressed::Fate(CardFate::Decline),
        Pressed::Fate(CardFate::InsufficientFunds),
        Pressed::Fate(CardFate::Expired),
        Pressed::Fate(CardFate::ThreeDsFailed),
        Pressed::NotATestCard,
        Pressed::BadForm,
        Pressed::Closed,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Pressed::Fate(fate) => fate.as_str(),
            Pressed::NotATestCard => "not_a_test_card",
            Pressed::BadForm => "bad_form",
            Pressed::Closed => "closed",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Pressed::Fate(CardFate::Approve) => "Оплата прошла.",
            Pressed::Fate(CardFate::Decline) => {
                "Банк отклонил платёж. Попробуйте ещё раз или другой картой."
            }
            Pressed::Fate(CardFate::InsufficientFunds) => "На карте недостаточно средств.",
            Pressed::Fate(CardFate::Expired) => "Срок действия карты истёк.",
            Pressed::Fate(CardFate::ThreeDsFailed) => {
                "Платёж не подтверждён: проверка 3-D Secure не пройдена."
            }
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

impl TochkaEmulator {
    pub(super) fn show_page(&self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let query = request.query();
        let Some(operation) = self.state.operations.get(&field(&query, "uuid")) else {
            return not_found();
        };
        let word = field(&query, "result");
        let result = Pressed::ALL.into_iter().find(|result| result.as_str() == word);
        let is_open = operation.status == Status::Created && operation.expires_ms > now_ms;
        let message = message_of(operation, result.filter(|_| is_open));
        let panels = if is_open { panels(operation) } else { way_back(operation) };
        let retailer = directory::find_retailer(&operation.merchant_id);
        let merchant = retailer.map_or("", |retailer| retailer.name);
        let sum = html_escape(&operation.amount.to_human());
        let body = fill(
            PAY,
            &[
                ("merchant", &html_escape(merchant)),
                ("reference", &html_escape(&operation.reference)),
                ("sum", &sum),
                ("purpose", &html_escape(&operation.purpose)),
                ("message", &message),
                ("panels", &panels),
            ],
        );
        let status = if operation.status == Status::Expired { 410 } else { 200 };
        frame(status, &format!("Оплата {}", operation.amount.to_human()), &body)
    }

    pub(super) fn pay_on_page(&mut self, now_ms: i64, request: &HttpRequest) -> HttpReply {
        let form = parse_query(&String::from_utf8_lossy(&request.body));
        let id = field(&form, "uuid");
        let Some(operation) = self.state.operations.get(&id) else { return not_found() };
        let success_url = operation.redirect_url.clone();
        let fail_url = operation.fail_redirect_url.clone();
        let result = self.press(now_ms, &id, &form);
        let page = format!("/order/?uuid={id}&result={}", result.as_str());
        match result {
            Pressed::Fate(CardFate::Approve) => see_other(&success_url.unwrap_or(page)),
            Pressed::Fate(
                CardFate::Decline
                | CardFate::InsufficientFunds
                | CardFate::Expired
                | CardFate::ThreeDsFailed,
            ) => see_other(&fail_url.unwrap_or(page)),
            Pressed::NotATestCard | Pressed::BadForm | Pressed::Closed => see_other(&page),
        }
    }

    fn press(&mut self, now_ms: i64, id: &str, form: &[(String, String)]) -> Pressed {
        let operation = self.state.operations.get(id);
        let Some(operation) = operation.filter(|operation| operation.status == Status::Created)
        else {
            return Pressed::Closed;
        };
        let mode = Mode::parse(&field(form, "method"));
        let Some(mode) = mode.filter(|mode| operation.modes.contains(mode)) else {
            return Pressed::BadForm;
        };
        let fate = if mode == Mode::Card {
            let Some(card) = find_test_card(&field(form, "card")) else {
                return Pressed::NotATestCard;
            };
            if !is_expiry(&field(form, "expiry")) || !is_cvc(&field(form, "cvc")) {
                return Pressed::BadForm;
            }
            card.fate
        } else {
            CardFate::Approve
        };
        let done = match fate {
            CardFate::Approve => self.pay(now_ms, id, mode),
            CardFate::Decline
            | CardFate::InsufficientFunds
            | CardFate::Expired
            | CardFate::ThreeDsFailed => self.decline(id, fate.as_str()),
        };
        if done.is_ok() { Pressed::Fate(fate) } else { Pressed::Closed }
    }
}

fn message_of(operation: &Operation, result: Option<Pressed>) -> String {
    let (class, text) = match (operation.status, result) {
        (Status::Created, Some(result)) => ("bad", result.message()),
        (Status::Created, None) => return String::new(),
        (Status::Authorized, _) => ("good", "Деньги удержаны: магазин спишет их или вернёт."),
        (Status::Approved | Status::WaitFullPayment, _) => ("good", "Оплачено. Спасибо!"),
        (Status::OnRefund, _) => ("good", "Оплачено, идёт возврат."),
        (Status::Refunded, _) => ("good", "Деньги возвращены полностью."),
        (Status::RefundedPartially, _) => ("good", "Оплачено, часть денег возвращена."),
        (Status::Expired, _) => ("bad", "Срок действия ссылки истёк. Попросите у магазина новую."),
    };
    format!(r#"<p class="message {class}" role="status">{}</p>"#, html_escape(text))
}

fn way_back(operation: &Operation) -> String {
    let is_paid = operation.status != Status::Expired && operation.status != Status::Created;
    let url = if is_paid { &operation.redirect_url } else { &operation.fail_redirect_url };
    url.as_deref().map_or_else(String::new, |url| {
        let url = html_escape(url);
        format!(
            r#"<p class="card"><a class="button quiet" href="{url}">Вернуться в магазин</a></p>"#
        )
    })
}

fn panels(operation: &Operation) -> String {
    operation.modes.iter().map(|mode| panel(operation, *mode)).collect()
}

fn panel(operation: &Operation, mode: Mode) -> String {
    let (class, title, action) = match mode {
        Mode::Card => return card_panel(operation),
        Mode::Sbp => ("", "Система быстрых платежей", "Оплатить в приложении банка"),
        Mode::Tinkoff => ("tpay", "T-Pay", "Оплатить через T-Pay"),
        Mode::Dolyame => ("dolyame", "Долями", "Оплатить Долями"),
    };
    let (id, word) = (html_escape(&operation.id), mode.as_str());
    format!(
        r#"<form class="card" id="{word}" method="post" action="/order/pay"><h2>{title}</h2>
<input type="hidden" name="uuid" value="{id}"><input type="hidden" name="method" value="{word}">
<button class="{class}">{action}</button></form>
"#
    )
}

fn card_panel(operation: &Operation) -> String {
    let rows = TEST_CARDS.iter().map(|card| {
        let groups = [0, 4, 8, 12].map(|at| card.number.get(at..at + 4).unwrap_or(""));
        format!("<tr><td>{}</td><td>{}</td></tr>", groups.join(" "), html_escape(card.ru))
    });
    let action = match &operation.subscription {
        Some(_) => "Оплатить и привязать карту:",
        None if operation.pre_authorization => "Удержать",
        None => "Оплатить",
    };
    fill(
        PAY_CARD,
        &[
            ("uuid", &html_escape(&operation.id)),
            ("action", action),
            ("sum", &html_escape(&operation.amount.to_human())),
            ("cards", &rows.collect::<String>()),
        ],
    )
}
