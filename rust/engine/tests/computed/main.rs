//! What the engine computes from tokens (design §6): costs, savings, tokens without a price, differences.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../support/world/mod.rs"]
mod world;

mod examples;
mod histories;
mod hostile;
mod properties;
mod threads;

use std::sync::Arc;

use tokenledger::{Config, Emit, IdentityMode, Number, PricingConfig, Rule};
use tokenledger_prices::Prices;

use world::World;
use world::batch::{Attr, Sample, Value};
use world::series::Output;

pub const TOKENS: &str = "claude_code.token.usage";
pub const REPORTED: &str = "claude_code.cost.usage";
pub const SONNET: &str = "claude-sonnet-4-5-20250929";

/// Prices of Claude Sonnet 4.5, dollars per million tokens (reference/pricing.md §1.1).
pub const TYPES: [(&str, &str, f64); 4] = [
    ("input", "input", 3.0),
    ("output", "output", 15.0),
    ("cacheRead", "cache_read", 0.3),
    ("cacheCreation", "cache_creation", 3.75),
];

pub fn priced(config: Config) -> Config {
    Config { pricing: Some(PricingConfig::default()), ..config }
}

pub fn world(config: Config) -> World {
    let world = World::new(config);
    world.engine.set_prices(Arc::new(Prices::built_in().unwrap()));
    world
}

pub fn tokens(session: &str, model: &str, token_type: &str, second: u64, value: i64) -> Sample {
    let attributes = [
        ("session.id", session),
        ("user.email", "a@example.invalid"),
        ("model", model),
        ("type", token_type),
    ];
    Sample::delta(TOKENS, &attributes, second - 1, second, value)
}

pub fn reported(session: &str, model: &str, second: u64, dollars: f64) -> Sample {
    let attributes = [("session.id", session), ("user.email", "a@example.invalid"), ("model", model)];
    let sample = Sample::delta(REPORTED, &attributes, second - 1, second, 0);
    Sample { value: Value::Number(Number::Double(dollars)), ..sample }
}

pub fn text<'a>(output: &'a Output, key: &str) -> Option<&'a str> {
    output.attributes.iter().find_map(|(known, value)| match value {
        Attr::Text(text) if known == key => Some(text.as_str()),
        _ => None,
    })
}

/// Sum of the latest totals of a metric's series that have these attributes.
pub fn total(world: &World, metric: &str, with: &[(&str, &str)]) -> f64 {
    let has = |output: &&Output| with.iter().all(|(key, value)| text(output, key) == Some(value));
    world.reader().latest(metric).filter(has).map(|output| output.value.size()).sum()
}

pub fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 * one.abs().max(other.abs()).max(1.0)
}

/// Scenario: one export of a session, then a tick. Guarantee: each token type costs its price, what the
/// client sends is untouched, and a computed point says agent, model, provider, type and source beside what
/// the client's point says.
#[test]
fn tokens_cost_their_price() {
    let mut world = world(priced(Config::default()));
    let points: Vec<_> =
        TYPES.iter().map(|(of_client, ..)| tokens("s", SONNET, of_client, 5, 1_000)).collect();
    let answered = world.at(5).send(&points);
    assert!(answered.iter().all(|output| output.metric == TOKENS), "computed points go out at ticks");
    world.at(6).tick(false);
    for (_, name, per_million) in TYPES {
        let with = [
            ("agent", "claude-code"),
            ("model", SONNET),
            ("provider", "anthropic"),
            ("type", name),
            ("source", "metrics"),
            ("session.id", "s"),
        ];
        assert!(near(total(&world, "token_ledger.cost", &with), per_million / 1e3), "{name}");
    }
    let saved = total(&world, "token_ledger.cost.savings", &[("type", "cache_read")]);
    assert!(near(saved, 2.7 / 1e3), "{saved}");
    assert_eq!(world.sum(TOKENS), 4_000);
    let scope = world.reader().latest("token_ledger.cost").next().unwrap().scope.clone();
    assert_eq!(scope.name, "tokenledger");
    world.reader().assert_orderly();
    world.reader().assert_zeros();
}

