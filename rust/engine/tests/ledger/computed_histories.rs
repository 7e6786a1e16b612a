//! Faults found in review: what is computed, through crashes, failed writes, other settings and long silence.

use std::sync::Arc;

use proptest::prelude::*;
use tokenledger::batch::Temporality;
use tokenledger::ledger::{Keeping, StorageError};
use tokenledger::usage::{Measure, UsageEntry, UsageStore};
use tokenledger::{BatchResult, Config, Emit, Engine, IdentityMode, Now, Number, PricingConfig, Rule, Tick};
use tokenledger_prices::Prices;

use crate::memory::Faults;
use crate::station::Station;
use crate::world::SECOND;
use crate::world::batch::{Attr, Sample, Value, WorldBatch};
use crate::world::series::{Output, Reader};

const MODELS: [&str; 2] = ["contract-1", "made-up"];

#[derive(Clone, Debug)]
enum Event {
    /// One request; each client sends tokens, and some report costs.
    Send {
        clients: u8,
        value: u16,
    },
    /// The last request once more.
    Repeat,
    Ticks(u8),
    /// A later write fails.
    Fault(u8),
    Maintain,
    /// A crash, perhaps after a tick that nobody heard of.
    Crash {
        lost_tick: bool,
    },
    /// A start with other settings.
    Settings(usize),
    /// Another table, dollars per million tokens; 0: none (nothing is computed until the next).
    Price(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (1..64_u8, 0..2_000_u16).prop_map(|(clients, value)| Event::Send { clients, value }),
        1 => Just(Event::Repeat),
        3 => (1..5_u8).prop_map(Event::Ticks),
        1 => (1..4_u8).prop_map(Event::Fault),
        1 => Just(Event::Maintain),
        2 => any::<bool>().prop_map(|lost_tick| Event::Crash { lost_tick }),
        1 => (0..SETTINGS).prop_map(Event::Settings),
        1 => (1..50_u8).prop_map(Event::Price),
    ];
    proptest::collection::vec(event, 1..50)
}

const SETTINGS: usize = 8;

fn settings(number: usize) -> Config {
    let drop = |keys: &[&str]| {
        let drop = keys.iter().map(|key| (*key).to_owned()).collect();
        vec![Rule { metrics: vec!["*".into()], drop, ..Rule::default() }]
    };
    let config = Config {
        emit_interval_nano: 60 * SECOND,
        pricing: Some(PricingConfig::default()),
        ..Config::default()
    };
    match number {
        0 => config,
        1 => Config { rules: drop(&["session.id"]), ..config },
        2 => Config { rules: drop(&["session.id", "model", "provider", "type"]), ..config },
        3 => Config { identity: IdentityMode::Prometheus, ..config },
        4 => Config { max_streams: 5, ..config },
        5 => Config { first_value_delay_nano: 3 * SECOND, ..config },
        6 => Config {
            identity: IdentityMode::Prometheus,
            rules: drop(&["session.id"]),
            max_streams: 7,
            ..config
        },
        _ => Config { pricing: None, ..config },
    }
}

fn prices(input: u8) -> Arc<Prices> {
    let row = |model: &str| {
        format!(
            "[[price]]\nprovider = \"anthropic\"\nmodel = \"{model}\"\ninput = {input}\noutput = 15\n\
             source = \"test\"\n"
        )
    };
    Arc::new(Prices::with_user_file(&row(MODELS[0])).unwrap())
}

fn request(second: u64, clients: u8, value: u16) -> Vec<Sample> {
    let mut points = Vec::new();
    for client in (0..6).filter(|client| clients >> client & 1 == 1) {
        let (session, model) = ((client / 2).to_string(), MODELS[client as usize % 2]);
        let attributes = [("session.id", session.as_str()), ("model", model), ("type", "input")];
        let mut tokens = Sample::delta(
            "claude_code.token.usage",
            &attributes,
            second - 1,
            second,
            i64::from(value) + i64::from(client),
        );
        let version = Attr::from(if second.is_multiple_of(3) { "1" } else { "2" });
        tokens.resource.push(("os.version".into(), version));
        if client < 3 {
            points.push(Sample {
                metric: "claude_code.cost.usage".into(),
                value: Value::Number(Number::Double(0.25)),
                attributes: tokens.attributes[..2].to_vec(),
                ..tokens.clone()
            });
        }
        points.push(tokens);
    }
    points
}

