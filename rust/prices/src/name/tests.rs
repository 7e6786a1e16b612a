//! Names in all spellings that are seen.

use proptest::prelude::*;

use super::*;

/// Spelling, then what it is: model, seller, maker, geography, fast mode.
type Known = (&'static str, &'static str, &'static str, &'static str, Geography, bool);

use Geography::{Global, GovCloud, Regional, Unstated};

const KNOWN: &[Known] = &[
    // The maker's own.
    ("claude-opus-4-8", "claude-opus-4-8", "", "anthropic", Unstated, false),
    ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "", "anthropic", Unstated, false),
    ("claude-3-5-sonnet-latest", "claude-sonnet-3-5", "", "anthropic", Unstated, false),
    ("claude-3-haiku-20240307", "claude-haiku-3", "", "anthropic", Unstated, false),
    ("claude-opus-4-0", "claude-opus-4-0", "", "anthropic", Unstated, false),
    ("claude-fable-5-2", "claude-fable-5-2", "", "anthropic", Unstated, false),
    ("  Claude-Haiku-5-5 ", "claude-haiku-5-5", "", "anthropic", Unstated, false),
    // Claude Code.
    ("claude-opus-4-7[1m]", "claude-opus-4-7", "", "anthropic", Unstated, false),
    ("claude-opus-4-7-20260416[1m]", "claude-opus-4-7", "", "anthropic", Unstated, false),
    ("sonnet[1m]", "sonnet", "", "anthropic", Unstated, false),
    ("glm-5.3[1m]", "glm-5.3", "", "zai", Unstated, false),
    // Proxies.
    ("claude-opus-5-thinking", "claude-opus-5", "", "anthropic", Unstated, false),
    ("claude-fable-5-1-thinking", "claude-fable-5-1", "", "anthropic", Unstated, false),
    ("claude-4-sonnet-20250514", "claude-sonnet-4", "", "anthropic", Unstated, false),
    ("claude-4.5-sonnet", "claude-sonnet-4-5", "", "anthropic", Unstated, false),
    ("claude-sonnet-4.5", "claude-sonnet-4-5", "", "anthropic", Unstated, false),
    ("claude-opus-41", "claude-opus-41", "", "anthropic", Unstated, false),
    ("claude-instant-1.2", "claude-instant-1-2", "", "anthropic", Unstated, false),
    // Bedrock.
    (
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5",
        "bedrock",
        "anthropic",
        Unstated,
        false,
    ),
    ("anthropic.claude-opus-4-7", "claude-opus-4-7", "bedrock", "anthropic", Unstated, false),
    ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6", "bedrock", "anthropic", Unstated, false),
    ("us.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "bedrock", "anthropic", Regional, false),
    ("eu.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "bedrock", "anthropic", Regional, false),
    ("apac.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "bedrock", "anthropic", Regional, false),
    ("au.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "bedrock", "anthropic", Regional, false),
    ("jp.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6", "bedrock", "anthropic", Regional, false),
    ("global.anthropic.claude-opus-4-8", "claude-opus-4-8", "bedrock", "anthropic", Global, false),
    ("us-gov.anthropic.claude-sonnet-4-5", "claude-sonnet-4-5", "bedrock", "anthropic", GovCloud, false),
    (
        "bedrock/us-east-1/anthropic.claude-opus-4-7",
        "claude-opus-4-7",
        "bedrock",
        "anthropic",
        Regional,
        false,
    ),
    (
        "bedrock/us-gov-west-1/anthropic.claude-opus-4-7",
        "claude-opus-4-7",
        "bedrock",
        "anthropic",
        GovCloud,
        false,
    ),
    (
        "bedrock/us-gov-west-1/us.anthropic.claude-opus-4-7",
        "claude-opus-4-7",
        "bedrock",
        "anthropic",
        GovCloud,
        false,
    ),
    (
        "bedrock/converse/global.anthropic.claude-opus-4-7",
        "claude-opus-4-7",
        "bedrock",
        "anthropic",
        Global,
        false,
    ),
    ("openai.gpt-5.6-sol", "gpt-5.6-sol", "bedrock", "openai", Unstated, false),
    (
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5",
        "bedrock",
        "anthropic",
        Regional,
        false,
    ),
    (
        "bedrock/arn:aws:bedrock:eu-west-1:123456789012:inference-profile/global.anthropic.claude-opus-4-8",
        "claude-opus-4-8",
        "bedrock",
        "anthropic",
        Global,
        false,
    ),
    (
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-7",
        "claude-opus-4-7",
        "bedrock",
        "anthropic",
        Regional,
        false,
    ),
    (
        "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.anthropic.claude-sonnet-4-5",
        "claude-sonnet-4-5",
        "bedrock",
        "anthropic",
        GovCloud,
        false,
    ),
    ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "", "bedrock", "", Unstated, false),
    ("arn:aws:bedrock:us-east-1:1:provisioned-model/abc", "", "bedrock", "", Unstated, false),
    ("arn:aws:sagemaker:us-east-1:1:endpoint/claude-opus-4-8", "", "", "", Unstated, false),
    // Vertex.
    ("claude-opus-4-5@20251101", "claude-opus-4-5", "vertex", "anthropic", Unstated, false),
    ("claude-opus-4-6@default", "claude-opus-4-6", "vertex", "anthropic", Unstated, false),
    ("vertex_ai/claude-fable-5-2", "claude-fable-5-2", "vertex", "anthropic", Unstated, false),
    (
        "publishers/anthropic/models/claude-opus-4-5",
        "claude-opus-4-5",
        "vertex",
        "anthropic",
        Unstated,
        false,
    ),
    (
        "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-5@20251101",
        "claude-opus-4-5",
        "vertex",
        "anthropic",
        Regional,
        false,
    ),
    (
        "projects/p/locations/global/publishers/google/models/gemini-2.5-pro",
        "gemini-2.5-pro",
        "vertex",
        "google",
        Global,
        false,
    ),
    // Azure and Foundry.
    ("azure_ai/claude-opus-4-8", "claude-opus-4-8", "azure", "anthropic", Unstated, false),
    ("azure/us/gpt-5.6-sol", "gpt-5.6-sol", "azure", "openai", Regional, false),
    ("my-claude-deployment", "my-claude-deployment", "", "", Unstated, false),
    // Routers.
    ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5", "", "anthropic", Unstated, false),
    ("~anthropic/claude-opus-latest", "claude-opus", "", "anthropic", Unstated, false),
    (
        "openrouter/anthropic/claude-3.7-sonnet:thinking",
        "claude-sonnet-3-7",
        "openrouter",
        "anthropic",
        Unstated,
        false,
    ),
    ("anthropic/claude-opus-4.8-fast", "claude-opus-4-8", "", "anthropic", Unstated, true),
    ("claude-opus-5-fast[1m]", "claude-opus-5", "", "anthropic", Unstated, true),
    ("anthropic/claude-opus-4.8:free", "claude-opus-4-8:free", "", "anthropic", Unstated, false),
    ("databricks-claude-opus-4-5", "claude-opus-4-5", "databricks", "anthropic", Unstated, false),
    ("x-ai/grok-4-fast", "grok-4-fast", "", "xai", Unstated, false),
    // Others.
    ("gpt-5.4-2026-03-05", "gpt-5.4", "", "openai", Unstated, false),
    ("models/gemini-3-pro-preview", "gemini-3-pro-preview", "", "google", Unstated, false),
    ("gemini/gemini-2.5-flash", "gemini-2.5-flash", "google", "google", Unstated, false),
    ("chatgpt/gpt-5.3-codex", "chatgpt/gpt-5.3-codex", "", "openai", Unstated, false),
    ("snowflake/claude-4-sonnet", "snowflake/claude-4-sonnet", "", "", Unstated, false),
    ("llama3:70b", "llama3:70b", "", "", Unstated, false),
    ("ft:gpt-4o-mini:acme::abc", "ft:gpt-4o-mini:acme::abc", "", "", Unstated, false),
    ("deepseek-v3", "deepseek-v3", "", "deepseek", Unstated, false),
    ("", "", "", "", Unstated, false),
    ("   ", "", "", "", Unstated, false),
];

/// Scenario: names as clients, clouds, routers and proxies write them.
/// Guarantee: the name that a table lists, who sells, who makes, where, and whether fast mode is meant.
#[test]
fn names_are_read() {
    for (text, model, seller, maker, geography, fast) in KNOWN {
        let name = Name::of(text);
        let read =
            (name.model.as_str(), name.seller.as_str(), name.maker.as_str(), name.geography, name.fast);
        assert_eq!(read, (*model, *seller, *maker, *geography, *fast), "{text}");
    }
}

/// Scenario: names whose rest is no date, no version of a host and no variant.
/// Guarantee: nothing is taken off, so they cannot become another model's name.
#[test]
fn what_follows_a_version_stays() {
    for name in [
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        "claude-fable-5-1",
        "claude-opus-4-81",
        "claude-opus-5-mini",
        "claude-opus-4-8-20259999",
        "claude-opus-4-8-12345678",
        "claude-opus-4-8-2025092",
        "claude-opus-4-8@latest2",
        "claude-opus-4-8[2m]",
        "claude-opus-4-8:70b",
        "gpt-5.4.1",
        "gpt-5-2026-3-5",
        "grok-4-fast",
    ] {
        assert_eq!(Name::of(name).model, name);
    }
}

/// Scenario: a dated name in Bedrock's spelling. Guarantee: longer spellings are looked for before shorter ones.
#[test]
fn the_longest_spelling_comes_first() {
    let name = Name::of("us.anthropic.claude-sonnet-4-5-20250929-v1:0");
    let spellings: Vec<_> = name.spellings.iter().map(|spelling| spelling.text.as_str()).collect();
    assert_eq!(
        spellings,
        ["claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"]
    );
}

/// Scenario: names at and over the limit of length. Guarantee: the latter are not looked at.
#[test]
fn long_names_are_not_looked_at() {
    assert_eq!(Name::of(&"x".repeat(MAX_BYTES)).model.len(), MAX_BYTES);
    assert_eq!(Name::of(&"x".repeat(MAX_BYTES + 1)), Name::default());
    assert_eq!(Name::of(&"~".repeat(MAX_BYTES)).model, "");
    assert!(Name::of(&"-fast".repeat(100)).spellings.len() < 5);
    assert!(Name::of(&format!("claude{}", "-latest".repeat(70))).spellings.len() < 100);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "claude",
        "-",
        "opus",
        "sonnet",
        "4",
        "5",
        ".",
        "@",
        "20250929",
        "2026-03-05",
        "-fast",
        "-latest",
        "[1m]",
        ":",
        "free",
        "-v1",
        ":0",
        "us.",
        "global.",
        "anthropic.",
        "anthropic/",
        "arn:aws:bedrock:",
        "us-east-1",
        "inference-profile/",
        "bedrock/",
        "azure/",
        "publishers/",
        "/models/",
        "projects/",
        "/locations/",
        "~",
        "ä",
        "\u{0}",
        "😀",
        " ",
        "gpt",
        "o3",
        "databricks-",
        "-thinking",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Scenario: any text, and texts made of the parts of names. Guarantee: an answer; the same for the same text;
    /// and what was normalised stays as it is.
    #[test]
    fn any_text_has_an_answer(text in prop_oneof![".*", pieces()]) {
        let name = Name::of(&text);
        prop_assert_eq!(&name, &Name::of(&text));
        prop_assert!(name.spellings.iter().all(|spelling| !spelling.text.is_empty()));
        prop_assert!(name.spellings.windows(2).all(|pair| pair[0].text.len() >= pair[1].text.len()));
        prop_assert_eq!(canonical(&name.model), name.model);
    }
}
