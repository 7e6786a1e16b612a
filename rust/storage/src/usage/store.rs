//! [`UsageStore`] on SQLite.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params, params_from_iter};
use tokenledger::ledger::StorageError;
use tokenledger::usage::{Dimensions, Measure, UsageEntry, UsageStore};

use crate::Sync;
use crate::trouble::{Sql, is_damage, of_sql, other};
use crate::usage::open::{begin_anew, leave, unix_seconds};
use crate::usage::priced;
use crate::usage::schema::{AMOUNTS, DIMENSIONS, PRUNED};

/// Keeps usage in `usage.db`; made by [`crate::usage::open`].
#[derive(Debug)]
pub struct SqliteUsage {
    /// `None` while no file could be begun in the place of a damaged one.
    connection: Option<Connection>,
    file: PathBuf,
    sync: Sync,
    /// The price table in use and since which hour, for a file that takes the place of a damaged one.
    prices: Option<(String, u32)>,
}

impl SqliteUsage {
    pub(super) fn new(connection: Connection, file: PathBuf, sync: Sync) -> Self {
        Self { connection: Some(connection), file, sync, prices: None }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Bytes of the file and of its WAL.
    pub fn file_bytes(&self) -> u64 {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        bytes(&self.file) + bytes(&crate::usage::aside::with_suffix(&self.file, "-wal"))
    }

    /// Does `work`. If the file turns out to be damaged, it is put aside and a new one begun: an error
    /// once, which says so; the next call finds the new file.
    fn with<T>(
        &mut self,
        doing: &str,
        work: impl FnOnce(&mut Connection) -> Sql<T>,
    ) -> Result<T, StorageError> {
        let damage = match &mut self.connection {
            None => "it could not be replaced before".to_owned(),
            Some(connection) => match work(connection) {
                Ok(done) => return Ok(done),
                Err(error) if is_damage(&error) => error.to_string(),
                Err(error) => return Err(of_sql(&self.file, doing, &error)),
            },
        };
        if let Some(connection) = self.connection.take() {
            leave(&connection);
        }
        let (connection, text) = begin_anew(&self.file, self.sync, unix_seconds(), &damage)?;
        if let Some((version, since)) = &self.prices {
            priced::note(&connection, version, *since)
                .map_err(|error| of_sql(&self.file, "begin", &error))?;
        }
        self.connection = Some(connection);
        Err(other(text))
    }
}

impl UsageStore for SqliteUsage {
    fn applied_through(&mut self, ledger: u64) -> Result<Option<u64>, StorageError> {
        self.with("read", |connection| {
            let mut select = connection.prepare_cached("SELECT through FROM applied WHERE ledger = ?")?;
            let through = select.query_row([ledger as i64], |row| row.get::<_, i64>(0)).optional()?;
            Ok(through.map(|through| through as u64))
        })
    }

    fn apply(&mut self, ledger: u64, through: u64, entries: &[UsageEntry]) -> Result<(), StorageError> {
        self.with("write", |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            add(&transaction, entries)?;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO applied (ledger, through) VALUES (?, ?)")?
                .execute([ledger as i64, through as i64])?;
            transaction.commit()
        })
    }

    fn priced_by(&mut self, version: &str, since_unix_hour: u32) -> Result<(), StorageError> {
        self.prices = Some((version.to_owned(), since_unix_hour));
        self.with("write", |connection| priced::note(connection, version, since_unix_hour))
    }

    fn make_durable(&mut self) -> Result<(), StorageError> {
        if self.sync == Sync::Disk {
            return Ok(()); // each transaction is
        }
        self.with("make safe", |connection| {
            // It writes the WAL through first, whether or not readers let it finish.
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        })
    }

    fn prune(&mut self, before_unix_hour: u32) -> Result<(), StorageError> {
        self.with("prune", |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            prune(&transaction, before_unix_hour)?;
            transaction.commit()
        })
    }
}

/// What one hour adds under one set of dimensions.
#[derive(Default)]
struct Addition<'a> {
    /// In the order of [`Measure`]; `None` where nothing came in.
    amounts: [Option<i64>; AMOUNTS.len()],
    sessions: HashSet<&'a Arc<str>>,
}

impl Addition<'_> {
    /// What the columns take: tokens and reported costs are 0 where nothing came in; computed costs are not,
    /// so that sums say where nothing was computed.
    fn or_zero(&self) -> [Option<i64>; AMOUNTS.len()] {
        let mut amounts = self.amounts;
        for measure in Measure::ALL.into_iter().filter(|measure| *measure != Measure::ComputedCost) {
            amounts[measure as usize].get_or_insert(0);
        }
        amounts
    }
}

