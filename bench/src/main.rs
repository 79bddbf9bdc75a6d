//! The side-by-side benchmarks against other programs; none yet.

fn main() {}
