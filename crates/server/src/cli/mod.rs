//! The commands of `kopeck`, one file each.

pub mod sandbox;
