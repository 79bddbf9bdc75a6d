//! Pages for people: what is asked of all of them.

mod assets;
mod brand;
mod events;
pub mod portal;
mod templates;
