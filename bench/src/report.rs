//! What was measured, as a table for people and as JSON for programs.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

pub struct Report {
    what: String,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// How many times the named row this is.
    ratio: Option<(f64, &'static str)>,
}

impl Report {
    pub fn new(what: String) -> Report {
        Report { what, rows: Vec::new() }
    }

    pub fn add(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.rows.push(Row { name, value, unit, ratio: None });
    }

    /// With its ratio to an earlier row, which is what compares between machines.
    pub fn compare(
        &mut self,
        name: &'static str,
        value: f64,
        unit: &'static str,
        to: &'static str,
    ) {
        let base = self.rows.iter().find(|row| row.name == to).map(|row| row.value);
        let ratio = base.filter(|base| *base > 0.0).map(|base| (value / base, to));
        self.rows.push(Row { name, value, unit, ratio });
    }

    pub fn table(&self) -> String {
        let mut out = format!("{}\n\n", self.what);
        for Row { name, value, unit, ratio } in &self.rows {
            let ratio = ratio.map_or_else(String::new, |(times, to)| format!("{times:.2} × {to}"));
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name:<42} {value:>10.1} {unit:<5} {ratio}");
        }
        out
    }

    pub fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let ratio = row.ratio.map(|(times, to)| json!({ "times": times, "of": to }));
            json!({ "name": row.name, "value": row.value, "unit": row.unit, "ratio": ratio })
        });
        let rows: Vec<Value> = rows.collect();
        format!("{:#}\n", json!({ "database": self.what, "rows": rows }))
    }
}

pub fn per_second(count: usize, took: Duration) -> f64 {
    u32::try_from(count).map_or(0.0, f64::from) / took.as_secs_f64()
}

/// The value that `permille` of a thousand do not exceed, in microseconds.
pub fn quantile_us(times: &mut [Duration], permille: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * permille / 1_000).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
