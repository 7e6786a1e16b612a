//! `tokenledger ledger info`.

use std::path::Path;

use tokenledger_prices::show_moment;
use tokenledger_storage::care::{self, BlobTable, Info};

use crate::exit::{Ended, Exit};
use crate::output;

/// Tells about every ledger.
pub fn run(directory: &Path, json: bool) -> Ended {
    let found =
        care::ledgers(directory)?.iter().map(|ledger| care::info(ledger)).collect::<Result<Vec<_>, _>>()?;
    if json {
        output::json(&found);
    } else {
        found.iter().for_each(print);
    }
    Ok(Exit::Yes)
}

fn print(info: &Info) {
    output::line(&info.directory.display().to_string());
    let written_by = info.written_by.as_deref().unwrap_or("unknown");
    field("format", &format!("{} (made by {written_by}, read by SQLite {})", info.format, info.sqlite));
    field("made", &info.created_unix_nano.map_or_else(|| "not in use yet".to_owned(), time));
    let holder = info.held_by.as_ref();
    field(
        "held by",
        &holder.map_or_else(
            || "nobody".to_owned(),
            |holder| format!("process {} on {}", holder.pid, holder.host),
        ),
    );
    field("journal", &table(&info.journal));
    field("snapshots", &table(&info.snapshots));
    field("set aside", &table(&info.set_aside));
    field("damaged files", &info.damaged_files.to_string());
    field("pages", &format!("{} of {} bytes, {} of them free", info.pages, info.page_bytes, info.free_pages));
    for file in &info.files {
        field("file", &format!("{} {}", file.name, size(file.bytes)));
    }
}

fn field(name: &str, text: &str) {
    output::line(&format!("  {name:<13} {text}"));
}

fn table(table: &BlobTable) -> String {
    match (table.first, table.last) {
        (Some(first), Some(last)) => {
            format!("{} rows, {}, numbers {first} to {last}", table.rows, size(table.bytes))
        }
        _ => "no rows".to_owned(),
    }
}

/// Bytes, in the largest unit of which there is at least one.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let power = (bytes.ilog2() / 10).min(4);
    let unit = 1_u64 << (10 * power);
    let tenths = bytes % unit * 10 / unit;
    format!("{}.{tenths} {}", bytes / unit, UNITS[power as usize - 1])
}

/// A moment as date and time of day, UTC.
fn time(unix_nano: u64) -> String {
    show_moment(unix_nano).replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the first moment, a leap day, the day after it, the last second of a year.
    /// Guarantee: each is written as the calendar has it.
    #[test]
    fn moments_are_written_as_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(time(seconds * 1_000_000_000), text);
        }
    }

    /// Scenario: sizes at and around the units.
    /// Guarantee: the largest unit of which there is one is used.
    #[test]
    fn sizes_have_a_fitting_unit() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
