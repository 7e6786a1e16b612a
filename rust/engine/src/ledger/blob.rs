//! The frame of everything that is stored: a blob says what it is and notices its own damage.
//!
//! | bytes | content, little endian |
//! |---|---|
//! | 4 | `TLB1` |
//! | 2 | version of the content |
//! | 2 | 0, reserved |
//! | 8 | bytes of the content |
//! | 8 | wall clock when it was written, Unix nanoseconds |
//! | 8 | monotonic clock of that process, nanoseconds |
//! | 8 | XXH3-64 of the content and of the 32 bytes above |
//! | … | content: segments, see [`super::segment`] |

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::clock::Now;

/// Bytes before the content.
pub(crate) const HEADER_BYTES: usize = 40;

const MAGIC: [u8; 4] = *b"TLB1";

/// Version of the content that this software writes, and the newest that it reads.
const VERSION: u16 = 1;

/// Where the checksum stands.
const CHECKSUM: usize = HEADER_BYTES - 8;

/// Why a blob cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It has fewer or more bytes than it says.
    #[error("the length is wrong")]
    Length,
    /// It does not begin as blobs do.
    #[error("it is no blob of a ledger")]
    Magic,
    /// A newer version of this software wrote it.
    #[error("its format is newer than this software")]
    Version,
    /// Some byte changed after it was written.
    #[error("the checksum does not match")]
    Checksum,
    /// The checksum matches and the content makes no sense all the same.
    #[error("the content is malformed at byte {0}")]
    Content(usize),
}

/// Checks the frame of a blob: its length, its version and its checksum.
pub fn check_blob(blob: &[u8]) -> Result<(), Damage> {
    open(blob).map(|_| ())
}

/// Begins a blob in `out`; the content is appended to it, then [`seal`] finishes it.
pub(crate) fn begin(out: &mut Vec<u8>) {
    out.clear();
    out.resize(HEADER_BYTES, 0);
}

/// Fills in the header of a blob that [`begin`] began.
pub(crate) fn seal(blob: &mut [u8], now: Now) {
    let (header, content) = blob.split_at_mut(HEADER_BYTES);
    header[..4].copy_from_slice(&MAGIC);
    header[4..6].copy_from_slice(&VERSION.to_le_bytes());
    header[6..8].fill(0);
    header[8..16].copy_from_slice(&(content.len() as u64).to_le_bytes());
    header[16..24].copy_from_slice(&now.wall_unix_nano.to_le_bytes());
    header[24..32].copy_from_slice(&now.monotonic_nano.to_le_bytes());
    let checksum = checksum(header, content);
    header[CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
}

/// The content of a sound blob, and the clocks when it was written.
pub(crate) fn open(blob: &[u8]) -> Result<(Now, &[u8]), Damage> {
    let Some((header, content)) = blob.split_at_checked(HEADER_BYTES) else { return Err(Damage::Length) };
    if header[..4] != MAGIC {
        return Err(Damage::Magic);
    }
    if u64_at(header, CHECKSUM) != checksum(header, content) {
        return Err(if u64_at(header, 8) == content.len() as u64 {
            Damage::Checksum
        } else {
            Damage::Length
        });
    }
    if u16::from_le_bytes([header[4], header[5]]) > VERSION {
        return Err(Damage::Version);
    }
    Ok((Now { wall_unix_nano: u64_at(header, 16), monotonic_nano: u64_at(header, 24) }, content))
}

fn checksum(header: &[u8], content: &[u8]) -> u64 {
    xxh3_64_with_seed(content, xxh3_64(&header[..CHECKSUM]))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(content: &[u8]) -> (Now, Vec<u8>) {
        let now = Now { wall_unix_nano: 17, monotonic_nano: 4 };
        let mut blob = Vec::new();
        begin(&mut blob);
        blob.extend_from_slice(content);
        seal(&mut blob, now);
        (now, blob)
    }

    /// Scenario: a blob is written, read, cut at every length and changed at every bit. Guarantee: the
    /// whole one is read, every other is refused.
    #[test]
    fn damage_is_noticed() {
        let (now, sound) = blob(b"some content");
        assert_eq!(open(&sound), Ok((now, b"some content".as_slice())));
        for length in 0..sound.len() {
            assert!(check_blob(&sound[..length]).is_err(), "cut to {length}");
        }
        for bit in 0..sound.len() * 8 {
            let mut changed = sound.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(check_blob(&changed).is_err(), "bit {bit}");
        }
        assert!(check_blob(&[sound.as_slice(), b"x"].concat()).is_err());
    }

    /// Scenario: a blob of a later version with a right checksum. Guarantee: it is told from damage.
    #[test]
    fn newer_versions_are_refused() {
        let (_, mut newer) = blob(b"");
        newer[4] = VERSION as u8 + 1;
        let (header, content) = newer.split_at_mut(HEADER_BYTES);
        let checksum = checksum(header, content);
        header[CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(check_blob(&newer), Err(Damage::Version));
    }
}