/// Scenario: the captured sessions' truth (10 calls each; data/captures). Guarantee: with the known share of
/// cache writes that live for an hour the client's figure comes out to the last millionth of a dollar, and with
/// what clients without an account document the one with writes for five minutes.
#[test]
fn the_captured_sessions_cost_what_they_report() {
    let (sonnet, opus) = (SONNET, "claude-opus-4-8");
    for (share, model, dollars) in [
        (Some(321.0 / 4_321.0), sonnet, 0.225_966),
        (Some(321.0 / 4_321.0), opus, 0.376_610),
        (None, sonnet, 0.218_743_5),
    ] {
        let pricing = PricingConfig { one_hour_share: share, ..PricingConfig::default() };
        let mut world = world(Config { pricing: Some(pricing), ..Config::default() });
        for call in 1..=10 {
            let output = if call % 2 == 0 { 87 } else { 45 };
            let of = |token_type, value| tokens("s", model, token_type, call, value);
            let points =
                [of("input", 17), of("output", output), of("cacheRead", 15_432), of("cacheCreation", 4_321)];
            world.at(call).send(&points);
            world.tick(false);
        }
        let cost = total(&world, "token_ledger.cost", &[]);
        assert!((cost - dollars).abs() < 5e-7, "{model}, share {share:?}: {cost}");
    }
}

/// Scenario: a rule drops the model, the session and the user of the client's metric. Guarantee: the price is
/// not lost, the computed metric keeps its model and loses the rest, until a rule for it says otherwise.
#[test]
fn a_dropped_model_does_not_lose_the_price() {
    let rule = |metrics: &str, drop: &[&str]| Rule {
        metrics: vec![metrics.to_owned()],
        drop: drop.iter().map(|key| (*key).to_owned()).collect(),
        ..Rule::default()
    };
    let trimmed = rule("claude_code.*", &["model", "session.id", "user.email"]);
    let points = |second| {
        let of = |session: &str, model: &str| tokens(session, model, "output", second, 100);
        [of("one", SONNET), of("two", SONNET), of("three", "claude-opus-4-8")]
    };
    for (rules, series) in
        [(vec![trimmed.clone()], 2), (vec![trimmed, rule("token_ledger.*", &["model", "provider"])], 1)]
    {
        let mut world = world(priced(Config { rules, ..Config::default() }));
        for second in [5, 6, 7] {
            world.at(second).send(&points(second));
            world.tick(false);
        }
        assert_eq!(world.reader().latest(TOKENS).count(), 1);
        let latest: Vec<_> = world.reader().latest("token_ledger.cost").collect();
        assert_eq!(latest.len(), series, "{latest:#?}");
        assert!(latest.iter().all(|output| text(output, "session.id").is_none()));
        let cost = total(&world, "token_ledger.cost", &[]);
        assert!(near(cost, 3.0 * (2.0 * 100.0 * 15.0 + 100.0 * 25.0) / 1e6), "{cost}");
        world.reader().assert_orderly();
    }
}

/// Scenario: a model that nobody lists, a type that nobody knows, a user without a name. Guarantee: no cost,
/// the tokens are counted as unpriced by model, and data quality says what is wrong.
#[test]
fn what_has_no_price_is_counted_as_such() {
    let mut world = world(priced(Config::default()));
    let nameless = Sample::delta(TOKENS, &[("model", "made-up-1"), ("type", "input")], 4, 5, 300);
    let points =
        [tokens("s", "made-up-1", "output", 5, 200), tokens("s", SONNET, "thinking", 5, 50), nameless];
    world.at(5).send(&points);
    world.tick(false);
    assert_eq!(world.reader().latest("token_ledger.cost").count(), 0);
    let unpriced = |with: &[(&str, &str)]| total(&world, "token_ledger.tokens.unpriced", with);
    assert_eq!(unpriced(&[("model", "made-up-1")]), 500.0);
    assert_eq!(unpriced(&[("model", SONNET), ("type", "other")]), 50.0);
    let quality = |issue| total(&world, "token_ledger.data_quality.tokens", &[("issue", issue)]);
    assert_eq!(quality("unknown_model"), 550.0);
    assert_eq!(quality("unattributed_user"), 300.0);
    assert_eq!(quality("missing_cost"), 550.0, "nobody reports costs");
}