#[derive(Debug, Default)]
struct Expected {
    cost: f64,
    unpriced: f64,
    reported: f64,
}

fn sum(station: &Station, metric: &str) -> f64 {
    station.reader.latest(metric).map(|output| output.value.size()).sum()
}

fn run(first: usize, events: &[Event]) {
    let mut station = Station::new(settings(first));
    let (mut price, mut last) = (3, Vec::new());
    let (mut expected, mut tokens) = (Expected::default(), 0.0);
    station.engine().set_prices(prices(price));
    for event in events {
        station.pass(SECOND);
        match event {
            Event::Send { clients, value } => {
                station.pass(SECOND);
                last = request(station.second(), *clients, *value);
                station.insist(&last);
                let computes = station.config.pricing.is_some();
                for sample in &last {
                    let is_tokens = sample.metric.contains("token");
                    let size = sample.value.size();
                    tokens += if is_tokens { size } else { 0.0 };
                    match sample.attributes[1].1 == Attr::from(MODELS[0]) {
                        _ if !computes => {}
                        _ if !is_tokens => expected.reported += size,
                        true => expected.cost += size * f64::from(price) / 1e6,
                        false => expected.unpriced += size,
                    }
                }
            }
            Event::Repeat => drop((!last.is_empty()).then(|| station.insist(&last))),
            Event::Ticks(count) => {
                for _ in 0..*count {
                    let _ = station.pass(SECOND).tick(false);
                }
            }
            Event::Fault(after) => {
                let mut state = station.memory.state();
                state.faults = Faults::At(state.writes + u64::from(*after));
            }
            Event::Maintain => drop(station.maintain()),
            Event::Crash { lost_tick } => {
                station.memory.state().faults = Faults::None;
                if *lost_tick {
                    station.lost_tick();
                }
                station.restart();
                station.engine().set_prices(prices(price));
            }
            Event::Settings(number) => {
                station.memory.state().faults = Faults::None;
                station.restart_with(settings(*number));
                station.engine().set_prices(prices(price));
            }
            Event::Price(next) => {
                price = *next;
                station.engine().set_prices(prices(price));
            }
        }
    }
    station.memory.state().faults = Faults::None;
    // A reader that has seen nothing hears of everything after a start.
    station.restart_with(Config { first_value_delay_nano: 0, ..station.config.clone() });
    station.ticks(70);
    assert_eq!(sum(&station, "claude_code.token.usage"), tokens);
    for (metric, expected) in
        [("token_ledger.cost", expected.cost), ("token_ledger.tokens.unpriced", expected.unpriced)]
    {
        let seen = sum(&station, metric);
        assert!((seen - expected).abs() < 1e-9, "{metric}: {seen}, not {expected}");
    }
    // Tokens count in it once their client is known to report, which is known anew after each start.
    let difference = sum(&station, "token_ledger.cost.difference");
    let bounds = expected.reported - expected.cost - 1e-9..=expected.reported + 1e-9;
    assert!(bounds.contains(&difference), "{difference} is not in {bounds:?}");
    station.assert_orderly();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Scenario: any usage, with repetitions, failed writes, crashes, lost ticks, snapshots, other settings and
    /// other tables between. Guarantee: each token costs once what it cost when it came, what has no price and what
    /// is reported too much adds up, and readers see totals that never fall.
    #[test]
    fn costs_survive_everything(first in 0..SETTINGS, events in events()) {
        run(first, &events);
    }
}

fn output(session: &str, second: u64, value: i64) -> Sample {
    let attributes = [("session.id", session), ("model", "claude-sonnet-4-5-20250929"), ("type", "output")];
    Sample::delta("claude_code.token.usage", &attributes, second - 1, second, value)
}

fn priced() -> Config {
    Config { pricing: Some(PricingConfig::default()), ..Config::default() }
}

fn built_in(station: &Station) {
    station.engine().set_prices(Arc::new(Prices::built_in().unwrap()));
}

