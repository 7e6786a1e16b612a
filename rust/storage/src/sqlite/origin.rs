//! The two tables of blobs.

/// Where a blob lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Snapshot,
    Journal,
}

impl Origin {
    /// The table's name, and what `set_aside.origin` says.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Journal => "journal",
        }
    }

    /// A new row, or the one that takes the place of another: number, blob.
    pub(crate) fn insert(self) -> &'static str {
        match self {
            Self::Snapshot => "REPLACE INTO snapshot (number, blob) VALUES (?1, ?2)",
            Self::Journal => "INSERT OR REPLACE INTO journal (sequence, blob) VALUES (?1, ?2)",
        }
    }

    /// Numbers from one on, rising.
    pub(crate) fn numbers_from(self) -> &'static str {
        match self {
            Self::Snapshot => "SELECT number FROM snapshot WHERE number >= ?1 ORDER BY number",
            Self::Journal => "SELECT sequence FROM journal WHERE sequence >= ?1 ORDER BY sequence",
        }
    }

    /// Numbers and blobs from one number on, rising.
    pub(crate) fn rows_from(self) -> &'static str {
        match self {
            Self::Snapshot => "SELECT number, blob FROM snapshot WHERE number >= ?1 ORDER BY number",
            Self::Journal => "SELECT sequence, blob FROM journal WHERE sequence >= ?1 ORDER BY sequence",
        }
    }

    /// The blob of a number.
    pub(crate) fn blob(self) -> &'static str {
        match self {
            Self::Snapshot => "SELECT blob FROM snapshot WHERE number = ?1",
            Self::Journal => "SELECT blob FROM journal WHERE sequence = ?1",
        }
    }

    /// Copies a number's row to `set_aside`: number, Unix seconds.
    pub(crate) fn copy_aside(self) -> &'static str {
        match self {
            Self::Snapshot => {
                "INSERT INTO set_aside (origin, number, set_aside_unix, blob)
                 SELECT 'snapshot', number, ?2, blob FROM snapshot WHERE number = ?1"
            }
            Self::Journal => {
                "INSERT INTO set_aside (origin, number, set_aside_unix, blob)
                 SELECT 'journal', sequence, ?2, blob FROM journal WHERE sequence = ?1"
            }
        }
    }

    /// Removes a number's row.
    pub(crate) fn delete(self) -> &'static str {
        match self {
            Self::Snapshot => "DELETE FROM snapshot WHERE number = ?1",
            Self::Journal => "DELETE FROM journal WHERE sequence = ?1",
        }
    }
}
