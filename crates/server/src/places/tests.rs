//! Which line of a statement is whose.
