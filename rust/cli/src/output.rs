//! The only place that writes: answers to standard output, everything else to standard error.
//!
//! A reader that went away (`tokenledger demo | head`) is no error, so failed writes are ignored.

use std::error::Error;
use std::io::{self, Write};

use serde::Serialize;

/// A line of the answer.
pub fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// The whole answer for programs: one line of JSON.
pub fn json(answer: &impl Serialize) {
    match serde_json::to_string(answer) {
        Ok(text) => line(&text),
        Err(error) => self::error(&error),
    }
}

/// A document that the answer consists of, as it is. Unlike a line it must be whole: a sheet that a full
/// disk cut off looks like a sheet. Only a reader that went away is no error.
pub fn document(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// What goes on meanwhile; no part of the answer.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An error with everything that caused it.
pub fn error(error: &dyn Error) {
    note(&format!("tokenledger: {}", with_causes(error)));
}

/// `error: its cause: the cause of that`.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
