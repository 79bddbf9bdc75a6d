//! Links that open a messenger with the text already written: a person looks at it and presses
//! Send. Nothing to set up, and it works where no bot may write.

use kopeck_banks::{http::percent_encode, receipt::contact};

use crate::{
    message::Message,
    wording::{Sums, Words, compose},
};

/// The longest text that all of them take within an address.
const MAX_CHARS: usize = 700;

/// One way to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// `telegram`, `whatsapp`, `viber`, `email`, `sms`.
    pub service: &'static str,
    pub title: &'static str,
    pub url: String,
}

/// Whom to share with, as far as it is known; without it the person chooses.
#[derive(Clone, Copy, Debug, Default)]
pub struct With<'a> {
    pub phone: Option<&'a str>,
    pub email: Option<&'a str>,
}

/// Every way to share the message's link; none when it has no link.
pub fn links(message: &Message, with: With<'_>) -> Vec<Share> {
    // The text leaves by the person's own hand, yet to the same places: nothing about a person.
    let words = compose(message, Sums::Typographic, false);
    let Some((link, _)) = &words.link else { return Vec::new() };
    let body = words.body(MAX_CHARS);
    let whole = words.with_link(MAX_CHARS + link.chars().count() + 1);
    let phone = with.phone.and_then(contact::normal_phone).unwrap_or_default();
    let digits = phone.trim_start_matches('+');
    let share = |service, title, url| Share { service, title, url };
    vec![
        share(
            "telegram",
            "Telegram",
            format!(
                "https://t.me/share/url?url={}&text={}",
                percent_encode(link),
                percent_encode(&body)
            ),
        ),
        share(
            "whatsapp",
            "WhatsApp",
            format!("https://wa.me/{digits}?text={}", percent_encode(&whole)),
        ),
        share("viber", "Viber", format!("viber://forward?text={}", percent_encode(&whole))),
        share("email", "E-mail", mail(&words, with.email.unwrap_or(""), &whole)),
        share("sms", "SMS", format!("sms:{phone}?body={}", percent_encode(&plain(&whole)))),
    ]
}

/// RFC 6068: lines end in CRLF, and a bad address is left out rather than sent somewhere.
fn mail(words: &Words, email: &str, whole: &str) -> String {
    let to = if contact::is_email(email) { email } else { "" };
    // The sign of an address stays as it is; all else is escaped.
    let to = percent_encode(to).replace("%40", "@");
    let subject = percent_encode(&words.head);
    let body = percent_encode(&whole.replace('\n', "\r\n"));
    format!("mailto:{to}?subject={subject}&body={body}")
}

fn plain(text: &str) -> String {
    crate::sms::segments::plain(text)
}

#[cfg(test)]
mod tests {
    use kopeck_banks::http::percent_decode;

    use super::*;
    use crate::{
        contract::{LINK, message},
        message::{Audience, Kind},
    };

    #[test]
    fn a_link_is_shared_by_these_addresses() {
        let message = message(Kind::Link, Audience::Payer, "1");
        let with = With { phone: Some("8 900 123-45-67"), email: Some("anna@example.ru") };
        let links = links(&message, with);
        let text = "Школа «Вектор»: к оплате 1\u{a0}500,00\u{a0}₽\nОплатить до 30.11.2026 14:05";
        let expect = [
            format!("https://t.me/share/url?url={LINK}&text={text}"),
            format!("https://wa.me/79001234567?text={text}\n{LINK}"),
            format!("viber://forward?text={text}\n{LINK}"),
            format!(
                "mailto:anna@example.ru?subject=Школа «Вектор»: к оплате 1\u{a0}500,00\u{a0}₽\
                 &body={}\r\n{LINK}",
                text.replace('\n', "\r\n")
            ),
            format!(
                "sms:+79001234567?body=Школа \"Вектор\": к оплате 1 500,00 р. Оплатить до \
                 30.11.2026 14:05 {LINK}"
            ),
        ];
        let decoded: Vec<String> = links.iter().map(|share| percent_decode(&share.url)).collect();
        assert_eq!(decoded, expect);
        for share in &links {
            let rest = share.url.split_once(':').unwrap().1;
            assert!(rest.is_ascii() && !rest.contains([' ', '\n', '"']), "{}", share.url);
        }
    }

    #[test]
    fn without_a_link_or_an_address_nothing_is_invented() {
        let mut message = message(Kind::Link, Audience::Payer, "1");
        let with = With { phone: Some("звоните"), email: Some("a@b@c?cc=x@y.ru") };
        let shares = links(&message, with);
        assert!(shares[1].url.starts_with("https://wa.me/?text="));
        assert!(shares[3].url.starts_with("mailto:?subject="));
        assert!(shares[4].url.starts_with("sms:?body="));
        message.payment.as_mut().unwrap().pay_url = None;
        assert!(links(&message, With::default()).is_empty());
    }
}
