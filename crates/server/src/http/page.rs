//! Lists by page.

use serde::Serialize;
use utoipa::ToSchema;

/// Items of a page when none is asked for.
pub const DEFAULT_LIMIT: i64 = 20;
/// A page of a hundred payments is some 200 KiB: enough for one answer.
pub const MAX_LIMIT: i64 = 100;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    #[schema(value_type = String, example = "list")]
    pub object: &'static str,
    pub data: Vec<T>,
    /// Whether the next page has anything.
    pub has_more: bool,
    /// What to send as `starting_after` for the next page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// From `limit + 1` items, of which the last only says that there are more.
    pub fn new(mut data: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Page<T> {
        let limit = usize::try_from(limit).unwrap_or(1);
        let has_more = data.len() > limit;
        data.truncate(limit);
        let next_cursor = data.last().map(cursor).filter(|_| has_more);
        Page { object: "list", data, has_more, next_cursor }
    }

    /// The same page of what the outside sees.
    pub fn map<U>(&self, view: impl Fn(&T) -> U) -> Page<U> {
        Page {
            object: self.object,
            data: self.data.iter().map(view).collect(),
            has_more: self.has_more,
            next_cursor: self.next_cursor.clone(),
        }
    }

    /// All there is.
    pub fn whole(data: Vec<T>) -> Page<T> {
        Page { object: "list", data, has_more: false, next_cursor: None }
    }
}
