//! What every page has around it, for `templates/base.html`: a page's own template extends that one
//! (or `payer.html`) and holds a [`Base`] as its field `base`. It decides nothing.

use super::{assets, brand::Look, lang::Lang};

#[derive(Clone, Debug)]
pub struct Base {
    pub lang: Lang,
    /// Of a page that a shop's payers see.
    pub look: Option<Look>,
}

impl Base {
    /// A page of our own.
    pub const fn new(lang: Lang) -> Base {
        Base { lang, look: None }
    }

    /// A shop's page.
    pub fn of(lang: Lang, look: &Look) -> Base {
        Base { lang, look: Some(look.clone()) }
    }

    /// The address of an embedded file, which changes with its content.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }

    /// The shop's name, of a shop's page.
    pub fn shop(&self) -> &str {
        self.look.as_ref().map_or("", |look| look.shop.as_str())
    }

    pub fn style(&self) -> Option<&str> {
        self.look.as_ref()?.style.as_deref()
    }

    pub fn logo(&self) -> Option<&str> {
        self.look.as_ref()?.logo.as_deref()
    }
}
