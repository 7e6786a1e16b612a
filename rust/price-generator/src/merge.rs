//! From what the tables say to rows: agreement, dates, and the overlay, which decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::figures::{FIELDS, Figures};
use crate::overlay::Overlay;
use crate::sources::{Published, Quote, Source};

/// One row of the table to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// See [`tokenledger_prices::Row`].
    pub provider: String,
    /// See [`tokenledger_prices::Row`].
    pub model: String,
    /// See [`tokenledger_prices::Row`].
    pub names: BTreeSet<String>,
    /// First day, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// First day after it.
    pub to: Option<String>,
    /// The prices.
    pub figures: Figures,
    /// Where they come from.
    pub source: String,
}

/// A model that is in the sources and not in the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// `maker/model`.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// The result.
#[derive(Debug, Default)]
pub struct Merged {
    /// In the order in which they are written.
    pub rows: Vec<Entry>,
    /// In order of name.
    pub left_out: Vec<LeftOut>,
}

/// Figures that two tables must not state differently. Modifiers come from one table only.
const AGREED: [&str; 8] = [
    "input",
    "output",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "long_context.above",
    "long_context.input",
    "long_context.output",
];

/// Makers of whom one table is enough, as nobody else states their prices.
const ONE_IS_ENOUGH: [&str; 3] = ["anthropic", "google", "openai"];

/// Makes the rows.
pub fn merge(published: &Published, overlay: &Overlay) -> Merged {
    let mut merged = Merged::default();
    for ((maker, model), quotes) in group(&published.quotes) {
        if overlay.has_rows_of(maker, &model) {
            continue;
        }
        match overlay.removed(maker, &model).map_or_else(|| agree(maker, &quotes), |why| Err(why.to_string()))
        {
            Ok(rows) => merged.rows.extend(rows.into_iter().map(|row| Entry {
                provider: maker.to_string(),
                model: model.clone(),
                ..row
            })),
            Err(reason) => merged.left_out.push(LeftOut { name: format!("{maker}/{model}"), reason }),
        }
    }
    merged.rows.extend(overlay.rows());
    for row in &mut merged.rows {
        overlay.amend(row);
    }
    name_alike(&mut merged.rows);
    let resold: Vec<Entry> = merged.rows.iter().flat_map(|row| overlay.resold(row)).collect();
    merged.rows.extend(resold);
    merged.rows.sort_by_cached_key(|row| (order(&row.provider), natural(&row.model), row.from.clone()));
    merged.left_out.sort();
    merged
}

