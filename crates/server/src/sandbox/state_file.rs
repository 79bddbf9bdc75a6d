//! The state file and the signing key beside it: what the sandbox remembers over a restart.
//!
//! The file is replaced as a whole (temporary file, fsync, rename, fsync of the folder), so a crash
//! leaves the old state or the new one, never half of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The shape of the file. A newer Kopeck refuses what it cannot read instead of guessing.
pub const VERSION: u32 = 1;

/// Everything that survives a restart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    pub version: u32,
    pub clock_offset_ms: i64,
    /// What ids and tokens are made from; kept so that credentials stay the same.
    pub seed: u64,
    /// Each emulator's snapshot by its bank's name.
    pub banks: serde_json::Map<String, Value>,
    /// Notices on their way, by bank and delivery.
    pub in_flight: Vec<(String, u64)>,
}

/// An open state file. Holds a lock, so that two sandboxes never share one file.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// What the file holds now: an unchanged state is not written again.
    written: Vec<u8>,
    _lock: File,
}

impl StateFile {
    /// Locks the file and reads it; `None` when there is none yet.
    pub fn open(path: &Path) -> anyhow::Result<(StateFile, Option<Saved>)> {
        let lock = lock(path)?;
        let written = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {path:?}")),
        };
        let saved = if written.is_empty() { None } else { Some(parse(path, &written)?) };
        Ok((StateFile { path: path.to_owned(), written, _lock: lock }, saved))
    }

    /// Replaces the content durably; does nothing when it is the same.
    pub fn write(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        if bytes == self.written {
            return Ok(());
        }
        replace(&self.path, &bytes).with_context(|| format!("cannot save {:?}", self.path))?;
        self.written = bytes;
        Ok(())
    }
}

fn parse(path: &Path, bytes: &[u8]) -> anyhow::Result<Saved> {
    let saved: Saved = serde_json::from_slice(bytes).with_context(|| {
        format!("{path:?} is not a sandbox state file\nhint: delete it to start afresh")
    })?;
    anyhow::ensure!(
        saved.version == VERSION,
        "{path:?} was written by another version of Kopeck\nhint: delete it to start afresh"
    );
    Ok(saved)
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let lock_path = with_suffix(path, ".lock");
    let file = private(&lock_path, false).with_context(|| {
        format!("cannot create {lock_path:?}\nhint: the folder must exist and be writable")
    })?;
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => anyhow::anyhow!(
            "another sandbox uses {path:?}\nhint: stop it, or give this one another --state"
        ),
        fs::TryLockError::Error(error) => anyhow::Error::from(error),
    })?;
    Ok(file)
}

/// The key that notices are signed with, as PKCS #8; made by `make` the first time.
pub fn load_or_make_key(
    state_file: &Path,
    make: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let path = state_file.with_file_name("sandbox-key.der");
    match fs::read(&path) {
        Ok(key) => return Ok(key),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {path:?}")),
    }
    let key = make()?;
    replace(&path, &key).with_context(|| format!("cannot save {path:?}"))?;
    Ok(key)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = with_suffix(path, ".tmp");
    let mut file = private(&temporary, true)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // Without this a power cut may forget the rename. Windows cannot open folders and does not
    // need to.
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Opened for writing, readable by the owner only: it holds a key, or what was signed with it.
fn private(path: &Path, truncate: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(truncate);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
