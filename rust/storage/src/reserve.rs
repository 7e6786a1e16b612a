//! Space kept in reserve: given up when the disk is full, so that snapshots can still be written and the journal
//! retired, which frees more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::directory;

/// The file's name.
pub(crate) const RESERVE: &str = "reserve";
/// Bytes kept, unless tests say otherwise: one checkpoint of a WAL at its usual limit fits.
pub(crate) const RESERVE_BYTES: u64 = 8 << 20;
/// It is made only where so many times as much is free: on a small disk it would be the reason why it is full.
const FREE_FACTOR: u64 = 4;

/// The file, and how large it should be.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub(crate) fn new(directory: &Path, bytes: u64) -> Self {
        Self { path: directory.join(RESERVE), bytes }
    }

    /// Makes it if it is missing and there is plenty of room. What goes wrong is no error: it is made later.
    pub(crate) fn make(&self) {
        self.make_with_room(FREE_FACTOR);
    }

    /// Makes it again if there is room for it alone: on a full disk, what was just freed is its own.
    pub(crate) fn make_again(&self) {
        self.make_with_room(1);
    }

    /// How large it should be, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn make_with_room(&self, factor: u64) {
        let whole = fs::metadata(&self.path).is_ok_and(|found| found.len() == self.bytes);
        let Some(directory) = self.path.parent() else { return };
        let room =
            directory::free_bytes(directory).is_ok_and(|free| free >= self.bytes.saturating_mul(factor));
        if !whole && room && self.allocate().is_err() {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Gives the space up; whether there was any.
    pub(crate) fn give_up(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }

    /// Really allocated: a file with a hole would reserve nothing.
    fn allocate(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&self.path)?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, self.bytes) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.fill(&mut file),
            Err(error) => Err(error.into()),
        }
    }

    /// For file systems that cannot allocate without writing.
    fn fill(&self, file: &mut File) -> io::Result<()> {
        let block = vec![0xA5; 1 << 16];
        let mut left = self.bytes;
        while left > 0 {
            let now = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.write_all(&block[..now])?;
            left -= now as u64;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Scenario: a reserve is made by allocating and by filling, given up, and asked for where too little is free.
    /// Guarantee: its blocks really are allocated, giving it up tells whether there was one, and a small disk gets none.
    #[test]
    fn the_reserve_is_really_allocated() {
        let directory = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(directory.path(), 256 << 10);
        reserve.make();
        assert!(fs::metadata(&reserve.path).unwrap().blocks() * 512 >= 256 << 10);
        assert!(reserve.give_up());
        assert!(!reserve.give_up());

        reserve.fill(&mut File::create(&reserve.path).unwrap()).unwrap();
        assert_eq!(fs::metadata(&reserve.path).unwrap().len(), 256 << 10);
        assert!(reserve.give_up());

        let huge = Reserve::new(directory.path(), u64::MAX / FREE_FACTOR);
        huge.make();
        assert!(!huge.path.exists());
    }
}
