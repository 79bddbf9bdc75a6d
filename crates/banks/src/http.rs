//! HTTP messages as plain values: what a bank's folder writes and reads, and what the server sends.

use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }

    pub fn parse(text: &str) -> Option<Method> {
        match text {
            "GET" | "HEAD" => Some(Method::Get),
            "POST" => Some(Method::Post),
            "PUT" => Some(Method::Put),
            "DELETE" => Some(Method::Delete),
            _ => None,
        }
    }
}

/// A request to or from a bank. Header names are lower case. `url` is absolute when it leaves for
/// the network; an emulator looks only at its path and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A reply as received. Header names are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpRequest {
    pub fn new(method: Method, url: impl Into<String>) -> HttpRequest {
        HttpRequest { method, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> HttpRequest {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    #[must_use]
    pub fn json(self, body: &impl serde::Serialize) -> HttpRequest {
        // Serialising our own plain structs cannot fail: string keys only, no foreign Serialize.
        let body = serde_json::to_vec(body).unwrap_or_default();
        HttpRequest { body, ..self.header("content-type", "application/json") }
    }

    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> HttpRequest {
        let body = encode_query(fields).into_bytes();
        HttpRequest { body, ..self.header("content-type", "application/x-www-form-urlencoded") }
    }

    pub fn find_header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// The path without scheme, host and query; always starts with `/`.
    pub fn path(&self) -> &str {
        // A path may carry an address in its query, unescaped: that is not its own scheme.
        let rest = match self.url.split_once("://").filter(|_| !self.url.starts_with('/')) {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => &self.url,
        };
        rest.split(['?', '#']).next().unwrap_or("/")
    }

    /// The query decoded into pairs, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        parse_query(query.split('#').next().unwrap_or(""))
    }
}

impl HttpReply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> HttpReply {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        HttpReply { status, headers, body: body.into() }
    }

    pub fn json(status: u16, body: &impl serde::Serialize) -> HttpReply {
        let body = serde_json::to_vec(body).unwrap_or_default();
        HttpReply::new(status, "application/json", body)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> HttpReply {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    pub fn find_header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// `a=1&b=%D1%8F`, for query strings and form bodies.
pub fn encode_query(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(k, v)| format!("{}={}", percent_encode(k), percent_encode(v)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Decodes a query string or a form body; `+` is a space, as browsers send it.
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(&key.replace('+', " ")), percent_decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Encodes all but RFC 3986's unreserved characters.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Decodes `%XX`; what is not a valid escape stays as it is, invalid UTF-8 becomes U+FFFD.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            Some(_) | None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text made safe for HTML content and quoted attributes.
pub fn html_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
