//! `tokenledger ledger export`: usage as a table, for people who pay.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, ValueEnum};
use tokenledger_storage::usage::export::{Column, Period, Request, sheet};

use crate::exit::{self, Ended, Exit};
use crate::output;

/// Exports usage: tokens, costs, sessions and users by whatever dimensions.
///
/// Adds up every usage.db in DIR and below; a collector may be writing them. All times are UTC. Costs are
/// those that clients report and, beside them, those computed from list prices: estimates, not a bill.
///
/// With --month a chargeback sheet: refused until the month is over, and the same bytes each time.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Export {
    /// Directory of one ledger, or of several.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The month.
    #[arg(long, value_name = "YYYY-MM", value_parser = month, conflicts_with_all = ["from", "to"])]
    month: Option<Period>,
    /// The first day.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Option<String>,
    /// The last day, itself included.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Option<String>,
    /// What rows are told apart by; may be given several times.
    #[arg(long, value_name = "DIMENSION", action = ArgAction::Append, value_delimiter = ',',
          value_parser = PossibleValuesParser::new(Column::names()))]
    by: Vec<String>,
    /// Export a month that is not over, or not whole any more, and mark it as open.
    #[arg(long, requires = "month")]
    open: bool,
    /// What the answer looks like.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Comma-separated values.
    Csv,
    /// One JSON document; costs are texts, because they are exact.
    Json,
}

impl Export {
    /// Reads and answers.
    pub fn run(self) -> Ended {
        let days = || Period::days(self.from.as_deref(), self.to.as_deref());
        let Some(period) = self.month.clone().or_else(days) else {
            return Err("--from is after --to".into());
        };
        let by = self.by.iter().filter_map(|name| Column::of_name(name)).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let sheet = sheet(&self.directory, &Request { period, by, open: self.open }, now)?;
        sheet.remarks().iter().for_each(|remark| output::note(remark));
        output::document(&match self.format {
            Format::Csv => sheet.to_csv(),
            Format::Json => sheet.to_json()?,
        })?;
        Ok(Exit::Yes)
    }
}

fn month(text: &str) -> Result<Period, String> {
    Period::month(text).ok_or_else(|| "a month looks like 2026-10".to_owned())
}

fn day(text: &str) -> Result<String, String> {
    let is_day = Period::days(Some(text), None).is_some();
    is_day.then(|| text.to_owned()).ok_or_else(|| "a day looks like 2026-10-31".to_owned())
}
