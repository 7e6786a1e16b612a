//! What must come out, from what went in.

use std::collections::BTreeMap;

use tokenledger::batch::Temporality;
use tokenledger::distribution::DistributionRef;
use tokenledger::{Action, BatchResult, Now, Number};

use super::script::{METRICS, MIXED, Member, Point, Script, Value};
use super::settings::Settings;
use crate::through::NOW;

/// The least and the most that the series of each metric may add up to: sums in quarters, histograms
/// by their counts. They differ where a rule leaves more than one answer.
#[derive(Debug)]
pub(super) struct Truth {
    bounds: [(i128, i128); METRICS.len()],
    /// T3: last time and value of each member that the engine has taken in.
    members: BTreeMap<Member, (u64, Vec<u64>)>,
    settings: Settings,
}

impl Truth {
    pub fn new(settings: Settings) -> Self {
        Self { bounds: [(0, 0); METRICS.len()], members: BTreeMap::new(), settings }
    }

    /// `batch` was taken in for the first time, with this result.
    pub fn sent(&mut self, batch: &Script, result: &BatchResult, now: Now) {
        let refused = result.outcomes.refused > 0;
        assert!(self.settings.is_limited() || !refused, "without limits: {:?}", result.outcomes);
        let increases = batch.points.iter().all(Point::is_increase);
        let must_fit = increases && self.settings.has_room_for_overflow();
        assert!(!must_fit || !refused, "deltas find room in overflow streams: {:?}", result.outcomes);
        let (mut baselines, mut unknown) = (0, 0);
        for (point, verdict) in batch.points.iter().zip(&result.verdicts) {
            if verdict.action != Action::Keep as u8 {
                match self.is_baseline(point, now) {
                    Some(baseline) => baselines += u64::from(baseline),
                    None => unknown += 1,
                }
            }
            // D14: what is passed on untouched is no business of the ledger's.
            if point.no_value || !METRICS[point.metric].tracked || verdict.action == Action::Keep as u8 {
                continue;
            }
            let (least, most) = match point.temporality {
                Temporality::Delta => (amount(&point.value), amount(&point.value)),
                Temporality::Cumulative => self.increase(point, now),
            };
            let bounds = &mut self.bounds[point.metric];
            // T5: which of the batch's points found no room at all is not said.
            bounds.0 += if refused { least.min(0) } else { least };
            bounds.1 += if refused { most.max(0) } else { most };
        }
        let counted = result.outcomes.baseline;
        assert!((baselines..=baselines + unknown).contains(&counted), "{counted} of {baselines} + {unknown}");
    }

    /// T3: whether the total is the first of a member that may have been counted before; `None` where
    /// that depends on more than is known here.
    fn is_baseline(&self, point: &Point, now: Now) -> Option<bool> {
        let Some(member) = point.member() else { return Some(false) };
        let known = METRICS[point.metric].tracked && point.metric != MIXED && !self.settings.is_limited();
        known.then(|| !self.members.contains_key(&member) && !self.counts_in_full(point, now))
    }

    /// T3: what a total adds, at least and at most.
    fn increase(&mut self, point: &Point, now: Now) -> (i128, i128) {
        let total = |parts: &[u64]| parts.iter().map(|part| i128::from(*part)).sum::<i128>();
        let all = total(&point.parts);
        let limited = self.settings.is_limited();
        let Some(member) = point.member() else { return (0, 0) };
        let newer = (point.time, point.parts.clone());
        let increase = match self.members.get(&member) {
            Some((time, _)) if point.time <= *time => return (0, if limited { all } else { 0 }),
            Some((_, last)) if last.iter().zip(&point.parts).any(|(last, newer)| newer < last) => (all, all),
            Some((_, last)) => (all - total(last), all - total(last)),
            None if self.counts_in_full(point, now) => (all, all),
            // The base of what comes: a new series begins at it, another gains nothing.
            None => (0, all),
        };
        self.members.insert(member, newer);
        // A member that found no room, or was forgotten, has another base than is known here.
        if limited { (0, all) } else { increase }
    }

    /// A member that began after the engine did, and has not sent deltas before.
    fn counts_in_full(&self, point: &Point, now: Now) -> bool {
        let began_since = NOW.wall_unix_nano < point.start && point.start <= now.wall_unix_nano;
        began_since && point.metric != MIXED
    }

    /// Compares with what the series of each metric add up to.
    pub fn check(&self, totals: &[i128; METRICS.len()]) {
        for ((metric, (least, most)), total) in METRICS.iter().zip(&self.bounds).zip(totals) {
            let range = *least..=*most;
            assert!(!metric.tracked || range.contains(total), "{}: {total} not in {range:?}", metric.name);
        }
    }
}

/// What a delta adds.
fn amount(value: &Value) -> i128 {
    match value {
        Value::Number(number) => quarters(*number),
        Value::Words(words) => match DistributionRef::parse(words) {
            Ok(distribution) => i128::from(distribution.count()),
            Err(error) => unreachable!("tracked histograms are valid: {error}"),
        },
    }
}

/// A number in quarters, of which scripts are made.
pub(super) fn quarters(number: Number) -> i128 {
    match number {
        Number::Int(value) => i128::from(value) * 4,
        Number::Double(value) => {
            let quarters = value * 4.0;
            assert!(quarters.fract() == 0.0, "{value} is no number of quarters");
            quarters as i128
        }
    }
}
