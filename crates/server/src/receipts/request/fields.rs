//! The fields of a receipt, each read for itself, so that one that is wrong hides no other.

use std::collections::BTreeMap;

use kopeck_banks::receipt::lint::reading;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{ReceiptInput, ReceiptProblem, problem, unreadable};

/// The receipt's fields as they came; `None` for a text that has none to read.
pub(super) fn read(text: &str, problems: &mut Vec<ReceiptProblem>) -> Option<ReceiptInput> {
    let mut all = match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
        Ok(all) => Fields { all, problems },
        Err(error) => {
            problems.push(unreadable(&error));
            return None;
        }
    };
    let input = ReceiptInput {
        email: all.take("email"),
        phone: all.take("phone"),
        name: all.take("name"),
        taxation: all.take("taxation"),
        items: all.take_required("items"),
        discount: all.take("discount"),
        delivery: all.take("delivery"),
        supplier: all.take("supplier"),
        ffd: all.take("ffd"),
        settlement: all.take("settlement"),
        closes_on: all.take("closes_on"),
    };
    // What a missing field was mistaken for comes before it.
    let unknown = all.all.into_keys().map(|name| {
        let message = format!("The receipt cannot be read: unknown field `{name}`");
        problem(&reading::UNKNOWN, &name, message, HINT)
    });
    problems.splice(0..0, unknown);
    Some(input)
}

const HINT: &str = "Compare it with the example in /docs";

struct Fields<'a> {
    all: BTreeMap<String, Box<RawValue>>,
    problems: &'a mut Vec<ReceiptProblem>,
}

impl Fields<'_> {
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let raw = self.all.remove(name)?;
        serde_json::from_str(raw.get()).unwrap_or_else(|error| {
            let mut wrong = unreadable(&error);
            // The place within the field says nothing of the text.
            if wrong.finding.rule.code == reading::TYPE.code {
                wrong.finding.value = name.to_owned();
            }
            wrong.message = format!("`{name}`: {}", wrong.message);
            self.problems.push(wrong);
            None
        })
    }

    fn take_required<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        if !self.all.contains_key(name) {
            let message = format!("The receipt cannot be read: missing field `{name}`");
            self.problems.push(problem(&reading::FIELD, name, message, HINT));
        }
        self.take(name).unwrap_or_default()
    }
}
