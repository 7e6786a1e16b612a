//! What a new table changes, for the reader of a review.

use std::collections::BTreeMap;

use crate::figures::{Decimal, FIELDS};
use crate::merge::Entry;

/// One line for each row that was added, removed or changed, with the figures.
pub fn lines(old: &[Entry], new: &[Entry]) -> Vec<String> {
    let (old, new) = (by_name(old), by_name(new));
    let mut lines = Vec::new();
    for (name, row) in &old {
        match new.get(name) {
            None => lines.push(format!("- {name}: {}", prices(row))),
            Some(now) => {
                let changes = changes(row, now);
                if !changes.is_empty() {
                    lines.push(format!("~ {name}: {}", changes.join("; ")));
                }
            }
        }
    }
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    lines.extend(added.map(|(name, row)| format!("+ {name}: {}", prices(row))));
    lines
}

fn by_name(rows: &[Entry]) -> BTreeMap<String, &Entry> {
    let name = |row: &Entry| {
        let from = row.from.as_deref().map(|from| format!(" from {from}")).unwrap_or_default();
        format!("{}/{}{from}", row.provider, row.model)
    };
    rows.iter().map(|row| (name(row), row)).collect()
}

fn prices(row: &Entry) -> String {
    let parts = crate::write::parts(row);
    parts
        .into_iter()
        .filter(|part| !part.starts_with("provider") && !part.starts_with("model"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn changes(old: &Entry, new: &Entry) -> Vec<String> {
    let figure =
        |value: Option<u64>| value.map_or_else(|| "none".to_string(), |value| Decimal(value).to_string());
    let mut changes: Vec<String> = FIELDS
        .iter()
        .filter(|field| old.figures.get(field) != new.figures.get(field))
        .map(|field| {
            format!("{field} {} -> {}", figure(old.figures.get(field)), figure(new.figures.get(field)))
        })
        .collect();
    let date = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_string());
    if old.to != new.to {
        changes.push(format!("to {} -> {}", date(&old.to), date(&new.to)));
    }
    changes.extend(old.names.difference(&new.names).map(|name| format!("name {name} removed")));
    changes.extend(new.names.difference(&old.names).map(|name| format!("name {name} added")));
    if old.source != new.source {
        changes.push(format!("source {:?} -> {:?}", old.source, new.source));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(model: &str, input: f64) -> Entry {
        let mut row = Entry { provider: "xai".into(), model: model.into(), ..Entry::default() };
        row.figures.set("input", Some(input));
        row
    }

    /// Scenario: a row stays, one changes, one goes, one comes.
    /// Guarantee: three lines that say which and with what figures.
    #[test]
    fn lines_name_rows_and_figures() {
        let old = [row("same", 1.0), row("dearer", 1.0), row("gone", 1.0)];
        let new = [row("same", 1.0), row("dearer", 2.5), row("new", 4.0)];
        let lines = lines(&old, &new);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.contains(&"~ xai/dearer: input 1 -> 2.5".to_string()), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("- xai/gone: input = 1")), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("+ xai/new: input = 4")), "{lines:?}");
    }
}
