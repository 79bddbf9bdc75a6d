//! What every page has around it, for `templates/base.html`: a page's own template extends that one
//! (or `payer.html`) and holds a [`Base`] as its field `base`. It decides nothing.

use super::{assets, lang::Lang};

#[derive(Clone, Debug)]
pub struct Base {
    pub lang: Lang,
}

impl Base {
    pub const fn new(lang: Lang) -> Base {
        Base { lang }
    }

    /// The address of an embedded file, which changes with its content.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }
}
