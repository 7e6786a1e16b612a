//! From a model's name to the row that prices it: names, sellers, dates, conditions; with the built-in table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use tokenledger_prices::{Class, Geography, Modifiers, PicoUsd, Prices, Row, Tokens, moment};

const NONE: Modifiers = Modifiers {
    fast: false,
    batch: false,
    flex: false,
    priority: false,
    residency_us: false,
    regional: false,
};

fn prices() -> Prices {
    Prices::built_in().unwrap()
}

/// Dollars per million tokens.
fn rate(model: &str, provider: &str, class: Class, at: &str, modifiers: Modifiers) -> f64 {
    let prices = prices();
    let found = prices.find(model, provider).expect(model);
    let rate = found.rate(class, moment(at).unwrap(), modifiers).expect(model);
    rate.per_token as f64 / 1e6
}

fn input(model: &str, provider: &str, modifiers: Modifiers) -> f64 {
    rate(model, provider, Class::Input, "2026-11-20", modifiers)
}

fn row(model: &str, at: &str) -> Row {
    let found = prices();
    let found = found.find(model, "").expect(model);
    found.price(&Tokens::default(), 0, moment(at).unwrap(), NONE).expect(model).row.clone()
}

/// Scenario: every spelling of one model. Guarantee: all of them are the same model of the table.
#[test]
fn spellings_of_one_model_have_one_price() {
    let prices = prices();
    for (model, spellings) in [
        (
            "claude-sonnet-4-5",
            vec![
                "claude-sonnet-4-5-20250929",
                "claude-4.5-sonnet",
                "claude-4-5-sonnet",
                "anthropic/claude-sonnet-4.5",
                "openrouter/anthropic/claude-sonnet-4.5:thinking",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "bedrock/converse/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "claude-sonnet-4-5@20250929",
                "publishers/anthropic/models/claude-sonnet-4-5@default",
                "azure_ai/claude-sonnet-4-5",
                "databricks-claude-sonnet-4-5",
                " CLAUDE-SONNET-4-5[1m] ",
            ],
        ),
        ("claude-opus-4-1", vec!["claude-opus-4-1-20250805", "claude-opus-41", "claude-opus-4.1"]),
        (
            "claude-3-5-haiku",
            vec!["claude-3-5-haiku-20241022", "claude-3-5-haiku-latest", "claude-3.5-haiku"],
        ),
        ("gpt-5.6-sol", vec!["gpt-5.6", "openai/gpt-5.6-sol", "azure/us/gpt-5.6-sol", "openai.gpt-5.6-sol"]),
        ("gpt-5.4", vec!["gpt-5.4-2026-03-05", "openai/gpt-5.4"]),
        ("gemini-2.5-pro", vec!["models/gemini-2.5-pro", "gemini/gemini-2.5-pro", "google/gemini-2.5-pro"]),
    ] {
        for spelling in spellings.into_iter().chain([model]) {
            let found = prices.find(spelling, "").unwrap_or_else(|| panic!("{spelling} is unknown"));
            assert_eq!(found.model, model, "{spelling}");
        }
    }
}

/// Scenario: names that look like models of the table but are none. Guarantee: no price is guessed.
#[test]
fn what_is_not_listed_has_no_price() {
    let prices = prices();
    for model in [
        "",
        "claude",
        "claude-opus",
        "opus",
        "claude-opus-4-9",
        "claude-opus-5-6",
        "claude-opus-5-5-5",
        "claude-sonnet-4-5-1",
        "claude-opus-4-8-mini",
        "claude-haiku-4-5-fast",
        "claude-mythos-preview",
        "claude-opus-4-8:free",
        "gpt-5.9",
        "gpt-5.4.1",
        "codex-auto-review",
        "chatgpt/gpt-5.3-codex",
        "my-claude-deployment",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
        "gemini-2.5",
    ] {
        assert!(prices.find(model, "").is_none(), "{model}");
    }
    assert!(prices.find(&"claude-opus-4-8".repeat(100), "").is_none());
    assert!(prices.find("claude-opus-4-8", &"x".repeat(10_000)).is_some());
}

/// Scenario: models whose names begin with that of an older one. Guarantee: each has its own prices.
#[test]
fn newer_models_are_not_priced_as_older_ones() {
    for (model, read) in [
        ("claude-opus-5", 0.5),
        ("claude-opus-5-5", 0.2),
        ("claude-sonnet-5", 0.2),
        ("claude-sonnet-5-5", 0.1),
        ("claude-fable-5", 1.0),
        ("claude-fable-5-1", 0.25),
        ("claude-fable-5-2", 0.2),
        ("claude-mythos-5-1", 0.25),
        ("claude-haiku-5-5", 0.01),
        ("global.anthropic.claude-fable-5-1", 0.25),
    ] {
        assert_eq!(rate(model, "", Class::CacheRead, "2026-11-20", NONE), read, "{model}");
    }
}

