//! A payment's story in the page's language: events, notices, calls.

use crate::{events::EventKind, payments::timeline::TimelineEntry, web::lang::Lang};

/// Who did it, and how its mark looks.
pub fn actor(entry: &TimelineEntry, lang: Lang) -> (&'static str, &'static str) {
    match entry.kind {
        "event" => (lang.pick("Событие", "Event"), tone(&entry.name)),
        "notice" => (lang.pick("Банк сообщил", "The bank told us"), "good"),
        "call" => (lang.pick("Запрос в банк", "Asked the bank"), ""),
        "receipt" => (lang.pick("Чек", "Receipt"), "wait"),
        _ => (lang.pick("Сообщили", "Told"), ""),
    }
}

fn tone(name: &str) -> &'static str {
    let is = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    if is(&["failed", "mismatch", "unexpected", "unanswered", "blocked", "disabled", "stopped"]) {
        "bad"
    } else if is(&["paid", "succeeded", "registered", "activated", "renewed", "saved"]) {
        "good"
    } else {
        ""
    }
}

/// The sentence of a line.
pub fn said(entry: &TimelineEntry, lang: Lang) -> String {
    match (lang, entry.kind) {
        (Lang::Ru, "event") => {
            // What the entry adds to the event's own sentence: an id, a reason.
            let kind = EventKind::parse(&entry.name);
            let more = kind.and_then(|kind| entry.text.strip_prefix(kind.about())).unwrap_or("");
            kind.map_or_else(|| entry.text.clone(), |kind| format!("{}{more}", about(kind)))
        }
        (Lang::Ru, "notice") => "Пришло подписанное уведомление банка, подпись верна".to_owned(),
        (Lang::Ru, "call") => call(entry),
        (Lang::Ru, "receipt") => format!("Чек запрошен ещё раз: {}", after(&entry.text, "): ")),
        (Lang::Ru, _) => told(entry),
        (Lang::En, _) => entry.text.clone(),
    }
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or(text, |(_, rest)| rest)
}

fn call(entry: &TimelineEntry) -> String {
    let what = match entry.name.as_str() {
        "create_link" => "Попросили у банка платёжную ссылку",
        "get_payment" => "Спросили банк о платеже",
        "list_payments" | "find_payment" => "Поискали платёж в списке банка",
        "capture" => "Попросили банк списать удержанное",
        "closing_receipt" => "Отправили банку закрывающий чек",
        "refund" => "Попросили банк вернуть деньги",
        "void" => "Попросили банк снять удержание или закрыть ссылку",
        "subscription_open" => "Попросили ссылку, которая сохранит карту",
        "subscription_charge" => "Попросили списать с сохранённой карты",
        "subscription_cancel" => "Попросили банк закончить подписку",
        _ => "Обратились в банк",
    };
    let numbers: Vec<&str> = entry
        .text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .collect();
    match numbers.as_slice() {
        [status, took] => format!("{what}: ответ {status} за {took} мс"),
        [took] => format!("{what}: ответа не было {took} мс"),
        _ => what.to_owned(),
    }
}

fn told(entry: &TimelineEntry) -> String {
    let whom = entry.text.strip_prefix("Kopeck told ").and_then(|rest| rest.split(' ').next());
    let is_good = entry.text.contains("answered 2");
    match (whom, is_good) {
        (Some(whom), true) => format!("Сообщили: {whom} — принято"),
        (Some(whom), false) => format!("Пробовали сообщить: {whom} — не принято"),
        (None, _) => "Сообщение не ушло".to_owned(),
    }
}

