//! Moments: dates as tables write them, nanoseconds since 1970 as telemetry has them. Always UTC, no clock.

use toml::value::{Datetime, Offset};

use crate::TableError;

const SECOND: u64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Unix nanoseconds of a date (its first moment, UTC) or of an RFC 3339 time; without an offset it is UTC.
pub fn moment(text: &str) -> Result<u64, TableError> {
    let parsed: Result<Datetime, _> = text.trim().parse();
    let moment = parsed.map_err(|error| error.to_string()).and_then(|datetime| unix_nano(&datetime));
    moment.map_err(|reason| {
        TableError(format!("{text:?} is no moment: {reason}; write 2026-10-07 or 2026-10-07T12:00:00Z"))
    })
}

/// A moment as RFC 3339, in whole seconds.
pub fn show_moment(unix_nano: u64) -> String {
    let seconds = unix_nano / SECOND;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

pub(crate) fn unix_nano(datetime: &Datetime) -> Result<u64, String> {
    let date = datetime.date.ok_or("a time of day without a date")?;
    let mut seconds = days(i64::from(date.year), i64::from(date.month), i64::from(date.day)) * DAY;
    let mut nanosecond = 0;
    if let Some(time) = datetime.time {
        let [hour, minute, second] = [time.hour, time.minute, time.second.unwrap_or(0)].map(i64::from);
        seconds += hour * 3600 + minute * 60 + second;
        nanosecond = u64::from(time.nanosecond.unwrap_or(0));
    }
    if let Some(Offset::Custom { minutes }) = datetime.offset {
        seconds -= i64::from(minutes) * 60;
    }
    let out_of_range = "it is not between 1970 and 2554";
    let seconds = u64::try_from(seconds).map_err(|_| out_of_range)?;
    let nanoseconds = seconds.checked_mul(SECOND).and_then(|whole| whole.checked_add(nanosecond));
    Ok(nanoseconds.ok_or(out_of_range)?)
}

/// Days since 1970 began, in the Gregorian calendar. Years begin in March here, so that the leap day is the last of
/// its year, and each 400 of them have 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The way back of [`days`], from 1970 on.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
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
    use proptest::prelude::*;

    /// Scenario: dates, times with and without an offset. Guarantee: the moment that the calendar gives.
    #[test]
    fn moments_are_read() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2026-10-07", 1_791_331_200),
            ("2026-10-07T00:00:00Z", 1_791_331_200),
            ("2026-10-07T00:00:00", 1_791_331_200),
            ("2026-10-07T02:00:00+02:00", 1_791_331_200),
            (" 2026-10-06T16:00:00-08:00 ", 1_791_331_200),
        ] {
            assert_eq!(moment(text), Ok(seconds * SECOND), "{text}");
        }
        assert_eq!(moment("1970-01-01T00:00:00.000000007Z"), Ok(7));
        for text in ["", "12:00:00", "1969-12-31", "2555-01-01", "2026-13-01", "2026-02-30", "yesterday"] {
            assert!(moment(text).unwrap_err().0.contains("2026-10-07T12:00:00Z"), "{text}");
        }
    }

    proptest! {
        /// Scenario: any second until the range ends. Guarantee: written and read again it is the same.
        #[test]
        fn what_is_written_is_read(seconds in 0..=u64::MAX / SECOND) {
            prop_assert_eq!(moment(&show_moment(seconds * SECOND)), Ok(seconds * SECOND));
        }

        /// Scenario: any text. Guarantee: no panic.
        #[test]
        fn any_text_has_an_answer(text in "\\PC*") {
            let _ = moment(&text);
        }
    }
}
