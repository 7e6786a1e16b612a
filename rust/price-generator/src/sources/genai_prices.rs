//! genai-prices, version 2: providers → models with match clauses and dated prices, dollars per million tokens.

use std::path::Path;

use serde_json::Value;

use super::{Published, Quote, Source, json, keys};
use crate::Failure;
use crate::figures::Figures;

/// Its providers that are makers of the built-in table. `zhipuai` is another seller than `zai`: mainland China.
const MAKERS: [(&str, &str); 9] = [
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("google", "google"),
    ("x-ai", "xai"),
    ("moonshotai", "moonshotai"),
    ("zai", "zai"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("minimax", "minimax"),
];

/// Reads the file into `published`.
pub fn read(path: &Path, published: &mut Published) -> Result<(), Failure> {
    let table = json(path)?;
    for provider in table.as_array().into_iter().flatten() {
        let maker = MAKERS.iter().find(|(theirs, _)| provider["id"] == *theirs).map(|(_, maker)| *maker);
        for model in provider["models"].as_array().into_iter().flatten() {
            let mut names = vec![model["id"].as_str().unwrap_or_default().to_string()];
            whole_names(&model["match"], &mut names);
            if let Some(maker) = maker {
                published.quotes.extend(quote(maker, &names, &model["prices"]));
            }
            beginnings(&model["match"], &mut names);
            published.names.extend(names);
        }
    }
    Ok(())
}

/// The names that a clause matches as a whole. Beginnings also match models that came later, at other prices:
/// `claude-opus-5` would match `claude-opus-5-5`.
fn whole_names(clause: &Value, names: &mut Vec<String>) {
    names.extend(clause["equals"].as_str().map(str::to_string));
    for part in clause["or"].as_array().into_iter().flatten() {
        whole_names(part, names);
    }
}

/// What a clause wants at the beginning of a name: mostly itself a name.
fn beginnings(clause: &Value, names: &mut Vec<String>) {
    names.extend(clause["starts_with"].as_str().map(str::to_string));
    for part in clause["or"].as_array().into_iter().flatten() {
        beginnings(part, names);
    }
}

fn quote(maker: &'static str, names: &[String], prices: &Value) -> Option<Quote> {
    let own = keys::key(maker, names.first()?)?;
    // Its Google list repeats Claude on Vertex, whose prices are the maker's.
    if maker == "google" && own.starts_with("claude") {
        return None;
    }
    let mut keys: Vec<String> = vec![own];
    for key in names.iter().filter_map(|name| keys::key(maker, name)) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let single = [serde_json::json!({ "prices": prices })];
    let listed = prices.as_array().map_or(&single[..], Vec::as_slice);
    let mut periods = Vec::new();
    let mut unusable = None;
    for entry in listed {
        let start = entry["constraint"]["start_date"].as_str().map(str::to_string);
        if !entry["constraint"].is_null() && start.is_none() {
            unusable = Some("priced by time of day");
        }
        periods.push((start, figures(&entry["prices"])));
    }
    if periods.iter().any(|(_, figures)| figures.get("input").is_none()) {
        unusable = Some("no price, or 0, which is no price");
    }
    Some(Quote { source: Source::GenaiPrices, maker, keys, periods, unusable })
}

fn figures(prices: &Value) -> Figures {
    let mut figures = Figures::default();
    let fields = [
        ("input_mtok", "input", "long_context.input"),
        ("output_mtok", "output", "long_context.output"),
        ("cache_read_mtok", "cache_read", "long_context.cache_read"),
        ("cache_write_mtok", "cache_write_5m", "long_context.cache_write_5m"),
        ("cache_write_1h_mtok", "cache_write_1h", "long_context.cache_write_1h"),
    ];
    for (theirs, field, above) in fields {
        let price = &prices[theirs];
        figures.set(field, price.as_f64().or(price["base"].as_f64()));
        if let Some(start) = price["tiers"][0]["start"].as_u64() {
            figures.0.insert("long_context.above", start * 1_000_000);
            figures.set(above, price["tiers"][0]["price"].as_f64());
        }
    }
    figures.set("web_search", prices["web_searches_kcount"].as_f64().map(|dollars| dollars / 1000.0));
    figures
}
