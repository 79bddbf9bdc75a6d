//! Tables and properties of receipts.
