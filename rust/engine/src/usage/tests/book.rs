//! One thing at a time.

use super::support::{Memory, NOW_HOUR, Outcome, Totals, add, add_priced, add_to, commit, identity, point};
use crate::batch::MetricKind;
use crate::number::Number;
use crate::usage::limits::Limits;
use crate::usage::part::{Learnt, PARTS, Part};
use crate::usage::{Measure, MetricRule, NANOS_PER_HOUR, UsageBook, UsageStore, read_segment};

const LEDGER: u64 = 77;

fn begun(store: &mut Memory) -> UsageBook {
    let book = UsageBook::new(0);
    book.begin(LEDGER, store.applied_through(LEDGER).unwrap());
    book.restored(0, store).unwrap();
    book
}

/// Scenario: increases before and after a cut. Guarantee: nothing reaches the store before its row is
/// written; then everything does, with the row's number.
#[test]
fn only_what_is_committed_reaches_the_store() {
    let mut store = Memory::default();
    let book = begun(&mut store);
    let mut truth = Totals::new();
    for (key, amount) in add(&book, 1, 40, NOW_HOUR).into_iter().chain(add(&book, 2, 9, NOW_HOUR)) {
        add_to(&mut truth, key, amount);
    }
    let mut segment = Vec::new();
    let cut = book.take_journal(&mut segment).unwrap();
    add(&book, 1, 1000, NOW_HOUR);
    assert_eq!(book.pending(), 4);
    book.flush(&mut store).unwrap();
    assert_eq!((store.totals.len(), book.oldest_waiting()), (0, None));
    book.committed(cut, 12);
    assert_eq!(book.oldest_waiting(), Some(12));
    book.flush(&mut store).unwrap();
    assert_eq!(store.totals, truth);
    assert_eq!((store.through[&LEDGER], book.oldest_waiting(), book.pending()), (12, None, 1));
}

/// Scenario: nothing was added, or only what counts nothing. Guarantee: no segment, no write.
#[test]
fn nothing_is_nothing() {
    let mut store = Memory::default();
    let book = begun(&mut store);
    let mut segment = Vec::new();
    assert!(book.take_journal(&mut segment).is_none());
    add(&book, 3, 500, NOW_HOUR); // Codex' `total`
    add(&book, 1, 0, NOW_HOUR);
    assert!(book.take_journal(&mut segment).is_none() && segment.is_empty());
    store.next = Outcome::Failed;
    book.flush(&mut store).unwrap();
}

/// Scenario: a known source comes again, in this cut and the next; windows end ahead of now, at 0, and
/// in an earlier hour. Guarantee: described once; hours are those of the window's end, at most now's.
#[test]
fn hours_and_descriptions() {
    let mut store = Memory::default();
    let book = begun(&mut store);
    let rule = MetricRule::of(b"claude_code.cost.usage", MetricKind::Sum, true).unwrap();
    let now = u64::from(NOW_HOUR) * NANOS_PER_HOUR + 5;
    let mut described = 0;
    for (sequence, time) in [(1, now), (2, now + NANOS_PER_HOUR), (3, 0), (4, now - NANOS_PER_HOUR)] {
        for _ in 0..2 {
            book.add(identity(9), rule, [time, now], (Number::Double(0.000_001), None), |describer| {
                described += 1;
                point(describer, "user.id", "u");
            });
        }
        commit(&book, sequence);
    }
    book.flush(&mut store).unwrap();
    let cost = |hour| store.totals[&(hour, "u".to_owned(), String::new(), Measure::ReportedCost)];
    assert_eq!((described, cost(NOW_HOUR), cost(NOW_HOUR - 1)), (1, 6_000_000, 2_000_000));
}

/// Scenario: one source with and without a price, at a price of nothing, and with a price for tokens that count
/// nothing. Guarantee: costs add up by hour; where none was computed there is no entry, not even of 0.
#[test]
fn computed_costs_are_counted_where_there_are_any() {
    let mut store = Memory::default();
    let book = begun(&mut store);
    add_priced(&book, 1, (10, Some(2_500_000)), NOW_HOUR);
    add_priced(&book, 1, (10, None), NOW_HOUR);
    add_priced(&book, 1, (10, Some(500_000)), NOW_HOUR);
    add_priced(&book, 1, (10, None), NOW_HOUR - 1);
    add_priced(&book, 1, (10, Some(0)), NOW_HOUR - 2);
    add_priced(&book, 3, (10, Some(7)), NOW_HOUR); // Codex' `total`
    let segment = commit(&book, 1);
    book.flush(&mut store).unwrap();
    let computed = |hour| (hour, "u1".to_owned(), "s1".to_owned(), Measure::ComputedCost);
    assert_eq!(store.totals[&computed(NOW_HOUR)], 3_000_000);
    let entries = read_segment(&segment).unwrap().into_iter();
    let mut hours: Vec<_> = entries
        .filter(|entry| entry.measure == Measure::ComputedCost)
        .map(|entry| (NOW_HOUR - entry.unix_hour, entry.amount))
        .collect();
    hours.sort_unstable();
    assert_eq!(hours, [(0, 3_000_000), (2, 0)]);
}

