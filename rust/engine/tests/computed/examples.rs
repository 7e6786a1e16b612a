//! Faults found in review of what is computed.

use std::sync::Arc;

use tokenledger::batch::Temporality;
use tokenledger::{Config, GaugeMerge, IdentityMode, Number, Rule};
use tokenledger_prices::Prices;

use crate::world::batch::{Attr, Sample, Value, texts};
use crate::{REPORTED, SONNET, TOKENS, near, priced, reported, text, tokens, total, world};

fn rule(metrics: &str, drop: &[&str]) -> Rule {
    Rule {
        metrics: vec![metrics.to_owned()],
        drop: drop.iter().map(|key| (*key).to_owned()).collect(),
        ..Rule::default()
    }
}

/// Scenario: one point of a client whose clock is wrong comes first: at the end of time, at its beginning, and
/// before the row of a price that has one. Guarantee: what comes after it, at a sound time, has its price.
#[test]
fn a_wrong_clock_does_not_take_the_price_from_others() {
    let file = "[[price]]\nprovider = \"anthropic\"\nmodel = \"contract-1\"\nfrom = 2026-01-01\ninput = 1\n\
                output = 2\nsource = \"test\"\n";
    for (model, wrong, per_million) in [(SONNET, u64::MAX, 15.0), ("contract-1", 1, 2.0)] {
        let mut world = world(priced(Config::default()));
        world.engine.set_prices(Arc::new(Prices::with_user_file(file).unwrap()));
        let early = Sample { start: wrong, time: wrong, ..tokens("wrong", model, "output", 5, 1) };
        world.at(5).send(&[early]);
        for second in 6..30 {
            // Many sessions: prices are kept in parts.
            let points: Vec<_> =
                (0..20).map(|number| tokens(&number.to_string(), model, "output", second, 1_000)).collect();
            world.at(second).send(&points);
        }
        world.tick(false);
        let cost = total(&world, "token_ledger.cost", &[]);
        let expected = 24.0 * 20.0 * 1_000.0 * per_million / 1e6;
        assert!((cost - expected).abs() <= 1e-4, "{model}: {cost}, not {expected}");
    }
}

/// Scenario: a client that sends totals, no rule, `identity: otlp`. Guarantee: a priced metric goes through T3, and
/// what its totals grow by is priced (D14).
#[test]
fn totals_are_priced_without_a_rule() {
    let mut world = world(priced(Config::default()));
    let attributes = [("session.id", "s"), ("model", SONNET), ("type", "output")];
    for (second, value) in [(10, 100), (11, 250), (12, 1_000)] {
        world.at(second).send(&[Sample::total(TOKENS, &attributes, 9, second, value)]);
        world.tick(false);
    }
    assert_eq!(world.sum(TOKENS), 1_000);
    let cost = total(&world, "token_ledger.cost", &[]);
    assert!(near(cost, 1_000.0 * 15.0 / 1e6), "{cost}");
}

/// Scenario: one request that names more models than the table of tariffs has room for. Guarantee: every token
/// without a price is counted as such, in each metric that says so.
#[test]
fn a_flood_of_models_loses_no_tokens() {
    let mut world = world(priced(Config::default()));
    let points: Vec<_> =
        (0..20_000).map(|number| tokens("s", &format!("made-up-{number}"), "output", 5, 3)).collect();
    world.at(5).send(&points);
    world.tick(false);
    assert_eq!(total(&world, "token_ledger.tokens.unpriced", &[]), 60_000.0);
    let quality = total(&world, "token_ledger.data_quality.tokens", &[("issue", "unknown_model")]);
    assert_eq!(quality, 60_000.0);
}

/// Scenario: more sources than an engine with a small budget has room for (T5). Guarantee: what is kept to price
/// them is within that budget too.
#[test]
fn prices_stay_within_the_budget() {
    let limit = 16 << 20;
    let mut world = world(priced(Config { max_memory_bytes: limit, ..Config::default() }));
    for round in 0..60_u64 {
        let points: Vec<_> = (0..4_000)
            .map(|number| tokens(&format!("{round}-{number}"), &"m".repeat(200), "output", 5 + round, 1))
            .collect();
        world.at(5 + round).send(&points);
        world.tick(false);
    }
    let stats = world.engine.stats();
    let held = stats.state_bytes + stats.text_bytes + stats.scratch_bytes;
    assert!(held <= limit, "{} KiB of {} KiB: {stats:?}", held >> 10, limit >> 10);
    assert_eq!(total(&world, "token_ledger.tokens.unpriced", &[]), 240_000.0);
}

