//! What a reader of a price has to know beside the numbers.

use tokenledger_prices::Explanation;

use super::Question;

/// Said with every price.
pub const ESTIMATE: &str = "An estimate from list prices, not a bill; a subscription has no price per token.";

/// Assumptions, and conditions that were asked for and changed nothing.
pub fn of(question: &Question<'_>, explanation: &Explanation<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if explanation.assumed_regional && !question.modifiers.regional {
        notes.push(
            "The name has no region, so a regional endpoint is assumed; with global. before it, or \
             bedrock_bare_is_regional = false in a price file, it is not."
                .to_owned(),
        );
    }
    let counted = |name: &str| explanation.factors.iter().any(|factor| factor.name == name);
    let asked = question.modifiers;
    for (option, asked, counted) in [
        ("--fast", asked.fast, counted("fast mode")),
        ("--batch", asked.batch, counted("batch")),
        ("--flex", asked.flex, counted("flex")),
        ("--priority", asked.priority, explanation.priority),
    ] {
        if asked && !counted && !(question.found.fast && option != "--fast") {
            notes.push(format!(
                "{option} changes nothing: the row has no price for it, so it is the standard one."
            ));
        }
    }
    if asked.regional && !counted("regional endpoint") && !counted("GovCloud") {
        notes.push(format!(
            "--regional changes nothing at {}, for this model and name; clouds are named with --provider.",
            explanation.provider
        ));
    }
    if asked.residency_us && !counted("US residency") {
        notes.push(format!("--residency-us changes nothing at {}, for this model.", explanation.provider));
    }
    if explanation.answer.unpriced_web_searches > 0 {
        notes.push("The row has no price for web searches: they are not in the total.".to_owned());
    }
    notes
}
