//! A table as a file: CSV and XLSX. Sums stay whole kopecks until their digits are written.

use std::io::{Cursor, Write as _};

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use kopeck_banks::Money;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    frame::Frame,
    sheet::{Cell, Table, Value},
};
use crate::{
    http::{ApiError, json},
    web::headers::secure,
};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The answer that a browser saves.
pub fn file(frame: &Frame, format: &str, name: &str, table: &Table) -> Result<Response, ApiError> {
    let (kind, bytes) = match format {
        "csv" => ("text/csv; charset=utf-8", csv(table, frame.lang.as_str() == "ru").into_bytes()),
        "xlsx" => (XLSX, xlsx(table).map_err(anyhow::Error::from)?),
        _ => return Err(json::invalid("format", "takes csv or xlsx")),
    };
    let disposition = format!("attachment; filename=\"{name}.{format}\"");
    let disposition = HeaderValue::from_str(&disposition).map_err(anyhow::Error::from)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok(secure((headers, bytes).into_response(), "no-store"))
}

/// As Russian spreadsheet programs read it: a mark of UTF-8, semicolons, decimal commas. English
/// ones get commas and points.
fn csv(table: &Table, is_ru: bool) -> String {
    let separator = if is_ru { ";" } else { "," };
    let mut text = String::from("\u{feff}");
    let mut line = |cells: Vec<String>| {
        text.push_str(&cells.join(separator));
        text.push_str("\r\n");
    };
    line(table.columns.iter().map(|name| quoted(name)).collect());
    for row in &table.rows {
        let cell = |cell: &Cell| match &cell.value {
            Value::Text(text) => quoted(&harmless(text)),
            Value::Money(sum) => {
                let sum = sum.to_rubles();
                if is_ru { sum.replace('.', ",") } else { sum }
            }
            Value::Count(count) => count.to_string(),
        };
        line(row.cells.iter().map(cell).collect());
    }
    text
}

/// A text that a spreadsheet would run as a formula: a payer writes purposes, too.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.into()
    }
}

fn quoted(text: &str) -> String {
    if text.contains([';', ',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// A part of the file and where it lies; the sheet itself is the only one that changes.
const PARTS: [(&str, &str); 5] = [
    ("[Content_Types].xml", include_str!("../../../assets/xlsx/types.xml")),
    ("_rels/.rels", include_str!("../../../assets/xlsx/rels.xml")),
    ("xl/workbook.xml", include_str!("../../../assets/xlsx/workbook.xml")),
    ("xl/_rels/workbook.xml.rels", include_str!("../../../assets/xlsx/workbook-rels.xml")),
    ("xl/styles.xml", include_str!("../../../assets/xlsx/styles.xml")),
];
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
/// The styles of a sum and of a headline, as `styles.xml` counts them.
const SUM: u8 = 1;
const HEAD: u8 = 2;

fn xlsx(table: &Table) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed time: the same table is the same file.
    let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, text) in PARTS {
        zip.start_file(name, plain)?;
        zip.write_all(text.as_bytes())?;
    }
    zip.start_file("xl/worksheets/sheet1.xml", plain)?;
    zip.write_all(sheet(table).as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

fn sheet(table: &Table) -> String {
    let head: String = table.columns.iter().map(|name| inline(name, HEAD)).collect();
    let mut rows = format!("<row>{head}</row>");
    for row in &table.rows {
        rows.push_str("<row>");
        for cell in &row.cells {
            rows.push_str(&match &cell.value {
                Value::Text(text) => inline(text, 0),
                Value::Money(sum) => money(*sum),
                Value::Count(count) => format!("<c><v>{count}</v></c>"),
            });
        }
        rows.push_str("</row>");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
         <worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\">\
         <pane ySplit=\"1\" topLeftCell=\"A2\" state=\"frozen\"/></sheetView></sheetViews>\
         <cols><col min=\"1\" max=\"{}\" width=\"18\" customWidth=\"1\"/></cols>\
         <sheetData>{rows}</sheetData></worksheet>",
        table.columns.len().max(1)
    )
}

fn money(sum: Money) -> String {
    format!("<c s=\"{SUM}\"><v>{}</v></c>", sum.to_rubles())
}

/// Text as text: no formula, whatever it begins with.
fn inline(text: &str, style: u8) -> String {
    format!(
        "<c t=\"inlineStr\" s=\"{style}\"><is><t xml:space=\"preserve\">{}</t></is></c>",
        escaped(text)
    )
}

fn escaped(text: &str) -> String {
    // What XML 1.0 cannot hold is left out.
    let kept = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n'));
    let kept: String = kept.collect();
    kept.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::admin::sheet::Row;

    fn table() -> Table {
        let sum = Money::from_kopecks(123_450).unwrap();
        let cells = vec![Cell::text("=1+1; \"x\""), Cell::money(sum), Cell::count(3)];
        Table {
            columns: vec!["Назначение", "Сумма", "Число"], rows: vec![Row::new(cells)]
        }
    }

    #[test]
    fn a_file_is_read_as_each_country_writes_and_runs_nothing() {
        let ru = "\u{feff}Назначение;Сумма;Число\r\n\"'=1+1; \"\"x\"\"\";1234,50;3\r\n";
        assert_eq!(csv(&table(), true), ru);
        assert!(csv(&table(), false).contains(",1234.50,3\r\n"));
    }

    #[test]
    fn a_sheet_holds_sums_as_numbers_and_texts_as_texts() {
        let text = sheet(&table());
        assert!(text.contains("<c s=\"1\"><v>1234.50</v></c><c><v>3</v></c>"), "{text}");
        assert!(text.contains("xml:space=\"preserve\">=1+1; \"x\"</t>"), "{text}");
        assert!(xlsx(&table()).unwrap().starts_with(b"PK"));
    }
}
