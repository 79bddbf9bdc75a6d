//! Who is in, and what a form brought, as handlers take them.

use std::collections::BTreeMap;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    http::{ApiError, codes},
    staff::model::{Member, Permission, Session},
    web::lang::Lang,
};

/// Somebody of the shop, let in by the guard. A handler that takes it cannot be reached otherwise.
#[derive(Clone, Debug)]
pub struct Guest {
    pub member: Member,
    pub session: Session,
    pub lang: Lang,
    /// What the forms of this session carry.
    pub word: String,
    pub path: String,
}

impl Guest {
    pub fn may(&self, permission: Permission) -> bool {
        self.member.role.may(permission)
    }

    pub fn shop_id(&self) -> String {
        self.member.shop_id.clone()
    }
}

impl<S: Sync> FromRequestParts<S> for Guest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Guest, ApiError> {
        // Absent only if a route forgot the guard: closed, not open.
        parts.extensions.get().cloned().ok_or_else(|| ApiError::of(codes::API_KEY_MISSING))
    }
}

/// The fields of a form.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    pub fn new(all: BTreeMap<String, Vec<String>>) -> Fields {
        Fields(all)
    }

    /// Trimmed; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|all| all.last()).map_or("", |value| value.trim())
    }

    /// As it was typed: a password may begin with a space.
    pub fn raw(&self, name: &str) -> String {
        self.0.get(name).and_then(|all| all.last()).cloned().unwrap_or_default()
    }

    pub fn find(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Every value of a name, such as of a row of checkboxes.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    pub fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Fields, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| ApiError::of(codes::INTERNAL))
    }
}
