//! The figures of one row, exact: whole millionths.
//!
//! A price of a token in dollars per million tokens, times a million, is a whole number of 10⁻¹² dollars.

use std::collections::BTreeMap;
use std::fmt;

use tokenledger_prices::Row;

/// What a row can hold, in the order in which it is written. `a.b` is the entry `b` of the inline table `a`.
pub const FIELDS: [&str; 23] = [
    "input",
    "output",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "long_context.above",
    "long_context.input",
    "long_context.output",
    "long_context.cache_read",
    "long_context.cache_write_5m",
    "long_context.cache_write_1h",
    "fast",
    "batch",
    "flex",
    "priority.input",
    "priority.output",
    "priority.cache_read",
    "priority.cache_write_5m",
    "residency_us",
    "regional",
    "govcloud",
    "web_search",
];

/// Figures by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(pub BTreeMap<&'static str, u64>);

impl Figures {
    /// The figure of a field.
    pub fn get(&self, field: &str) -> Option<u64> {
        self.0.get(field).copied()
    }

    /// Sets a field from a price or factor; `None`, 0 and what is no number count as absent.
    pub fn set(&mut self, field: &'static str, value: Option<f64>) {
        let Some(value) = value.filter(|value| value.is_finite() && *value > 0.0) else { return };
        self.0.insert(field, (value * 1e6).round() as u64);
    }

    /// Copies a field that is absent here.
    pub fn fill(&mut self, field: &'static str, from: &Self) {
        if let Some(value) = from.get(field) {
            self.0.entry(field).or_insert(value);
        }
    }

    /// The figures of a row as users and the overlay write them.
    pub fn of_row(row: &Row) -> Self {
        let mut figures = Self::default();
        figures.set("input", Some(row.input));
        figures.set("output", Some(row.output));
        figures.set("cache_read", row.cache_read);
        figures.set("cache_write_5m", row.cache_write_5m);
        figures.set("cache_write_1h", row.cache_write_1h);
        figures.set("reasoning", row.reasoning);
        if let Some(long) = &row.long_context {
            figures.0.insert("long_context.above", long.above * 1_000_000);
            figures.set("long_context.input", Some(long.tier.input));
            figures.set("long_context.output", Some(long.tier.output));
            figures.set("long_context.cache_read", long.tier.cache_read);
            figures.set("long_context.cache_write_5m", long.tier.cache_write_5m);
            figures.set("long_context.cache_write_1h", long.tier.cache_write_1h);
        }
        if let Some(priority) = &row.priority {
            figures.set("priority.input", Some(priority.input));
            figures.set("priority.output", Some(priority.output));
            figures.set("priority.cache_read", priority.cache_read);
            figures.set("priority.cache_write_5m", priority.cache_write_5m);
        }
        for (field, value) in [
            ("fast", row.fast),
            ("batch", row.batch),
            ("flex", row.flex),
            ("residency_us", row.residency_us),
            ("regional", row.regional),
            ("govcloud", row.govcloud),
            ("web_search", row.web_search),
        ] {
            figures.set(field, value);
        }
        figures
    }
}

/// A figure as it is written: a decimal without superfluous zeros.
pub struct Decimal(pub u64);

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if part == 0 {
            return write!(formatter, "{whole}");
        }
        let digits = format!("{part:06}");
        write!(formatter, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: figures of the sources, in dollars per million tokens, some of them not exact in binary.
    /// Guarantee: what is written is the decimal that the source means.
    #[test]
    fn figures_are_written_as_they_are_meant() {
        for (value, text) in [(0.1, "0.1"), (1e-7 * 1e6, "0.1"), (0.003_625, "0.003625"), (200.0, "200")] {
            let mut figures = Figures::default();
            figures.set("input", Some(value));
            assert_eq!(Decimal(figures.get("input").unwrap()).to_string(), text);
        }
    }
}
