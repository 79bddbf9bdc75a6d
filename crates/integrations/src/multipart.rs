//! `multipart/form-data` written by hand: a few fields and one file. The boundary follows from the
//! message, so that the same message gives the same bytes.

use kopeck_banks::http::{HttpRequest, Method};

/// A file in a form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    pub field: &'a str,
    pub name: &'a str,
    pub content_type: &'a str,
    pub bytes: &'a [u8],
}

/// `boundary` must not occur in any field: our own ids are random enough for that.
pub(crate) fn post(
    url: String,
    boundary: &str,
    fields: &[(&str, &str)],
    file: File<'_>,
) -> HttpRequest {
    let mut body = Vec::with_capacity(file.bytes.len() + 1_024);
    for (name, value) in fields {
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\
         Content-Type: {}\r\n\r\n",
        file.field, file.name, file.content_type
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let request = HttpRequest::new(Method::Post, url).header("content-type", content_type);
    HttpRequest { body, ..request }
}

/// A part of a form as a service reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub bytes: Vec<u8>,
}

/// Reads a form, strictly: `None` when it is not one.
pub(crate) fn parse(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let line = format!("--{boundary}");
    let mut rest = body.strip_prefix(line.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest == b"--\r\n" {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        rest = &rest[head_end + 4..];
        let end = find(rest, format!("\r\n{line}").as_bytes())?;
        let value = |key: &str| {
            let (_, after) = head.split_once(&format!(" {key}=\""))?;
            after.split_once('"').map(|(value, _)| value.to_owned())
        };
        let (name, file_name) = (value("name")?, value("filename"));
        parts.push(Part { name, file_name, bytes: rest[..end].to_vec() });
        rest = &rest[end + 2 + line.len()..];
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