/// Scenario: a client that reports what it pays, in the same request and in another. Guarantee: the difference
/// is what it reports minus what is computed, by model, and may be below zero; its cost is missing nowhere.
#[test]
fn what_is_reported_is_reconciled() {
    let mut world = world(priced(Config::default()));
    world.at(5).send(&[tokens("s", SONNET, "output", 5, 1_000), reported("s", SONNET, 5, 0.020)]);
    world.at(6).send(&[tokens("s", SONNET, "output", 6, 1_000)]);
    world.tick(false);
    let difference = |world: &World| total(world, "token_ledger.cost.difference", &[("model", SONNET)]);
    assert!(near(difference(&world), 0.020 - 0.030), "{}", difference(&world));
    world.at(7).send(&[reported("s", SONNET, 7, 0.010)]);
    world.at(8).tick(false);
    assert!(difference(&world).abs() < 1e-12);
    assert_eq!(world.reader().latest("token_ledger.data_quality.tokens").count(), 0);
    assert!(near(total(&world, REPORTED, &[]), 0.030), "the client's own metric is untouched");
}

/// Scenario: a request and a window that come again (D3a, D3b), also trimmed and after a refusal of the next
/// consumer (L4). Guarantee: what is computed from them counts once.
#[test]
fn retransmissions_cost_nothing() {
    let rule = Rule { metrics: vec!["*".to_owned()], drop: vec!["session.id".to_owned()], ..Rule::default() };
    for config in [Config::default(), Config { rules: vec![rule], ..Config::default() }] {
        let mut world = world(priced(config));
        let (first, second) = (tokens("s", SONNET, "output", 5, 10), tokens("s", SONNET, "input", 5, 10));
        world.at(5).send_refused(&[first.clone(), second.clone()]);
        world.at(6).send(&[first.clone(), second.clone()]);
        world.at(7).send(&[first]);
        world.at(8).send(&[second]);
        world.tick(false);
        assert!(near(total(&world, "token_ledger.cost", &[]), 10.0 * 18.0 / 1e6));
        world.reader().assert_orderly();
    }
}

/// Scenario: totals of a cumulative client under a rule (T3). Guarantee: what they grow by is priced, once.
#[test]
fn totals_are_priced_by_what_they_grow() {
    let rule = Rule { metrics: vec!["*".to_owned()], drop: vec!["session.id".to_owned()], ..Rule::default() };
    let mut world = world(priced(Config { rules: vec![rule], ..Config::default() }));
    let attributes = [("session.id", "s"), ("model", SONNET), ("type", "output")];
    for (second, value) in [(10, 100), (11, 250), (12, 250), (13, 1_000)] {
        world.at(second).send(&[Sample::total(TOKENS, &attributes, 9, second, value)]);
        world.tick(false);
    }
    assert!(near(total(&world, "token_ledger.cost", &[]), 1_000.0 * 15.0 / 1e6));
}

/// Scenario: the user's price file changes while the collector runs, and a row ends at a moment. Guarantee:
/// tokens cost what the table of their time and the file of their arrival say; no total falls.
#[test]
fn prices_change_for_what_comes_after() {
    let file = |input: u32| {
        format!(
            "version = \"v{input}\"\n[[price]]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4-5\"\n\
             input = {input}\noutput = 1\nsource = \"test\"\n"
        )
    };
    let mut world = world(priced(Config::default()));
    for (second, input) in [(5, 10), (6, 20), (7, 1)] {
        let prices = Prices::with_user_file(&file(input)).unwrap();
        world.engine.set_prices(Arc::new(prices));
        world.at(second).send(&[tokens("s", SONNET, "input", second, 1_000)]);
        world.tick(false);
    }
    assert!(near(total(&world, "token_ledger.cost", &[]), 31.0 / 1e3));
    world.reader().assert_orderly();
}

