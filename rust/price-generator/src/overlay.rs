//! The hand-kept overlay: rows that the tables lack or have wrong, what to add to rows, what to leave out.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use tokenledger_prices::Row;
use wildmatch::WildMatch;

use crate::Failure;
use crate::figures::{FIELDS, Figures};
use crate::merge::Entry;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overlay {
    /// The version of the whole table.
    pub version: String,
    /// Rows; a model that has one here has no generated ones.
    price: Vec<Row>,
    /// What is added to rows.
    amend: Vec<Amend>,
    /// Rows of makers that are repeated for a seller with other regional prices.
    resell: Vec<Resell>,
    /// Models that get no generated row.
    remove: Vec<Remove>,
}

/// Fills figures that rows do not have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Amend {
    provider: String,
    /// Names of models, `*` for any text.
    models: Vec<String>,
    /// Further names.
    names: Vec<String>,
    fast: Option<f64>,
    batch: Option<f64>,
    flex: Option<f64>,
    residency_us: Option<f64>,
    regional: Option<f64>,
    govcloud: Option<f64>,
    web_search: Option<f64>,
    /// What priority processing costs, as a multiple of the ordinary prices.
    priority: Option<f64>,
    /// Where this comes from: kept here, as the rule holds for many rows.
    source: String,
}

/// A seller that charges the maker's prices, but for regions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Resell {
    seller: String,
    /// The maker.
    provider: String,
    /// Names of models, `*` for any text.
    models: Vec<String>,
    regional: f64,
    source: String,
}

/// Keeps a model out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Remove {
    provider: String,
    /// Names of models, `*` for any text.
    models: Vec<String>,
    why: String,
}

/// Reads the file.
pub fn read(path: &Path) -> Result<Overlay, Failure> {
    let overlay: Overlay =
        toml::from_str(&crate::read(path)?).map_err(|error| crate::failure(path, &error))?;
    let without = overlay.price.iter().find(|row| row.source.is_empty()).map(|row| row.model.as_str());
    let without =
        without.or(overlay.amend.iter().find(|amend| amend.source.is_empty()).map(|_| "an amendment"));
    let without =
        without.or(overlay.resell.iter().find(|resell| resell.source.is_empty()).map(|_| "a seller"));
    let without = without.or(overlay.remove.iter().find(|remove| remove.why.is_empty()).map(|_| "a removal"));
    match without {
        Some(name) => Err(crate::failure(path, &format!("{name} says no source or reason"))),
        None => Ok(overlay),
    }
}

impl Overlay {
    /// Whether the model's rows are kept by hand.
    pub fn has_rows_of(&self, provider: &str, model: &str) -> bool {
        self.price.iter().any(|row| {
            row.provider == provider && (row.model == model || row.names.iter().any(|name| name == model))
        })
    }

    /// Why the model gets no row.
    pub fn removed(&self, provider: &str, model: &str) -> Option<&str> {
        let remove =
            self.remove.iter().find(|remove| remove.provider == provider && any(&remove.models, model))?;
        Some(&remove.why)
    }

    /// The rows of the file.
    pub fn rows(&self) -> impl Iterator<Item = Entry> {
        self.price.iter().map(entry)
    }

    /// The row as sellers have it that are listed with regional prices of their own.
    pub fn resold(&self, row: &Entry) -> Vec<Entry> {
        let fitting = |resell: &&Resell| resell.provider == row.provider && any(&resell.models, &row.model);
        let repeat = |resell: &Resell| {
            let source = format!("{}, regional: {}", row.source, resell.source);
            let mut copy = Entry { provider: resell.seller.clone(), source, ..row.clone() };
            copy.figures.set("regional", Some(resell.regional));
            copy
        };
        self.resell.iter().filter(fitting).map(repeat).collect()
    }

    /// Adds what amendments say; a figure that is there stays, so that a row can be an exception.
    pub fn amend(&self, row: &mut Entry) {
        let fitting = |amend: &&Amend| amend.provider == row.provider && any(&amend.models, &row.model);
        for amend in self.amend.iter().filter(fitting).collect::<Vec<_>>() {
            row.names.extend(amend.names.iter().cloned());
            let mut figures = Figures::default();
            for (field, value) in [
                ("fast", amend.fast),
                ("batch", amend.batch),
                ("flex", amend.flex),
                ("residency_us", amend.residency_us),
                ("regional", amend.regional),
                ("govcloud", amend.govcloud),
                ("web_search", amend.web_search),
            ] {
                figures.set(field, value);
            }
            if let Some(factor) = amend.priority {
                let ordinary = [
                    ("priority.input", "input"),
                    ("priority.output", "output"),
                    ("priority.cache_read", "cache_read"),
                    ("priority.cache_write_5m", "cache_write_5m"),
                ];
                for (field, ordinary) in ordinary {
                    figures.set(field, row.figures.get(ordinary).map(|price| price as f64 * factor / 1e6));
                }
            }
            for field in FIELDS {
                row.figures.fill(field, &figures);
            }
        }
    }
}

fn any(patterns: &[String], model: &str) -> bool {
    patterns.iter().any(|pattern| WildMatch::new(pattern).matches(model))
}

/// A row in the generator's form.
pub fn entry(row: &Row) -> Entry {
    Entry {
        provider: row.provider.clone(),
        model: row.model.clone(),
        names: row.names.iter().cloned().collect::<BTreeSet<_>>(),
        from: row.from.map(|from| from.to_string()),
        to: row.to.map(|to| to.to_string()),
        figures: Figures::of_row(row),
        source: row.source.clone(),
    }
}
