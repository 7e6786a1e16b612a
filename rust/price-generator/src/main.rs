//! `price-generator`: writes the built-in price table from the published tables and the hand-kept overlay.
//!
//! `make prices` runs it. Rules: docs/prices.md. The same sources and the same overlay give the same table.
#![forbid(unsafe_code)]

mod difference;
mod figures;
mod left_out;
mod merge;
mod names;
mod overlay;
mod sources;
mod write;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Writes rust/prices/table/prices.toml, the golden table of names and the list in docs/prices.md.
#[derive(Debug, Parser)]
#[command(name = "price-generator", version)]
struct Cli {
    /// The folder of the published tables: litellm/, genai-prices/, models.dev/, ccusage/.
    #[arg(long)]
    sources: PathBuf,
    /// The root of the repository.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// Write nothing; fail if anything would change.
    #[arg(long)]
    check: bool,
    /// Write where each name of the sources leads with the table as it is compiled in, instead of the table.
    #[arg(long)]
    names: bool,
}

/// Why nothing was written. The message names the place and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = std::io::stdout().lock();
    match run(&cli, &mut output) {
        Ok(true) if cli.check => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "price-generator: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether a file changed, or would.
fn run(cli: &Cli, output: &mut impl Write) -> Result<bool, Failure> {
    let published = sources::read(&cli.sources)?;
    if cli.names {
        let path = cli.root.join("rust/prices/tests/data/names.tsv");
        return put(&path, &names::table(&published)?, cli.check, output);
    }
    let folder = cli.root.join("rust/prices/table");
    let overlay = overlay::read(&folder.join("overlay.toml"))?;
    let merged = merge::merge(&published, &overlay);
    let path = folder.join("prices.toml");
    let lines = difference::lines(&write::parse(&path)?, &merged.rows);
    let text = write::table(&overlay.version, &merged.rows);
    let page = cli.root.join("docs/prices.md");
    let mut changed = put(&path, &text, cli.check, output)?;
    for line in &lines {
        say(output, line)?;
    }
    let listed = left_out::into_page(&read(&page)?, &merged.left_out)?;
    changed |= put(&page, &listed, cli.check, output)?;
    say(output, &format!("{} rows, {} names left out", merged.rows.len(), merged.left_out.len()))?;
    Ok(changed)
}

fn put(path: &Path, text: &str, check: bool, output: &mut impl Write) -> Result<bool, Failure> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    if before == text {
        say(output, &format!("{}: unchanged", path.display()))?;
        return Ok(false);
    }
    if !check {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failure(folder, &error))?;
        }
        std::fs::write(path, text).map_err(|error| failure(path, &error))?;
    }
    say(output, &format!("{}: {}", path.display(), if check { "would change" } else { "written" }))?;
    Ok(true)
}

fn say(output: &mut impl Write, line: &str) -> Result<(), Failure> {
    writeln!(output, "{line}").map_err(|error| Failure(format!("cannot write to standard output: {error}")))
}

/// The text of a file.
fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| failure(path, &error))
}

fn failure(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure(format!("{}: {error}", path.display()))
}
