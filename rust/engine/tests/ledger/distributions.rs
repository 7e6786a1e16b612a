//! Histograms over restarts: totals of deltas, and members that report totals (D12, D13, T3).

use tokenledger::Config;
use tokenledger::batch::{MetricKind, Temporality};
use tokenledger::distribution::{Summary, push_explicit};

use crate::restarts::{drop_sessions, pushed};
use crate::station::Station;
use crate::world::batch::{Sample, Value};
use crate::world::histogram::{Shape, explicit, exponential};

/// How the process ends between two reports.
const ENDS: [bool; 2] = [false, true];

fn sample(station: &Station, kind: MetricKind, temporality: Temporality, value: Value) -> Sample {
    let second = station.second();
    let start = if temporality == Temporality::Cumulative { 12 } else { second - 1 };
    let like = Sample::delta("latency", &[("session", "a")], start, second, 0);
    Sample { kind, temporality, value, ..like }
}

fn settings() -> [Config; 2] {
    [pushed(), drop_sessions(pushed())]
}

fn seen(station: &Station) -> Shape {
    let outputs: Vec<_> = station.reader.latest("latency").collect();
    assert_eq!(outputs.len(), 1);
    Shape::of(&outputs[0].value)
}

/// Scenario: a process reports a growing histogram as totals, over crashes from journal and snapshot; it has gone on
/// while the collector was down. Guarantee: the ledger's total is the process's, bucket by bucket.
#[test]
fn totals_of_histograms_go_on() {
    for config in settings() {
        for snapshot in ENDS {
            for kind in [MetricKind::ExplicitHistogram, MetricKind::ExponentialHistogram] {
                let value = |n: u64| match kind {
                    MetricKind::ExplicitHistogram => explicit(&[1.0, 4.0], &[n, 2 * n, 3], n as f64 / 4.0),
                    _ => exponential(4, n, 7, &[n, 0, 3 * n], n as f64 / 4.0),
                };
                let mut station = Station::new(config.clone());
                station.ticks(10);
                // D14: without a rule a total is looked at only where its stream had deltas before.
                let delta = sample(&station, kind, Temporality::Delta, value(0));
                station.insist(&[delta]);
                for n in 1..6 {
                    station.ticks(10);
                    let report = sample(&station, kind, Temporality::Cumulative, value(n * n));
                    station.insist(&[report]);
                    if snapshot {
                        station.maintain().unwrap();
                    }
                    station.pass(1_000_000).restart();
                }
                station.ticks(3);
                let (shape, base) = (seen(&station), Shape::of(&value(0)));
                let truth = Shape::of(&value(25));
                // The deltas ended before the process began, so both count (T3).
                assert_eq!(shape.count, truth.count + base.count, "{kind:?}");
                assert_eq!((shape.sum, shape.zero_count), (truth.sum, truth.zero_count));
                assert_eq!(shape.scale, truth.scale);
                station.assert_orderly();
            }
        }
    }
}

/// Scenario: a histogram whose sum is unknown in one window, another with minimum and maximum, and bounds that
/// change; restarts between all windows. Guarantee: what is unknown stays unknown, extremes and counts stay (D12).
#[test]
fn what_is_known_of_a_histogram_stays() {
    for snapshot in ENDS {
        let mut station = Station::new(pushed());
        station.ticks(10);
        let windows: [(&[f64], &[u64], Option<f64>); 4] = [
            (&[1.0, 2.0, 3.0], &[1, 1, 1, 1], Some(7.5)),
            (&[1.0, 3.0], &[0, 2, 0], None),
            (&[1.0, 2.0, 3.0], &[5, 0, 0, 1], Some(1.0)),
            (&[1.0, 3.0], &[0, 0, 4], Some(1.0)),
        ];
        for (n, (bounds, counts, sum)) in windows.into_iter().enumerate() {
            let mut words = Vec::new();
            let extreme = n as f64;
            let summary =
                Summary { count: counts.iter().sum(), sum, min: Some(-extreme), max: Some(10.0 + extreme) };
            push_explicit(&mut words, summary, bounds, counts);
            station.ticks(5);
            let value = Value::Histogram(words);
            let window = sample(&station, MetricKind::ExplicitHistogram, Temporality::Delta, value);
            station.insist(&[window]);
            if snapshot {
                station.maintain().unwrap();
            }
            station.pass(1_000_000).restart();
        }
        station.ticks(3);
        let shape = seen(&station);
        assert_eq!((shape.count, shape.sum), (16, None));
        assert_eq!(shape.buckets.values().copied().collect::<Vec<_>>(), [6, 4, 6]);
        let latest = station.reader.latest("latency").next().unwrap();
        let Value::Histogram(words) = &latest.value else { panic!("{latest:?}") };
        let summary = tokenledger::distribution::DistributionRef::parse(words).unwrap().summary();
        assert_eq!((summary.min, summary.max), (Some(-3.0), Some(13.0)));
        station.assert_orderly();
    }
}

/// Scenario: a million-to-one mix of costs, in doubles, over restarts. Guarantee: the sum is exact to the bit, as if
/// there had been none (D7).
#[test]
fn doubles_keep_what_rounding_would_lose() {
    let cost = |station: &Station, value: f64| {
        let second = station.second();
        let value = Value::Number(tokenledger::Number::Double(value));
        [Sample { value, ..Sample::delta("cost", &[("session", "a")], second - 1, second, 0) }]
    };
    for snapshot in ENDS {
        let mut station = Station::new(pushed());
        station.ticks(10);
        let large = cost(&station, 1e16);
        station.insist(&large);
        for _ in 0..64 {
            station.ticks(2);
            let small = cost(&station, 0.25);
            station.insist(&small);
            if snapshot {
                station.maintain().unwrap();
            }
            station.pass(1_000_000).restart();
        }
        station.ticks(2);
        let outputs: Vec<_> = station.reader.latest("cost").collect();
        assert_eq!(outputs[0].value.size(), 1e16 + 16.0);
    }
}
