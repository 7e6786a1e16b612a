//! Days and months in UTC, as hours since 1970 began; no time zones, so that sheets are reproducible.

use std::ops::Range;

/// Hours of a day.
const DAY_HOURS: i64 = 24;
/// Days from year 0 to 1970 in the Gregorian calendar.
const DAYS_TO_1970: i64 = 719_528;
/// Days of 400 years.
const DAYS_OF_400_YEARS: i64 = 146_097;
/// Days before each month of an ordinary year.
const DAYS_BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// The hours of a month written as `2026-10`; years 1970 to 9999.
pub(super) fn month_hours(text: &str) -> Option<Range<u32>> {
    let (year, month) = year_and_month(text)?;
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    Some(hour_of_day(day_number(year, month, 1))?..hour_of_day(day_number(next_year, next_month, 1))?)
}

/// The hours of a day written as `2026-10-31`; years 1970 to 9999.
pub(super) fn day_hours(text: &str) -> Option<Range<u32>> {
    let (year_month, day) = text.rsplit_once('-')?;
    let (year, month) = year_and_month(year_month)?;
    let number = day_number(year, month, digits(day, 2)?);
    // A day that the month does not have would be one of the next.
    (date(number) == (year, month, digits(day, 2)?)).then_some(hour_of_day(number)?..hour_of_day(number + 1)?)
}

/// `2026-10-31`.
pub(super) fn day_text(unix_hour: u32) -> String {
    let (year, month, day) = date(i64::from(unix_hour) / DAY_HOURS + DAYS_TO_1970);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-10`.
pub(super) fn month_text(unix_hour: u32) -> String {
    let (year, month, _) = date(i64::from(unix_hour) / DAY_HOURS + DAYS_TO_1970);
    format!("{year:04}-{month:02}")
}

/// `2026-10-31T23:00:00Z`.
pub(super) fn hour_text(unix_hour: u32) -> String {
    format!("{}T{:02}:00:00Z", day_text(unix_hour), unix_hour % 24)
}

fn year_and_month(text: &str) -> Option<(i64, i64)> {
    let (year, month) = text.split_once('-')?;
    let (year, month) = (digits(year, 4)?, digits(month, 2)?);
    (year >= 1970 && (1..=12).contains(&month)).then_some((year, month))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn hour_of_day(day: i64) -> Option<u32> {
    u32::try_from((day - DAYS_TO_1970) * DAY_HOURS).ok()
}

/// Days from the first day of year 0.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let after_leap_day = i64::from(month > 2 && is_leap(year));
    days_before_year(year) + DAYS_BEFORE_MONTH[month as usize - 1] + after_leap_day + day - 1
}

fn days_before_year(year: i64) -> i64 {
    let before = year - 1; // year 0 is a leap year: the 1 below
    365 * year + if year > 0 { before / 4 - before / 100 + before / 400 + 1 } else { 0 }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Year, month and day of a day's number.
fn date(number: i64) -> (i64, i64, i64) {
    let mut year = number * 400 / DAYS_OF_400_YEARS; // right, or one off
    while days_before_year(year + 1) <= number {
        year += 1;
    }
    while days_before_year(year) > number {
        year -= 1;
    }
    let month = (1..=12).rev().find(|month| day_number(year, *month, 1) <= number).unwrap_or(1);
    (year, month, number - day_number(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: every day from 1970 to 2399. Guarantee: each follows the one before, months have their
    /// lengths, and text reads back.
    #[test]
    fn days_follow_each_other() {
        let mut expected = (1970, 1, 1);
        for day in 0..157_054_u32 {
            let (year, month, of_month) = expected;
            let text = format!("{year:04}-{month:02}-{of_month:02}");
            assert_eq!(day_text(day * 24 + 23), text);
            assert_eq!(day_hours(&text), Some(day * 24..day * 24 + 24));
            let length = match month {
                2 if is_leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, of_month) {
                (12, 31) => (year + 1, 1, 1),
                _ if of_month == length => (year, month + 1, 1),
                _ => (year, month, of_month + 1),
            };
        }
        assert_eq!(expected, (2400, 1, 1));
    }

    /// Scenario: months and days as people write them, right and wrong. Guarantee: known instants, and
    /// nothing else is taken.
    #[test]
    fn texts_are_read_strictly() {
        // 1791072000 = 2026-10-04T00:00:00Z
        assert_eq!(day_hours("2026-10-04").unwrap().start, 1_791_072_000 / 3600);
        assert_eq!(month_hours("2026-02").unwrap().len(), 28 * 24);
        assert_eq!(month_hours("2026-12").unwrap().end, month_hours("2027-01").unwrap().start);
        assert_eq!(hour_text(month_hours("2026-10").unwrap().start + 9), "2026-10-01T09:00:00Z");
        assert_eq!(month_text(u32::MAX).len(), "491936-09".len());
        for wrong in ["", "2026", "2026-13", "2026-00", "26-10", "2026-1", "1969-12", "2026-10-01", "+026-10"]
        {
            assert_eq!(month_hours(wrong), None, "{wrong}");
        }
        for wrong in ["2026-02-29", "2026-10-00", "2026-10-32", "2026-10", "2026-10-1", "2026-10-01 "] {
            assert_eq!(day_hours(wrong), None, "{wrong}");
        }
    }
}
