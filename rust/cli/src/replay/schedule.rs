//! When which body is sent, and with which time stamps.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::capture::{Capture, CaptureError};
use super::document::Document;

/// How a recording is played.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Without waiting between requests.
    pub fast: bool,
    /// With time stamps moved to now.
    pub shift_to_now: bool,
}

/// A recording with the times at which its requests are due.
#[derive(Debug)]
pub struct Schedule {
    captures: Vec<Capture>,
    /// Per capture: when it is due, counted from the first one.
    due: Vec<Duration>,
    /// What is added to all time stamps, in nanoseconds; `None` sends the bodies as recorded.
    shift: Option<i64>,
}

/// One request to send.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What was recorded.
    pub capture: &'a Capture,
    /// When it is due, counted from the first one.
    pub due: Duration,
}

impl Schedule {
    /// Plans `captures`, beginning now.
    pub fn new(captures: Vec<Capture>, pace: Pace) -> Result<Self, CaptureError> {
        let latest = captures
            .iter()
            .map(|capture| Document::decode(capture).map(|mut document| document.latest()))
            .collect::<Result<Vec<_>, _>>()?;
        let sent = send_times(&latest);
        let (first, last) = (sent.first().copied().unwrap_or(0), sent.last().copied().unwrap_or(0));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i64;
        // Sent without waiting, the recording ends now: time stamps of the future would be refused or held.
        let anchor = if pace.fast { last } else { first };
        let due = sent.iter().map(|time| if pace.fast { 0 } else { time - first }).map(Duration::from_nanos);
        Ok(Self {
            due: due.collect(),
            captures,
            shift: pace.shift_to_now.then(|| now.saturating_sub_unsigned(anchor)),
        })
    }

    /// The requests in order.
    pub fn requests(&self) -> impl Iterator<Item = Request<'_>> {
        self.captures.iter().zip(&self.due).map(|(capture, due)| Request { capture, due: *due })
    }

    /// The body to send: as recorded, byte by byte, unless time stamps are moved.
    pub fn body<'a>(&self, request: &Request<'a>) -> Result<Cow<'a, [u8]>, CaptureError> {
        let Some(shift) = self.shift else { return Ok(Cow::Borrowed(&request.capture.body)) };
        let mut document = Document::decode(request.capture)?;
        document.shift(shift);
        Ok(Cow::Owned(document.encode()))
    }
}

/// When each body was sent, in Unix nanoseconds: at its latest time stamp, and never before the one
/// ahead of it. A body without any goes out together with the one ahead.
fn send_times(latest: &[Option<u64>]) -> Vec<u64> {
    let mut sent = latest.iter().flatten().next().copied().unwrap_or(0);
    let times = latest.iter().map(|latest| {
        sent = sent.max(latest.unwrap_or(0));
        sent
    });
    times.collect()
}

#[cfg(test)]
mod tests {
    use super::super::capture::{Encoding, Signal, read};
    use super::*;
    use std::path::Path;

    fn capture(number: u32, time: u64) -> Capture {
        Capture {
            path: format!("{number}").into(),
            number,
            signal: Signal::Logs,
            encoding: Encoding::Json,
            body: format!(r#"{{"timeUnixNano":"{time}"}}"#).into_bytes(),
        }
    }

    fn plan(fast: bool, shift_to_now: bool) -> (Schedule, Vec<Duration>) {
        let captures = vec![capture(0, 5_000_000_000), capture(1, 4_000_000_000), capture(2, 8_000_000_000)];
        let schedule = Schedule::new(captures, Pace { fast, shift_to_now }).unwrap();
        let due = schedule.requests().map(|request| request.due).collect();
        (schedule, due)
    }

    fn times(schedule: &Schedule) -> Vec<u64> {
        let body = |request| Capture { body: schedule.body(&request).unwrap().into_owned(), ..capture(0, 0) };
        schedule
            .requests()
            .map(|request| Document::decode(&body(request)).unwrap().latest().unwrap())
            .collect()
    }

    fn unix_seconds() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    /// Scenario: three bodies, the second with an older time. Guarantee: order and spacing are kept,
    /// and without --shift-to-now every byte.
    #[test]
    fn bodies_keep_their_spacing() {
        let (schedule, due) = plan(false, false);
        assert_eq!(due, [0, 0, 3].map(Duration::from_secs));
        assert!(schedule.requests().all(|request| *schedule.body(&request).unwrap() == request.capture.body));
        assert_eq!(plan(true, false).1, [Duration::ZERO; 3]);
    }

    /// Scenario: time stamps are moved to now. Guarantee: by one amount; the first body is of now,
    /// and where nothing waits the last one, so that none is in the future.
    #[test]
    fn shifted_bodies_are_of_now() {
        for (fast, anchor) in [(false, 0), (true, 2)] {
            let before = unix_seconds();
            let times = times(&plan(fast, true).0);
            let after = unix_seconds();
            assert!((before..=after).contains(&(times[anchor] / 1_000_000_000)), "{times:?}");
            assert_eq!((times[0] - times[1], times[2] - times[0]), (1_000_000_000, 3_000_000_000));
        }
    }

    /// Scenario: bodies without time stamps. Guarantee: they go out with the one ahead.
    #[test]
    fn bodies_without_times_do_not_wait() {
        assert_eq!(send_times(&[None, Some(7), None, Some(9)]), [7, 7, 7, 9]);
        assert_eq!(send_times(&[None, None]), [0, 0]);
    }

    /// Scenario: the recorded sessions, whose script took about 11 seconds.
    /// Guarantee: the replay takes about as long.
    #[test]
    fn recorded_sessions_take_their_time() {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures");
        for set in ["claude-code-2.1.197/two-sessions-json", "claude-code-2.1.329/two-sessions-protobuf"] {
            let captures = read(&captures.join(set), &[Signal::Metrics]).unwrap();
            let schedule = Schedule::new(captures, Pace { fast: false, shift_to_now: true }).unwrap();
            let last = schedule.requests().last().unwrap().due;
            assert!((8..30).contains(&last.as_secs()), "{set}: {last:?}");
        }
    }
}
