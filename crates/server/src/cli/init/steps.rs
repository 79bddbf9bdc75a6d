//! What `kopeck init` and `kopeck demo` have done so far, line by line.

use serde_json::{Value, json};

use crate::cli::{
    fail::Fail,
    print::{BAD, GOOD, Out, WARN, paint},
};

/// Prints each step when it is done; keeps them for the JSON.
pub struct Steps {
    out: Out,
    done: Vec<Value>,
}

impl Steps {
    pub fn new(out: Out) -> Steps {
        Steps { out, done: Vec::new() }
    }

    pub fn good(&mut self, text: &str) -> Result<(), Fail> {
        self.done.push(json!({ "ok": true, "text": text }));
        self.out.tell(&format!("{} {text}", paint(GOOD, "✓")))
    }

    /// Not done, and one can go on without.
    pub fn skipped(&mut self, text: &str) -> Result<(), Fail> {
        self.done.push(json!({ "ok": false, "text": text }));
        self.out.tell(&format!("{} {text}", paint(WARN, "!")))
    }

    /// Marks where it failed, and passes the result on.
    pub fn check<T>(&mut self, what: &str, result: Result<T, Fail>) -> Result<T, Fail> {
        if result.is_err() {
            self.done.push(json!({ "ok": false, "text": what }));
            self.out.tell(&format!("{} {what}", paint(BAD, "✗")))?;
        }
        result
    }

    pub fn into_json(self) -> Value {
        Value::Array(self.done)
    }
}
