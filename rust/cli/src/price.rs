//! `tokenledger price`: one price explained, and what the table knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tokenledger_prices::{Class, Found, Modifiers, Prices, Tokens, moment};

use crate::exit::{self, Ended, Exit};
use crate::output;

mod document;
mod list;
mod notes;
mod show;
mod unknown;

/// Explains what a request costs at list prices: which row of the price table, from which source, which terms, and the
/// result. It is an estimate, not a bill.
///
/// Models are named as clients name them. The table is compiled in; --prices puts a file of yours before it, as the
/// collector does with the same file.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Price {
    /// The model, as a client names it.
    #[arg(long, value_name = "NAME", required_unless_present = "list")]
    model: Option<String>,
    /// Who sells it, as a client states it (gen_ai.provider.name), for example aws.bedrock.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    provider: String,
    /// When: a date or an RFC 3339 time, UTC unless it says otherwise; now if left out.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<u64>,
    /// A price file of yours.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// List the models that have a price at that time, with their prices for a million tokens.
    #[arg(long, conflicts_with_all = ["model", "Counts", "Conditions"])]
    list: bool,
    /// Answer with one line of JSON; amounts are texts, because they are exact.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    counts: Counts,
    #[command(flatten)]
    conditions: Conditions,
}

/// What was used.
#[derive(Clone, Copy, Debug, Args)]
#[group(id = "Counts", multiple = true)]
#[command(next_help_heading = "Tokens of the request")]
struct Counts {
    /// Tokens of input outside any cache (with --inclusive: all).
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    input: u64,
    /// Tokens of output, reasoning included unless it is given by itself.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    output: u64,
    /// Tokens read from a cache.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    cache_read: u64,
    /// Tokens written to a cache for five minutes, or of the only kind that a vendor has.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    cache_write_5m: u64,
    /// Tokens written to a cache for an hour.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    cache_write_1h: u64,
    /// Tokens of reasoning that are not in --output.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    reasoning: u64,
    /// Searches of the web.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    web_searches: u64,
    /// --input includes what was read from and written to caches, as OpenAI and Gemini count.
    #[arg(long)]
    inclusive: bool,
}

/// Under which conditions.
#[derive(Clone, Copy, Debug, Args)]
#[group(id = "Conditions", multiple = true)]
#[command(next_help_heading = "Conditions")]
struct Conditions {
    /// Fast mode.
    #[arg(long, conflicts_with_all = ["batch", "flex", "priority"])]
    fast: bool,
    /// Batch processing.
    #[arg(long, conflicts_with_all = ["flex", "priority"])]
    batch: bool,
    /// Flex processing.
    #[arg(long, conflicts_with = "priority")]
    flex: bool,
    /// Priority processing.
    #[arg(long)]
    priority: bool,
    /// Data residency in the United States, at the maker.
    #[arg(long)]
    residency_us: bool,
    /// A regional endpoint, where the model's name does not tell.
    #[arg(long)]
    regional: bool,
}

/// Why a price file cannot be used.
#[derive(Debug, thiserror::Error)]
enum PricesError {
    #[error("the price file {path} cannot be read; correct --prices, or leave it out for the built-in table")]
    Unreadable { path: String, source: std::io::Error },
    #[error("the price file {path}")]
    Wrong { path: String, source: tokenledger_prices::TableError },
}

/// A question with its answer.
struct Question<'a> {
    /// The model as it was named.
    name: &'a str,
    prices: &'a Prices,
    found: Found<'a>,
    at: u64,
    modifiers: Modifiers,
}

impl Price {
    /// Answers.
    pub fn run(self) -> Ended {
        let prices = read(self.prices.as_deref())?;
        let at = self.at.unwrap_or_else(now);
        if self.list {
            return Ok(list::print(&prices, &self.provider, at, self.json));
        }
        let name = self.model.as_deref().unwrap_or_default();
        let tokens = self.counts.tokens()?;
        let modifiers = self.conditions.modifiers();
        let Some(found) = prices.find(name, &self.provider) else {
            return Ok(unknown::print(&prices, name, self.json));
        };
        let Some(explanation) = found.explain(&tokens, self.counts.web_searches, at, modifiers) else {
            return Ok(unknown::print_not_yet(&found, name, at, self.json));
        };
        let question = Question { name, prices: &prices, found, at, modifiers };
        if self.json {
            output::json(&document::Document::of(&question, &explanation));
        } else {
            show::lines(&question, &explanation).iter().for_each(|line| output::line(line));
        }
        Ok(Exit::Yes)
    }
}

impl Counts {
    fn tokens(&self) -> Result<Tokens, String> {
        let mut tokens = Tokens([
            self.input,
            self.output,
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_1h,
            self.reasoning,
        ]);
        if self.inclusive {
            let cached = [self.cache_read, self.cache_write_5m, self.cache_write_1h];
            let rest = cached.iter().try_fold(self.input, |rest, cached| rest.checked_sub(*cached));
            tokens.0[Class::Input as usize] = rest.ok_or_else(|| {
                format!(
                    "--input {} cannot include what was read from and written to caches, which is more; leave \
                     --inclusive out, or give the whole input",
                    self.input
                )
            })?;
        }
        Ok(tokens)
    }
}

impl Conditions {
    fn modifiers(self) -> Modifiers {
        let Self { fast, batch, flex, priority, residency_us, regional } = self;
        Modifiers { fast, batch, flex, priority, residency_us, regional }
    }
}

fn read(file: Option<&Path>) -> Result<Prices, Box<dyn std::error::Error>> {
    let Some(file) = file else { return Ok(Prices::built_in()?) };
    let path = file.display().to_string();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(source) => return Err(PricesError::Unreadable { path, source }.into()),
    };
    Prices::with_user_file(&text).map_err(|source| PricesError::Wrong { path, source }.into())
}

/// Unix nanoseconds; 1970 on a machine whose clock is before that.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What classes are called here, as in the metrics.
fn class_name(class: Class) -> &'static str {
    match class {
        Class::Input => "input",
        Class::Output => "output",
        Class::CacheRead => "cache read",
        Class::CacheWrite5m => "cache write 5m",
        Class::CacheWrite1h => "cache write 1h",
        Class::Reasoning => "reasoning",
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
