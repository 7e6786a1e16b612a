//! The one error scheme of all exported functions: a status, and text in a caller's buffer.

use tokenledger::Malformed;
use tokenledger::ledger::{StorageError, StorageTrouble};

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
    /// The ledger could not be written or read, for a reason that has no number of its own. Nothing goes
    /// out until it can be; the call may be made again. So it is with the four numbers that follow.
    Storage = 5,
    /// As `Storage`: there is no space left, or a quota is used up.
    StorageFull = 6,
    /// As `Storage`: another process, or another engine of this one, has the ledger.
    StorageBusy = 7,
    /// As `Storage`: a newer version of this software wrote the ledger.
    StorageNewer = 8,
    /// As `Storage`: the ledger may not be written.
    StorageReadOnly = 9,
}

/// Bytes of text in an [`Error`]: a message names a path, and [`Error`] is 1 KiB with it.
pub const MESSAGE_BYTES: usize = 1008;

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

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let status = match error.kind {
            StorageTrouble::Full => Status::StorageFull,
            StorageTrouble::Busy => Status::StorageBusy,
            StorageTrouble::Newer => Status::StorageNewer,
            StorageTrouble::ReadOnly => Status::StorageReadOnly,
            StorageTrouble::Other => Status::Storage,
        };
        Self::new(status, error.message)
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

    /// Scenario: every kind of trouble that a storage has. Guarantee: a number of its own, and the text.
    #[test]
    fn troubles_of_the_storage_have_numbers() {
        for (kind, status) in [
            (StorageTrouble::Other, Status::Storage),
            (StorageTrouble::Full, Status::StorageFull),
            (StorageTrouble::Busy, Status::StorageBusy),
            (StorageTrouble::Newer, Status::StorageNewer),
            (StorageTrouble::ReadOnly, Status::StorageReadOnly),
        ] {
            let failure = Failure::from(StorageError { kind, message: "of ledger.db".to_owned() });
            assert_eq!((failure.status, failure.message.as_str()), (status, "of ledger.db"));
        }
    }
}
