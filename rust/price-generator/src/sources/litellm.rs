//! LiteLLM's table: one object, model → fields, dollars per token.

use std::path::Path;

use serde_json::Value;

use super::{Published, Quote, Source, json, keys};
use crate::Failure;
use crate::figures::Figures;

/// Its providers that are makers of the built-in table. Its entries of Vertex for Gemini repeat those of `gemini`.
const MAKERS: [(&str, &str); 10] = [
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("gemini", "google"),
    ("xai", "xai"),
    ("moonshot", "moonshotai"),
    ("zai", "zai"),
    ("deepseek", "deepseek"),
    ("dashscope", "alibaba"),
    ("mistral", "mistral"),
    ("minimax", "minimax"),
];

/// Not models: an example, rules for unknown names, and a mark of the copier.
const NOT_MODELS: [&str; 3] = ["sample_spec", "fallback_generalizations", "last_updated"];

/// Reads the file into `published`.
pub fn read(path: &Path, published: &mut Published) -> Result<(), Failure> {
    let table = json(path)?;
    let models =
        table.as_object().into_iter().flatten().filter(|(name, _)| !NOT_MODELS.contains(&name.as_str()));
    for (name, fields) in models {
        published.names.insert(name.clone());
        let provider = fields["litellm_provider"].as_str().unwrap_or_default();
        let Some((_, maker)) = MAKERS.iter().find(|(theirs, _)| *theirs == provider) else { continue };
        if !matches!(fields["mode"].as_str(), Some("chat" | "responses" | "completion")) {
            continue;
        }
        let Some(key) = keys::key(maker, name) else { continue };
        let figures = figures(maker, fields);
        let unusable = if !fields["tiered_pricing"].is_null() {
            Some("priced in more than two steps of input")
        } else if figures.get("input").is_none() {
            Some("no price, or 0, which is no price")
        } else {
            None
        };
        let quote = Quote {
            source: Source::LiteLlm,
            maker,
            keys: vec![key],
            periods: vec![(None, figures)],
            unusable,
        };
        published.quotes.push(quote);
    }
    Ok(())
}

fn figures(maker: &str, fields: &Value) -> Figures {
    let mut figures = Figures::default();
    let per_million = |name: &str| fields[name].as_f64().map(|dollars| dollars * 1e6);
    figures.set("input", per_million("input_cost_per_token"));
    figures.set("output", per_million("output_cost_per_token"));
    let read = per_million("cache_read_input_token_cost").or(per_million("input_cost_per_token_cache_hit"));
    figures.set("cache_read", read);
    figures.set("cache_write_5m", per_million("cache_creation_input_token_cost"));
    figures.set("cache_write_1h", per_million("cache_creation_input_token_cost_above_1hr"));
    let reasoning = per_million("output_cost_per_reasoning_token");
    figures.set("reasoning", reasoning.filter(|price| Some(*price) != per_million("output_cost_per_token")));
    long_context(maker, fields, &mut figures);
    modifiers(fields, &mut figures);
    priority(fields, &mut figures);
    figures
}

fn long_context(maker: &str, fields: &Value, figures: &mut Figures) {
    for thousands in [128, 200, 256, 272, 512] {
        let price = |name: &str| {
            fields[format!("{name}_above_{thousands}k_tokens")].as_f64().map(|dollars| dollars * 1e6)
        };
        let Some(input) = price("input_cost_per_token") else { continue };
        // xAI's threshold itself is already at the higher price (LiteLLM's code); ours is the last that is not.
        let above = thousands * 1000 - u64::from(maker == "xai");
        figures.0.insert("long_context.above", above * 1_000_000);
        figures.set("long_context.input", Some(input));
        figures.set("long_context.output", price("output_cost_per_token"));
        figures.set("long_context.cache_read", price("cache_read_input_token_cost"));
        if figures.get("cache_write_5m").is_some() {
            figures.set("long_context.cache_write_5m", price("cache_creation_input_token_cost"));
            figures.set("long_context.cache_write_1h", price("cache_creation_input_token_cost_above_1hr"));
        }
        return;
    }
}

fn modifiers(fields: &Value, figures: &mut Figures) {
    let entry = &fields["provider_specific_entry"];
    figures.set("fast", entry["fast"].as_f64());
    figures.set("residency_us", entry["us"].as_f64());
    figures.set("regional", fields["regional_processing_uplift_multiplier_us"].as_f64());
    let input = fields["input_cost_per_token"].as_f64();
    let ratio = |name: &str| Some(fields[name].as_f64()? / input?);
    figures.set("batch", ratio("input_cost_per_token_batches"));
    figures.set("flex", ratio("input_cost_per_token_flex"));
    let search = &fields["search_context_cost_per_query"];
    let sizes = ["low", "medium", "high"].map(|size| search[format!("search_context_size_{size}")].as_f64());
    // A search whose price depends on its size cannot be told from telemetry.
    figures.set("web_search", sizes[0].filter(|_| sizes[0] == sizes[1] && sizes[1] == sizes[2]));
}

fn priority(fields: &Value, figures: &mut Figures) {
    let price = |name: &str| fields[format!("{name}_priority")].as_f64().map(|dollars| dollars * 1e6);
    let (Some(input), Some(output)) = (price("input_cost_per_token"), price("output_cost_per_token")) else {
        return; // half an entry is an error of the table (gpt-5-nano)
    };
    if fields["input_cost_per_token"].as_f64().map(|dollars| dollars * 1e6) == Some(input) {
        return; // the ordinary price again: an error of the table (gemini-2.5-pro)
    }
    figures.set("priority.input", Some(input));
    figures.set("priority.output", Some(output));
    figures.set("priority.cache_read", price("cache_read_input_token_cost"));
    figures.set("priority.cache_write_5m", price("cache_creation_input_token_cost"));
}
