//! The table as text: one line for each row.

use std::path::Path;

use tokenledger_prices::Table;

use crate::Failure;
use crate::figures::{Decimal, FIELDS};
use crate::merge::Entry;

/// The whole file.
pub fn table(version: &str, rows: &[Entry]) -> String {
    let mut text = format!(
        "# List prices in US dollars per million tokens. Written by `make prices`: change overlay.toml instead.\n\
         # The schema is that of users' files: docs/prices.md.\n\
         version = \"{version}\"\n\
         price = [\n"
    );
    let mut provider = "";
    for row in rows {
        if row.provider != provider {
            provider = &row.provider;
            text.push_str(&format!("  # {provider}\n"));
        }
        text.push_str(&format!("  {{ {} }},\n", parts(row).join(", ")));
    }
    text.push_str("]\n");
    text
}

/// What stands between the braces.
pub fn parts(row: &Entry) -> Vec<String> {
    let mut parts = vec![format!("provider = \"{}\"", row.provider), format!("model = \"{}\"", row.model)];
    if !row.names.is_empty() {
        let names: Vec<String> = row.names.iter().map(|name| format!("\"{name}\"")).collect();
        parts.push(format!("names = [{}]", names.join(", ")));
    }
    parts.extend(row.from.iter().map(|from| format!("from = {from}")));
    parts.extend(row.to.iter().map(|to| format!("to = {to}")));
    let mut written = "";
    for field in FIELDS {
        match (row.figures.get(field), field.split_once('.')) {
            (Some(value), None) => parts.push(format!("{field} = {}", Decimal(value))),
            (Some(_), Some((group, _))) if group != written => {
                written = group;
                parts.push(group_of(row, group));
            }
            _ => {}
        }
    }
    parts.push(format!("source = \"{}\"", row.source));
    parts
}

fn group_of(row: &Entry, group: &str) -> String {
    let entries: Vec<String> = FIELDS
        .iter()
        .filter_map(|field| {
            let name = field.strip_prefix(group)?.strip_prefix('.')?;
            Some(format!("{name} = {}", Decimal(row.figures.get(field)?)))
        })
        .collect();
    format!("{group} = {{ {} }}", entries.join(", "))
}

/// The rows of a table that was written before; none if there is no file.
pub fn parse(path: &Path) -> Result<Vec<Entry>, Failure> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(Vec::new()) };
    let table: Table = toml::from_str(&text).map_err(|error| crate::failure(path, &error))?;
    Ok(table.prices.iter().map(crate::overlay::entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a row with dates, names, long-context and priority prices is written and read again.
    /// Guarantee: it is the same row.
    #[test]
    fn what_is_written_is_read_again() {
        let mut row = Entry {
            provider: "openai".into(),
            model: "gpt-9".into(),
            names: ["gpt-9-nine".to_string()].into(),
            from: Some("2026-08-01".into()),
            to: Some("2026-09-01".into()),
            source: "a page, 2026-08-01".into(),
            ..Entry::default()
        };
        for (index, field) in FIELDS.into_iter().enumerate() {
            row.figures.set(field, Some(index as f64 + 1.25));
        }
        row.figures.set("long_context.above", Some(272_000.0));
        let table: Table = toml::from_str(&table("1", std::slice::from_ref(&row))).unwrap();
        assert_eq!(table.prices.iter().map(crate::overlay::entry).collect::<Vec<_>>(), [row]);
    }
}
