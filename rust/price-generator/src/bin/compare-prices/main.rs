//! `compare-prices`: what Tokenledger, LiteLLM and ccusage make of the same usage, every difference explained.
//!
//! `make prices-compare` runs the other tools (compare/prices/run.sh) and then this. Their results are committed, so
//! that the page can be checked without them.
#![forbid(unsafe_code)]

mod explain;
mod page;
mod usages;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokenledger_prices::Prices;

/// Compares costs with those of LiteLLM and ccusage.
#[derive(Debug, Parser)]
#[command(name = "compare-prices", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the usages that all tools price, as JSON.
    Usages,
    /// Write the page from what the other tools said.
    Page {
        /// The root of the repository.
        #[arg(long, default_value = ".")]
        root: PathBuf,
        /// Write nothing; fail if the page is not what the results give.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Usages => usages_as_json(),
        Command::Page { root, check } => write_page(&root, check),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "compare-prices: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn usages_as_json() -> Result<(), String> {
    let text = serde_json::to_string_pretty(&usages::all()).map_err(|error| error.to_string())?;
    writeln!(std::io::stdout(), "{text}").map_err(|error| error.to_string())
}

fn write_page(root: &Path, check: bool) -> Result<(), String> {
    let prices = Prices::built_in().map_err(|error| error.to_string())?;
    let tools =
        ["litellm", "ccusage"].map(|tool| results(&root.join(format!("compare/prices/results/{tool}.json"))));
    let [litellm, ccusage] = tools;
    let text = page::page(&prices, &usages::all(), &[litellm?, ccusage?])?;
    let path = root.join("docs/price-comparison.md");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    if before == text {
        return Ok(());
    }
    if check {
        return Err(format!("{} is not what the results give: run `make prices-compare`", path.display()));
    }
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn results(path: &Path) -> Result<page::Results, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
