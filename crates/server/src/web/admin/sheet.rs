//! A page of the dashboard as data: a table with what can be done to each row, filters, forms.
//!
//! Most pages are one of these, so they look and behave alike, and any of their tables can be
//! taken home as a file.

use askama::Template;
use axum::response::Response;
use kopeck_banks::Money;

use super::{frame::Frame, refuse};
use crate::{http::ApiError, web::lang::Lang};

/// A page. What is left empty is not shown.
#[derive(Debug, Default)]
pub struct Sheet {
    pub headline: String,
    pub about: String,
    /// Buttons beside the headline that lead elsewhere: (text, address).
    pub ways: Vec<(String, String)>,
    /// (address, text, whether it is this page).
    pub tabs: Vec<(String, String, bool)>,
    /// The filters' fields; a GET form.
    pub filters: Vec<Field>,
    pub notices: Vec<Notice>,
    pub table: Table,
    pub empty: (&'static str, &'static str),
    pub next: String,
    /// Files: (text, address).
    pub files: Vec<(&'static str, String)>,
    pub forms: Vec<Form>,
}

/// A box that says what is so.
#[derive(Debug, Default)]
pub struct Notice {
    pub headline: String,
    pub detail: String,
    pub tone: &'static str,
    /// Shown to be copied: a key, an address.
    pub copy: String,
    /// A picture of a code, as a data address.
    pub picture: String,
}

#[derive(Debug, Default)]
pub struct Table {
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

impl Table {
    pub fn has_acts(&self) -> bool {
        self.rows.iter().any(|row| !row.acts.is_empty())
    }
}

#[derive(Debug, Default)]
pub struct Row {
    pub cells: Vec<Cell>,
    pub acts: Vec<Act>,
}

impl Row {
    pub fn new(cells: Vec<Cell>) -> Row {
        Row { cells, acts: Vec::new() }
    }

    #[must_use]
    pub fn act(mut self, allowed: bool, act: Act) -> Row {
        if allowed {
            self.acts.push(act);
        }
        self
    }
}

/// What a cell is, for the eye and for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Money(Money),
    Count(i64),
}

#[derive(Clone, Debug)]
pub struct Cell {
    pub value: Value,
    /// Where it leads; empty: nowhere.
    pub href: String,
    /// Some: shown as a tag of this tone.
    pub tag: Option<&'static str>,
    /// A second line.
    pub more: String,
    pub is_code: bool,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::of(Value::Text(text.into()))
    }

    pub fn money(sum: Money) -> Cell {
        Cell::of(Value::Money(sum))
    }

    /// Kopecks as the API says them.
    pub fn kopecks(kopecks: Option<i64>) -> Cell {
        let sum = kopecks.and_then(|it| Money::from_kopecks(it).ok());
        sum.map_or_else(|| Cell::text("—"), Cell::money)
    }

    pub fn count(count: i64) -> Cell {
        Cell::of(Value::Count(count))
    }

    pub fn tag(text: impl Into<String>, tone: &'static str) -> Cell {
        Cell { tag: Some(tone), ..Cell::text(text) }
    }

    pub fn code(text: impl Into<String>) -> Cell {
        Cell { is_code: true, ..Cell::text(text) }
    }

    fn of(value: Value) -> Cell {
        Cell { value, href: String::new(), tag: None, more: String::new(), is_code: false }
    }

    #[must_use]
    pub fn to(self, href: impl Into<String>) -> Cell {
        Cell { href: href.into(), ..self }
    }

    #[must_use]
    pub fn more(self, more: impl Into<String>) -> Cell {
        Cell { more: more.into(), ..self }
    }

    pub fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Money(sum) => sum.to_human(),
            Value::Count(count) => count.to_string(),
        }
    }

    pub const fn is_number(&self) -> bool {
        match self.value {
            Value::Text(_) => false,
            Value::Money(_) | Value::Count(_) => true,
        }
    }
}

