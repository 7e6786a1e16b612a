//! Known costs, to the last unit: requests priced by hand, and what clients reported for sessions that were recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use tokenledger_prices::{Class, Modifiers, PicoUsd, Prices, Tokens, moment};

const NONE: Modifiers = Modifiers {
    fast: false,
    batch: false,
    flex: false,
    priority: false,
    residency_us: false,
    regional: false,
};
const FAST: Modifiers = Modifiers { fast: true, ..NONE };

/// One request, what it costs, and what mistakes would make of it.
struct Case {
    model: &'static str,
    at: &'static str,
    /// Input, output, cache read, 5-minute write, 1-hour write, reasoning.
    tokens: [u64; Class::COUNT],
    web_searches: u64,
    modifiers: Modifiers,
    usd: &'static str,
    /// Results of known mistakes.
    wrong: &'static [&'static str],
}

impl Default for Case {
    fn default() -> Self {
        Self {
            model: "",
            at: "2026-11-20",
            tokens: [0; Class::COUNT],
            web_searches: 0,
            modifiers: NONE,
            usd: "",
            wrong: &[],
        }
    }
}

/// A decimal of dollars, read without floating point.
fn pico(usd: &str) -> PicoUsd {
    let (whole, places) = usd.split_once('.').unwrap_or((usd, ""));
    format!("{whole}{places:0<12}").parse().unwrap()
}

fn at(text: &str) -> u64 {
    moment(text).unwrap()
}

fn total(prices: &Prices, case: &Case) -> PicoUsd {
    let found = prices.find(case.model, "").expect(case.model);
    let answer = found.price(&Tokens(case.tokens), case.web_searches, at(case.at), case.modifiers);
    answer.expect(case.model).amounts.total()
}

fn check(cases: &[Case]) {
    let prices = Prices::built_in().unwrap();
    for case in cases {
        let cost = total(&prices, case);
        assert_eq!(cost, pico(case.usd), "{} at {}", case.model, case.at);
        for wrong in case.wrong {
            assert_ne!(cost, pico(wrong), "{} at {}", case.model, case.at);
        }
    }
}

/// Scenario: requests at the places where price tables and calculations go wrong: a model that is a prefix of another,
/// 1-hour writes, cliffs, cached tokens that are part of the input, thoughts, modes that multiply, regions, dates.
/// Guarantee: the exact cost, and not that of the mistake.
#[test]
fn requests_cost_what_they_cost() {
    check(&[
        Case {
            model: "claude-opus-5-5",
            tokens: [1_000, 2_000, 100_000, 10_000, 0, 0],
            usd: "0.114",
            wrong: &["0.1675"], // as claude-opus-5, by prefix
            ..Case::default()
        },
        Case {
            model: "claude-opus-5-5",
            tokens: [1_000, 2_000, 100_000, 0, 10_000, 0],
            usd: "0.144",
            wrong: &["0.114"], // 1-hour writes at the price of 5-minute ones
            ..Case::default()
        },
        Case {
            model: "claude-haiku-5-5",
            tokens: [1_000, 2_000, 100_000, 10_000, 0, 0],
            usd: "0.01675",
            wrong: &["0.00335"], // without the cliff
            ..Case::default()
        },
        Case {
            model: "claude-sonnet-4-5",
            tokens: [150_000, 1_000, 60_000, 0, 0, 0],
            usd: "0.9585",
            wrong: &["0.483"], // the threshold applied to each class by itself
            ..Case::default()
        },
        Case {
            model: "gpt-5.4", // 300,000 of input, of which 250,000 are cached
            tokens: [50_000, 5_000, 250_000, 0, 0, 0],
            usd: "0.4875",
            wrong: &["1.7375", "0.2625"], // cached tokens twice; without the cliff
            ..Case::default()
        },
        Case {
            model: "gemini-2.5-pro", // a prompt of 100,000, of which 80,000 are cached
            tokens: [20_000, 500, 80_000, 0, 0, 1_500],
            usd: "0.055",
            wrong: &["0.04"], // without thoughts
            ..Case::default()
        },
        Case {
            model: "claude-opus-4-8",
            tokens: [1_000, 2_000, 100_000, 10_000, 0, 0],
            modifiers: Modifiers { residency_us: true, ..FAST },
            usd: "0.3685",
            wrong: &["0.335", "0.18425"], // one of the two factors only
            ..Case::default()
        },
        Case {
            model: "us.anthropic.claude-sonnet-4-6",
            tokens: [1_000, 2_000, 100_000, 10_000, 0, 0],
            usd: "0.11055",
            wrong: &["0.1005"], // at the global price
            ..Case::default()
        },
        Case {
            model: "claude-opus-4-8",
            web_searches: 3,
            modifiers: FAST,
            usd: "0.03",
            wrong: &["0.06"], // searches multiplied
            ..Case::default()
        },
        Case {
            model: "claude-sonnet-5",
            at: "2026-10-01",
            tokens: [1_000_000, 0, 0, 0, 0, 0],
            usd: "2.00",
            wrong: &["3.00"], // a rise that was announced and cancelled
            ..Case::default()
        },
        Case {
            model: "claude-sonnet-5-5",
            at: "2026-10-06T23:59:59.999999999Z",
            tokens: [0, 0, 1_000_000, 0, 0, 0],
            usd: "0.20",
            wrong: &["0.10"],
            ..Case::default()
        },
        Case {
            model: "claude-sonnet-5-5",
            at: "2026-10-07",
            tokens: [0, 0, 1_000_000, 0, 0, 0],
            usd: "0.10",
            wrong: &["0.20"], // a table without dates
            ..Case::default()
        },
    ]);
}

