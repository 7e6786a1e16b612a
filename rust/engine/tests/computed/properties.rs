//! What holds for any usage: nothing is lost, order and requests do not matter.

use proptest::prelude::*;
use tokenledger::{Config, Emit, IdentityMode, Rule};

use crate::world::batch::Sample;
use crate::{TOKENS, near, priced, tokens, total, world};

/// Models with dollars per million tokens of output.
const MODELS: [(&str, f64); 3] =
    [("claude-sonnet-4-5-20250929", 15.0), ("claude-opus-4-8", 25.0), ("made-up", 0.0)];

fn points() -> impl Strategy<Value = Vec<(usize, usize, i64)>> {
    proptest::collection::vec((0..3_usize, 0..4_usize, 0..100_000_i64), 1..60)
}

fn configs() -> impl Strategy<Value = Config> {
    let rule = Rule {
        metrics: vec!["*token*".to_owned()],
        drop: vec!["session.id".to_owned(), "model".to_owned()],
        ..Rule::default()
    };
    (any::<bool>(), any::<bool>(), any::<bool>(), prop_oneof![Just(1_000_000), Just(6)]).prop_map(
        move |(trimmed, interval, prometheus, max_streams)| {
            priced(Config {
                rules: if trimmed { vec![rule.clone()] } else { Vec::new() },
                emit: if interval { Emit::Interval } else { Emit::Each },
                identity: if prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
                max_streams,
                ..Config::default()
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Scenario: any usage of any sessions, in requests of any size, under any settings. Guarantee: cost is
    /// tokens by price, unpriced tokens are the rest, without reports there is no difference, and no total is below
    /// zero or falls.
    #[test]
    fn cost_is_tokens_by_price(points in points(), size in 1..20_usize, config in configs()) {
        let mut world = world(config);
        let samples: Vec<Sample> = points
            .iter()
            .enumerate()
            .map(|(number, (model, session, value))| {
                tokens(&session.to_string(), MODELS[*model].0, "output", 10 + number as u64, *value)
            })
            .collect();
        let cost: f64 = points.iter().map(|(model, _, value)| MODELS[*model].1 / 1e6 * *value as f64).sum();
        let unpriced: i64 = points.iter().filter(|(model, ..)| *model == 2).map(|(.., value)| value).sum();
        for (number, request) in samples.chunks(size).enumerate() {
            world.at(100 + number as u64).send(request);
            world.tick(false);
        }
        world.at(1_000).tick(true);
        let sum = |metric| total(&world, metric, &[]);
        prop_assert!(near(sum("token_ledger.cost"), cost), "{} {cost}", sum("token_ledger.cost"));
        prop_assert!(near(sum("token_ledger.cost.difference"), 0.0));
        prop_assert!(near(sum("token_ledger.tokens.unpriced"), unpriced as f64));
        prop_assert!(near(sum(TOKENS), points.iter().map(|(.., value)| *value as f64).sum()));
        world.reader().assert_orderly();
    }
}
