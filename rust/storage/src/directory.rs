//! The directory that keeps a ledger: made, tried, and looked at for what its file system cannot promise.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tokenledger::ledger::StorageError;

use crate::trouble;

/// File systems over a network, by the number that statfs gives (Linux: include/uapi/linux/magic.h and the sources of
/// each). On these, locks and the order of writes depend on a server, and SQLite's WAL needs memory that all processes
/// share: <https://www.sqlite.org/wal.html>.
const NETWORK: [(u32, &str); 12] = [
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
];

/// Makes the directory if it does not exist. Not for everybody to read: usage names people.
pub(crate) fn make(directory: &Path) -> Result<(), StorageError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(directory)
        .map_err(|error| trouble::of_io(&directory.join("."), "make", &error))
}

/// What a user should know of the directory's file system.
pub(crate) fn warning(directory: &Path) -> Option<String> {
    let kind = network_kind(rustix::fs::statfs(directory).ok()?.f_type.cast_unsigned())?;
    Some(format!(
        "the ledger in {} lies on a file system of the kind {kind}, which may be on another machine: locks and the \
         order of writes depend on it, and totals can be lost when the connection is; use a local disk or a block volume",
        directory.display(),
    ))
}

/// The name of a network file system. The kernel's number has 32 bits; above them some platforms extend the sign.
#[expect(clippy::cast_possible_truncation, reason = "the number has 32 bits")]
fn network_kind(magic: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(number, _)| *number == magic as u32).map(|(_, name)| *name)
}

/// Bytes that a user without privileges can still write to the file system of `directory`.
pub(crate) fn free_bytes(directory: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Writes a little and takes it away again: the error says what is wrong with the disk.
pub(crate) fn try_writing(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!("probe-{}", std::process::id()));
    let tried = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&[0; 64 << 10]));
    let _ = fs::remove_file(&path);
    tried
}

/// Makes what was made, renamed or removed in `directory` safe from a loss of power.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: numbers of a network file system, of one with its sign extended, and of local ones (ext4, tmpfs, overlay).
    /// Guarantee: the first two are named, the others are not.
    #[test]
    fn network_file_systems_are_recognised() {
        assert_eq!(network_kind(0x6969), Some("NFS"));
        assert_eq!(network_kind(0xFFFF_FFFF_FF53_4D42), Some("CIFS"));
        for local in [0xEF53, 0x0102_1994, 0x794C_7630, 0x9123_683E, 0x5846_5342] {
            assert_eq!(network_kind(local), None, "{local:x}");
        }
    }

    /// Scenario: the directory for temporary files of the machine that runs the tests.
    /// Guarantee: its file system can be asked, and free space is known.
    #[test]
    fn a_file_system_can_be_asked() {
        let directory = tempfile::tempdir().unwrap();
        assert!(free_bytes(directory.path()).unwrap() > 0);
        assert!(rustix::fs::statfs(directory.path()).is_ok());
        assert!(try_writing(directory.path()).is_ok());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing stays behind");
    }
}
