//! Settings that change between two starts: streams are brought together anew, and nothing is lost or counted
//! twice on the way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenledger::batch::MetricKind;
use tokenledger::{Config, IdentityMode, ResourceRule, Rule};

use crate::station::Station;
use crate::world::batch::{Attributes, Sample, Value};
use crate::world::histogram::Shape;
use crate::world::{SECOND, histogram};

/// All totals show at the first tick after a start.
fn showing(config: Config) -> Config {
    Config { emit_interval_nano: 60 * SECOND, ..config }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn rule(drop: &[&str], keep: Option<&[&str]>) -> Rule {
    Rule { metrics: strings(&["*"]), drop: strings(drop), keep: keep.map(strings), ..Rule::default() }
}

/// Settings to change between; all of them look at the same attributes.
fn settings(number: usize) -> Config {
    let prometheus = || Config { identity: IdentityMode::Prometheus, ..Config::default() };
    let dropping = |base: Config, keys: &[&str]| Config { rules: vec![rule(keys, None)], ..base };
    let resource = |base: Config| {
        let resource_rule = ResourceRule { drop: strings(&["os.version"]), ..ResourceRule::default() };
        Config { resource_rule, ..base }
    };
    showing(match number {
        0 => Config::default(),
        1 => dropping(Config::default(), &["session"]),
        2 => Config { rules: vec![rule(&[], Some(&["model"]))], ..Config::default() },
        3 => prometheus(),
        4 => dropping(prometheus(), &["session", "model"]),
        5 => resource(Config::default()),
        _ => resource(dropping(prometheus(), &["session"])),
    })
}

const SETTINGS: usize = 7;

/// What a client of these numbers sends in a window of a second.
fn request(second: u64, client: u64, value: i64) -> Vec<Sample> {
    let (session, version) = (format!("s{}", client % 3), format!("v{}", client % 2));
    let attributes = [("session", session.as_str()), ("model", if client < 3 { "x" } else { "y" })];
    let resource = [("service.name", "agent"), ("os.version", version.as_str())];
    let delta = || Sample::delta("tokens", &attributes, second - 1, second, value).of_resource(&resource);
    let bounds: [&[f64]; 2] = [&[1.0, 5.0, 9.0], &[1.0, 9.0]];
    let bounds = bounds[client as usize % 2];
    let counts = vec![value as u64; bounds.len() + 1];
    vec![
        delta(),
        Sample { metric: "spent".into(), value: Value::Number(tokenledger::Number::Double(0.25)), ..delta() },
        Sample {
            metric: "latency".into(),
            kind: MetricKind::ExplicitHistogram,
            value: histogram::explicit(bounds, &counts, 1.0),
            ..delta()
        },
        Sample {
            metric: "sizes".into(),
            kind: MetricKind::ExponentialHistogram,
            value: histogram::exponential(2 + client as i32 % 2, 1, 3, &[value as u64], 1.0),
            ..delta()
        },
    ]
}

/// What has been sent, metric by metric.
#[derive(Debug, Default, PartialEq)]
struct Sums(BTreeMap<String, f64>);

impl Sums {
    fn add(&mut self, samples: &[Sample]) {
        for sample in samples {
            *self.0.entry(sample.metric.clone()).or_default() += sample.value.size();
        }
    }

    fn seen(station: &Station) -> Self {
        let mut sums = BTreeMap::new();
        for outputs in station.reader.series.values() {
            let output = outputs.last().unwrap();
            *sums.entry(output.metric.clone()).or_default() += output.value.size();
        }
        Self(sums)
    }
}

/// Attributes, and the service name or all resource attributes, that settings leave of a sample.
fn left_of(config: &Config, sample: &Sample) -> String {
    let mut attributes: Attributes = sample.attributes.clone();
    for rule in &config.rules {
        attributes.retain(|(key, _)| !rule.drop.contains(key));
        attributes.retain(|(key, _)| rule.keep.as_ref().is_none_or(|keep| keep.contains(key)));
    }
    let mut resource = sample.resource.clone();
    resource.retain(|(key, _)| !config.resource_rule.drop.contains(key));
    if config.identity == IdentityMode::Prometheus {
        resource.retain(|(key, _)| key == "service.name");
    }
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
    format!("{:?}", (&sample.metric, attributes, resource))
}

/// One change of settings.
#[derive(Clone, Copy, Debug)]
struct Change {
    to: usize,
    /// Clients that send before it, one bit each.
    clients: u8,
    value: u8,
    snapshot: bool,
    /// Another crash right after the change.
    again: bool,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (0..SETTINGS, 1..64_u8, 1..50_u8, any::<bool>(), any::<bool>())
        .prop_map(|(to, clients, value, snapshot, again)| Change { to, clients, value, snapshot, again });
    prop::collection::vec(change, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Scenario: clients send under one setting after the other, with snapshots and crashes anywhere; after each
    /// change the last requests come again, whole. Guarantee: the sum over all series of a metric is what was
    /// sent; repetitions count nothing; what became one is one series.
    #[test]
    fn sums_survive_any_change(changes in changes()) {
        let mut station = Station::new(settings(0));
        let mut sums = Sums::default();
        let mut first = true;
        for change in changes {
            let mut sent = Vec::new();
            for client in (0..6).filter(|client| change.clients >> client & 1 == 1) {
                station.ticks(2);
                let request = request(station.second(), client, change.value.into());
                station.insist(&request);
                sums.add(&request);
                sent.push(request);
            }
            if first {
                // The series of the first settings, from nothing: as many as there are different ones.
                station.ticks(2);
                let different: std::collections::BTreeSet<String> =
                    sent.iter().flatten().map(|sample| left_of(&station.config, sample)).collect();
                prop_assert_eq!(station.engine().stats().streams, different.len() as u64);
            }
            if change.snapshot {
                station.maintain().unwrap();
            }
            let to = settings(change.to);
            station.pass(40 * SECOND).restart_with(to.clone());
            if change.again {
                station.restart();
            }
            if first {
                let different: std::collections::BTreeSet<String> =
                    sent.iter().flatten().map(|sample| left_of(&to, sample)).collect();
                prop_assert_eq!(station.engine().stats().streams, different.len() as u64, "what became one");
            }
            first = false;
            station.ticks(2);
            prop_assert_eq!(&Sums::seen(&station), &sums);
            for request in &sent {
                station.insist(request);
                prop_assert_eq!(station.result.outcomes.duplicate, request.len() as u64);
            }
            station.ticks(2);
            prop_assert_eq!(&Sums::seen(&station), &sums);
            station.assert_orderly();
        }
    }
}

/// Scenario: two histograms with different bounds become one when a rule changes. Guarantee: the bounds that both
/// had, and every observation (D12).
#[test]
fn histograms_of_different_bounds_become_one() {
    let mut station = Station::new(settings(0));
    for client in [0, 1] {
        station.ticks(2);
        let request = request(station.second(), client, 10);
        station.insist(&request);
    }
    station.ticks(2).restart_with(settings(6)).ticks(2);
    let latest: Vec<_> = station.reader.latest("latency").collect();
    assert_eq!(latest.len(), 1);
    let shape = Shape::of(&latest[0].value);
    let bits = |bound: f64| bound.to_bits() as i64;
    assert_eq!((shape.count, shape.sum), (70, Some(2.0)));
    assert_eq!(shape.buckets, BTreeMap::from([(bits(1.0), 20), (bits(9.0), 30), (i64::MAX, 20)]));
    let latest: Vec<_> = station.reader.latest("sizes").collect();
    let shape = Shape::of(&latest[0].value);
    assert_eq!((latest.len(), shape.count, shape.scale), (1, 22, Some(2)));
}

/// Scenario: a window comes again in another request after a change between one level and two (D3b). Guarantee:
/// it is recognised. Not so where attributes were removed and are not any more: its stream begins anew then, and
/// only whole requests are known (D3a, above).
#[test]
fn windows_are_known_across_changes() {
    for (from, to) in [(0, 1), (0, 3), (0, 5), (3, 0), (1, 4), (3, 1)] {
        let mut station = Station::new(settings(from));
        let mut windows = Vec::new();
        for value in 1..=4 {
            station.ticks(2);
            let request = request(station.second(), 0, value);
            station.insist(&request);
            windows.extend(request);
        }
        station.ticks(2).restart_with(settings(to)).ticks(2);
        let before = Sums::seen(&station);
        windows.reverse();
        station.insist(&windows);
        station.ticks(2);
        assert_eq!(Sums::seen(&station), before, "from {from} to {to}");
    }
}

/// Scenario: streams overflow (T5), then settings change. Guarantee: the overflow series stays one series, and
/// sums stay what they were.
#[test]
fn overflow_streams_stay_one() {
    for to in 0..SETTINGS {
        let limited = |number| Config { max_streams: 8, ..settings(number) };
        let mut station = Station::new(limited(0));
        let mut sums = Sums::default();
        let send = |station: &mut Station, sums: &mut Sums| {
            for client in 0..6 {
                station.ticks(2);
                let request = request(station.second(), client, 3);
                station.insist(&request);
                sums.add(&request);
            }
        };
        send(&mut station, &mut sums);
        station.restart_with(limited(to)).ticks(2);
        assert_eq!(Sums::seen(&station), sums, "to {to}");
        send(&mut station, &mut sums);
        station.ticks(2);
        assert_eq!(Sums::seen(&station), sums, "after the change to {to}");
        station.assert_orderly();
    }
}

/// Scenario: members report totals before and after changes. Guarantee: differences, whatever rules merge (T3).
#[test]
fn members_are_known_across_changes() {
    for to in 1..SETTINGS {
        for snapshot in [false, true] {
            let mut station = Station::new(settings(4));
            let total = |second, client: u64, value| {
                let session = format!("s{client}");
                Sample::total("total", &[("session", session.as_str()), ("model", "x")], 1, second, value)
            };
            station.ticks(4);
            let second = station.second();
            station.insist(&[total(second, 0, 100), total(second, 1, 10)]);
            if snapshot {
                station.maintain().unwrap();
            }
            station.ticks(2).restart_with(settings(to)).ticks(2);
            assert_eq!(station.sum("total"), 110);
            let second = station.second();
            station.insist(&[total(second, 0, 101), total(second, 1, 15), total(second, 2, 7)]);
            station.ticks(2);
            assert_eq!(station.sum("total"), 123, "to {to}, snapshot: {snapshot}");
        }
    }
}