/// Scenario: a ledger from before anything was computed; pricing is turned on, off, and on again. Guarantee: what
/// came while it was on is in the cost, and the cost never falls.
#[test]
fn pricing_can_be_turned_on_and_off() {
    let showing = |config: Config| Config { emit_interval_nano: 60 * SECOND, ..config };
    let mut station = Station::new(showing(Config::default()));
    let mut expected = 0.0;
    for (round, on) in [false, true, false, true].into_iter().enumerate() {
        let config = if on { priced() } else { Config::default() };
        station.config = showing(config);
        station.restart();
        built_in(&station);
        station.pass(5 * SECOND);
        station.insist(&[output("s", station.second(), 1_000 + round as i64)]);
        expected += if on { (1_000 + round) as f64 * 15.0 / 1e6 } else { 0.0 };
        station.ticks(70);
        assert!((sum(&station, "token_ledger.cost") - expected).abs() < 1e-12, "round {round}");
    }
    station.assert_orderly();
}

/// Scenario: nobody works for longer than `max_stale`, in one process and over a restart. Guarantee: the cost comes
/// back as a new stream: it begins with a zero after everything that was said before (L1, D6), and grows by what
/// was used.
#[test]
fn costs_come_back_after_long_silence() {
    for restarts in [false, true] {
        let mut station = Station::new(Config { max_stale_nano: 600 * SECOND, ..priced() });
        built_in(&station);
        for round in 1..=3_u64 {
            station.pass(5 * SECOND);
            station.insist(&[output("s", station.second(), 1_000)]);
            station.ticks(3);
            let points: Vec<_> = station.reader.series.values().flatten().collect();
            let zeros = points
                .iter()
                .filter(|output| output.metric == "token_ledger.cost" && output.value.size() == 0.0)
                .count();
            assert_eq!(zeros as u64, round, "a zero for each life");
            let latest = sum(&station, "token_ledger.cost");
            assert!((latest - 0.015).abs() < 1e-12, "{latest}");
            station.pass(700 * SECOND);
            station.tick(false).unwrap();
            station.pass(700 * SECOND);
            station.tick(false).unwrap();
            if restarts {
                station.restart_at(station.monotonic / SECOND);
                built_in(&station);
            }
        }
        for outputs in station.reader.series.values() {
            assert!(outputs.windows(2).all(|pair| pair[0].time < pair[1].time));
        }
    }
}

/// Scenario: the last tick, with values that are held back and with intervals (L5). Guarantee: in front of exporters
/// that push, everything computed is out before the end.
#[test]
fn the_last_tick_says_what_was_computed() {
    for delay in [0, 75 * SECOND] {
        let config = Config { emit: Emit::Interval, first_value_delay_nano: delay, ..priced() };
        let mut station = Station::new(config);
        built_in(&station);
        station.pass(5 * SECOND);
        station.insist(&[output("s", station.second(), 1_000)]);
        station.ticks(1).insist(&[output("s", 7, 1_000)]);
        station.tick(true).unwrap();
        let cost = sum(&station, "token_ledger.cost");
        assert!((cost - 0.03).abs() < 1e-12, "{cost}");
        station.assert_orderly();
    }
}

/// Scenario: many points of one request add to one stream of costs, with a ledger. Guarantee: the request's row has
/// the stream once, not once per point: a journal does not grow with what is the same.
#[test]
fn a_request_writes_each_computed_stream_once() {
    let rules = vec![Rule { metrics: vec!["*".into()], drop: vec!["session.id".into()], ..Rule::default() }];
    let bytes = |pricing: Option<PricingConfig>| {
        let mut station = Station::new(Config { rules: rules.clone(), pricing, ..Config::default() });
        built_in(&station);
        let mut before = 0;
        for round in 0..3 {
            station.pass(5 * SECOND);
            let second = station.second();
            before = station.memory.state().content.bytes();
            let points: Vec<_> = (0..1_000).map(|number| output(&number.to_string(), second, 5)).collect();
            station.insist(&points);
            assert!(round < 3);
        }
        let after = station.memory.state().content.bytes();
        after - before
    };
    let (with, without) = (bytes(Some(PricingConfig::default())), bytes(None));
    assert!(with < without + 20_000, "{with} bytes with prices, {without} without, for 1,000 points");
}

/// Usage in memory: what each measure adds up to.
#[derive(Clone, Debug, Default)]
struct Sums(Arc<parking_lot::Mutex<Counted>>);

