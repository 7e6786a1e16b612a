//! Exactly once, whatever fails: the book, a journal and a store against plain sums.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::support::{Key, Memory, NOW_HOUR, Outcome, Totals, add_priced, add_to};
use crate::usage::{Cut, UsageBook, UsageStore};

const LEDGER: u64 = 42;

#[derive(Clone, Debug)]
enum Step {
    Add {
        source: u32,
        tokens: i64,
        /// What they cost, where that is computed.
        computed: Option<i64>,
        hours_ago: u32,
    },
    /// Makes a segment; it waits for its row.
    Cut,
    /// Writes all segments that wait, into one row or one each; or fails.
    Write {
        together: bool,
        fails: bool,
    },
    /// As `Write`, and the process ends before it can say so.
    WriteAndCrash,
    Flush(Outcome),
    /// Drops the rows that nobody needs any more.
    Retire,
    /// The process ends and starts again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![3 => Just(Outcome::Written), 1 => Just(Outcome::Failed), 1 => Just(Outcome::WrittenWithError)];
    prop_oneof![
        12 => (0..24_u32, 1..1_000_000_i64, prop::option::of(0..1_000_000_000_000_i64), 0..3_u32)
            .prop_map(|(source, tokens, computed, hours_ago)| Step::Add { source, tokens, computed, hours_ago }),
        5 => Just(Step::Cut),
        5 => (any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(together, fails)| Step::Write { together, fails }),
        1 => Just(Step::WriteAndCrash),
        4 => outcome.prop_map(Step::Flush),
        3 => Just(Step::Retire),
        1 => Just(Step::Crash),
    ]
}

/// What was added, by key.
type Content = Vec<(Key, i64)>;

/// A book with what stands around it, and the truth.
struct World {
    book: UsageBook,
    store: Memory,
    /// Rows that survive the end of the process: number, segments.
    journal: VecDeque<(u64, Vec<Vec<u8>>)>,
    next_sequence: u64,
    /// Segments without a row, with what is in them.
    unwritten: VecDeque<(Cut, Vec<u8>, Content)>,
    since_cut: Content,
    /// What the journal was ever given.
    truth: Totals,
}

impl World {
    fn new() -> Self {
        let mut store = Memory::default();
        let book = UsageBook::new(0);
        book.begin(LEDGER, None);
        let next_sequence = book.restored(0, &mut store).unwrap();
        let (journal, unwritten, truth) = Default::default();
        Self { book, store, journal, next_sequence, unwritten, since_cut: Vec::new(), truth }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Add { source, tokens, computed, hours_ago } => {
                let amounts = (tokens, computed);
                self.since_cut.extend(add_priced(&self.book, source, amounts, NOW_HOUR - hours_ago));
            }
            Step::Cut => self.cut(),
            Step::Write { fails: true, .. } => {}
            Step::Write { together, .. } => self.write(together, true),
            Step::WriteAndCrash => {
                self.write(true, false);
                self.crash();
            }
            Step::Flush(outcome) => {
                self.store.next = outcome;
                let _ = self.book.flush(&mut self.store);
                self.store.next = Outcome::Written;
            }
            Step::Retire => {
                let needed = self.book.oldest_waiting().unwrap_or(u64::MAX);
                self.journal.retain(|(sequence, _)| *sequence >= needed);
            }
            Step::Crash => self.crash(),
        }
    }

    fn cut(&mut self) {
        let mut segment = Vec::new();
        if let Some(cut) = self.book.take_journal(&mut segment) {
            self.unwritten.push_back((cut, segment, std::mem::take(&mut self.since_cut)));
        }
    }

    fn write(&mut self, together: bool, says_so: bool) {
        let mut rows: Vec<Vec<_>> = Vec::new();
        for unwritten in self.unwritten.drain(..) {
            match rows.last_mut() {
                Some(row) if together => row.push(unwritten),
                _ => rows.push(vec![unwritten]),
            }
        }
        for row in rows {
            let sequence = self.next_sequence;
            self.next_sequence += 2; // gaps are fine
            let last = row.last().unwrap().0;
            let mut segments = Vec::new();
            for (_, segment, content) in row {
                segments.push(segment);
                content.into_iter().for_each(|(key, amount)| add_to(&mut self.truth, key, amount));
            }
            self.journal.push_back((sequence, segments));
            if says_so {
                self.book.committed(last, sequence);
            }
        }
    }

    /// What no row holds is gone; its sender was never told that it arrived.
    fn crash(&mut self) {
        self.unwritten.clear();
        self.since_cut.clear();
        self.book = UsageBook::new(0);
        self.book.begin(LEDGER, self.store.applied_through(LEDGER).unwrap());
        for (sequence, segments) in &self.journal {
            segments.iter().for_each(|segment| self.book.replay(*sequence, segment).unwrap());
        }
        let last = self.journal.back().map_or(0, |(sequence, _)| *sequence);
        self.next_sequence = self.book.restored(last, &mut self.store).unwrap().max(self.next_sequence);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Scenario: adds, cuts, writes and flushes that succeed, fail, or succeed with an error, rows that
    /// retire, and ends of the process at any of these points. Guarantee: the store ends with exactly
    /// what the journal was given.
    #[test]
    fn every_amount_counts_once(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.cut();
        world.write(false, true);
        world.book.flush(&mut world.store).unwrap();
        prop_assert_eq!(&world.store.totals, &world.truth);
        world.crash();
        world.book.flush(&mut world.store).unwrap();
        prop_assert_eq!(&world.store.totals, &world.truth);
        prop_assert_eq!(world.book.oldest_waiting(), None);
    }
}
