//! What a person has to look after, as plain data: the closed list of its kinds, and in which words
//! each says what to do.

/// Why somebody has to look. The words are contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No payment can be made for a subscription's period.
    SubscriptionBlocked,
    /// A kept card was charged, and nothing here waits for that money.
    ChargeUnexpected,
    /// Of a charge the bank says neither yes nor no for longer than it ever takes.
    ChargeUnanswered,
    /// Nobody takes the notice that a charge waits for.
    NoticeUndelivered,
    /// Money that nobody may keep, and that the bank did not give back when it was asked.
    RefundNeeded,
    /// A service refuses the shop's key, login or account: nothing is sent by it.
    IntegrationStopped,
    /// A portal waits for something that could not be done.
    ErrandGivenUp,
    /// A receiver is gone, or has taken nothing for a week.
    WebhookDisabled,
}

/// What a todo is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Payment,
    Subscription,
    Integration,
    Webhook,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::SubscriptionBlocked,
        Kind::ChargeUnexpected,
        Kind::ChargeUnanswered,
        Kind::NoticeUndelivered,
        Kind::RefundNeeded,
        Kind::IntegrationStopped,
        Kind::ErrandGivenUp,
        Kind::WebhookDisabled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::SubscriptionBlocked => "subscription_blocked",
            Kind::ChargeUnexpected => "charge_unexpected",
            Kind::ChargeUnanswered => "charge_unanswered",
            Kind::NoticeUndelivered => "notice_undelivered",
            Kind::RefundNeeded => "refund_needed",
            Kind::IntegrationStopped => "integration_stopped",
            Kind::ErrandGivenUp => "errand_given_up",
            Kind::WebhookDisabled => "webhook_disabled",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What its subject is.
    pub const fn subject(self) -> Subject {
        match self {
            Kind::SubscriptionBlocked | Kind::NoticeUndelivered => Subject::Subscription,
            Kind::ChargeUnexpected | Kind::ChargeUnanswered | Kind::RefundNeeded => {
                Subject::Payment
            }
            Kind::IntegrationStopped | Kind::ErrandGivenUp => Subject::Integration,
            Kind::WebhookDisabled => Subject::Webhook,
        }
    }

    /// What to do, in Russian and in English.
    pub const fn action(self) -> (&'static str, &'static str) {
        match self {
            Kind::SubscriptionBlocked => (
                "Платёж за период создать не удаётся: исправьте причину, Kopeck пробует каждый \
                 час. Если деньги не придут вовремя, подписка закончится.",
                "No payment can be made for the period: mend what the reason says, Kopeck tries \
                 every hour. Without its money the subscription ends in time.",
            ),
            Kind::ChargeUnexpected => (
                "С сохранённой карты списаны деньги, которых никто не ждёт: верните их в \
                 интернет-банке или отдайте периоду: kopeck subscription assign.",
                "A kept card was charged and nobody waits for the money: give it back in the \
                 internet bank, or let it pay a period: `kopeck subscription assign`.",
            ),
            Kind::ChargeUnanswered => (
                "Банк больше суток не говорит, прошло ли списание. Посмотрите в интернет-банке. \
                 Если денег там нет: kopeck payment settle ID --not-charged. Прошедшее списание \
                 Kopeck увидит сам; до тех пор других списаний за этот период не будет.",
                "For more than a day the bank has not said what became of a charge. Look in the \
                 internet bank. If nothing was taken: `kopeck payment settle ID --not-charged`. A \
                 charge that was made Kopeck sees by itself; until then the period is charged no \
                 more.",
            ),
            Kind::NoticeUndelivered => (
                "Списание ждёт, пока покупателя предупредят, а уведомление никто не принимает. \
                 Предупредите его сами и скажите об этом: kopeck todo done ID — срок до списания \
                 пойдёт с этого часа. Или почините приём (kopeck webhook list), или разрешите \
                 списывать без этого: kopeck dunning set --notice-first announced.",
                "A charge waits until its customer was told, and nobody takes the notice. Tell him \
                 yourself and say so: `kopeck todo done ID`; the time before the charge counts \
                 from then. Or mend the receiver (`kopeck webhook list`), or charge without it: \
                 `kopeck dunning set --notice-first announced`.",
            ),
            Kind::RefundNeeded => (
                "Этих денег никто не должен оставить себе, а по запросу банк их не возвращает: \
                 верните их в интернет-банке. Возврат Kopeck увидит сам и закроет это дело.",
                "Nobody may keep this money, and the bank did not give it back when asked: give \
                 it back in the internet bank. Kopeck sees that there, and settles this.",
            ),
            Kind::IntegrationStopped => (
                "Через этот сервис ничего не уходит: он не принял ключ, логин или счёт магазина. \
                 Исправьте причину (kopeck integration edit), затем: kopeck integration test. \
                 Сообщения ждут сутки; что не ушло: kopeck sendings retry --failed-of ID.",
                "Nothing goes out by this service: it refuses the shop's key, login or account. \
                 Mend what the reason says (`kopeck integration edit`), then `kopeck integration \
                 test`. Messages wait a day; what was given up: `kopeck sendings retry --failed-of \
                 ID`.",
            ),
            Kind::ErrandGivenUp => (
                "CRM ждёт того, что не удалось: отметки об оплате заказа, ответа роботу, ссылки \
                 для сделки. Исправьте причину и повторите: kopeck sendings retry --failed-of ID. \
                 Что портал сутки не принимал, Kopeck две недели пробует снова сам.",
                "A CRM waits for what could not be done: an order marked as paid, a robot's \
                 answer, a deal's link. Mend what the reason says and try it anew: `kopeck \
                 sendings retry --failed-of ID`. What the portal did not take for a day Kopeck \
                 tries again by itself for two weeks.",
            ),
            Kind::WebhookDisabled => (
                "Вебхук отключён: его адрес ответил 410 или неделю ничего не принимал. Почините \
                 приём и включите: kopeck webhook edit ID --enable; пропущенное дойдёт.",
                "The webhook is disabled: its address answered 410, or has taken nothing for a \
                 week. Mend the receiver and enable it: `kopeck webhook edit ID --enable`; what it \
                 missed will come.",
            ),
        }
    }
}

/// The reason, as errors are named: a stable code, what happened, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub code: String,
    pub message: String,
    pub hint: String,
}

/// About to be written down.
#[derive(Clone, Debug)]
pub struct NewTodo<'a> {
    pub id: String,
    pub shop_id: &'a str,
    pub kind: Kind,
    /// The subscription, the payment, or what else [`Kind::subject`] says.
    pub subject_id: &'a str,
    /// What of it: a period's number, a notice's time; empty when there is only one.
    pub about: &'a str,
    pub why: &'a Why,
    pub at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    pub id: String,
    pub shop_id: String,
    pub kind: Kind,
    pub subject_id: String,
    pub about: String,
    pub why: Why,
    pub created_ms: i64,
    pub done_ms: Option<i64>,
    /// Who or what settled it.
    pub done_by: Option<String>,
}
