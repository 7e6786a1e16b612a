//! What a recording is known to hold, from the `truth.json` beside the bodies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

/// The known totals of a recording.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// One entry per session.
    pub sessions: Vec<Session>,
}

/// The known totals of one session, over the whole recording.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Attribute `session.id`.
    pub session_id: String,
    /// Attribute `model`.
    pub model: String,
    /// Tokens by attribute `type`.
    pub tokens: BTreeMap<String, u64>,
    /// US dollars as the client reports them.
    pub cost_usd: f64,
}

/// Why the truth is not known.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// There is no such file, or it cannot be read.
    #[error("{}: the known totals of the recording", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has another form.
    #[error("{}", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where.
        source: serde_json::Error,
    },
}

impl Truth {
    /// Reads `truth.json` of a directory of recorded bodies.
    pub fn read(directory: &Path) -> Result<Self, TruthError> {
        let path = directory.join("truth.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(source) => return Err(TruthError::Unreadable { path, source }),
        };
        serde_json::from_slice(&text).map_err(|source| TruthError::Malformed { path, source })
    }
}
