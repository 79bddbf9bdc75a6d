//! Our four kinds of value in PostgreSQL's binary format, and its errors in our words.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres::{
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::kit::db::{DbError, Row, Value};

/// A value as a parameter. It accepts every type, so that a null fits anywhere; a mismatch is
/// reported when it is encoded.
#[derive(Debug)]
pub(super) struct Param<'a>(pub &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self.0, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(value), &Type::INT8) => value.to_sql(kind, out),
            (Value::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(kind, out),
            (Value::Int(value), &Type::INT2) => i16::try_from(*value)?.to_sql(kind, out),
            (Value::Text(value), &(Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME)) => {
                value.to_sql(kind, out)
            }
            (Value::Bytes(value), &Type::BYTEA) => value.to_sql(kind, out),
            (Value::Int(_), _) => Err(format!("a number where {kind} is expected").into()),
            (Value::Text(_), _) => Err(format!("a text where {kind} is expected").into()),
            (Value::Bytes(_), _) => Err(format!("bytes where {kind} is expected").into()),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

pub(super) fn decode(row: &postgres::Row) -> Result<Row, DbError> {
    let values = row.columns().iter().enumerate().map(|(at, column)| match *column.type_() {
        Type::INT8 => get(row, at, Value::Int),
        Type::INT4 => get(row, at, |value: i32| Value::Int(value.into())),
        Type::INT2 => get(row, at, |value: i16| Value::Int(value.into())),
        Type::BOOL => get(row, at, |value: bool| Value::Int(value.into())),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => get(row, at, Value::Text),
        Type::BYTEA => get(row, at, Value::Bytes),
        Type::VOID => Ok(Value::Null),
        ref kind => {
            let name = column.name();
            Err(DbError::Decode(format!("column {at} `{name}` is {kind}: cast it to bigint")))
        }
    });
    Ok(Row(values.collect::<Result<_, _>>()?))
}

fn get<'a, T: FromSql<'a>>(
    row: &'a postgres::Row,
    at: usize,
    wrap: impl FnOnce(T) -> Value,
) -> Result<Value, DbError> {
    let value: Option<T> = row.try_get(at).map_err(|error| DbError::Decode(error.to_string()))?;
    Ok(value.map_or(Value::Null, wrap))
}

/// Whether cached statements no longer fit the tables: a migration ran while we were connected.
pub(super) fn is_stale(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
}

pub(super) fn explain(error: &postgres::Error) -> DbError {
    let Some(server) = error.as_db_error() else {
        // No word from the server: the connection is gone, unless we refused our own value.
        let lost = error.is_closed() || source_is_io(error);
        let text = full_text(error);
        return if lost { DbError::Unavailable(text) } else { DbError::Other(text) };
    };
    let text = server.message().to_owned();
    if *server.code() == SqlState::UNIQUE_VIOLATION {
        return DbError::Taken(server.constraint().unwrap_or(&text).to_owned());
    }
    // By class: 08 connection, 40 deadlock and serialization, 53 resources, 55P03 lock not
    // available, 57 shutdown and cancelled by a time limit.
    let code = server.code().code();
    let passing = ["08", "40", "53", "55P03", "57"].iter().any(|class| code.starts_with(class));
    let text = format!("{text} ({code})");
    if passing { DbError::Unavailable(text) } else { DbError::Other(text) }
}

fn source_is_io(error: &postgres::Error) -> bool {
    error.source().is_some_and(|source| source.is::<std::io::Error>())
}

/// The driver's own text is terse; the cause says what happened.
pub(super) fn full_text(error: &postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(server), _) => server.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
