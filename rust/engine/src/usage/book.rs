//! Adds usage up, and hands it to journal and store so that each amount counts exactly once.
//!
//! The life of an amount: [`UsageBook::add`] → a cut ([`UsageBook::take_journal`]), whose segment goes
//! into a journal row → [`UsageBook::committed`], when that row is written → [`UsageBook::flush`] into
//! the store, with the row's number in the same transaction. At a start [`UsageBook::begin`],
//! [`UsageBook::replay`] for each journal row, [`UsageBook::restored`].

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::identity::Identity;
use crate::ledger::StorageError;
use crate::number::Number;
use crate::usage::describe::Describer;
use crate::usage::interner::{Holder, Interner};
use crate::usage::limits::Limits;
use crate::usage::part::{Learnt, PARTS, Part};
use crate::usage::rule::MetricRule;
use crate::usage::segment::{MalformedSegment, SegmentWriter, read_segment};
use crate::usage::waiting::{Row, Waiting};
use crate::usage::{Dimensions, Measure, NANOS_PER_HOUR, UsageEntry, UsageStore};

/// Names what one call of [`UsageBook::take_journal`] took; later cuts are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cut(u64);

/// See the head of this file. All methods may be called from several threads, but for the start's,
/// and `flush`, for which the store is lent.
#[derive(Debug)]
pub(crate) struct UsageBook {
    parts: Box<[Mutex<Part>]>,
    interner: Mutex<Interner>,
    /// Locked before a part.
    state: Mutex<State>,
    /// What the store did not say it took; held while it is written. Locked before `state`.
    failed: Mutex<Option<Waiting>>,
    /// Usage without dimensions and session.
    nobody: Arc<Holder>,
}

#[derive(Debug)]
struct State {
    /// The ledger whose journal rows are counted ([`UsageStore`]).
    ledger: u64,
    /// What the store had at the start; `None` if it is new to this ledger.
    applied_at_start: Option<u64>,
    last_cut: u64,
    /// Cuts whose journal rows are not written yet, the oldest first.
    cuts: VecDeque<(Cut, Vec<Row>)>,
    waiting: Waiting,
    /// Of what is on its way into the store: the first journal row, and how many keys.
    under_way: (Option<u64>, usize),
}

impl State {
    fn new(limits: Limits) -> Self {
        Self {
            ledger: 0,
            applied_at_start: None,
            last_cut: 0,
            cuts: VecDeque::new(),
            waiting: Waiting::new(limits),
            under_way: (None, 0),
        }
    }
}

impl UsageBook {
    /// An empty book that takes its share of the engine's budget; 0 is no budget.
    pub fn new(max_memory_bytes: u64) -> Self {
        let limits = Limits::of(max_memory_bytes);
        let mut interner = Interner::new(limits);
        let nobody = interner.holder(Dimensions::default(), "");
        Self {
            parts: (0..PARTS).map(|_| Mutex::new(Part::new(limits))).collect(),
            interner: Mutex::new(interner),
            state: Mutex::new(State::new(limits)),
            failed: Mutex::default(),
            nobody,
        }
    }

    /// Counts an increase of `source` in the hour of `time_unix_nano`, the end of its window; 0, or a
    /// time that lies ahead, is now. `amounts`: the increase, at least 0 and finite (D8), and what it cost in
    /// 10⁻¹² dollars where that is computed. `describe` is only called
    /// for a source that is not known, under a lock: it must not come back here.
    #[inline]
    pub fn add(
        &self,
        source: Identity,
        rule: MetricRule,
        [time_unix_nano, now_unix_nano]: [u64; 2],
        amounts: (Number, Option<i64>),
        describe: impl FnOnce(&mut Describer),
    ) {
        let time = if time_unix_nano == 0 { now_unix_nano } else { time_unix_nano.min(now_unix_nano) };
        let hour = (time / NANOS_PER_HOUR) as u32;
        let learn = || {
            let mut describer = Describer::default();
            describe(&mut describer);
            self.learn(rule, describer)
        };
        self.parts[source.shard(PARTS)].lock().add(source, hour, amounts, learn);
    }

    #[cold]
    fn learn(&self, rule: MetricRule, describer: Describer) -> Learnt {
        let Some((dimensions, session, effect)) = describer.finish(rule) else { return Learnt::default() };
        let (holder, bytes) = self.interner.lock().holder_and_cost(dimensions, &session);
        Learnt { counted: Some((holder, effect)), bytes: bytes as u32 }
    }

    /// Appends a segment with what was added since the last call to `out`; `None`, with nothing
    /// appended, if that is nothing. To be called while no batch is under way, so that a batch is in
    /// one cut as a whole. The segment must be written before that of any later cut; if that fails,
    /// the same bytes are to be written later.
    pub fn take_journal(&self, out: &mut Vec<u8>) -> Option<Cut> {
        let mut state = self.state.lock();
        let cut = Cut(state.last_cut + 1);
        let mut rows = Vec::new();
        for part in &self.parts {
            part.lock().drain(|pending| {
                if pending.is_part_of_input {
                    let (holder, hour) = (Arc::clone(&pending.holder), pending.hour);
                    let amount = pending.amount.saturating_neg();
                    rows.push(Row { holder, amount, hour, measure: Measure::InputTokens });
                }
                if let Some(amount) = pending.computed {
                    let (holder, hour) = (Arc::clone(&pending.holder), pending.hour);
                    rows.push(Row { holder, amount, hour, measure: Measure::ComputedCost });
                }
                let (holder, hour) = (pending.holder, pending.hour);
                rows.push(Row { holder, amount: pending.amount, hour, measure: pending.measure });
            });
        }
        if rows.is_empty() {
            return None;
        }
        let mut segment = SegmentWriter::new(out, cut.0);
        rows.iter().for_each(|row| segment.entry(row.hour, &row.holder, row.measure, row.amount));
        state.last_cut = cut.0;
        state.cuts.push_back((cut, rows));
        Some(cut)
    }