/// Scenario: a client is updated, and a Prometheus reader takes both versions for one series (T0). Guarantee: what
/// is computed carries the latest text of the resource as the client's own series does: `target_info` is one.
#[test]
fn computed_series_carry_the_latest_resource() {
    let config = Config { identity: IdentityMode::Prometheus, ..Config::default() };
    let mut world = world(priced(config));
    for second in 5..15 {
        let mut point = tokens("s", SONNET, "output", second, 100);
        let version = if second < 10 { "1" } else { "2" };
        point.resource.push(("service.version".to_owned(), Attr::from(version)));
        world.at(second).send(&[point]);
        world.tick(false);
    }
    for metric in [TOKENS, "token_ledger.cost"] {
        let latest = world.reader().latest(metric).next().unwrap();
        let version = latest.resource.iter().find(|(key, _)| key == "service.version");
        assert_eq!(version.map(|(_, text)| text.clone()), Some(Attr::from("2")), "{metric}");
    }
}

/// Scenario: two tenants (`metadata_keys`). Guarantee: their clients are counted apart, and nothing goes out
/// without a tenant (design §4, client metadata).
#[test]
fn clients_of_tenants_are_counted_apart() {
    let mut world = world(priced(Config::default()));
    for (tenant, sessions) in [("a", 1), ("b", 3)] {
        world.metadata = texts(&[("tenant", tenant)]);
        let of = |number: i32| {
            let user = number.to_string();
            let attributes = [("user.email", user.as_str()), ("model", SONNET), ("type", "output")];
            Sample::delta(TOKENS, &attributes, 99, 100, 7)
        };
        let points: Vec<_> = (0..sessions).map(of).collect();
        world.at(100).send(&points);
    }
    let outputs = world.at(200).tick(false);
    let clients: Vec<_> = outputs.iter().filter(|output| output.metric == "token_ledger.clients").collect();
    assert!(!clients.is_empty());
    assert!(clients.iter().all(|output| !output.metadata.is_empty()), "{clients:#?}");
}

/// Scenario: two tenants, both with people that have no name; those of one report costs. Guarantee: that says
/// nothing of the other (design §4, client metadata).
#[test]
fn a_tenant_that_reports_costs_does_not_report_those_of_another() {
    let mut world = world(priced(Config::default()));
    world.metadata = texts(&[("tenant", "a")]);
    let nameless = |sample: Sample| {
        let attributes = sample.attributes.into_iter().filter(|(key, _)| key != "user.email").collect();
        Sample { attributes, ..sample }
    };
    world.at(5).send(&[nameless(reported("s", SONNET, 5, 0.1))]);
    world.metadata = texts(&[("tenant", "b")]);
    world.at(6).send(&[nameless(tokens("s", SONNET, "output", 6, 100))]);
    world.tick(false);
    assert_eq!(total(&world, "token_ledger.data_quality.tokens", &[("issue", "missing_cost")]), 100.0);
}

/// Scenario: a rule takes the state, or the agent and the state, off the count of clients and adds them up (T4).
/// Guarantee: the sum is that of all clients.
#[test]
fn merged_counts_of_clients_add_up() {
    const DAY: u64 = 24 * 3600;
    let merged = Rule { gauge: GaugeMerge::Sum, ..rule("token_ledger.clients", &["state"]) };
    let config =
        Config { rules: vec![merged], max_stale_nano: 30 * DAY * 1_000_000_000, ..Config::default() };
    let mut world = world(priced(config));
    let of = |user: &str, second| {
        Sample::delta(
            TOKENS,
            &[("user.email", user), ("model", SONNET), ("type", "output")],
            second - 1,
            second,
            7,
        )
    };
    world.at(100).send(&[of("one", 100), of("two", 100)]);
    world.at(2 * DAY).send(&[of("one", 2 * DAY)]);
    world.at(2 * DAY + 100).tick(false);
    assert_eq!(total(&world, "token_ledger.clients", &[]), 2.0, "one active, one silent");
}

/// Scenario: an agent whose counters cannot be priced, because its input includes what is cached, reports its
/// costs. Guarantee: nothing was computed, so there is no difference to it.
#[test]
fn what_is_not_computed_differs_from_nothing() {
    let mut world = world(priced(Config::default()));
    let micros = Sample::delta("codex.turn.cost_microusd", &[("model", "gpt-5.6-luna")], 4, 5, 2_000_000);
    world.at(5).send(&[micros]);
    world.tick(false);
    assert_eq!(total(&world, "token_ledger.cost.difference", &[]), 0.0);
}

