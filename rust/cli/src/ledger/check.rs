//! `tokenledger ledger check`.

use std::path::Path;

use tokenledger_storage::care::{self, CheckReport};

use super::blob;
use crate::exit::{Ended, Exit};
use crate::output;

/// Checks every ledger and answers.
pub fn run(directory: &Path, json: bool) -> Ended {
    let mut reports = Vec::new();
    for ledger in care::ledgers(directory)? {
        reports.push(care::check(&ledger, &mut blob::check)?);
    }
    if json {
        output::json(&reports);
    } else {
        reports.iter().for_each(print);
    }
    let whole = reports.iter().all(|report| report.damaged == 0);
    Ok(if whole { Exit::Yes } else { Exit::No })
}

fn print(report: &CheckReport) {
    let verdict = match report.damaged {
        0 => "whole".to_owned(),
        1 => "1 problem".to_owned(),
        several => format!("{several} problems"),
    };
    output::line(&format!(
        "{}: {verdict} ({} snapshots and {} journal rows are whole, {} rows were set aside before)",
        report.directory.display(),
        report.snapshots,
        report.journal_rows,
        report.set_aside,
    ));
    for problem in &report.problems {
        output::line(&format!("  {}: {}", problem.file.display(), problem.message));
    }
    let more = report.damaged - report.problems.len() as u64;
    if more > 0 {
        output::line(&format!("  and {more} more"));
    }
}