pub const fn about(kind: EventKind) -> &'static str {
    match kind {
        EventKind::PaymentCreated => "Магазин запросил оплату, платёж записан",
        EventKind::PaymentOpened => "Банк создал платёжную ссылку",
        EventKind::PaymentAuthorized => "Банк удержал деньги на карте плательщика",
        EventKind::PaymentPaid => "Банк получил деньги",
        EventKind::PaymentAmountMismatch => {
            "Банк получил не ту сумму, которую просили: проверьте, прежде чем отдавать товар"
        }
        EventKind::PaymentExpired => "Срок ссылки вышел без оплаты, или удержание снято",
        EventKind::PaymentCanceled => "Удержание снято",
        EventKind::PaymentFailed => "Платёж не удалось создать, или банк окончательно отказал",
        EventKind::PaymentCaptureFailed => "Банк отказался списать удержанное",
        EventKind::PaymentRefunded => "Все деньги вернулись плательщику",
        EventKind::RefundCreated => "Магазин запросил возврат",
        EventKind::RefundSucceeded => "Банк принял возврат",
        EventKind::RefundFailed => "Возврат не состоялся",
        EventKind::DuplicatePaid => {
            "Плательщик заплатил второй раз, в другом банке: эти деньги возвращаются"
        }
        EventKind::DuplicateRefunded => "Деньги второй оплаты вернулись",
        EventKind::DuplicateRefundFailed => {
            "Вторую оплату вернуть не удалось: верните её в кабинете банка"
        }
        EventKind::ReceiptSent => "Касса банка делает чек",
        EventKind::ReceiptRegistered => "Чек зарегистрирован в налоговой",
        EventKind::ReceiptFailed => "Чек не сделан: посмотрите причину и пробейте его вручную",
        EventKind::ReceiptDue => "Нужен чек, который делает человек, или закрытие предоплаты",
        EventKind::ReceiptLate => "Касса уже день ничего не говорит о чеке",
        EventKind::AccountSaved => "Счёт плательщика сохранён, с него можно списывать",
        EventKind::CardSaved => "Карта плательщика сохранена, с неё можно списывать",
        EventKind::ConsentWithdrawn => "Плательщик отозвал согласие: списаний больше не будет",
        EventKind::ChargeUnwanted => {
            "Списание было в пути, когда согласие отозвали: взятое возвращается"
        }
        EventKind::ChargeUnexpected => {
            "С карты списали то, чего никто не ждал: верните или зачтите"
        }
        EventKind::ChargeUnanswered => {
            "Банк сутки не говорит, чем кончилось списание: посмотрите в его кабинете"
        }
        EventKind::SubscriptionCreated => "Клиента подписывают",
        EventKind::SubscriptionActivated => "Пришёл первый платёж: подписка действует",
        EventKind::SubscriptionRenewed => "Период оплачен",
        EventKind::SubscriptionRenewalUpcoming => "Скоро списание: сообщите клиенту дату и сумму",
        EventKind::SubscriptionRenewalFailed => "Списание не прошло, подписка знает, что дальше",
        EventKind::SubscriptionPastDue => "Период начался, а деньги не пришли",
        EventKind::SubscriptionChanged => "Изменились тариф, количество или способ оплаты",
        EventKind::SubscriptionEnding => "Закончится вместе с оплаченным периодом",
        EventKind::SubscriptionReactivated => "Отмену забрали назад",
        EventKind::SubscriptionPaused => "Пауза: нет ни доступа, ни списаний",
        EventKind::SubscriptionResumed => "Продолжается после паузы",
        EventKind::SubscriptionCanceled => "Подписка окончена; оплаченным ещё можно пользоваться",
        EventKind::SubscriptionExpired => "Первый платёж так и не пришёл",
        EventKind::SubscriptionGivenBack => {
            "Пришли деньги, которые нельзя оставить себе: запрошен возврат"
        }
        EventKind::SubscriptionConsentWithdrawn => {
            "Клиент отозвал согласие: списаний больше не будет"
        }
        EventKind::SubscriptionPaymentNeeded => "Клиент должен оплатить по ссылке: отправьте её",
        EventKind::SubscriptionBlocked => {
            "Платёж за период создать не удаётся: причина и что делать — в задаче"
        }
        EventKind::SubscriptionNoticeUndelivered => {
            "Предупреждение о списании никто не принял: списание ждёт"
        }
        EventKind::WebhookDisabled => "Вебхук выключен: адрес долго не отвечал",
        EventKind::IntegrationGaveUp => "Сообщение сервису не ушло: отправьте его ещё раз",
        EventKind::IntegrationStopped => "Интеграция остановлена: сервис не принимает ключ",
    }
}