    /// The segments of all cuts up to `cut` are written, the last of them in the journal row `sequence`
    /// or one before. Numbers must not fall from call to call.
    pub fn committed(&self, cut: Cut, sequence: u64) {
        let mut state = self.state.lock();
        let State { cuts, waiting, .. } = &mut *state;
        while let Some((_, rows)) = cuts.pop_front_if(|(first, _)| *first <= cut) {
            waiting.add(sequence, rows, &self.nobody);
        }
    }

    /// Puts everything that is committed into the store, and nothing else. After an error it is kept
    /// and tried again by the next call, which first asks the store what it has: an error may hide a
    /// transaction that did take place.
    pub fn flush(&self, store: &mut dyn UsageStore) -> Result<(), StorageError> {
        let mut failed = self.failed.lock();
        let ledger = self.state.lock().ledger;
        if let Some(newest) = failed.as_ref().and_then(Waiting::newest) {
            let is_in = store.applied_through(ledger)? >= Some(newest);
            let mut state = self.state.lock();
            state.under_way = (None, 0);
            if let Some(again) = failed.take()
                && !is_in
            {
                state.waiting.take_back(again, &self.nobody);
            }
        }
        let waiting = {
            let mut state = self.state.lock();
            let waiting = state.waiting.take();
            state.under_way = (waiting.oldest(), waiting.len());
            waiting
        };
        let Some(through) = waiting.newest() else { return Ok(()) };
        let applied = store.apply(ledger, through, &waiting.entries());
        match applied {
            Ok(()) => self.state.lock().under_way = (None, 0),
            Err(_) => *failed = Some(waiting),
        }
        applied
    }

    /// The first journal row whose usage is not in the store: that row and later ones must stay in the
    /// journal. `None` if all rows for which `committed` was called may go.
    pub fn oldest_waiting(&self) -> Option<u64> {
        let state = self.state.lock();
        [state.under_way.0, state.waiting.oldest()].into_iter().flatten().min()
    }

    /// Amounts on their way to the store, for a metric: distinct keys, or more before they are written
    /// to the journal.
    pub fn pending(&self) -> usize {
        let state = self.state.lock();
        let in_cuts: usize = state.cuts.iter().map(|(_, rows)| rows.len()).sum();
        let in_parts: usize = self.parts.iter().map(|part| part.lock().pending()).sum();
        in_parts + in_cuts + state.waiting.len() + state.under_way.1
    }

    /// Bytes held, an upper bound, because what an old source made the interner take is counted twice.
    /// In the worst of cases 64 MiB for what 2¹⁸ sources are known as and 40 MiB for their table, some
    /// 24 MiB for dimensions and sessions; 128 MiB more if the store cannot be written for long; and
    /// what was added since the last cut.
    pub fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(|part| part.lock().bytes()).sum();
        let interner = self.interner.lock().bytes();
        let state = self.state.lock();
        let in_cuts: usize = state.cuts.iter().map(|(_, rows)| rows.capacity() * size_of::<Row>()).sum();
        parts + interner + in_cuts + state.waiting.bytes()
    }
}

/// The start.
impl UsageBook {
    /// Before the journal is read: whose journal it is, and what [`UsageStore::applied_through`] says.
    pub fn begin(&self, ledger: u64, applied_through: Option<u64>) {
        let mut state = self.state.lock();
        (state.ledger, state.applied_at_start) = (ledger, applied_through);
    }

    /// A journal row's segment, in the order of the rows. What the store has is left out.
    ///
    /// So is everything if the store is new to this ledger: it begins after the ledger's last row
    /// ([`Self::restored`]). The journal still holds only the latest part of what came before, and a
    /// part of a period would look like the whole.
    pub fn replay(&self, sequence: u64, segment: &[u8]) -> Result<(), MalformedSegment> {
        let entries = read_segment(segment)?;
        if self.state.lock().applied_at_start.is_none_or(|applied| sequence <= applied) {
            return Ok(());
        }
        let rows = self.rows(entries);
        self.state.lock().waiting.add(sequence, rows, &self.nobody);
        Ok(())
    }

    fn rows(&self, entries: Vec<UsageEntry>) -> Vec<Row> {
        let mut interner = self.interner.lock();
        let row = |entry: UsageEntry| Row {
            holder: interner.holder(Arc::unwrap_or_clone(entry.dimensions), &entry.session),
            amount: entry.amount,
            hour: entry.unix_hour,
            measure: entry.measure,
        };
        entries.into_iter().map(row).collect()
    }

    /// After the journal was read, whose last row was `last_sequence` (0 if it never had any). Returns
    /// the least number that the next row may have: a ledger that was restored from an older copy than
    /// its usage must not give numbers again that the store already has.
    pub fn restored(&self, last_sequence: u64, store: &mut dyn UsageStore) -> Result<u64, StorageError> {
        let (ledger, applied) = {
            let state = self.state.lock();
            (state.ledger, state.applied_at_start)
        };
        if applied.is_none() {
            // At once: rows that follow must count even if this process ends before its first flush.
            store.apply(ledger, last_sequence, &[])?;
        }
        Ok(applied.unwrap_or(0).max(last_sequence) + 1)
    }
}
