//! Found in review: any history of clients, refusals, silence and limits, with what is computed beside it.

use proptest::prelude::*;
use tokenledger::batch::Temporality;
use tokenledger::{Config, Emit, IdentityMode, Number, PrometheusLabels, Retransmissions, Rule};

use crate::world::batch::{Attr, Sample, Value};
use crate::world::{SECOND, World, at};
use crate::{SONNET, TOKENS, priced, tokens, world};

const MAX_STALE_SECONDS: u64 = 900;

#[derive(Clone, Debug)]
enum Event {
    /// Clients by bits: four that send increases, two that send totals.
    Send {
        clients: u8,
        value: u16,
        refused: bool,
    },
    Repeat,
    Tick {
        refused: bool,
    },
    /// Longer than streams live, or than others may make room for.
    Idle {
        long: bool,
    },
    /// A client that sends totals begins anew.
    Restart(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (1..64_u8, 0..3_000_u16, any::<bool>())
            .prop_map(|(clients, value, refused)| Event::Send { clients, value, refused: refused && value % 4 == 0 }),
        2 => Just(Event::Repeat),
        4 => any::<bool>().prop_map(|refused| Event::Tick { refused }),
        1 => any::<bool>().prop_map(|long| Event::Idle { long }),
        1 => (0..2_u8).prop_map(Event::Restart),
    ];
    proptest::collection::vec(event, 1..60)
}

fn configs() -> impl Strategy<Value = Config> {
    let rule = |drop: &[&str]| Rule {
        metrics: vec!["*".to_owned()],
        drop: drop.iter().map(|key| (*key).to_owned()).collect(),
        ..Rule::default()
    };
    let values =
        Rule { max_values: [("session.id".to_owned(), 2), ("model".to_owned(), 1)].into(), ..rule(&[]) };
    let rules = prop_oneof![
        Just(vec![]),
        Just(vec![rule(&["session.id"])]),
        Just(vec![values]),
        Just(vec![rule(&["session.id", "model", "type", "agent", "provider", "source", "user.email"])]),
    ];
    let promoted = prop_oneof![
        Just(PrometheusLabels::default()),
        Just(PrometheusLabels {
            promote_resource_attributes: vec!["agent".into(), "service.version".into()],
            promote_scope_metadata: true,
            ..PrometheusLabels::default()
        }),
        Just(PrometheusLabels { promote_all_resource_attributes: true, ..PrometheusLabels::default() }),
    ];
    let limits = prop_oneof![Just(1_000_000), Just(4), Just(9)];
    let delays = prop_oneof![Just(0), Just(15 * SECOND)];
    (rules, promoted, limits, delays, any::<[bool; 3]>()).prop_map(
        |(rules, prometheus, max_streams, first_value_delay_nano, [interval, is_prometheus, add])| {
            priced(Config {
                rules,
                prometheus,
                max_streams,
                first_value_delay_nano,
                emit: if interval { Emit::Interval } else { Emit::Each },
                identity: if is_prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
                retransmissions: if add { Retransmissions::Add } else { Retransmissions::Recognise },
                max_stale_nano: MAX_STALE_SECONDS * SECOND,
                ..Config::default()
            })
        },
    )
}

/// What a reader's `increase()` makes of all series of a metric, whatever resets they have.
fn increase(world: &World, metric: &str) -> f64 {
    let mut sum = 0.0;
    for outputs in world.reader().series.values().filter(|outputs| {
        crate::world::series::sanitised(&outputs[0].metric) == crate::world::series::sanitised(metric)
    }) {
        let mut last = 0.0;
        for output in outputs {
            let value = output.value.size();
            sum += if value < last { value } else { value - last };
            last = value;
        }
    }
    sum
}

#[derive(Clone, Copy, Debug)]
struct Totals {
    start: u64,
    value: i64,
}