/// Scenario: counts added up over many calls of `gpt-5.6-sol`, each below its cliff: 10,155,262 of input, of which
/// 9,452,211 were read from a cache and 702,443 written to one.
/// Guarantee: priced by the token the cliff stays out, and writes have their own price.
#[test]
fn sums_of_many_requests_are_priced_by_the_token() {
    let prices = Prices::built_in().unwrap();
    let found = prices.find("gpt-5.6-sol", "").unwrap();
    let tokens = [10_155_262 - 9_452_211 - 702_443, 0, 9_452_211, 702_443, 0, 0];
    let cost: PicoUsd = Class::ALL
        .into_iter()
        .zip(tokens)
        .map(|(class, tokens)| {
            found.rate(class, at("2026-08-01"), NONE).unwrap().per_token * PicoUsd::from(tokens)
        })
        .sum();
    assert_eq!(cost, pico("9.11941425"));
    assert_ne!(cost, pico("8.2413605")); // writes as plain input
}

/// Scenario: three web searches beside tokens, in fast mode. Guarantee: they add 0.03 dollars, not 0.06.
#[test]
fn searches_are_added_and_never_multiplied() {
    let prices = Prices::built_in().unwrap();
    for model in ["claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "claude-fable-5-2"] {
        let case = |web_searches| Case {
            model,
            tokens: [1_000, 2_000, 100_000, 10_000, 0, 0],
            web_searches,
            modifiers: FAST,
            ..Case::default()
        };
        assert_eq!(total(&prices, &case(3)) - total(&prices, &case(0)), pico("0.03"), "{model}");
    }
}

/// Scenario: recorded sessions of Claude Code with the cost that the client reported for them. The first two made ten
/// calls each: 17 tokens of input, 15,432 read, 4,000 and 321 written for five minutes and an hour, and 87 or 45 of
/// output. The third is one call.
/// Guarantee: the sum is the reported one, to the last micro-dollar.
#[test]
fn recorded_sessions_cost_what_their_clients_reported() {
    let prices = Prices::built_in().unwrap();
    for (model, at, reported) in [
        ("claude-sonnet-4-5-20250929", "2026-11-20", "0.225966"),
        ("claude-opus-4-8", "2026-11-20", "0.37661"),
    ] {
        let call =
            |output| Case { model, at, tokens: [17, output, 15_432, 4_000, 321, 0], ..Case::default() };
        let session = 5 * (total(&prices, &call(87)) + total(&prices, &call(45)));
        assert_eq!(session, pico(reported), "{model}");
    }
    check(&[Case {
        model: "claude-haiku-5-5",
        at: "2026-10-08",
        tokens: [2, 4, 9_179, 0, 13_356, 0],
        usd: "0.00276519",
        ..Case::default()
    }]);
}
