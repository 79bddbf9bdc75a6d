//! What the hosted pages of all emulators share: the frame around them and the filling of
//! templates. Plain HTML without scripts, so that a test can press its buttons with a form post.

use crate::http::{HttpReply, html_escape, percent_encode};

const FRAME: &str = include_str!("frame.html");

/// Replaces `{{name}}` in one pass, so that a value can never smuggle in another placeholder.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, tail) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// A page around a body that is HTML already.
pub(crate) fn frame(status: u16, title: &str, body: &str) -> HttpReply {
    let html = fill(FRAME, &[("title", &html_escape(title)), ("body", body)]);
    HttpReply::new(status, "text/html; charset=utf-8", html).header("cache-control", "no-store")
}

/// A page that only says something.
pub(crate) fn notice_page(status: u16, title: &str, text: &str) -> HttpReply {
    let (title_html, text) = (html_escape(title), html_escape(text));
    let body = format!(r#"<section class="card"><h2>{title_html}</h2><p>{text}</p></section>"#);
    frame(status, title, &body)
}

pub(crate) fn see_other(location: &str) -> HttpReply {
    // A header holds ASCII only; shops may have Cyrillic addresses.
    let encode = |c: char| {
        if c.is_ascii() { c.to_string() } else { percent_encode(c.encode_utf8(&mut [0; 4])) }
    };
    let location: String = location.chars().map(encode).collect();
    HttpReply::new(303, "text/plain", "").header("location", location)
}

/// The last value of a form's field, without the spaces around it.
pub(crate) fn field(pairs: &[(String, String)], name: &str) -> String {
    let pair = pairs.iter().rev().find(|(key, _)| key == name);
    pair.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// `12/30`; a form without the field is a program's and is let through.
pub(crate) fn is_expiry(text: &str) -> bool {
    let (month, year) = text.split_once('/').unwrap_or(("", ""));
    let is_month = month.len() == 2 && month.parse::<u8>().is_ok_and(|m| (1..=12).contains(&m));
    let is_year = year.len() == 2 && year.bytes().all(|b| b.is_ascii_digit());
    text.is_empty() || (is_month && is_year)
}

/// Three digits; absent is let through as above.
pub(crate) fn is_cvc(text: &str) -> bool {
    text.is_empty() || (text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit()))
}