/// Scenario: a counter of parts of tokens, as a client that samples sends it. Guarantee: what it adds up to is
/// priced: four tokens cost four tokens.
#[test]
fn parts_of_tokens_add_up() {
    let mut world = world(priced(Config::default()));
    for second in 5..15 {
        let point = tokens("s", SONNET, "output", second, 0);
        world.at(second).send(&[Sample { value: Value::Number(Number::Double(0.4)), ..point }]);
    }
    world.tick(false);
    let cost = total(&world, "token_ledger.cost", &[]);
    assert!((cost - 4.0 * 15.0 / 1e6).abs() < 1e-9, "{cost}");
}

/// Scenario: names as clouds and routers spell them. Guarantee: the provider on the computed metric is who the
/// price table says it is, as on records and spans.
#[test]
fn the_provider_is_that_of_the_price() {
    let prices = Prices::built_in().unwrap();
    for model in [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5@20250929",
        "anthropic/claude-sonnet-4.5",
        "openrouter/anthropic/claude-sonnet-4.5",
        "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "vertex_ai/claude-sonnet-4-5@20250929",
        "sonnet",
        "claude-sonnet-4-5[1m]",
        "apac.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "azure/gpt-5",
        "gpt-5",
        "gemini-2.5-pro",
        "o3",
        "google/gemini-2.5-pro",
        "openai/gpt-5",
    ] {
        let mut world = world(priced(Config::default()));
        world.at(5).send(&[tokens("s", model, "output", 5, 100)]);
        world.tick(false);
        let Some(found) = prices.find(model, "") else { continue };
        let output = world.reader().latest("token_ledger.cost").next().unwrap().clone();
        assert_eq!(text(&output, "provider"), Some(found.provider), "{model}");
    }
}

/// Scenario: a client's own metric of the name of a computed one, as delta and as total, from a tier before this
/// one. Guarantee: it adds up as any other; what is computed here is added once.
#[test]
fn metrics_of_a_tier_before_this_one_add_up() {
    let mut world = world(priced(Config::default()));
    let events = [("agent", "claude-code"), ("source", "events"), ("type", "output")];
    let dollars = |sample: Sample, dollars: f64| Sample {
        unit: "USD".into(),
        value: Value::Number(Number::Double(dollars)),
        ..sample
    };
    for second in 5..10_u64 {
        let delta = Sample::delta("token_ledger.cost", &events, second - 1, second, 0);
        let total = Sample::total("token_ledger.cost", &[("source", "far")], 4, second, 0);
        world.at(second).send(&[
            dollars(delta, 0.5),
            dollars(total, 0.25 * (second - 4) as f64),
            tokens("s", SONNET, "output", second, 1_000),
        ]);
        world.tick(false);
    }
    let cost = |source| total(&world, "token_ledger.cost", &[("source", source)]);
    assert!(near(cost("events"), 2.5), "{}", cost("events"));
    assert!(near(cost("far"), 1.25), "{}", cost("far"));
    assert!(near(cost("metrics"), 5.0 * 0.015), "{}", cost("metrics"));
    world.reader().assert_orderly();
}

/// Scenario: keys of the client that are ours, of other types, twice, empty. Guarantee: ours take their place, and
/// the rest of the point stays.
#[test]
fn keys_of_the_client_give_way_to_ours() {
    let mut world = world(priced(Config::default()));
    let mut point = tokens("s", SONNET, "output", 5, 1_000);
    for key in ["agent", "provider", "source", "issue", "state"] {
        point.attributes.push((key.to_owned(), Attr::Int(7)));
    }
    point.attributes.push(("agent".to_owned(), Attr::from("mine")));
    point.attributes.push(("bytes".to_owned(), Attr::Bytes(vec![0xff, 0])));
    world.at(5).send(&[point]);
    world.tick(false);
    let with = [("agent", "claude-code"), ("source", "metrics"), ("session.id", "s")];
    assert!(near(total(&world, "token_ledger.cost", &with), 0.015));
    let output = world.reader().latest("token_ledger.cost").next().unwrap();
    assert_eq!(output.attributes.iter().filter(|(key, _)| key == "agent").count(), 1);
}

/// Scenario: a model that is no text. Guarantee: tokens are unpriced, nothing else happens.
#[test]
fn models_that_are_no_text_have_no_price() {
    for model in [Attr::Int(5), Attr::Double(0.5), Attr::Bool(true), Attr::Empty, Attr::Bytes(vec![0xff; 9])]
    {
        let mut world = world(priced(Config::default()));
        let mut point = tokens("s", "", "output", 5, 1_000);
        point.attributes[2].1 = model;
        world.at(5).send(&[point.clone()]);
        point.time += 1;
        point.attributes[2].1 = Attr::Text("x".repeat(1 << 20));
        world.at(6).send(&[point]);
        world.tick(false);
        assert_eq!(total(&world, "token_ledger.tokens.unpriced", &[]), 2_000.0);
        assert_eq!(world.reader().latest("token_ledger.cost").count(), 0);
    }
}

