//! What published tables have wrong, or lack, and this table must have right.
#![allow(clippy::unwrap_used, reason = "tests")]

use tokenledger_prices::{Class, Modifiers, Prices, Tokens};

const MARCH: u64 = 1_772_323_200_000_000_000; // 2026-03-01
const APRIL: u64 = 1_775_001_600_000_000_000; // 2026-04-01
const OCTOBER: u64 = 1_790_812_800_000_000_000; // 2026-10-01
const NOVEMBER: u64 = 1_795_132_800_000_000_000; // 2026-11-20

/// Units of 10⁻¹² dollars for a token, or `None`.
fn rate(model: &str, class: Class, at: u64, modifiers: Modifiers) -> Option<i128> {
    let prices = Prices::built_in().unwrap();
    let rate = prices.find(model, "")?.rate(class, at, modifiers)?;
    Some(rate.per_token)
}

/// Scenario: rows that LiteLLM, genai-prices or models.dev state wrongly (reference of errors: docs/prices.md).
/// Guarantee: the table has the right figure; the wrong one is named beside it.
#[test]
fn known_errors_are_not_taken_over() {
    let plain = Modifiers::default();
    for (model, class, right, wrong) in [
        ("claude-3-haiku-20240307", Class::CacheWrite1h, 500_000, "LiteLLM 6.00"),
        ("claude-3-haiku-20240307", Class::CacheWrite5m, 300_000, "1.25 times the input, 0.3125"),
        ("claude-3-opus-20240229", Class::CacheWrite1h, 30_000_000, "LiteLLM 6.00"),
        ("claude-3-sonnet-20240229", Class::CacheWrite5m, 3_750_000, "models.dev 0.30"),
        ("claude-3-5-haiku@20241022", Class::Input, 800_000, "LiteLLM on Vertex 1.00"),
        ("eu.anthropic.claude-3-5-haiku-20241022-v1:0", Class::Input, 800_000, "LiteLLM 0.25"),
        ("eu.anthropic.claude-opus-4-5-20251101-v1:0", Class::Input, 5_500_000, "LiteLLM 5.00"),
        ("us.anthropic.claude-opus-4-8", Class::Output, 27_500_000, "models.dev 25"),
        ("jp.anthropic.claude-opus-4-7", Class::CacheWrite1h, 11_000_000, "LiteLLM has none"),
        ("claude-sonnet-5", Class::Input, 2_000_000, "genai-prices 3.00 from 2026-09-01"),
        ("us.anthropic.claude-sonnet-5", Class::Output, 11_000_000, "genai-prices 16.50 from 2026-09-01"),
        ("claude-opus-5-5", Class::CacheRead, 200_000, "0.50 by the beginning of the name"),
        ("claude-fable-5-1", Class::CacheRead, 250_000, "1.00 by the beginning of the name"),
        ("claude-mythos-5", Class::Input, 10_000_000, "in no table"),
        ("gemini-3.6-flash", Class::Input, 750_000, "LiteLLM 1.50, the price of 2027"),
        ("gpt-4o-2024-05-13", Class::Input, 5_000_000, "genai-prices 2.50"),
        ("gpt-5.6-luna", Class::Input, 200_000, "LiteLLM 1.00, before the price cut"),
    ] {
        assert_eq!(rate(model, class, NOVEMBER, plain), Some(right), "{model}, not {wrong}");
    }
}

/// Scenario: multipliers that tables have wrong: fast mode of Opus 4.6 after its end, priority of two models, US
/// residency of Sonnet 4.6.
/// Guarantee: the table's.
#[test]
fn known_errors_of_multipliers_are_not_taken_over() {
    let fast = Modifiers { fast: true, ..Modifiers::default() };
    assert_eq!(rate("claude-opus-4-6", Class::Input, APRIL, fast), Some(30_000_000), "six times until July");
    assert_eq!(
        rate("claude-opus-4-6", Class::Input, NOVEMBER, fast),
        Some(5_000_000),
        "billed as standard since"
    );
    let priority = Modifiers { priority: true, ..Modifiers::default() };
    assert_eq!(rate("gemini-2.5-pro", Class::Input, NOVEMBER, priority), Some(2_250_000), "not 1.25");
    assert_ne!(rate("gpt-5-nano", Class::Input, NOVEMBER, priority), Some(2_500_000), "50 times the price");
    let residency = Modifiers { residency_us: true, ..Modifiers::default() };
    assert_eq!(rate("claude-sonnet-4-6", Class::Input, NOVEMBER, residency), Some(3_300_000));
}

/// Scenario: one request of 300,000 tokens of input to models whose long-context price some table lacks, or keeps
/// after its end.
/// Guarantee: the price of the day.
#[test]
fn long_context_prices_are_those_of_the_day() {
    let prices = Prices::built_in().unwrap();
    for (model, at, cents) in [
        ("gpt-5.5", OCTOBER, 300),         // genai-prices has no long-context price: 1.50
        ("claude-sonnet-4-6", MARCH, 180), // LiteLLM has no dates: 0.90
        ("claude-sonnet-4-6", APRIL, 90),  // OpenRouter's entry in LiteLLM keeps it: 1.80
        ("claude-opus-4-6", MARCH, 300),   // LiteLLM has no dates: 1.50
        ("claude-opus-4-6", APRIL, 150),
    ] {
        let tokens = Tokens([300_000, 0, 0, 0, 0, 0]);
        let answer = prices.find(model, "").unwrap().price(&tokens, 0, at, Modifiers::default()).unwrap();
        assert_eq!(answer.amounts.total(), cents * tokenledger_prices::PICO_PER_USD / 100, "{model}");
    }
}
