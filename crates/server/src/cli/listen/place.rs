//! A listener's place in the list of events and its secret, in a file by its name.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::{context::make_private_dir, fail::Fail},
    ids::Mint,
    kit::clock::SystemClock,
    webhooks::sign::SigningKey,
};

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// The last event that was taken; none before the first.
    cursor: Option<String>,
    secret: String,
}

pub struct Place {
    file: PathBuf,
    stored: Stored,
}

impl Place {
    pub fn new(file: PathBuf, cursor: Option<String>) -> Place {
        let key = SigningKey::generate(&Mint::new(Arc::new(SystemClock)));
        Place { file, stored: Stored { cursor, secret: key.to_text().into_revealed() } }
    }

    /// `None` when the name is new.
    pub fn load(file: &Path) -> Result<Option<Place>, Fail> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stored = serde_json::from_str(&text).map_err(|_| {
            let message = format!("{} is not a listener's file", file.display());
            Fail::new("listener_unreadable", message, "Delete it, or listen under another --name")
        })?;
        Ok(Some(Place { file: file.to_owned(), stored }))
    }

    pub fn cursor(&self) -> Option<&str> {
        self.stored.cursor.as_deref()
    }

    pub fn key(&self) -> Result<SigningKey, Fail> {
        SigningKey::parse(&self.stored.secret).ok_or_else(|| {
            let message = format!("{} holds no good secret", self.file.display());
            Fail::new("listener_unreadable", message, "Delete it, or listen under another --name")
        })
    }

    pub fn move_to(&mut self, event_id: &str) -> Result<(), Fail> {
        self.stored.cursor = Some(event_id.to_owned());
        self.save()
    }

    /// Whole or not at all, and on the disk when it returns.
    pub fn save(&self) -> Result<(), Fail> {
        if let Some(folder) = self.file.parent() {
            make_private_dir(folder)?;
        }
        let fresh = self.file.with_extension("new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        let text = serde_json::to_string(&self.stored).map_err(anyhow::Error::from)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(fs::rename(&fresh, &self.file)?)
    }
}
