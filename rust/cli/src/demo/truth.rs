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
    #[error(
        "{}: the known totals of the recording cannot be read; run this in the project's directory, or name --captures",
        .path.display()
    )]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Signal;

    /// Scenario: the four recordings of the tests. Guarantee: each has a truth of two sessions whose
    /// ids and models stand in its bodies.
    #[test]
    fn recordings_hold_the_sessions_of_their_truth() {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures");
        for client in ["claude-code-2.1.197", "claude-code-2.1.329"] {
            for set in ["two-sessions-json", "two-sessions-protobuf"] {
                let directory = captures.join(client).join(set);
                let bodies = crate::replay::recorded(&directory, &[Signal::Metrics]).unwrap();
                let bodies: Vec<u8> = bodies.into_iter().flat_map(|capture| capture.body).collect();
                let truth = Truth::read(&directory).unwrap();
                assert_eq!(truth.sessions.len(), 2);
                for session in &truth.sessions {
                    for text in [&session.session_id, &session.model] {
                        assert!(
                            bodies.windows(text.len()).any(|part| part == text.as_bytes()),
                            "{text} in {set}"
                        );
                    }
                    assert_eq!(session.tokens.len(), 4);
                }
            }
        }
    }

    /// Scenario: no truth.json, and one of another form. Guarantee: errors that name the file.
    #[test]
    fn a_missing_truth_is_named() {
        let error = Truth::read(Path::new("/no/such/directory")).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/directory/truth.json"), "{error}");
        assert!(serde_json::from_str::<Truth>(r#"{"sessions":[],"more":1}"#).is_err());
    }
}
