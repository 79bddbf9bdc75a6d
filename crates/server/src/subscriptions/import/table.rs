//! Files of rows: CSV as spreadsheets write it (commas or semicolons, quotes, a byte order mark),
//! or a JSON list of objects. Pure: text in, rows out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One row; what stands in a file as text, a number or an object is its text here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// In a CSV file the line where it begins, in JSON its number.
    pub line: usize,
    fields: BTreeMap<String, String>,
}

impl Row {
    /// `None` for absent and for empty.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// All that is given.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.fields.iter().map(|(name, text)| (name.as_str(), text.trim()));
        all.filter(|(_, text)| !text.is_empty())
    }
}

/// Reads the rows; `list` is the name under which a JSON file may keep them.
pub fn read_rows(text: &str, list: &str, known: &[&str]) -> Result<Vec<Row>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = text.trim_start().starts_with(['[', '{']);
    let rows = if is_json { read_json(text, list)? } else { read_csv(text)? };
    for row in &rows {
        if let Some(name) = row.fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "line {}: there is no `{name}`; known: {}",
                row.line,
                known.join(", ")
            ));
        }
    }
    Ok(rows)
}

fn read_json(text: &str, list: &str) -> Result<Vec<Row>, String> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if let Value::Object(object) = &mut value {
        value = object.remove(list).ok_or_else(|| format!("there is no list `{list}`"))?;
    }
    let Value::Array(items) = value else { return Err("it is no list of rows".to_owned()) };
    let row = |(at, item): (usize, Value)| match item {
        Value::Object(fields) => Ok(Row { line: at + 1, fields: texts(fields) }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(format!("row {} is no object", at + 1))
        }
    };
    items.into_iter().enumerate().map(row).collect()
}

fn texts(fields: Map<String, Value>) -> BTreeMap<String, String> {
    let text = |(name, value): (String, Value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some((name, other.to_string()))
        }
    };
    fields.into_iter().filter_map(text).collect()
}

fn read_csv(text: &str) -> Result<Vec<Row>, String> {
    let head = text.lines().next().unwrap_or("");
    let (commas, semicolons) = (head.matches(',').count(), head.matches(';').count());
    let mark = if semicolons > commas { ';' } else { ',' };
    let mut records = split(text, mark)?.into_iter();
    let (_, names) = records.next().ok_or("the file is empty")?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(twice) = names.iter().find(|name| names.iter().filter(|it| it == name).count() > 1)
    {
        return Err(format!("the column `{twice}` stands there twice"));
    }
    let mut rows = Vec::new();
    for (line, record) in records {
        if record.len() != names.len() {
            let (has, wanted) = (record.len(), names.len());
            return Err(format!("line {line}: it has {has} fields, the head has {wanted}"));
        }
        let fields = names.iter().cloned().zip(record).collect();
        rows.push(Row { line, fields });
    }
    Ok(rows)
}

/// Records with the lines where they begin (RFC 4180); empty lines are none.
fn split(text: &str, mark: char) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut records = Vec::new();
    let (mut record, mut field, mut line, mut begun) = (Vec::new(), String::new(), 1, 1);
    let mut quoted = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\n' {
            line += 1;
        }
        match (letter, quoted) {
            ('"', Some(_)) if letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            ('"', Some(_)) => quoted = None,
            (_, Some(_)) => field.push(letter),
            ('"', None) if field.is_empty() => quoted = Some(line),
            ('\n', None) => {
                record.push(std::mem::take(&mut field));
                close(&mut records, &mut record, begun);
                begun = line;
            }
            ('\r', None) if letters.peek() == Some(&'\n') => {}
            (_, None) if letter == mark => record.push(std::mem::take(&mut field)),
            (_, None) => field.push(letter),
        }
    }
    if let Some(line) = quoted {
        return Err(format!("line {line}: a quote begins and never ends"));
    }
    record.push(field);
    close(&mut records, &mut record, begun);
    Ok(records)
}

fn close(records: &mut Vec<(usize, Vec<String>)>, record: &mut Vec<String>, line: usize) {
    let record = std::mem::take(record);
    if record.iter().any(|field| !field.is_empty()) {
        records.push((line, record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["a", "b", "c"];

    fn values(text: &str) -> Vec<(usize, String, String)> {
        let rows = read_rows(text, "rows", &KNOWN).unwrap();
        let of = |row: &Row, name| row.find(name).unwrap_or("-").to_owned();
        rows.iter().map(|row| (row.line, of(row, "a"), of(row, "b"))).collect()
    }

    #[test]
    fn spreadsheets_and_programs_write_the_same_rows() {
        let wanted = vec![(2, "1".to_owned(), "x;y".to_owned()), (3, "2".into(), "-".into())];
        assert_eq!(values("a,b\n1,x;y\n2,\n"), wanted);
        assert_eq!(values("\u{feff}a;b\r\n1;\"x;y\"\r\n2;\r\n\r\n"), wanted);
        assert_eq!(values("a,b\n\"1\",\"x;y\"\n 2 , \n"), wanted);
        let json = r#"{"rows": [{"a": 1, "b": "x;y"}, {"a": "2", "b": null}]}"#;
        let numbered = vec![(1, "1".to_owned(), "x;y".to_owned()), (2, "2".into(), "-".into())];
        assert_eq!(values(json), numbered);
        // A field may hold quotes and lines; the next row is counted from where it begins.
        let long = values("a,b\n\"say \"\"so\"\"\ntwice\",2\n3,4\n");
        assert_eq!(long[0], (2, "say \"so\"\ntwice".to_owned(), "2".to_owned()));
        assert_eq!(long[1], (4, "3".to_owned(), "4".to_owned()));
        assert_eq!(values("a,b\n"), []);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        for (text, part) in [
            ("", "empty"),
            ("a,a\n1,2\n", "twice"),
            ("a,b\n1\n", "line 2: it has 1"),
            ("a,b\n1,2,3\n", "line 2: it has 3"),
            ("a,d\n1,2\n", "no `d`"),
            ("a,b\n\n\"1,2\n", "line 3: a quote"),
            ("{\"lines\": []}", "no list `rows`"),
            ("{\"rows\": 5}", "no list of rows"),
            ("[5]", "row 1"),
        ] {
            let error = read_rows(text, "rows", &KNOWN).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
