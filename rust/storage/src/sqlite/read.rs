//! Everything that is stored, shown once.

use rusqlite::Connection;
use tokenledger::ledger::{Finding, JournalRow, ReadReport, Snapshot, Stored};

use super::origin::Origin;
use super::write;
use crate::trouble::Sql;

/// Damaged rows are kept up to so many bytes; the oldest go first.
const SET_ASIDE_BYTES: i64 = 64 << 20;

/// How far reading has come.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) report: ReadReport,
    /// What the reader called damaged.
    pub(super) damaged: Vec<(Origin, i64)>,
}

impl Reading {
    /// Shows the rows of `origin` from `*from` on, which goes along: after an error, reading goes on there.
    pub(super) fn show(
        &mut self,
        connection: &Connection,
        origin: Origin,
        from: &mut i64,
        each: &mut dyn FnMut(Stored<'_>) -> Finding,
    ) -> Sql<()> {
        let mut statement = connection.prepare(origin.rows_from())?;
        let mut rows = statement.query([*from])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            if number < *from {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, number));
            }
            let value = row.get_ref(1)?;
            *from = number.saturating_add(1);
            let found = match value.as_blob() {
                Ok(blob) => stored(origin, number, blob).map_or(Finding::Damaged, &mut *each),
                Err(_) => Finding::Damaged,
            };
            match found {
                Finding::Sound => self.report.blobs += 1,
                Finding::Damaged => self.damaged.push((origin, number)),
            }
        }
        Ok(())
    }
}

fn stored(origin: Origin, number: i64, blob: &[u8]) -> Option<Stored<'_>> {
    match origin {
        Origin::Snapshot => {
            u32::try_from(number).ok().map(|number| Stored::Snapshot(Snapshot { number, blob }))
        }
        Origin::Journal => {
            u64::try_from(number).ok().map(|sequence| Stored::Journal(JournalRow { sequence, blob }))
        }
    }
}

/// Moves rows to where they are not shown again.
pub(super) fn set_aside(connection: &Connection, damaged: &[(Origin, i64)], unix_seconds: u64) -> Sql<()> {
    if damaged.is_empty() {
        return Ok(());
    }
    write::transaction(connection, || {
        for (origin, number) in damaged {
            connection.prepare_cached(origin.copy_aside())?.execute((number, unix_seconds.cast_signed()))?;
            connection.prepare_cached(origin.delete())?.execute([number])?;
        }
        connection
            .execute(
                "DELETE FROM set_aside WHERE id IN (SELECT id FROM
                 (SELECT id, sum(length(blob)) OVER (ORDER BY id DESC) AS bytes FROM set_aside) WHERE bytes > ?1)",
                [SET_ASIDE_BYTES],
            )
            .map(drop)
    })
}
