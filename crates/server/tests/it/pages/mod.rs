//! Pages for people: what is asked of all of them.

mod assets;
mod brand;
mod events;
mod templates;