fn add(transaction: &Transaction<'_>, entries: &[UsageEntry]) -> Sql<()> {
    // In the order of the hours and dimensions, so that the file is written from front to back.
    let mut additions: BTreeMap<(u32, &Dimensions), Addition<'_>> = BTreeMap::new();
    let mut priced_hours = BTreeSet::new();
    for entry in entries {
        if entry.measure == Measure::ComputedCost {
            priced_hours.insert(entry.unix_hour);
        }
        let addition = additions.entry((entry.unix_hour, &*entry.dimensions)).or_default();
        let amount = &mut addition.amounts[entry.measure as usize];
        *amount = Some(amount.unwrap_or(0).saturating_add(entry.amount));
        if !entry.session.is_empty() {
            addition.sessions.insert(&entry.session);
        }
    }
    priced::mark(transaction, &priced_hours)?;
    let mut dimension_ids: HashMap<&Dimensions, i64> = HashMap::new();
    let mut session_ids: HashMap<&str, i64> = HashMap::new();
    let mut upsert = transaction.prepare_cached(&upsert_sql())?;
    let mut member = transaction.prepare_cached("INSERT OR IGNORE INTO usage_session VALUES (?, ?, ?)")?;
    for ((hour, dimensions), addition) in additions {
        let dimension = match dimension_ids.get(dimensions) {
            Some(id) => *id,
            None => *dimension_ids.entry(dimensions).or_insert(dimension_id(transaction, dimensions)?),
        };
        let keys = [Some(i64::from(hour)), Some(dimension)];
        upsert.execute(params_from_iter(keys.iter().chain(&addition.or_zero())))?;
        for session in addition.sessions {
            let session = match session_ids.get(&**session) {
                Some(id) => *id,
                None => *session_ids.entry(session).or_insert(session_id(transaction, session)?),
            };
            member.execute(params![hour, dimension, session])?;
        }
    }
    Ok(())
}

fn dimension_id(transaction: &Transaction<'_>, dimensions: &Dimensions) -> Sql<i64> {
    let columns = DIMENSIONS.join(", ");
    let equal = DIMENSIONS.join(" = ? AND ");
    let texts = dimensions.texts();
    let mut select = transaction.prepare_cached(&format!("SELECT id FROM dimension WHERE {equal} = ?"))?;
    if let Some(id) = select.query_row(texts, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let insert = format!("INSERT INTO dimension ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    transaction.prepare_cached(&insert)?.insert(texts)
}

fn session_id(transaction: &Transaction<'_>, session: &str) -> Sql<i64> {
    let mut select = transaction.prepare_cached("SELECT id FROM session WHERE session = ?")?;
    match select.query_row([session], |row| row.get(0)).optional()? {
        Some(id) => Ok(id),
        None => transaction.prepare_cached("INSERT INTO session (session) VALUES (?)")?.insert([session]),
    }
}

/// Adds to a row or makes it. A sum that leaves 64 bits, which SQLite would make a float, stops at their
/// end: what a client sends must not make the file unwritable. What is NULL adds nothing.
fn upsert_sql() -> String {
    let columns = AMOUNTS.join(", ");
    let sums = AMOUNTS.map(|column| {
        let sum = format!("usage.{column} + excluded.{column}");
        let end = format!("iif(excluded.{column} > 0, {}, {} - 1)", i64::MAX, -i64::MAX);
        let one = format!("coalesce(usage.{column}, excluded.{column})");
        format!(
            "{column} = CASE typeof({sum}) WHEN 'integer' THEN {sum} WHEN 'null' THEN {one} ELSE {end} END"
        )
    });
    let places = vec!["?"; 2 + AMOUNTS.len()].join(", ");
    format!(
        "INSERT INTO usage (unix_hour, dimension_id, {columns}) VALUES ({places})
         ON CONFLICT DO UPDATE SET {}",
        sums.join(", ")
    )
}

fn prune(transaction: &Transaction<'_>, before: u32) -> Sql<()> {
    let deleted = transaction.execute("DELETE FROM usage WHERE unix_hour < ?", [before])?;
    if deleted == 0 {
        return Ok(());
    }
    transaction.execute("DELETE FROM usage_session WHERE unix_hour < ?", [before])?;
    priced::prune(transaction, before)?;
    let unused = "DELETE FROM session WHERE id NOT IN (SELECT session_id FROM usage_session)";
    transaction.execute(unused, [])?;
    let unused = "DELETE FROM dimension WHERE id NOT IN (SELECT dimension_id FROM usage)";
    transaction.execute(unused, [])?;
    transaction
        .execute("UPDATE meta SET value = max(value, ?) WHERE key = ?", params![before, PRUNED])
        .map(drop)
}

/// The columns stand in the order of the measures.
const _: () = assert!(
    AMOUNTS.len() == Measure::ALL.len()
        && Measure::ReportedCost as usize == 5
        && Measure::ComputedCost as usize == 6
        && Measure::InputTokens as usize == 1
);
