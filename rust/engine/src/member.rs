//! Cumulative input (T3): what one more total of a member adds to its ledger stream.

use crate::number::Number;

/// What a member's new total means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// It adds the difference `newer − last`, as two numbers whose sum is exact.
    Increase(Number, Number),
    /// It fell, so its process began anew: the new total counts in full.
    Restart,
    /// It is not newer than what is known.
    Superseded,
}

/// The step from the total `last` at `last_time` to `newer` at `time`, both Unix nanoseconds.
///
/// Only monotonic sums can restart; others may fall.
pub(crate) fn step(last: Number, last_time: u64, newer: Number, time: u64, monotonic: bool) -> Step {
    if time <= last_time {
        return Step::Superseded;
    }
    if monotonic && is_less(newer, last) {
        return Step::Restart;
    }
    match (last, newer) {
        (Number::Int(last), Number::Int(newer)) => match newer.checked_sub(last) {
            Some(difference) => Step::Increase(Number::Int(difference), Number::Int(0)),
            None => Step::Increase(Number::Double(newer as f64), Number::Double(-(last as f64))),
        },
        // The stream's compensated sum takes both, so rounding does not pile up (D7).
        (last, newer) => Step::Increase(Number::Double(newer.as_f64()), Number::Double(-last.as_f64())),
    }
}

fn is_less(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a < b,
        (a, b) => a.as_f64() < b.as_f64(),
    }
}

/// First sight of a member: whether its total counts in full (T3).
///
/// `start` is that of the member, 0 = unknown. It counts if it began after everything that could have
/// counted it before: `known_until`, the latest of the ledger's creation, of the start of any member
/// forgotten for good and of the last delta window of the same source. All in Unix nanoseconds.
pub(crate) fn counts_in_full(start: u64, known_until: u64, now: u64) -> bool {
    // A start in the future is a wrong clock: nothing can be concluded from it.
    start > known_until && start <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use Number::{Double, Int};

    /// Scenario: growth, a late point, a repetition, a fall. Guarantee: as T3 says.
    #[test]
    fn steps_follow_the_rule() {
        assert_eq!(step(Int(5), 10, Int(9), 20, true), Step::Increase(Int(4), Int(0)));
        assert_eq!(step(Int(5), 10, Int(9), 10, true), Step::Superseded);
        assert_eq!(step(Int(5), 10, Int(9), 9, true), Step::Superseded);
        assert_eq!(step(Int(5), 10, Int(4), 20, true), Step::Restart);
        assert_eq!(step(Int(5), 10, Int(4), 20, false), Step::Increase(Int(-1), Int(0)));
        assert_eq!(step(Double(0.5), 10, Int(4), 20, true), Step::Increase(Double(4.0), Double(-0.5)));
    }

    /// Scenario: the difference of two integers does not fit. Guarantee: no wrap, it becomes a float (D7).
    #[test]
    fn differences_do_not_wrap() {
        let Step::Increase(Double(newer), Double(last)) = step(Int(i64::MIN), 1, Int(i64::MAX), 2, false)
        else {
            unreachable!("a difference beyond 64 bits is a float")
        };
        assert_eq!(newer + last, 2_f64.powi(64));
    }

    /// Scenario: starts before and after the ledger began, unknown, and in the future. Guarantee: only
    /// what cannot have been counted before counts in full.
    #[test]
    fn first_sight_counts_only_what_is_new() {
        assert!(counts_in_full(11, 10, 20));
        assert!(!counts_in_full(10, 10, 20));
        assert!(!counts_in_full(0, 0, 20));
        assert!(!counts_in_full(21, 10, 20));
    }
}
