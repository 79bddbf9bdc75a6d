//! Addresses as people write them, in the form that SMTP takes.

use lettre::{
    Address,
    message::{Mailbox, header::ContentType},
};

/// RFC 5321: the longest path without its brackets.
const MAX_CHARS: usize = 254;

/// The address with its domain in small letters; `None` when it is none that every server takes.
pub(super) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_CHARS || !text.is_ascii() {
        return None;
    }
    let (user, domain) = text.rsplit_once('@')?;
    // Quoted names are allowed by the letter of the standard and by hardly any service.
    let is_plain = !user.contains(['"', '(', ')', ' ']) && domain.contains('.');
    let is_named = domain.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    let address = format!("{user}@{}", domain.to_ascii_lowercase());
    let is_address = address.parse::<Address>().is_ok();
    (is_plain && is_named && is_address).then_some(address)
}

/// `pay@example.ru` or `Name <pay@example.ru>`; without a name, `shop`.
pub(super) fn sender(text: &str, shop: &str) -> Option<Mailbox> {
    let text = text.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text),
    };
    let name = if name.is_empty() { shop.trim() } else { name };
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let email: Address = normal(address)?.parse().ok()?;
    Some(Mailbox::new(Some(name).filter(|name| !name.is_empty()), email))
}

/// A picture's type, which is one for sure.
pub(super) fn png() -> ContentType {
    ContentType::parse("image/png").unwrap_or(ContentType::TEXT_PLAIN)
}