/// The last row that was applied, and what was counted.
type Counted = (Option<u64>, std::collections::BTreeMap<Measure, i128>);

impl UsageStore for Sums {
    fn priced_by(&mut self, _: &str, _: u32) -> Result<(), StorageError> {
        Ok(())
    }
    fn applied_through(&mut self, _: u64) -> Result<Option<u64>, StorageError> {
        Ok(self.0.lock().0)
    }

    fn apply(&mut self, _: u64, through: u64, entries: &[UsageEntry]) -> Result<(), StorageError> {
        let mut state = self.0.lock();
        state.0 = Some(through);
        for entry in entries {
            *state.1.entry(entry.measure).or_default() += i128::from(entry.amount);
        }
        Ok(())
    }

    fn make_durable(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn prune(&mut self, _: u32) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Scenario: increases and totals, integers and doubles, restarts and late points, models with and without a price,
/// with a usage file. Guarantee: what usage says was computed is what the metric says, to 10⁻¹² of a dollar; so are
/// tokens.
#[test]
fn usage_and_metrics_agree() {
    let usage = Sums::default();
    let keeping = Keeping {
        storage: Box::new(crate::memory::Memory::default()),
        usage: Some(Box::new(usage.clone())),
        snapshot_interval_nano: 0,
        usage_retention_nano: 0,
    };
    let now = |second: u64| Now {
        wall_unix_nano: crate::world::BEGAN + second * SECOND,
        monotonic_nano: second * SECOND,
    };
    let config = Config { identity: IdentityMode::Prometheus, ..priced() };
    let (engine, _) = Engine::open(config.clone(), crate::world::key(), now(0), keeping).unwrap();
    engine.set_prices(Arc::new(Prices::built_in().unwrap()));
    let mut reader = Reader::prometheus(config.prometheus);
    let mut result = BatchResult::default();
    for second in 10..200_u64 {
        let mut points = Vec::new();
        for (number, model) in
            ["claude-sonnet-4-5-20250929", "claude-opus-4-6", "made-up"].into_iter().enumerate()
        {
            for (token_type, value) in
                [("input", 17), ("output", 87), ("cacheRead", 15_432), ("cacheCreation", 4_321)]
            {
                let attributes = [("session.id", "s"), ("model", model), ("type", token_type)];
                let delta = Sample::delta("claude_code.token.usage", &attributes, second - 1, second, value);
                points.push(match number {
                    0 => delta,
                    1 if second % 50 != 0 => Sample {
                        temporality: Temporality::Cumulative,
                        start: crate::world::at(5),
                        value: Value::Number(Number::Double((second % 50) as f64 * value as f64)),
                        ..delta
                    },
                    _ => Sample { value: Value::Number(Number::Double(value as f64)), ..delta },
                });
            }
        }
        let batch = WorldBatch::new(&points, &Vec::new());
        engine.ready(now(second)).unwrap();
        engine.consume(&batch, now(second), &mut result).unwrap();
        engine.settle(result.ticket, now(second)).unwrap();
        reader.read(&crate::world::applied(&points, &batch, &result));
        engine.maintain(now(second), false).unwrap();
        let mut tick = Tick::default();
        while !tick.is_done() {
            engine.tick(now(second), second == 199, &mut tick).unwrap();
            for metric in tick.metrics() {
                reader.read(
                    &metric.points().map(|due| Output::of_tick(metric.descriptor, &due)).collect::<Vec<_>>(),
                );
            }
        }
    }
    engine.maintain(now(200), true).unwrap();
    let sums = usage.0.lock().1.clone();
    let metric = |name: &str| reader.latest(name).map(|output| output.value.size()).sum::<f64>();
    let computed = sums[&Measure::ComputedCost] as f64 / 1e12;
    let cost = metric("token_ledger.cost");
    assert!(
        computed > 1.0 && (cost - computed).abs() <= 1e-12 * computed.max(1.0),
        "{cost}, usage {computed}"
    );
    let tokens: i128 =
        [Measure::InputTokens, Measure::OutputTokens, Measure::CacheReadTokens, Measure::CacheCreationTokens]
            .iter()
            .map(|measure| sums[measure])
            .sum();
    assert_eq!(metric("claude_code.token.usage"), tokens as f64);
    reader.assert_orderly();
}