fn request(
    second: u64,
    clients: u8,
    value: u16,
    members: &mut [Totals; 2],
    with_totals: bool,
) -> Vec<Sample> {
    let mut points = Vec::new();
    for client in (0..6_u8).filter(|client| clients >> client & 1 == 1) {
        let mut point =
            tokens(&(client % 4).to_string(), SONNET, "output", second, i64::from(value) + i64::from(client));
        point.resource.push(("agent".into(), Attr::from(if client % 2 == 0 { "x" } else { "y" })));
        point
            .resource
            .push(("service.version".into(), Attr::from(if second.is_multiple_of(2) { "1" } else { "2" })));
        point.scope.version = (client % 2).to_string();
        if client >= 4 {
            if !with_totals {
                continue;
            }
            let member = &mut members[usize::from(client) - 4];
            member.value += i64::from(value);
            point.temporality = Temporality::Cumulative;
            point.start = at(member.start);
            point.resource[2].1 = Attr::from("3");
            point.attributes[0].1 = Attr::from(format!("total-{client}").as_str());
            point.value = Value::Number(match client {
                4 => Number::Int(member.value),
                _ => Number::Double(member.value as f64),
            });
        }
        points.push(point);
    }
    points
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Scenario: clients that send increases and totals, repetitions, refusals of the next consumer, silence longer
    /// than streams live, limits and rules of all kinds. Guarantee: to a reader the cost grows by the price of what
    /// the tokens grow by, and every series is in order.
    #[test]
    fn cost_grows_by_the_price_of_tokens(config in configs(), events in events()) {
        let is_two_level = config.identity == IdentityMode::Prometheus || !config.rules.is_empty();
        let with_totals = is_two_level && config.max_streams > 100;
        // A zero that was refused with its value does not come again (D6, L4): after a reset readers miss it.
        let refuses = !events.iter().any(|event| matches!(event, Event::Idle { .. }));
        let mut sent = 0.0;
        let mut world = world(config);
        let (mut second, mut last) = (10, Vec::new());
        let mut members = [Totals { start: 5, value: 0 }, Totals { start: 6, value: 0 }];
        let mut counted = members;
        for event in &events {
            second += 2;
            world.at(second);
            match event {
                Event::Send { clients, value, refused } => {
                    last = request(second, *clients, *value, &mut members, with_totals);
                    sent += added(&last, &mut counted);
                    if *refused && refuses {
                        world.send_refused(&last);
                        second += 1;
                        world.at(second);
                    }
                    world.send(&last);
                }
                Event::Repeat if world.engine.stats().max_streams > 0 => {
                    // Where equal points are added, only what was refused is recognised.
                    last.iter_mut().for_each(|point| point.value = Value::Number(Number::Int(0)));
                    last.retain(|point| point.temporality == Temporality::Delta);
                    world.send(&last);
                }
                Event::Repeat => {}
                Event::Tick { refused: true } if refuses => world.tick_refused(),
                Event::Tick { .. } => drop(world.tick(false)),
                Event::Idle { long } => {
                    for _ in 0..3 {
                        second += 20;
                        world.at(second).tick(false);
                    }
                    second += if *long { MAX_STALE_SECONDS + 100 } else { 400 };
                    world.at(second).tick(false);
                }
                Event::Restart(client) => {
                    members[usize::from(*client)] = Totals { start: second, value: 0 };
                }
            }
        }
        for _ in 0..3 {
            second += 20;
            world.at(second).tick(false);
        }
        world.at(second + 1).tick(true);
        let (cost, tokens) = (increase(&world, "token_ledger.cost"), increase(&world, TOKENS));
        prop_assert!((tokens - sent).abs() < 1e-6, "{tokens} of {sent}");
        prop_assert!((cost - sent * 15.0 / 1e6).abs() < 1e-9, "{cost} for {sent}");
        // Nobody reports costs, and each token is of somebody with a name.
        let quality = increase(&world, "token_ledger.data_quality.tokens");
        prop_assert!((quality - sent).abs() < 1e-6, "{quality} of {sent}");
        orderly(&world);
    }
}

/// What the points of a request add to what was counted before.
fn added(points: &[Sample], counted: &mut [Totals; 2]) -> f64 {
    let mut sum = 0.0;
    for point in points {
        let value = point.value.size();
        sum += value;
        if point.temporality == Temporality::Cumulative {
            let last = &mut counted[usize::from(matches!(point.value, Value::Number(Number::Double(_))))];
            if at(last.start) == point.start {
                sum -= last.value as f64;
            }
            *last = Totals { start: (point.start - at(0)) / SECOND, value: value as i64 };
        }
    }
    sum
}

/// As the reader's own, but for resets after long silence.
fn orderly(world: &World) {
    for (key, outputs) in &world.reader().series {
        for pair in outputs.windows(2) {
            assert!(!pair[1].written || pair[0].time < pair[1].time, "{key}: {pair:#?}");
            let reset = pair[1].value.size() == 0.0;
            assert!(
                !pair[1].monotonic || reset || pair[0].value.size() <= pair[1].value.size(),
                "{key} falls: {pair:#?}"
            );
        }
    }
}
