//! The published tables: where they come from, and what they say in one common form.

mod genai_prices;
mod keys;
mod litellm;
mod models_dev;

pub use keys::undated;

use std::collections::BTreeSet;
use std::path::Path;

use crate::Failure;
use crate::figures::Figures;

/// A published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The richest in modifiers, without dates.
    LiteLlm,
    /// The only one with dates.
    GenaiPrices,
    /// The only one with the fast modes of Codex.
    ModelsDev,
}

impl Source {
    /// As rows name it: the table and the day on which it was read.
    pub fn title(self) -> &'static str {
        match self {
            Self::LiteLlm => "LiteLLM 2026-07-24",
            Self::GenaiPrices => "genai-prices 2026-08-21",
            Self::ModelsDev => "models.dev 2026-07-02",
        }
    }

    /// The day on which it was read.
    pub fn day(self) -> &'static str {
        self.title().rsplit(' ').next().unwrap_or_default()
    }
}

/// What is shown when the folder is not there.
const WHERE: &str = "\
get these files (all MIT) and name their folder with PRICE_SOURCES or --sources:
  litellm/model_prices_and_context_window.json    BerriAI/litellm, or its mirror RoCry/llm-api-price at 8442b939a6ea
  genai-prices/data.json                          pydantic/genai-prices, prices/new_data/v2/data.json at 47df840a5ab1
  models.dev/providers/{anthropic,google,openai}  anomalyco/models.dev, providers/ at f3fc69229967
  ccusage/models-dev-pricing.json                 ryoppippi/ccusage, rust/crates/ccusage/src/ at 5816e640e882";

/// What one table says about one model of one maker.
#[derive(Clone, Debug)]
pub struct Quote {
    /// The table.
    pub source: Source,
    /// The maker as [`tokenledger_prices::Row::provider`].
    pub maker: &'static str,
    /// The model's normalised names; the first is the table's own.
    pub keys: Vec<String>,
    /// Prices by first day, `None` for since ever, in order of time.
    pub periods: Vec<(Option<String>, Figures)>,
    /// Why it cannot be used, if it cannot.
    pub unusable: Option<&'static str>,
}

/// All tables.
#[derive(Debug, Default)]
pub struct Published {
    /// What they say about the makers that the built-in table covers.
    pub quotes: Vec<Quote>,
    /// Every name of a model that occurs in them, of whatever seller.
    pub names: BTreeSet<String>,
}

/// Reads the tables.
pub fn read(folder: &Path) -> Result<Published, Failure> {
    if !folder.join("litellm").is_dir() {
        return Err(Failure(format!("{} has no price tables; {WHERE}", folder.display())));
    }
    let mut published = Published::default();
    litellm::read(&folder.join("litellm/model_prices_and_context_window.json"), &mut published)?;
    genai_prices::read(&folder.join("genai-prices/data.json"), &mut published)?;
    models_dev::read(&folder.join("models.dev/providers"), &mut published)?;
    let embedded = json(&folder.join("ccusage/models-dev-pricing.json"))?;
    published.names.extend(embedded.as_object().into_iter().flat_map(|models| models.keys().cloned()));
    // ccusage's figures are a copy of those of models.dev, of an earlier day; only its names are its own.
    Ok(published)
}

fn json(path: &Path) -> Result<serde_json::Value, Failure> {
    let text = crate::read(path)?;
    serde_json::from_str(&text).map_err(|error| crate::failure(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the folder of the tables is missing.
    /// Guarantee: the error names what to get from where.
    #[test]
    fn a_missing_folder_names_the_upstream_files() {
        let message = read(Path::new("/nowhere")).unwrap_err().to_string();
        for part in [
            "/nowhere",
            "BerriAI/litellm",
            "pydantic/genai-prices",
            "anomalyco/models.dev",
            "ryoppippi/ccusage",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