/// Scenario: the store fails, once without and once with the transaction having taken place, while more
/// comes in. Guarantee: each amount is in once, and rows stay needed as long as that is open.
#[test]
fn failed_flushes_count_once() {
    for outcome in [Outcome::Failed, Outcome::WrittenWithError] {
        let mut store = Memory::default();
        let book = begun(&mut store);
        add(&book, 1, 40, NOW_HOUR);
        commit(&book, 5);
        store.next = outcome;
        assert!(book.flush(&mut store).is_err());
        add(&book, 1, 2, NOW_HOUR);
        commit(&book, 6);
        assert_eq!((book.oldest_waiting(), book.pending()), (Some(5), 2));
        book.flush(&mut store).unwrap();
        assert_eq!(store.totals.values().sum::<i64>(), 42, "{outcome:?}");
        assert_eq!((book.oldest_waiting(), book.pending()), (None, 0));
    }
}

/// Scenario: a usage file that is new to a ledger with rows, because it was damaged, deleted or belongs
/// to another ledger. Guarantee: it begins after the last row; no part of the past is counted, and rows
/// that follow are, even if the process ends before its first flush.
#[test]
fn a_new_store_begins_after_the_last_row() {
    let mut other = Memory::default();
    let book = begun(&mut other);
    add(&book, 1, 40, NOW_HOUR);
    let segment = commit(&book, 3);

    let mut store = Memory { through: [(LEDGER + 1, 900)].into(), ..Memory::default() };
    let book = UsageBook::new(0);
    book.begin(LEDGER, store.applied_through(LEDGER).unwrap());
    book.replay(3, &segment).unwrap();
    assert_eq!(book.restored(3, &mut store).unwrap(), 4);
    book.flush(&mut store).unwrap();
    assert!(store.totals.is_empty());

    let book = UsageBook::new(0);
    book.begin(LEDGER, store.applied_through(LEDGER).unwrap());
    book.replay(3, &segment).unwrap();
    book.replay(4, &segment).unwrap();
    assert_eq!(book.restored(4, &mut store).unwrap(), 5);
    book.flush(&mut store).unwrap();
    assert_eq!(store.totals.values().sum::<i64>(), 40);
}

/// Scenario: a ledger restored from a copy that is older than its usage. Guarantee: numbers that the
/// store has are not given again, so rows that follow count.
#[test]
fn numbers_of_a_restored_ledger_go_on_after_the_store() {
    let mut store = Memory { through: [(LEDGER, 25)].into(), ..Memory::default() };
    let book = UsageBook::new(0);
    book.begin(LEDGER, store.applied_through(LEDGER).unwrap());
    assert_eq!(book.restored(20, &mut store).unwrap(), 26);
}

/// Scenario: more sources than are remembered. Guarantee: memory is bounded, and a source that was
/// forgotten is described again and goes on.
#[test]
fn sources_are_bounded() {
    let mut part = Part::new(Limits::of(0));
    for number in 0..60_000 {
        part.add(identity(number), 1, (Number::Int(1), None), Learnt::default);
    }
    assert!(part.sources() <= (1 << 18) / PARTS);

    let mut store = Memory::default();
    let book = begun(&mut store);
    for number in 0..300_000_u32 {
        add(&book, number * 4 + 1, 1, NOW_HOUR);
    }
    add(&book, 1, 1, NOW_HOUR);
    commit(&book, 1);
    book.flush(&mut store).unwrap();
    assert_eq!(store.totals.values().sum::<i64>(), 300_001);
}

/// Scenario: four threads add to common and own sources. Guarantee: nothing is lost.
#[test]
fn threads_lose_nothing() {
    let mut store = Memory::default();
    let book = begun(&mut store);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let book = &book;
            scope.spawn(move || {
                for number in 0..20_000_u32 {
                    add(book, (number % 50 + thread * 10) * 4 + 1, 1, NOW_HOUR - number % 2);
                }
            });
        }
    });
    commit(&book, 1);
    book.flush(&mut store).unwrap();
    assert_eq!(store.totals.values().sum::<i64>(), 80_000);
}

/// Scenario: amounts beyond what 64 bits hold. Guarantee: sums stop at the end; nothing wraps.
#[test]
fn sums_stop_at_the_end() {
    let book = UsageBook::new(0);
    let rule = MetricRule::of(b"claude_code.cost.usage", MetricKind::Sum, true).unwrap();
    let mut store = Memory::default();
    book.begin(LEDGER, Some(0));
    for sequence in 1..3 {
        for _ in 0..3 {
            book.add(identity(1), rule, [1, 1], (Number::Double(1e300), Some(i64::MAX / 2)), |_| ());
        }
        commit(&book, sequence);
    }
    book.flush(&mut store).unwrap();
    let ends = [Measure::ReportedCost, Measure::ComputedCost]
        .map(|measure| store.totals[&(0, String::new(), String::new(), measure)]);
    assert_eq!((ends, store.totals.len()), ([i64::MAX; 2], 2));
}
