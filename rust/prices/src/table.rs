//! The table as it is written: TOML, the same schema for the built-in table and for users' files.
//!
//! Prices are US dollars per million tokens, from 0 to 10,000 and with at most six decimal places; factors are above
//! 0, at most 100, with at most four. A user's row stands for itself: it replaces the built-in rows of its provider
//! and model during its period as a whole, and takes over none of their fields. To change one price, write the
//! whole row.

use serde::Deserialize;
use toml::value::Datetime;

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// Names this state of the table, for example its date.
    pub version: String,
    /// The rows.
    #[serde(rename = "price")]
    pub prices: Vec<Row>,
    /// Names that stand for others, for example ARNs of inference profiles; the left side is matched before and
    /// after normalisation, the right side is a model's name as a client may write it.
    pub aliases: std::collections::BTreeMap<String, String>,
    /// What is taken off list prices, in the order of the file; the first that matches counts.
    #[serde(rename = "discount")]
    pub discounts: Vec<Discount>,
    /// Another currency to show amounts in; dollars are always shown.
    pub currency: Option<Currency>,
    /// Whether Bedrock's names without a region (`anthropic.claude-…`) mean a regional endpoint; absent: yes.
    /// `false` where clients shorten the names of global inference profiles.
    pub bedrock_bare_is_regional: Option<bool>,
}

/// The price of one model from one seller during one period.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Row {
    /// Who sells: `anthropic`, `openai`, `google`, `bedrock`, `vertex`, `azure`, … as [`crate::Found::provider`].
    /// A seller without a row of its own for a model has the maker's row with the row's `regional` factor.
    pub provider: String,
    /// The normalised name.
    pub model: String,
    /// Further normalised names of the same model.
    pub names: Vec<String>,
    /// First moment of validity, UTC; absent: since ever.
    pub from: Option<Datetime>,
    /// First moment after it, UTC; absent: until further notice.
    pub to: Option<Datetime>,
    /// Dollars per million tokens of each class. Input and output must be there, as 0 where they are free.
    #[serde(default = "missing")]
    pub input: f64,
    /// See [`crate::Class`].
    #[serde(default = "missing")]
    pub output: f64,
    /// Absent: reads cost as much as input.
    pub cache_read: Option<f64>,
    /// Absent: writes cost as much as input.
    pub cache_write_5m: Option<f64>,
    /// Absent: as `cache_write_5m`.
    pub cache_write_1h: Option<f64>,
    /// Absent: as output.
    pub reasoning: Option<f64>,
    /// Prices of a request whose whole input is above a threshold.
    pub long_context: Option<LongContext>,
    /// Factors on all token prices.
    pub fast: Option<f64>,
    /// Usually 0.5.
    pub batch: Option<f64>,
    /// Flex processing (OpenAI, Google), usually 0.5.
    pub flex: Option<f64>,
    /// Prices of priority processing (OpenAI, Google), which are no constant multiple.
    pub priority: Option<Tier>,
    /// Data residency in the United States at the maker itself.
    pub residency_us: Option<f64>,
    /// Regional endpoints of Bedrock, Vertex and Azure, and regional hosts of OpenAI.
    pub regional: Option<f64>,
    /// Endpoints of GovCloud.
    pub govcloud: Option<f64>,
    /// Dollars for one web search.
    pub web_search: Option<f64>,
    /// Where the figures come from: which source of `data/prices`, which page, and of which date.
    pub source: String,
}

/// Prices above a threshold of one request's whole input (cache reads and writes included): every token of that
/// request costs this.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LongContext {
    /// Tokens of input that are still at the ordinary price.
    pub above: u64,
    /// The prices beyond.
    #[serde(flatten)]
    pub tier: Tier,
}

/// Dollars per million tokens; what is absent keeps its ratio to `input` of the ordinary price.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tier {
    /// See [`Row`].
    #[serde(default = "missing")]
    pub input: f64,
    /// See [`Row`].
    #[serde(default = "missing")]
    pub output: f64,
    /// See [`Row`].
    pub cache_read: Option<f64>,
    /// See [`Row`].
    pub cache_write_5m: Option<f64>,
    /// See [`Row`].
    pub cache_write_1h: Option<f64>,
}

/// A negotiated discount.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Discount {
    /// Absent: any.
    pub provider: Option<String>,
    /// Normalised name, `*` for any text; absent: any.
    pub model: Option<String>,
    /// As in [`Row`].
    pub from: Option<Datetime>,
    /// As in [`Row`].
    pub to: Option<Datetime>,
    /// Percent of the list price that is taken off, from 0 to 100, with at most two decimal places. It is taken off
    /// web searches too.
    #[serde(default = "missing")]
    pub percent: f64,
}

/// What a number is that a table must have and has not: not 0, which would make it free.
fn missing() -> f64 {
    f64::NAN
}

/// A currency at a rate that the user sets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// ISO 4217, for example `EUR`.
    pub code: String,
    /// Units of it that one dollar is worth; more than 0.
    pub per_usd: f64,
}

/// Why a table cannot be used. Messages name the place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TableError(pub String);
