//! The one error scheme of all exported functions: a status, and text in a caller's buffer.

use tokenledger::Malformed;

/// How a call ended. Numbers are never used again for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Done; output parameters are written.
    Ok = 0,
    /// A pointer is null or a length impossible; nothing was done.
    InvalidArgument = 1,
    /// The buffer does not follow its layout; nothing was done.
    Malformed = 2,
    /// The configuration cannot be used; nothing was made.
    Configuration = 3,
    /// The engine panicked in this call or an earlier one; the handle is poisoned for good.
    Poisoned = 4,
}

/// Bytes of text in an [`Error`].
pub const MESSAGE_BYTES: usize = 240;

/// What went wrong, in memory of the caller; nothing is allocated across the boundary.
#[derive(Debug)]
#[repr(C)]
pub struct Error {
    /// Place in the input where that makes sense, else 0.
    pub offset: u64,
    /// Bytes of `message` that are set.
    pub length: u32,
    /// 1 if the panic behind `Poisoned` happened in this very call, else 0.
    pub fresh: u32,
    /// UTF-8 text without a final zero.
    pub message: [u8; MESSAGE_BYTES],
}

/// A failure on its way out of an exported function.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: Status,
    pub offset: u64,
    pub fresh: bool,
    pub message: String,
}

impl Failure {
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, offset: 0, fresh: false, message: message.into() }
    }

    /// Writes itself into the caller's memory and gives the status to return.
    pub fn report(self, error: Option<&mut Error>) -> Status {
        if let Some(error) = error {
            let mut length = self.message.len().min(MESSAGE_BYTES);
            while !self.message.is_char_boundary(length) {
                length -= 1;
            }
            error.message[..length].copy_from_slice(&self.message.as_bytes()[..length]);
            error.length = length as u32;
            error.offset = self.offset;
            error.fresh = u32::from(self.fresh);
        }
        self.status
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self { offset: malformed.offset as u64, ..Self::new(Status::Malformed, malformed.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a message longer than the caller's buffer, cut inside a character. Guarantee: the
    /// text is cut at a character's border and its length is right.
    #[test]
    fn long_messages_are_cut_at_a_character() {
        let mut error = Error { offset: 9, length: 9, fresh: 9, message: [0; MESSAGE_BYTES] };
        let message = format!("{}é tail", "x".repeat(MESSAGE_BYTES - 1));
        let status = Failure::new(Status::Configuration, message).report(Some(&mut error));
        assert_eq!(status, Status::Configuration);
        assert_eq!((error.length as usize, error.offset, error.fresh), (MESSAGE_BYTES - 1, 0, 0));
        assert!(std::str::from_utf8(&error.message[..error.length as usize]).is_ok());
    }
}
