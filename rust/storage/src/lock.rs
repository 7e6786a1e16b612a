//! One process writes a ledger: an exclusive kernel lock on `<directory>/lock`.
//!
//! The kernel ends the lock with the process, however that ends, so a lock left behind is impossible. The text in the
//! file says who holds it; without the lock it means nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokenledger::ledger::{StorageError, StorageTrouble};

use crate::trouble;

/// The file's name.
pub(crate) const LOCK: &str = "lock";
/// How long to wait for a holder that is just going, or a reader that asks who holds the lock.
const PATIENCE: Duration = Duration::from_millis(500);

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

/// Who holds a lock. Several containers have a process 1, so the host's name belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process, as its own container numbers it.
    pub pid: u32,
    /// The name of its host or container.
    pub host: String,
}

impl DirectoryLock {
    /// Takes the lock of `directory`, which must exist.
    pub(crate) fn take(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| trouble::of_io(&path, "open", &error))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(held(directory, read(&mut file).as_ref())),
                Err(TryLockError::Error(error)) => return Err(trouble::of_io(&path, "lock", &error)),
            }
        }
        // Only for messages, so a full disk must not keep a ledger closed.
        let _ = write(&mut file);
        Ok(Self { _file: file })
    }
}

/// Who holds the lock of `directory`; `None` if nobody does.
pub(crate) fn holder(directory: &Path) -> std::io::Result<Option<Holder>> {
    let mut file = match File::open(directory.join(LOCK)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read(&mut file).unwrap_or_else(Holder::unknown))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn held(directory: &Path, holder: Option<&Holder>) -> StorageError {
    let who = holder.map_or_else(
        || "another process".to_owned(),
        |holder| format!("another process ({} on {})", holder.pid, holder.host),
    );
    trouble::trouble(
        StorageTrouble::Busy,
        format!(
            "{who} has the ledger in {}: one ledger belongs to one component of one collector; give this component \
             another id (for example token_ledger/2), give this collector another storage directory, or end that process",
            directory.display(),
        ),
    )
}

fn write(file: &mut File) -> std::io::Result<()> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {host}", std::process::id())
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(1024).read_to_string(&mut text).ok()?;
    let (pid, host) = text.trim_end().split_once(' ')?;
    Some(Holder { pid: pid.parse().ok()?, host: host.to_owned() })
}

impl Holder {
    fn unknown() -> Self {
        Self { pid: 0, host: "unknown".to_owned() }
    }
}