/// A button that changes something.
#[derive(Clone, Debug)]
pub struct Act {
    pub text: &'static str,
    pub path: String,
    /// Of the button: plain, danger plain.
    pub kind: &'static str,
    /// Hidden fields.
    pub fields: Vec<(&'static str, String)>,
}

impl Act {
    pub fn new(text: &'static str, path: impl Into<String>) -> Act {
        Act { text, path: path.into(), kind: "plain", fields: Vec::new() }
    }

    #[must_use]
    pub fn danger(self) -> Act {
        Act { kind: "danger plain", ..self }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Act {
        self.fields.push((name, value.into()));
        self
    }
}

/// What a form asks for.
#[derive(Debug, Default)]
pub struct Form {
    pub headline: String,
    pub about: String,
    pub path: String,
    pub fields: Vec<Field>,
    pub button: String,
    pub is_danger: bool,
    /// Behind its headline until it is wanted.
    pub is_folded: bool,
}

/// How a field is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    #[default]
    Text,
    /// With a keyboard for sums.
    Sum,
    Date,
    Password,
    Hidden,
    Check(bool),
    /// (value, text).
    Select(Vec<(String, String)>),
    /// One checkbox each: (value, text, whether it is set).
    Checks(Vec<(String, String, bool)>),
}

#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: &'static str,
    pub label: String,
    pub hint: String,
    pub value: String,
    pub input: Input,
    pub is_required: bool,
    pub fill: &'static str,
}

impl Field {
    pub fn new(name: &'static str, label: impl Into<String>) -> Field {
        Field { name, label: label.into(), fill: "off", ..Field::default() }
    }

    #[must_use]
    pub fn input(self, input: Input) -> Field {
        Field { input, ..self }
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Field {
        Field { hint: hint.into(), ..self }
    }

    #[must_use]
    pub fn value(self, value: impl Into<String>) -> Field {
        Field { value: value.into(), ..self }
    }

    #[must_use]
    pub fn required(self) -> Field {
        Field { is_required: true, ..self }
    }

    #[must_use]
    pub fn fill(self, fill: &'static str) -> Field {
        Field { fill, ..self }
    }

    pub fn hidden(name: &'static str, value: impl Into<String>) -> Field {
        Field::new(name, "").input(Input::Hidden).value(value)
    }

    /// The type of an `<input>`.
    pub const fn kind(&self) -> &'static str {
        match self.input {
            Input::Password => "password",
            Input::Date => "date",
            Input::Hidden => "hidden",
            Input::Text | Input::Sum | Input::Check(_) | Input::Select(_) | Input::Checks(_) => {
                "text"
            }
        }
    }

    pub const fn mode(&self) -> &'static str {
        match self.input {
            Input::Sum => "decimal",
            Input::Text
            | Input::Date
            | Input::Password
            | Input::Hidden
            | Input::Check(_)
            | Input::Select(_)
            | Input::Checks(_) => "",
        }
    }
}

#[derive(Template)]
#[template(path = "admin/sheet.html")]
struct SheetPage {
    frame: Frame,
    sheet: Sheet,
}

impl Sheet {
    pub fn show(self, frame: Frame) -> Result<Response, ApiError> {
        refuse::show(&SheetPage { frame, sheet: self })
    }

    /// Links to the table as files, with this page's filters.
    pub fn offer_files(&mut self, lang: Lang, path: &str, query: &str) {
        let query = query.trim_start_matches('?');
        let kept: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter(|pair| {
                !["lang=", "done=", "after=", "format="].iter().any(|it| pair.starts_with(it))
            })
            .collect();
        let address = |format: &str| {
            let mut all = kept.clone();
            let format = format!("format={format}");
            all.push(&format);
            format!("{path}?{}", all.join("&"))
        };
        self.files.push((lang.pick("Скачать XLSX", "As XLSX"), address("xlsx")));
        self.files.push((lang.pick("Скачать CSV", "As CSV"), address("csv")));
    }
}
