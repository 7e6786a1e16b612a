//! What the book may take: shares of the engine's budget (T5), and no more than is of use.

use crate::usage::part::PARTS;

/// Bytes and entries at which something old is forgotten, or added up with what has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Sources of one of the two generations of a part.
    pub part_sources: usize,
    /// Bytes that the sources of one generation may have made others take for them.
    pub part_bytes: usize,
    /// Bytes of one generation of the interner; there are two of dimensions and two of sessions.
    pub interner_bytes: usize,
    /// Bytes that wait for the store at most.
    pub waiting_bytes: usize,
}

/// Bytes of a known source in its table, with the room that a growing table leaves.
const SOURCE_BYTES: usize = 128;

impl Limits {
    /// A sixteenth of the budget for sources and for their texts, a sixteenth for dimensions and sessions, an
    /// eighth for what waits; 0 is no budget. With 2 GiB or more nothing gets larger: 2¹⁸ sources are known.
    pub fn of(max_memory_bytes: u64) -> Self {
        let most = Self {
            part_sources: (1 << 18) / PARTS / 2,
            part_bytes: 2 << 20,
            interner_bytes: 4 << 20,
            waiting_bytes: 64 << 20,
        };
        if max_memory_bytes == 0 {
            return most;
        }
        let budget = usize::try_from(max_memory_bytes).unwrap_or(usize::MAX);
        let of_a_generation = budget / 32 / PARTS / 2;
        Self {
            part_sources: most.part_sources.min(of_a_generation / SOURCE_BYTES).max(16),
            part_bytes: most.part_bytes.min(of_a_generation).max(4096),
            interner_bytes: most.interner_bytes.min(budget / 64).max(4096),
            waiting_bytes: most.waiting_bytes.min(budget / 8),
        }
    }
}
