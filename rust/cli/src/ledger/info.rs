//! `tokenledger ledger info`.

use std::path::Path;

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
    let seconds = unix_nano / 1_000_000_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month and day of the day with this number since 1970 began, in the Gregorian calendar: counted in years that begin
/// in March, so that the leap day is the last day of a year, and in eras of 400 years, which all have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01 to 1970-01-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
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