/// Scenario: numbers that no meter shows: i64::MAX, 1e300, nothing, below nothing, NaN, then an ordinary one.
/// Guarantee: totals are finite, grow, and the ordinary one is not lost where the sum has room for it.
#[test]
fn absurd_numbers_do_no_harm() {
    for (value, invalid) in [
        (Number::Int(i64::MAX), false),
        (Number::Double(1e300), false),
        (Number::Int(0), false),
        (Number::Int(-5), true),
        (Number::Double(f64::NAN), true),
        (Number::Double(f64::INFINITY), true),
        (Number::Double(-0.0), false),
    ] {
        let mut world = world(priced(Config::default()));
        for metric in [TOKENS, REPORTED] {
            let mut point = tokens("s", SONNET, "output", 5, 1);
            (point.metric, point.value) = (metric.to_owned(), Value::Number(value));
            world.at(5).send(&[point]);
        }
        assert_eq!(world.outcomes.invalid, if invalid { 2 } else { 0 });
        world.at(6).send(&[tokens("s", SONNET, "output", 6, 1_000)]);
        world.tick(false);
        world.at(7).send(&[tokens("s", SONNET, "output", 7, 1_000)]);
        world.at(8).tick(false);
        let cost = total(&world, "token_ledger.cost", &[]);
        assert!(cost.is_finite() && cost >= 0.03, "{value:?}: {cost}");
        world.reader().assert_orderly();
    }
}

/// Scenario: totals of a client as integers and as doubles, with late points, restarts and points that come again,
/// beside deltas of the same source. Guarantee: cost is what the client's own stream grew by.
#[test]
fn totals_and_deltas_cost_what_they_add() {
    let rules = vec![rule("*", &["session.id"])];
    let mut world = world(priced(Config { rules, ..Config::default() }));
    let of = |start: u64, second: u64, value: Number| {
        let point = tokens("s", SONNET, "output", second, 0);
        Sample {
            temporality: Temporality::Cumulative,
            start: crate::world::at(start),
            value: Value::Number(value),
            ..point
        }
    };
    let steps = [
        of(9, 10, Number::Double(100.0)),
        of(9, 12, Number::Double(250.0)),
        of(9, 11, Number::Double(200.0)),
        of(9, 12, Number::Double(250.0)),
        of(9, 13, Number::Int(300)),
        of(9, 14, Number::Double(50.0)),
        of(15, 16, Number::Int(40)),
        tokens("s", SONNET, "output", 17, 7),
        tokens("s", SONNET, "output", 17, 7),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        world.at(20 + number as u64).send(&[step]);
        world.tick(false);
    }
    world.at(60).tick(true);
    let own: f64 = total(&world, TOKENS, &[]);
    assert_eq!(own, 397.0);
    let cost = total(&world, "token_ledger.cost", &[]);
    assert!(near(cost, own * 15.0 / 1e6), "{cost}");
    world.reader().assert_orderly();
}

/// Scenario: a request with so many attributes that its own stream just has room for them. Guarantee: its cost has a
/// stream of its own too, with its model.
#[test]
fn large_points_keep_their_model() {
    let mut world = world(priced(Config::default()));
    let mut point = tokens("s", SONNET, "output", 5, 1_000);
    let held: usize = 16 * 1024 - 190;
    point.attributes.push(("large".to_owned(), Attr::Text("x".repeat(held))));
    world.at(5).send(&[point]);
    world.tick(false);
    assert_eq!(world.outcomes.overflow, 0, "the client's point is no overflow");
    assert!(near(total(&world, "token_ledger.cost", &[("model", SONNET)]), 0.015));
}

/// Scenario: a share of cache writes that no binary fraction is. Guarantee: the description says it as the user wrote
/// it.
#[test]
fn the_assumption_is_told_as_it_is_written() {
    use tokenledger::PricingConfig;
    use tokenledger::Tick;
    let pricing = PricingConfig { one_hour_share: Some(0.07), ..PricingConfig::default() };
    let mut world = world(Config { pricing: Some(pricing), ..Config::default() });
    world.at(5).send(&[tokens("s", SONNET, "output", 5, 1_000)]);
    let mut tick = Tick::default();
    world.engine.tick(world.now(), false, &mut tick).unwrap();
    let descriptions: Vec<_> = tick
        .metrics()
        .map(|metric| String::from_utf8(metric.descriptor.description.to_vec()).unwrap())
        .filter(|text| text.contains("Cache writes"))
        .collect();
    assert!(!descriptions.is_empty());
    assert!(descriptions.iter().all(|text| text.contains("7 % live")), "{descriptions:?}");
}
