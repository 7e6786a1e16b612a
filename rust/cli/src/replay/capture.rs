//! A directory of recorded request bodies.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Metrics.
    Metrics,
    /// Logs and events.
    Logs,
    /// Spans.
    Traces,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Traces => "traces",
        })
    }
}

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// OTLP JSON.
    Json,
    /// Protobuf.
    Protobuf,
}

impl Encoding {
    /// The content type that OTLP/HTTP prescribes.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }
}

/// One recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The file it was read from.
    pub path: PathBuf,
    /// Place in the order of arrival.
    pub number: u32,
    /// What it carries.
    pub signal: Signal,
    /// How it is written.
    pub encoding: Encoding,
    /// The body as it was recorded.
    pub body: Vec<u8>,
}

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The directory or a file in it cannot be read.
    #[error("{}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No file of the directory has a name of the expected form and a wanted signal.
    #[error("{}: no recorded requests (NNNN_v1_metrics.json, …) of the wanted signals", .0.display())]
    Empty(PathBuf),
    /// A body is not what its file's name says.
    #[error("{}: not an OTLP {signal} request: {reason}", .path.display())]
    NotOtlp {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        signal: Signal,
        /// Where decoding stopped.
        reason: String,
    },
}

/// The requests of `directory` that carry one of `signals`, in order of arrival; at least one.
pub fn read(directory: &Path, signals: &[Signal]) -> Result<Vec<Capture>, CaptureError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        |source| CaptureError::Unreadable { path, source }
    };
    let mut captures = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable(directory))? {
        let path = entry.map_err(unreadable(directory))?.path();
        let Some((number, signal, encoding)) = path.file_name().and_then(|name| parse_name(name.to_str()?))
        else {
            continue;
        };
        if signals.contains(&signal) {
            let body = fs::read(&path).map_err(unreadable(&path))?;
            captures.push(Capture { path, number, signal, encoding, body });
        }
    }
    if captures.is_empty() {
        return Err(CaptureError::Empty(directory.to_owned()));
    }
    captures.sort_by(|a, b| (a.number, &a.path).cmp(&(b.number, &b.path)));
    Ok(captures)
}

/// `0012_v1_traces.pb` is request 12: traces in protobuf.
fn parse_name(name: &str) -> Option<(u32, Signal, Encoding)> {
    let (number, rest) = name.split_once("_v1_")?;
    let (signal, extension) = rest.split_once('.')?;
    let encoding = match extension {
        "json" => Encoding::Json,
        "pb" => Encoding::Protobuf,
        _ => return None,
    };
    Some((number.parse().ok()?, Signal::from_str(signal, false).ok()?, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: names of recorded requests and of other files. Guarantee: only the former are taken.
    #[test]
    fn names_are_read() {
        assert_eq!(parse_name("0012_v1_traces.pb"), Some((12, Signal::Traces, Encoding::Protobuf)));
        assert_eq!(parse_name("12345_v1_logs.json"), Some((12345, Signal::Logs, Encoding::Json)));
        for other in [
            "truth.json",
            "README.md",
            "0001_v1_profiles.pb",
            "x_v1_logs.pb",
            "0001_v1_logs.txt",
            "0001_v1_logs",
        ] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }

    /// Scenario: the recorded sessions of the tests, metrics only.
    /// Guarantee: in order of arrival; a directory without bodies is an error that names it.
    #[test]
    fn directories_are_read_in_order() {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures");
        let read_one = |signals: &[Signal]| {
            read(&captures.join("claude-code-2.1.197/two-sessions-json"), signals).unwrap()
        };
        let numbers: Vec<_> = read_one(&[Signal::Metrics]).iter().map(|capture| capture.number).collect();
        assert_eq!(numbers, [1, 4, 5, 7, 9, 11, 14, 16, 19, 21]);
        assert_eq!(read_one(&[Signal::Metrics, Signal::Logs, Signal::Traces]).len(), 24);
        assert!(
            matches!(read(&captures, &[Signal::Logs]), Err(CaptureError::Empty(path)) if path == captures)
        );
    }
}
