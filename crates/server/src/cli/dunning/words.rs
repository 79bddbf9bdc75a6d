//! What happens in a played period, in words: what is done, and what the customer feels of it.

use kopeck_banks::op::PayMethod;

use crate::{
    qr::Lang,
    subscriptions::{
        dunning::{Class, NoticeFirst, Rules},
        play::Happening,
    },
};

/// What the words depend on.
pub(super) struct Told<'a> {
    pub class: Class,
    /// How the first link may be paid, and the others.
    pub methods: (&'a [PayMethod], &'a [PayMethod]),
}

impl Told<'_> {
    /// A stable word of it.
    pub fn code(happening: Happening) -> &'static str {
        match happening {
            Happening::Told => "notice",
            Happening::Taken => "notice_taken",
            Happening::Untaken => "notice_undelivered",
            Happening::Held => "held",
            Happening::Declined(_) => "charge_declined",
            Happening::Charged(_) => "charge_paid",
            Happening::Asked(_) => "payment_needed",
            Happening::LinkOver(_) => "link_over",
            Happening::LinkPaid(_) => "link_paid",
            Happening::Saved => "saved",
            Happening::AccessOver => "access_over",
            Happening::Ended => "canceled",
        }
    }

    pub fn number(happening: Happening) -> Option<u32> {
        match happening {
            Happening::Declined(number)
            | Happening::Charged(number)
            | Happening::Asked(number)
            | Happening::LinkOver(number)
            | Happening::LinkPaid(number) => Some(number),
            Happening::Told
            | Happening::Taken
            | Happening::Untaken
            | Happening::Held
            | Happening::Saved
            | Happening::AccessOver
            | Happening::Ended => None,
        }
    }

    fn methods(&self, number: u32) -> &[PayMethod] {
        if number == 1 { self.methods.0 } else { self.methods.1 }
    }

    pub fn what(&self, happening: Happening, lang: Lang) -> String {
        let said = |ru: &str, en: &str| match lang {
            Lang::Ru => ru.to_owned(),
            Lang::En => en.to_owned(),
        };
        let class = self.class.as_str();
        match happening {
            Happening::Told => {
                said("событие subscription.renewal_upcoming", "event subscription.renewal_upcoming")
            }
            Happening::Taken => said("уведомление доставлено", "the notice is taken"),
            Happening::Untaken => said(
                "событие subscription.notice_undelivered: уведомление никто не принял",
                "event subscription.notice_undelivered: nobody takes the notice",
            ),
            Happening::Held => said(
                "списания нет, пока вы не скажете (kopeck todo list)",
                "no charge until you say so (kopeck todo list)",
            ),
            Happening::Declined(number) => said(
                &format!("списание {number}: отказ ({class})"),
                &format!("charge {number}: declined ({class})"),
            ),
            Happening::Charged(number) => {
                said(&format!("списание {number}: оплачено"), &format!("charge {number}: paid"))
            }
            Happening::Asked(number) => {
                let ways = ways(self.methods(number), lang);
                said(
                    &format!("ссылка {number} ({ways}): событие subscription.payment_needed"),
                    &format!("link {number} ({ways}): event subscription.payment_needed"),
                )
            }
            Happening::LinkOver(number) => said(
                &format!("ссылка {number} кончилась без оплаты"),
                &format!("link {number} is over unpaid"),
            ),
            Happening::LinkPaid(number) => {
                said(&format!("ссылка {number}: оплачено"), &format!("link {number}: paid"))
            }
            Happening::Saved => said(
                "сохранена другая карта или счёт (kopeck subscription rebind)",
                "another card or account is saved (kopeck subscription rebind)",
            ),
            Happening::AccessOver => said("доступ закончился", "access ends"),
            Happening::Ended => said("не оплачено: подписка отменена", "unpaid: canceled"),
        }
    }

    pub fn feels(&self, happening: Happening, lang: Lang) -> String {
        let said = |ru: &str, en: &str| match lang {
            Lang::Ru => ru.to_owned(),
            Lang::En => en.to_owned(),
        };
        match happening {
            Happening::Told => said(
                "узнаёт день, сумму и как отказаться",
                "is told the day, the sum and how to stop",
            ),
            Happening::Taken | Happening::Untaken | Happening::Held => String::new(),
            Happening::Declined(_) => said(
                "узнаёт, что списание не прошло и почему",
                "is told that the charge failed, and why",
            ),
            Happening::Charged(_) => said("списано, доступ есть", "is charged and goes on"),
            Happening::Asked(1) if self.class == Class::NewInstrument => said(
                "получает ссылку, которая сохранит другую карту или счёт",
                "gets a link that saves another card or account",
            ),
            Happening::Asked(_) => said("получает ссылку на оплату", "gets a link to pay"),
            Happening::LinkOver(_) => said("ссылка больше не открывается", "the link is closed"),
            Happening::LinkPaid(_) => said("оплатил, доступ есть", "has paid and goes on"),
            Happening::Saved => said("с неё спишется следующее", "it is charged from now on"),
            Happening::AccessOver => {
                said("не может пользоваться, пока не оплатит", "cannot use it until it is paid")
            }
            Happening::Ended => said("подписки больше нет", "it is over"),
        }
    }
}

fn ways(methods: &[PayMethod], lang: Lang) -> String {
    let way = |method: &PayMethod| match (method, lang) {
        (PayMethod::Card, Lang::Ru) => "карта",
        (PayMethod::Card, Lang::En) => "card",
        (PayMethod::Sbp, Lang::Ru) => "СБП",
        (PayMethod::Sbp, Lang::En) => "SBP",
        (PayMethod::TPay, Lang::Ru | Lang::En) => "T-Pay",
        (PayMethod::Dolyame, Lang::Ru) => "Долями",
        (PayMethod::Dolyame, Lang::En) => "Dolyame",
    };
    methods.iter().map(way).collect::<Vec<_>>().join(", ")
}

/// The rules in a sentence or two.
pub(super) fn rules(rules: &Rules) -> String {
    let days: Vec<String> = rules.paydays.iter().map(i8::to_string).collect();
    format!(
        "At most {} charges a period and one a day, at {}:00; without money on the days {} of the \
         month.\nThe customer is told {} hours before a charge{}, may use it {} hours on, and it \
         ends after {} days without money.",
        rules.max_tries,
        rules.hour,
        days.join(", "),
        rules.notice_hours,
        match rules.notice_first {
            NoticeFirst::No => "",
            NoticeFirst::Announced => " (no charge without)",
            NoticeFirst::Delivered => " (no charge until a webhook took it)",
        },
        rules.grace_hours,
        rules.keep_days
    )
}
