//! models.dev: a TOML file for each model, dollars per million tokens.

use std::path::Path;

use serde::Deserialize;

use super::{Published, Quote, Source, keys};
use crate::Failure;
use crate::figures::Figures;

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    cost: Option<Cost>,
    #[serde(default)]
    experimental: Experimental,
}

#[derive(Deserialize)]
struct Cost {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    #[serde(default)]
    tiers: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    tier: Size,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

#[derive(Deserialize)]
struct Size {
    size: u64,
}

#[derive(Default, Deserialize)]
struct Experimental {
    #[serde(default)]
    modes: Modes,
}

#[derive(Default, Deserialize)]
struct Modes {
    fast: Option<Mode>,
}

#[derive(Deserialize)]
struct Mode {
    cost: Option<Cost>,
}

/// Reads the folder into `published`.
pub fn read(folder: &Path, published: &mut Published) -> Result<(), Failure> {
    for maker in ["anthropic", "google", "openai"] {
        let models = folder.join(maker).join("models");
        let mut paths: Vec<_> = std::fs::read_dir(&models)
            .map_err(|error| crate::failure(&models, &error))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        for path in paths {
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            published.names.insert(name.to_string());
            let model: Model =
                toml::from_str(&crate::read(&path)?).map_err(|error| crate::failure(&path, &error))?;
            let (Some(cost), Some(key)) = (model.cost, keys::key(maker, name)) else { continue };
            let figures = figures(&cost, model.experimental.modes.fast.and_then(|mode| mode.cost));
            let unusable = figures.get("input").is_none().then_some("no price, or 0, which is no price");
            let quote = Quote {
                source: Source::ModelsDev,
                maker,
                keys: vec![key],
                periods: vec![(None, figures)],
                unusable,
            };
            published.quotes.push(quote);
        }
    }
    Ok(())
}

fn figures(cost: &Cost, fast: Option<Cost>) -> Figures {
    let mut figures = Figures::default();
    figures.set("input", Some(cost.input));
    figures.set("output", Some(cost.output));
    figures.set("cache_read", cost.cache_read);
    figures.set("cache_write_5m", cost.cache_write);
    if let [step] = cost.tiers.as_slice() {
        figures.0.insert("long_context.above", step.tier.size * 1_000_000);
        figures.set("long_context.input", Some(step.input));
        figures.set("long_context.output", Some(step.output));
        figures.set("long_context.cache_read", step.cache_read);
        figures.set("long_context.cache_write_5m", step.cache_write);
    }
    figures.set("fast", fast.map(|fast| fast.input / cost.input));
    figures
}