/// Scenario: figures that the published tables have wrong. Guarantee: ours are right.
#[test]
fn known_errors_of_published_tables_are_not_here() {
    let now = "2026-11-20";
    let of = |model, class| rate(model, "", class, now, NONE);
    assert_eq!(of("claude-3-haiku-20240307", Class::CacheWrite5m), 0.3); // 1.2 times input, not 1.25
    assert_eq!(of("claude-3-haiku-20240307", Class::CacheWrite1h), 0.5);
    assert_eq!(of("claude-3-opus-20240229", Class::CacheWrite1h), 30.0);
    assert_eq!(input("gpt-5-nano", "", Modifiers { priority: true, ..NONE }), 0.05); // no price of its own is known
    assert_eq!(input("gemini-2.5-pro", "", Modifiers { priority: true, ..NONE }), 2.25);
    assert_eq!(of("claude-sonnet-5", Class::Input), 2.0);
    assert_eq!(of("eu.anthropic.claude-3-5-haiku-20241022-v1:0", Class::Input), 0.8);
    assert_eq!(of("eu.anthropic.claude-opus-4-5-20251101-v1:0", Class::CacheWrite1h), 11.0);
    assert_eq!(of("jp.anthropic.claude-opus-4-7", Class::CacheWrite1h), 11.0);
    assert_eq!(of("us.anthropic.claude-opus-4-8", Class::Input), 5.5);
    assert_eq!(of("us.anthropic.claude-opus-4-1-20250805-v1:0", Class::Input), 15.0); // 4.1 and older: no surcharge
    assert_eq!(of("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", Class::Input), 3.6);
    assert_eq!(input("claude-sonnet-4-6", "", Modifiers { residency_us: true, ..NONE }), 3.3);
    assert!(row("azure_ai/claude-sonnet-4-5", now).long_context.is_some());
    assert!(row("claude-sonnet-4-6", now).long_context.is_none());
    assert!(row("openrouter/anthropic/claude-sonnet-4.6", now).long_context.is_none());
    assert!(row("gpt-5.5", now).long_context.is_some());
    assert_eq!(input("claude-opus-4-6", "", Modifiers { fast: true, ..NONE }), 5.0); // billed as standard by now
    assert_eq!(of("gpt-5.5", Class::CacheWrite5m), 5.0); // writes cost nothing extra before gpt-5.6
    assert_eq!(rate("gpt-5.6-sol", "", Class::CacheWrite5m, "2026-08-01", NONE), 6.25);
}

/// Scenario: prices that changed. Guarantee: the row of the moment, and how long it stays.
#[test]
fn the_moment_chooses_the_row() {
    let prices = prices();
    let found = prices.find("claude-sonnet-5-5", "").unwrap();
    let change = moment("2026-10-07").unwrap();
    let before = found.rate(Class::CacheRead, change - 1, NONE).unwrap();
    let after = found.rate(Class::CacheRead, change, NONE).unwrap();
    assert_eq!((before.per_token, after.per_token), (200_000, 100_000));
    assert_eq!((before.saved_per_token, after.saved_per_token), (1_800_000, 1_900_000));
    assert_eq!((before.valid, after.valid), (0..change, change..u64::MAX));
    let to: Vec<_> = found.rows().map(|row| row.to.map(|to| to.to_string())).collect();
    assert_eq!(to, [Some("2026-10-07".to_owned()), None]);
    assert_eq!(
        rate("claude-opus-4-6", "", Class::Input, "2026-05-01", Modifiers { fast: true, ..NONE }),
        30.0
    );
    assert!(row("claude-sonnet-4-6", "2026-03-12T23:59:59Z").long_context.is_some());
    assert!(row("claude-sonnet-4-6", "2026-03-13").long_context.is_none());
    assert_eq!(rate("gemini-3.6-flash", "", Class::Input, "2026-12-31", NONE), 0.75);
    assert_eq!(rate("gemini-3.6-flash", "", Class::Input, "2027-01-01", NONE), 1.5);
}

