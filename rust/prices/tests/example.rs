//! The example of a user's file in docs/prices.md.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use tokenledger_prices::{Class, Modifiers, Prices};

const NOVEMBER: u64 = 1_795_132_800_000_000_000; // 2026-11-20

/// Scenario: somebody copies the example.
/// Guarantee: it is read, and its row, aliases and discount do what the text says.
#[test]
fn the_documented_example_works() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/prices.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let prices = Prices::with_user_file(example).unwrap();
    let input = |name: &str| {
        let rate = prices.find(name, "")?.rate(Class::Input, NOVEMBER, Modifiers::default())?;
        Some(rate.per_token)
    };
    assert_eq!(input("claude-opus-5-5"), Some(3_200_000), "the contract's price");
    let profile = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123def456";
    assert_eq!(input(profile), Some(2_887_500), "3.00, a tenth more for the region, an eighth off");
    assert_eq!(input("my-claude-deployment"), Some(5_000_000), "Opus 5 on Azure");
    assert_eq!(input("qwen3-coder-local"), Some(0), "free is not unknown");
}
