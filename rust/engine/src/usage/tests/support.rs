//! A store in memory whose writes can fail, and sources whose truth is easy to add up.

use std::collections::BTreeMap;

use crate::attribute::{ValueType, push};
use crate::batch::MetricKind;
use crate::identity::{Identity, IdentityKey, SECRET_BYTES};
use crate::ledger::{StorageError, StorageTrouble};
use crate::number::Number;
use crate::usage::describe::Describer;
use crate::usage::{Cut, Measure, MetricRule, NANOS_PER_HOUR, UsageBook, UsageEntry, UsageStore};

/// Hour, user, session, measure.
pub type Key = (u32, String, String, Measure);
pub type Totals = BTreeMap<Key, i64>;

/// The hour that it is.
pub const NOW_HOUR: u32 = 500_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    #[default]
    Written,
    Failed,
    /// An error is reported, though the transaction took place.
    WrittenWithError,
}

impl Outcome {
    fn result(self) -> Result<(), StorageError> {
        match self {
            Self::Written => Ok(()),
            _ => Err(StorageError { kind: StorageTrouble::Other, message: "the disk is tired".to_owned() }),
        }
    }
}

/// A usage store in memory.
#[derive(Debug, Default)]
pub struct Memory {
    pub totals: Totals,
    pub through: BTreeMap<u64, u64>,
    /// What costs were computed from, and since when.
    pub versions: Vec<(String, u32)>,
    /// What becomes of the next transaction.
    pub next: Outcome,
}

impl UsageStore for Memory {
    fn applied_through(&mut self, ledger: u64) -> Result<Option<u64>, StorageError> {
        Ok(self.through.get(&ledger).copied())
    }

    fn apply(&mut self, ledger: u64, through: u64, entries: &[UsageEntry]) -> Result<(), StorageError> {
        let outcome = std::mem::take(&mut self.next);
        if outcome != Outcome::Failed {
            let before = self.through.insert(ledger, through);
            assert!(before.is_none_or(|before| before <= through), "{before:?} then {through}");
            for entry in entries {
                let user = entry.dimensions.user.clone();
                let key = (entry.unix_hour, user, entry.session.to_string(), entry.measure);
                add_to(&mut self.totals, key, entry.amount);
            }
        }
        outcome.result()
    }

    fn priced_by(&mut self, version: &str, since_unix_hour: u32) -> Result<(), StorageError> {
        let outcome = std::mem::take(&mut self.next);
        if outcome != Outcome::Failed && self.versions.last().is_none_or(|(former, _)| former != version) {
            self.versions.push((version.to_owned(), since_unix_hour));
        }
        outcome.result()
    }

    fn make_durable(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn prune(&mut self, before_unix_hour: u32) -> Result<(), StorageError> {
        self.totals.retain(|key, _| key.0 >= before_unix_hour);
        Ok(())
    }
}

/// Adds, leaving out what is zero.
pub fn add_to(totals: &mut Totals, key: Key, amount: i64) {
    let total = totals.entry(key.clone()).or_default();
    *total += amount;
    if *total == 0 {
        totals.remove(&key);
    }
}

/// Sources are numbered: user, session and token type follow from the number. Codex' cached tokens are
/// part of its input.
pub fn add(book: &UsageBook, source: u32, tokens: i64, hour: u32) -> Vec<(Key, i64)> {
    add_priced(book, source, (tokens, None), hour)
}

/// As [`add`], with what the tokens cost in 10⁻¹² dollars, where that is computed.
pub fn add_priced(
    book: &UsageBook,
    source: u32,
    (tokens, computed): (i64, Option<i64>),
    hour: u32,
) -> Vec<(Key, i64)> {
    let (user, session) = (format!("u{}", source % 3), format!("s{}", source % 5));
    let (token_type, measure, from_input) = match source % 4 {
        0 => ("input", Measure::InputTokens, false),
        1 => ("output", Measure::OutputTokens, false),
        2 => ("cached_input", Measure::CacheReadTokens, true),
        _ => ("total", Measure::OtherTokens, false),
    };
    let rule = MetricRule::of(b"codex.turn.token_usage", MetricKind::ExplicitHistogram, true).unwrap();
    let time = u64::from(hour) * NANOS_PER_HOUR + 7;
    let now = u64::from(NOW_HOUR) * NANOS_PER_HOUR + 8;
    let amounts = (Number::Double(tokens as f64), computed);
    book.add(identity(source), rule, [time, now], amounts, |describer| {
        point(describer, "user.email", &user);
        point(describer, "conversation.id", &session);
        point(describer, "token_type", token_type);
    });
    let key = |measure| (hour.min(NOW_HOUR), user.clone(), session.clone(), measure);
    if token_type == "total" {
        return Vec::new();
    }
    let mut added = vec![(key(measure), tokens)];
    added.extend(from_input.then(|| (key(Measure::InputTokens), -tokens)));
    added.extend(computed.map(|pico| (key(Measure::ComputedCost), pico)));
    added
}

/// Feeds one attribute of a point.
pub fn point(describer: &mut Describer, key: &str, text: &str) {
    let mut record = Vec::new();
    assert!(push(&mut record, key.as_bytes(), ValueType::String, text.as_bytes()));
    describer.point(&record);
}

/// Different numbers fall into different parts of the book.
pub fn identity(source: u32) -> Identity {
    IdentityKey::new([1; SECRET_BYTES]).hash(&source.to_le_bytes())
}

/// Cuts, and says the cut is written in `sequence`.
pub fn commit(book: &UsageBook, sequence: u64) -> Vec<u8> {
    let mut segment = Vec::new();
    let cut: Option<Cut> = book.take_journal(&mut segment);
    book.committed(cut.unwrap(), sequence);
    segment
}