/// Scenario: the whole input at the threshold and one token above it, in each class of input.
/// Guarantee: a cliff on the sum: at it ordinary prices, above it every token at the upper ones.
#[test]
fn long_context_is_a_cliff_on_the_whole_input() {
    let prices = prices();
    let found = prices.find("claude-haiku-5-5", "").unwrap();
    let now = moment("2026-11-20").unwrap();
    for class in [Class::Input, Class::CacheRead, Class::CacheWrite5m, Class::CacheWrite1h] {
        let mut tokens = Tokens([20_000, 1_000, 30_000, 20_000, 30_000, 0]);
        let below = found.price(&tokens, 0, now, NONE).unwrap();
        tokens.0[class as usize] += 1;
        let above = found.price(&tokens, 0, now, NONE).unwrap();
        assert_eq!((below.long_context, above.long_context), (false, true));
        assert_eq!(
            above.amounts.tokens[Class::Output as usize],
            5 * below.amounts.tokens[Class::Output as usize]
        );
    }
    let output = Tokens([100_000, 10_000_000, 0, 0, 0, 10_000_000]);
    assert!(!found.price(&output, 0, now, NONE).unwrap().long_context, "output does not count");
}

/// Scenario: modes, alone and together, at makers and at clouds.
/// Guarantee: each factor where it belongs; modes exclude each other, and so do region and residency.
#[test]
fn conditions_multiply_where_they_belong() {
    let fast = Modifiers { fast: true, ..NONE };
    let batch = Modifiers { batch: true, ..NONE };
    let us = Modifiers { residency_us: true, ..NONE };
    let regional = Modifiers { regional: true, ..NONE };
    let priority = Modifiers { priority: true, ..NONE };
    for (model, provider, modifiers, expected) in [
        ("claude-opus-4-8", "", NONE, 5.0),
        ("claude-opus-4-8", "", fast, 10.0),
        ("claude-opus-4-8-fast", "", NONE, 10.0),
        ("anthropic/claude-opus-4.8-fast", "", fast, 10.0),
        ("claude-opus-4-8", "", batch, 2.5),
        ("claude-opus-4-8", "", Modifiers { batch: true, ..fast }, 10.0),
        ("claude-opus-4-8", "", us, 5.5),
        ("claude-opus-4-8", "", regional, 5.0),
        ("claude-opus-4-8", "", Modifiers { residency_us: true, ..batch }, 2.75),
        ("claude-opus-4-8", "aws.bedrock", regional, 5.5),
        ("claude-opus-4-8", "aws.bedrock", Modifiers { residency_us: true, ..regional }, 5.5),
        ("claude-opus-4-8", "gcp.vertex_ai", NONE, 5.0),
        ("claude-opus-4-8", "gcp.vertex_ai", regional, 5.5),
        ("claude-opus-4-8", "gcp.vertex_ai", us, 5.0),
        ("claude-opus-4-8", "azure.ai.inference", regional, 5.5),
        ("us.anthropic.claude-opus-4-8", "", batch, 2.75),
        ("us.anthropic.claude-opus-4-8", "anthropic", NONE, 5.5), // clients state the maker also on Bedrock
        ("global.anthropic.claude-opus-4-8", "", NONE, 5.0),
        ("global.anthropic.claude-opus-4-8", "", regional, 5.0), // the name tells
        ("anthropic.claude-opus-4-8", "", NONE, 5.5),            // without a region: taken as one
        ("claude-3-haiku-20240307", "", fast, 0.25),             // no such mode: billed as standard
        ("gpt-5.4", "", regional, 2.75),
        ("gpt-5.4", "", priority, 5.0),
        ("gpt-5-mini", "", priority, 0.45),
        ("o3", "", Modifiers { flex: true, ..NONE }, 1.0),
        ("gpt-5.4", "openai", Modifiers { flex: true, priority: true, ..NONE }, 1.25),
    ] {
        assert_eq!(input(model, provider, modifiers), expected, "{model} {provider} {modifiers:?}");
    }
}

/// Scenario: Bedrock's names with and without a region. Guarantee: the assumption is marked, and only where it costs.
#[test]
fn an_assumed_region_is_marked() {
    let prices = prices();
    for (model, provider, seller, geography, assumed) in [
        ("anthropic.claude-opus-4-8", "", "bedrock", Geography::Unstated, true),
        ("claude-opus-4-8", "aws.bedrock", "bedrock", Geography::Unstated, true),
        ("us.anthropic.claude-opus-4-8", "", "bedrock", Geography::Regional, false),
        ("global.anthropic.claude-opus-4-8", "", "bedrock", Geography::Global, false),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "", "bedrock", Geography::Unstated, false),
        ("claude-opus-4-8", "", "anthropic", Geography::Unstated, false),
        ("claude-opus-4-8@default", "anthropic", "vertex", Geography::Unstated, false),
        ("claude-opus-4-8", "our-gateway", "anthropic", Geography::Unstated, false),
    ] {
        let found = prices.find(model, provider).unwrap();
        let read = (found.provider, found.geography, found.assumed_regional);
        assert_eq!(read, (seller, geography, assumed), "{model} {provider}");
    }
    let bare = Prices::with_user_file("bedrock_bare_is_regional = false").unwrap();
    let found = bare.find("anthropic.claude-opus-4-8", "").unwrap();
    assert!(!found.assumed_regional);
    assert_eq!(found.rate(Class::Input, 0, NONE).unwrap().per_token, 5_000_000);
}