/// Scenario: signed-in people's main conversations, and everybody else. Guarantee: cache writes of the former
/// live for an hour, as the client documents; a share in the settings is for all.
#[test]
fn cache_writes_live_as_clients_document() {
    let write = |second: u64, more: &[(&str, &str)]| {
        let own = [("model", SONNET), ("type", "cacheCreation")];
        Sample::delta(TOKENS, &[&own[..], more].concat(), second - 1, second, 1_000_000)
    };
    let account = ("user.account_uuid", "u");
    for (share, more, dollars) in [
        (None, vec![], 3.75),
        (None, vec![("query_source", "main")], 3.75),
        (None, vec![account, ("query_source", "main")], 6.0),
        (None, vec![account, ("query_source", "subagent")], 3.75),
        (Some(1.0), vec![], 6.0),
        (Some(0.5), vec![account, ("query_source", "main")], 4.875),
    ] {
        let pricing = PricingConfig { one_hour_share: share, ..PricingConfig::default() };
        let mut world = world(Config { pricing: Some(pricing), ..Config::default() });
        world.at(5).send(&[write(5, &more)]);
        world.tick(false);
        let cost = total(&world, "token_ledger.cost", &[]);
        assert!(near(cost, dollars), "{share:?} {more:?}: {cost}");
    }
}

/// Scenario: two versions of a client in front of a Prometheus exporter, by request and by interval.
/// Guarantee: what is computed is one series, which begins with a zero.
#[test]
fn computed_series_are_those_of_a_reader() {
    for emit in [Emit::Each, Emit::Interval] {
        let config = Config { identity: IdentityMode::Prometheus, emit, ..Config::default() };
        let mut world = world(priced(config));
        for second in 5..10 {
            let mut point = tokens("s", SONNET, "output", second, 100);
            point.scope.version = (second % 2).to_string();
            point
                .resource
                .push(("service.version".to_owned(), Attr::from(if second % 2 == 0 { "1" } else { "2" })));
            world.at(second).send(&[point]);
            world.tick(false);
        }
        world.at(11).tick(true);
        assert_eq!(world.reader().latest("token_ledger.cost").count(), 1);
        assert!(near(total(&world, "token_ledger.cost", &[]), 500.0 * 15.0 / 1e6));
        world.reader().assert_orderly();
        world.reader().assert_zeros();
    }
}

/// Scenario: more sources than the limits allow. Guarantee: what their tokens cost is in the sum (T5).
#[test]
fn a_flood_of_sources_loses_no_cost() {
    let mut world = world(priced(Config { max_streams: 50, ..Config::default() }));
    for second in 2..12 {
        let points: Vec<_> = (0..100)
            .map(|session| tokens(&format!("{second}-{session}"), SONNET, "output", second, 7))
            .collect();
        world.at(second).send(&points);
        world.tick(false);
    }
    world.at(60).tick(true);
    assert!(near(total(&world, "token_ledger.cost", &[]), 7_000.0 * 15.0 / 1e6));
    assert_eq!(world.sum(TOKENS), 7_000);
}

/// Scenario: people who stop sending. Guarantee: after a day they are silent, after a week forgotten.
#[test]
fn clients_that_fall_silent_are_counted() {
    const DAY: u64 = 24 * 3600;
    let config = Config { max_stale_nano: 30 * DAY * world::SECOND, ..Config::default() };
    let mut world = world(priced(config));
    let clients = |world: &World, state| total(world, "token_ledger.clients", &[("state", state)]);
    world.at(100).send(&[tokens("s", SONNET, "output", 100, 7)]);
    world.at(200).tick(false);
    assert_eq!((clients(&world, "active"), clients(&world, "silent")), (1.0, 0.0));
    world.at(2 * DAY).tick(false);
    assert_eq!((clients(&world, "active"), clients(&world, "silent")), (0.0, 1.0));
    world.at(8 * DAY).tick(false);
    assert_eq!((clients(&world, "active"), clients(&world, "silent")), (0.0, 0.0));
}