/// Quotes by maker and model. A dated name that costs what the undated one costs is the same model.
fn group(quotes: &[Quote]) -> BTreeMap<(&'static str, String), Vec<&Quote>> {
    let mut groups: BTreeMap<(&'static str, String), Vec<&Quote>> = BTreeMap::new();
    let same_price = |one: &Quote, other: &Quote| {
        let price = |quote: &Quote| {
            quote.periods.last().map(|(_, figures)| (figures.get("input"), figures.get("output")))
        };
        price(one) == price(other)
    };
    for quote in quotes {
        for key in &quote.keys {
            let undated = crate::sources::undated(key);
            let is_repeated = undated != key
                && quotes.iter().any(|other| {
                    other.maker == quote.maker
                        && other.keys.iter().any(|key| key == undated)
                        && same_price(quote, other)
                });
            if !is_repeated {
                groups.entry((quote.maker, key.clone())).or_default().push(quote);
            }
        }
    }
    groups
}

/// The rows of one model, or why there can be none.
fn agree(maker: &str, quotes: &[&Quote]) -> Result<Vec<Entry>, String> {
    if let Some(reason) = quotes.iter().find_map(|quote| quote.unusable) {
        return Err(reason.to_string());
    }
    let sources: BTreeSet<Source> = quotes.iter().map(|quote| quote.source).collect();
    if sources.len() == 1 && !ONE_IS_ENOUGH.contains(&maker) {
        let only = sources.first().map_or("", |source| source.title());
        return Err(format!("in one table only ({only})"));
    }
    let mut with_dates = quotes.iter().filter(|quote| quote.source == Source::GenaiPrices);
    let dated = with_dates.next();
    if with_dates.any(|other| dated.is_some_and(|quote| quote.periods != other.periods)) {
        return Err(format!("{} has it twice, at two prices", Source::GenaiPrices.title()));
    }
    let open = [(None, Figures::default())];
    let periods = dated.map_or(&open[..], |quote| &quote.periods);
    let mut rows: Vec<Entry> = Vec::new();
    for (index, (from, figures)) in periods.iter().enumerate() {
        let to = periods.get(index + 1).and_then(|(from, _)| from.clone());
        let mut row = Entry { from: from.clone(), to, figures: figures.clone(), ..Entry::default() };
        let mut named: BTreeSet<Source> = dated.iter().map(|quote| quote.source).collect();
        for quote in quotes.iter().filter(|quote| quote.source != Source::GenaiPrices) {
            add(&mut row, quote, &mut named)?;
        }
        row.source = named.iter().map(|source| source.title()).collect::<Vec<_>>().join(", ");
        rows.push(row);
    }
    Ok(rows)
}

/// Adds what an undated table says: all of it to the row that was valid on its day, to others the factors only.
fn add(row: &mut Entry, quote: &Quote, named: &mut BTreeSet<Source>) -> Result<(), String> {
    let Some((_, theirs)) = quote.periods.first() else { return Ok(()) };
    let day = quote.source.day();
    let was_valid =
        row.from.as_deref().is_none_or(|from| from <= day) && row.to.as_deref().is_none_or(|to| day < to);
    if was_valid {
        for field in AGREED {
            if let (Some(one), Some(other)) = (row.figures.get(field), theirs.get(field))
                && one != other
            {
                let (one, other) = (crate::figures::Decimal(one), crate::figures::Decimal(other));
                return Err(format!("the tables differ: {field} {one} or {other}"));
            }
        }
    }
    for field in FIELDS {
        let is_factor = matches!(
            field,
            "fast" | "batch" | "flex" | "residency_us" | "regional" | "govcloud" | "web_search"
        );
        if was_valid || is_factor {
            row.figures.fill(field, theirs);
        } else if field.starts_with("priority.") && row.figures.get(field).is_none() {
            let scaled = scaled(theirs, field, &row.figures);
            row.figures.0.extend(scaled.map(|price| (field, price)));
        }
    }
    named.insert(quote.source);
    Ok(())
}

/// A price of priority processing at the same multiple of another ordinary price.
fn scaled(theirs: &Figures, field: &'static str, ours: &Figures) -> Option<u64> {
    let ordinary = field.strip_prefix("priority.")?;
    Some(theirs.get(field)? * ours.get(ordinary)? / theirs.get(ordinary)?)
}

/// Gives rows the names under which gateways know them, unless those are models of their own.
fn name_alike(rows: &mut [Entry]) {
    let models: BTreeSet<String> = rows.iter().map(|row| row.model.clone()).collect();
    for row in rows.iter_mut() {
        let names: Vec<&String> = std::iter::once(&row.model).chain(&row.names).collect();
        let further: Vec<String> = names.into_iter().flat_map(|name| spellings(name)).collect();
        row.names.extend(further.into_iter().filter(|name| *name != row.model && !models.contains(name)));
    }
}

/// Dots as dashes, Azure's `gpt-35`, Claude with the family first, and the `-0` of whole versions.
fn spellings(name: &str) -> Vec<String> {
    let parts: Vec<&str> = name.split('-').collect();
    let mut spellings = vec![name.replace('.', "-")];
    match parts.as_slice() {
        ["gpt", "3.5", ..] => spellings.push(name.replace("gpt-3.5", "gpt-35")),
        ["claude", version @ .., family] if version.first() == Some(&"3") => {
            spellings.push(format!("claude-{family}-{}", version.join("-")));
        }
        ["claude", family, major]
            if major.len() == 1 && family.chars().all(char::is_alphabetic) && *family != "instant" =>
        {
            spellings.push(format!("claude-{family}-{major}-0"));
        }
        _ => {}
    }
    spellings
}

/// Makers first, in the order of their share, then sellers.
fn order(provider: &str) -> (usize, String) {
    let known = ["anthropic", "openai", "google"];
    (known.iter().position(|name| *name == provider).unwrap_or(known.len()), provider.to_string())
}

/// Text in which numbers sort by value.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    for character in name.chars() {
        match (character.to_digit(10), parts.last_mut()) {
            (Some(digit), Some((number, text))) if text.is_empty() => {
                *number = *number * 10 + u64::from(digit)
            }
            (Some(digit), _) => parts.push((u64::from(digit), String::new())),
            (None, Some((number, text))) if *number == u64::MAX => text.push(character),
            (None, _) => parts.push((u64::MAX, character.to_string())),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(source: Source, maker: &'static str, key: &str, prices: &[(Option<&str>, f64)]) -> Quote {
        let periods = prices.iter().map(|(from, input)| {
            let mut figures = Figures::default();
            figures.set("input", Some(*input));
            figures.set("output", Some(input * 5.0));
            (from.map(str::to_string), figures)
        });
        Quote { source, maker, keys: vec![key.to_string()], periods: periods.collect(), unusable: None }
    }

    /// Scenario: one table has dates, another has the price of its own day; both agree on that day.
    /// Guarantee: two rows that follow each other, and no conflict about the later price.
    #[test]
    fn an_undated_table_is_compared_on_its_own_day() {
        let quotes = [
            quote(Source::GenaiPrices, "openai", "gpt-9", &[(None, 2.0), (Some("2026-08-01"), 1.0)]),
            quote(Source::LiteLlm, "openai", "gpt-9", &[(None, 2.0)]),
        ];
        let rows =
            merge(&Published { quotes: quotes.into(), ..Published::default() }, &Overlay::default()).rows;
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.from.as_deref(), row.to.as_deref(), row.figures.get("input")))
            .collect();
        assert_eq!(
            seen,
            [(None, Some("2026-08-01"), Some(2_000_000)), (Some("2026-08-01"), None, Some(1_000_000))]
        );
    }

    /// Scenario: two tables state different prices; or one table alone knows a model of a maker that needs two.
    /// Guarantee: no row, and the reason is listed.
    #[test]
    fn without_agreement_there_is_no_row() {
        let differing = vec![
            quote(Source::LiteLlm, "xai", "grok-9", &[(None, 2.0)]),
            quote(Source::GenaiPrices, "xai", "grok-9", &[(None, 3.0)]),
        ];
        let alone = vec![quote(Source::LiteLlm, "xai", "grok-9", &[(None, 2.0)])];
        for (quotes, part) in [(differing, "differ: input 3 or 2"), (alone, "one table only")] {
            let merged = merge(&Published { quotes, ..Published::default() }, &Overlay::default());
            assert!(merged.rows.is_empty());
            assert!(merged.left_out[0].reason.contains(part), "{:?}", merged.left_out);
        }
    }

    /// Scenario: a dated name at the undated price, and one at a price of its own.
    /// Guarantee: only the latter has a row of its own.
    #[test]
    fn a_dated_name_is_a_model_of_its_own_only_at_a_price_of_its_own() {
        let quotes = vec![
            quote(Source::LiteLlm, "openai", "gpt-9", &[(None, 2.0)]),
            quote(Source::LiteLlm, "openai", "gpt-9-2026-01-02", &[(None, 2.0)]),
            quote(Source::LiteLlm, "openai", "gpt-9-2025-01-02", &[(None, 5.0)]),
        ];
        let rows = merge(&Published { quotes, ..Published::default() }, &Overlay::default()).rows;
        let models: Vec<_> = rows.iter().map(|row| row.model.as_str()).collect();
        assert_eq!(models, ["gpt-9", "gpt-9-2025-01-02"]);
    }
}