/// Scenario: priority processing above the threshold of a long context.
/// Guarantee: each class is dearer in the ratio in which priority makes it dearer below.
#[test]
fn priority_and_long_context_multiply() {
    let prices = prices();
    let found = prices.find("gemini-3-pro-preview", "").unwrap();
    let tokens = Tokens([200_001, 1_000, 0, 0, 0, 0]);
    let cost =
        |modifiers| found.price(&tokens, 0, moment("2026-11-20").unwrap(), modifiers).unwrap().amounts.tokens;
    let (ordinary, priority) = (cost(NONE), cost(Modifiers { priority: true, ..NONE }));
    for class in [Class::Input, Class::Output].map(|class| class as usize) {
        assert_eq!(priority[class] * 10, ordinary[class] * 18);
    }
}

/// Scenario: every row of the built-in table. Guarantee: it is found by each of its names, at its own seller, at its
/// time; it has a source; and it is not free.
#[test]
fn every_row_is_reachable() {
    let prices = prices();
    let mut rows = 0;
    for model in prices.models() {
        for row in model.rows() {
            let from = row.from.map_or(0, |from| moment(&from.to_string()).unwrap());
            for name in std::iter::once(&row.model).chain(&row.names) {
                let found = prices.find(name, &row.provider).unwrap_or_else(|| panic!("{name}"));
                let answer = found.price(&Tokens([1; Class::COUNT]), 0, from, NONE).unwrap();
                assert_eq!(answer.row, row, "{name}");
                assert!(answer.amounts.tokens.iter().all(|amount| *amount > 0), "{name}");
            }
            assert!(!row.source.is_empty(), "{}", row.model);
            rows += 1;
        }
    }
    assert!(rows > 80, "{rows} rows");
}

/// Scenario: open models, which clouds and routers run themselves at prices of their own; at them and at the maker.
/// Guarantee: the maker's price only where the maker may sell; a user's row stands for all of them.
#[test]
fn open_models_cost_what_their_seller_says() {
    let own = "[[price]]\nprovider = \"deepseek\"\nmodel = \"deepseek-test\"\ninput = 1\noutput = 2\n";
    let user = Prices::with_user_file(own).unwrap();
    let alone = Prices::of_text(own).unwrap();
    for (model, provider, is_known) in [
        ("deepseek-test", "", true),
        ("deepseek/deepseek-test", "", true),
        ("deepseek-test", "deepseek", true),
        ("deepseek-test", "our-gateway", true),
        ("deepseek-test", "aws.bedrock", false),
        ("openrouter/deepseek/deepseek-test", "", false),
        ("azure_ai/deepseek-test", "", false),
    ] {
        assert_eq!(alone.find(model, provider).is_some(), is_known, "{model} {provider}");
        assert!(user.find(model, provider).is_some(), "{model} {provider}");
    }
}

/// Scenario: an explanation of a request. Guarantee: its parts, multiplied, are its amounts.
#[test]
fn an_explanation_adds_up() {
    let prices = prices();
    let found = prices.find("us.anthropic.claude-opus-4-8", "").unwrap();
    let tokens = Tokens([1_000, 2_000, 100_000, 10_000, 5_000, 0]);
    let explanation =
        found.explain(&tokens, 2, moment("2026-11-20").unwrap(), Modifiers { fast: true, ..NONE }).unwrap();
    let mut names = explanation.factors.iter().map(|factor| factor.name);
    assert!(names.any(|name| name == "fast mode") && names.any(|name| name == "regional endpoint"));
    for class in Class::ALL.map(|class| class as usize) {
        let product = explanation
            .factors
            .iter()
            .fold(PicoUsd::from(tokens.0[class]) * explanation.per_token[class], |product, factor| {
                product * PicoUsd::from(factor.parts_per_10_000) / 10_000
            });
        assert_eq!(product, explanation.answer.list.tokens[class]);
    }
    assert_eq!(explanation.answer.list, explanation.answer.amounts);
    assert_eq!(explanation.answer.amounts.web_searches, 20_000_000_000);
    assert_eq!((explanation.whole_input, explanation.threshold), (116_000, None));
}

/// Scenario: a mistyped name. Guarantee: the nearest names are told, and none where nothing is near.
#[test]
fn near_names_are_told() {
    let prices = prices();
    assert_eq!(prices.near("claude-opus-4-88").first(), Some(&"claude-opus-4-8"));
    assert!(prices.near("us.anthropic.claud-opus-4-8-20250101-v1:0").contains(&"claude-opus-4-8"));
    assert!(prices.near("something else entirely").is_empty());
}
