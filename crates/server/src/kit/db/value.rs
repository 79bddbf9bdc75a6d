//! Values and rows: integers, text, bytes; nothing else is ever stored.

use kopeck_banks::Money;

use super::DbError;

/// What a parameter or a column may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Int(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Int(value.into())
    }
}
impl From<Money> for Value {
    fn from(value: Money) -> Value {
        Value::Int(value.kopecks())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Value {
        Value::Text(value.clone())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::Bytes(value)
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Bytes(value.to_vec())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row; columns by their position in the `select`.
#[derive(Clone, Debug)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn value(&self, at: usize) -> Result<&Value, DbError> {
        self.0.get(at).ok_or_else(|| DbError::Decode(format!("no column {at}")))
    }

    fn wrong(at: usize, wanted: &str) -> DbError {
        DbError::Decode(format!("column {at} is not {wanted}"))
    }

    /// A column that is never null; so are all without `opt`.
    pub fn int(&self, at: usize) -> Result<i64, DbError> {
        self.opt_int(at)?.ok_or_else(|| Row::wrong(at, "an integer"))
    }

    pub fn opt_int(&self, at: usize) -> Result<Option<i64>, DbError> {
        match self.value(at)? {
            Value::Int(value) => Ok(Some(*value)),
            Value::Null => Ok(None),
            Value::Text(_) | Value::Bytes(_) => Err(Row::wrong(at, "an integer")),
        }
    }

    /// A boolean, stored as 0 or 1.
    pub fn flag(&self, at: usize) -> Result<bool, DbError> {
        Ok(self.int(at)? != 0)
    }

    /// Money is checked on the way out of the database as on the way in.
    pub fn money(&self, at: usize) -> Result<Money, DbError> {
        Money::from_kopecks(self.int(at)?).map_err(|e| DbError::Decode(format!("column {at}: {e}")))
    }

    pub fn text(&self, at: usize) -> Result<String, DbError> {
        self.opt_text(at)?.ok_or_else(|| Row::wrong(at, "text"))
    }

    pub fn opt_text(&self, at: usize) -> Result<Option<String>, DbError> {
        match self.value(at)? {
            Value::Text(value) => Ok(Some(value.clone())),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Bytes(_) => Err(Row::wrong(at, "text")),
        }
    }

    pub fn bytes(&self, at: usize) -> Result<Vec<u8>, DbError> {
        self.opt_bytes(at)?.ok_or_else(|| Row::wrong(at, "bytes"))
    }

    pub fn opt_bytes(&self, at: usize) -> Result<Option<Vec<u8>>, DbError> {
        match self.value(at)? {
            Value::Bytes(value) => Ok(Some(value.clone())),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Text(_) => Err(Row::wrong(at, "bytes")),
        }
    }
}
