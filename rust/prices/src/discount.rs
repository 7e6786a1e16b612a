//! Negotiated discounts: the last step, from the list price to what is paid.

use std::ops::Range;

use crate::entry::period;
use crate::exact::left_after;
use crate::{Discount, name, seller};

/// A discount in use.
#[derive(Clone, Debug)]
pub struct Agreed {
    pub discount: Discount,
    provider: Option<String>,
    model: Option<String>,
    period: Range<u64>,
    /// What is left to pay, in parts per 10,000.
    pub left: u64,
}

impl Agreed {
    /// Checks a discount; an error says what is wrong with it.
    pub fn of(discount: Discount) -> Result<Self, String> {
        if discount.percent.is_nan() {
            return Err(
                "percent is missing or no number: write what is taken off, for example percent = 12.5"
                    .to_owned(),
            );
        }
        let left = left_after(discount.percent).map_err(|reason| format!("percent: {reason}"))?;
        let (from, to) = period(discount.from.as_ref(), discount.to.as_ref())?;
        let provider = discount.provider.as_deref().map(seller::of_statement);
        let model = discount.model.as_deref().map(|model| {
            let folded = model.trim().to_ascii_lowercase();
            if folded.contains('*') { folded } else { name::canonical(&folded) }
        });
        if [&provider, &model].into_iter().flatten().any(String::is_empty) {
            return Err("provider or model is empty: leave it out to mean any".to_owned());
        }
        Ok(Self { discount, provider, model, period: from..to, left })
    }

    /// The provider it names.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The one model it names, if it does not name many.
    pub fn one_model(&self) -> Option<&str> {
        self.model.as_deref().filter(|model| !model.contains('*'))
    }

    fn is_for(&self, provider: &str, model: &str, key: &str) -> bool {
        self.provider.as_deref().is_none_or(|own| own == provider)
            && self.model.as_deref().is_none_or(|pattern| matches(pattern, key) || matches(pattern, model))
    }
}

/// The discount for a model at a moment, if any, and the part of `valid` around the moment in which it stays so.
/// `key` is the model's canonical name.
pub fn at<'a>(
    all: &'a [Agreed],
    provider: &str,
    model: &str,
    key: &str,
    unix_nano: u64,
    valid: Range<u64>,
) -> (Option<&'a Agreed>, Range<u64>) {
    let mut valid = valid;
    for agreed in all.iter().filter(|agreed| agreed.is_for(provider, model, key)) {
        let Range { start, end } = agreed.period;
        for edge in [start, end] {
            if edge <= unix_nano {
                valid.start = valid.start.max(edge);
            } else {
                valid.end = valid.end.min(edge);
            }
        }
        if agreed.period.contains(&unix_nano) {
            return (Some(agreed), valid);
        }
    }
    (None, valid)
}

/// `*` stands for any text, also none. Takes at most the product of both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: patterns with and without stars. Guarantee: a star is any text, everything else is itself.
    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, expected) in [
            ("claude-opus-4-8", "claude-opus-4-8", true),
            ("claude-opus-4-8", "claude-opus-4-8-fast", false),
            ("claude-opus-*", "claude-opus-4-8", true),
            ("claude-opus-*", "claude-sonnet-5", false),
            ("*", "", true),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-x", false),
            ("gpt*mini*", "gpt-5.1-codex-mini", true),
            ("a*a", "a", false),
            ("*a*b*", "xaxbx", true),
            ("*a*b*", "xbxax", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
