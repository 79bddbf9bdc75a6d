//! What posters say, in Russian and in English.
//!
//! Short words are tied to the next one with no-break spaces, so that no line ends with «и».

/// The poster's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Ru,
    En,
}

/// What the payer's phone does with the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A code of the Faster Payments System: the bank's app reads it.
    Sbp,
    /// A link to a page for paying: the camera reads it.
    Link,
}

impl Way {
    /// The system's own links live at `qr.nspk.ru`; anything else is a page, and a poster must not
    /// promise that a bank's app understands it.
    pub fn of(payload: &str) -> Way {
        let is_sbp = payload.to_ascii_lowercase().starts_with("https://qr.nspk.ru/");
        if is_sbp { Way::Sbp } else { Way::Link }
    }
}

pub struct Words {
    pub lang: &'static str,
    /// Above the shop's name.
    pub heading: &'static str,
    pub sum_label: &'static str,
    /// In the sum's place when the code has none.
    pub no_sum: &'static str,
    pub steps: [&'static str; 3],
    /// In the mark at the bottom. Text only: the system's own sign belongs to its operator.
    pub mark: &'static str,
    pub system: &'static str,
}

pub const fn words(lang: Lang, way: Way, has_sum: bool) -> Words {
    match lang {
        Lang::Ru => russian(way, has_sum),
        Lang::En => english(way, has_sum),
    }
}

const fn russian(way: Way, has_sum: bool) -> Words {
    let (mark, system, open) = match way {
        Way::Sbp => {
            ("СБП", "Система быстрых платежей", "Откройте приложение банка или\u{a0}камеру")
        }
        Way::Link => ("QR", "Откроется страница оплаты", "Откройте камеру телефона"),
    };
    let confirm = if has_sum {
        "Проверьте сумму и\u{a0}подтвердите оплату"
    } else {
        "Введите сумму и\u{a0}подтвердите оплату"
    };
    Words {
        lang: "ru",
        heading: "Оплата по\u{a0}QR-коду",
        sum_label: "К\u{a0}оплате",
        no_sum: "Сумму вводит покупатель",
        steps: [open, "Наведите на\u{a0}QR-код", confirm],
        mark,
        system,
    }
}

const fn english(way: Way, has_sum: bool) -> Words {
    let (mark, system, open) = match way {
        Way::Sbp => {
            ("SBP", "Faster Payments System", "Open your bank’s app or\u{a0}the\u{a0}camera")
        }
        Way::Link => ("QR", "A payment page will open", "Open the\u{a0}camera of\u{a0}your phone"),
    };
    let confirm = if has_sum {
        "Check the\u{a0}sum and\u{a0}confirm"
    } else {
        "Enter the\u{a0}sum and\u{a0}confirm"
    };
    Words {
        lang: "en",
        heading: "Pay by QR\u{a0}code",
        sum_label: "To\u{a0}pay",
        no_sum: "The buyer enters the sum",
        steps: [open, "Point it at\u{a0}the\u{a0}QR\u{a0}code", confirm],
        mark,
        system,
    }
}
