//! `tokenledger replay`: sends recorded request bodies to an OTLP/HTTP receiver.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::exit::{self, Ended, Exit};
use crate::http::Client;
use crate::{output, settings};

mod capture;
mod document;
mod schedule;
mod send;

#[cfg(test)]
pub use capture::read as recorded;
pub use capture::{CaptureError, Signal};
pub use schedule::Pace;
pub use send::SendError;

use schedule::Schedule;
use send::Sender;

/// Sends recorded request bodies to an OTLP/HTTP receiver, in their order and at their real spacing.
///
/// DIR holds files named NNNN_v1_SIGNAL.EXTENSION, for example 0001_v1_metrics.json; other files are
/// left alone. SIGNAL is metrics, logs or traces; json is OTLP JSON, pb is protobuf. Requests that a
/// receiver cannot take now are sent again as the OTLP specification says.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Replay {
    /// Directory of recorded bodies.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Address of the receiver, without /v1/metrics. Default: TOKENLEDGER_HOST, TOKENLEDGER_OTLP_HTTP_PORT.
    #[arg(long, value_name = "URL", value_parser = settings::http_url, default_value_t = settings::otlp_http_endpoint())]
    endpoint: String,
    /// Send without waiting between requests.
    #[arg(long)]
    fast: bool,
    /// Move all time stamps by one amount, so that the first body is of now; with --fast the last,
    /// so that none is in the future.
    #[arg(long)]
    shift_to_now: bool,
    /// What to send.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Signal::Metrics, Signal::Logs, Signal::Traces])]
    signal: Vec<Signal>,
    /// How long to go on trying to deliver one request.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    retry_for: u64,
    /// Answer with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was sent.
#[derive(Debug, Default, Serialize)]
pub struct Sent {
    /// Requests by signal.
    pub requests: BTreeMap<Signal, u64>,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Requests sent again because the receiver could not take them.
    pub retries: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording cannot be used.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The receiver did not take a request.
    #[error("{}: nothing after it was sent; --signal leaves out signals that the receiver does not take", .file.display())]
    Send {
        /// The body that was not taken.
        file: PathBuf,
        /// Why.
        source: SendError,
    },
}

impl Replay {
    /// Sends and tells.
    pub fn run(self) -> Ended {
        let pace = Pace { fast: self.fast, shift_to_now: self.shift_to_now };
        match replay(&self.directory, &self.signal, &self.endpoint, pace, Duration::from_secs(self.retry_for))
        {
            Ok(sent) if self.json => output::json(&sent),
            Ok(sent) => output::line(&sent.describe()),
            Err(error @ ReplayError::Capture(_)) => return Err(error.into()),
            Err(error) => {
                output::error(&error);
                return Ok(Exit::No);
            }
        }
        Ok(Exit::Yes)
    }
}

impl Sent {
    fn describe(&self) -> String {
        let requests: Vec<_> =
            self.requests.iter().map(|(signal, count)| format!("{signal} {count}")).collect();
        let total: u64 = self.requests.values().sum();
        let requests = requests.join(", ");
        let Self { bytes, retries, seconds, .. } = self;
        format!("sent {total} requests ({requests}), {bytes} bytes, {retries} retries, {seconds:.1} s")
    }
}

/// Sends the bodies of `directory` to `endpoint`; each request may take `retry_for`.
pub fn replay(
    directory: &std::path::Path,
    signals: &[Signal],
    endpoint: &str,
    pace: Pace,
    retry_for: Duration,
) -> Result<Sent, ReplayError> {
    let schedule = Schedule::new(capture::read(directory, signals)?, pace)?;
    let sender = Sender::new(Client::new(retry_for.max(Duration::from_secs(1))), endpoint, retry_for);
    let mut sent = Sent::default();
    let begin = Instant::now();
    for request in schedule.requests() {
        thread::sleep(request.due.saturating_sub(begin.elapsed()));
        let capture = request.capture;
        let body = schedule.body(&request)?;
        let delivery = sender
            .send(capture.signal, capture.encoding, &body)
            .map_err(|source| ReplayError::Send { file: capture.path.clone(), source })?;
        if let Some(warning) = delivery.warning {
            output::note(&format!("{}: the receiver says: {warning}", capture.path.display()));
        }
        *sent.requests.entry(capture.signal).or_default() += 1;
        sent.bytes += body.len() as u64;
        sent.retries += delivery.retries;
    }
    sent.seconds = begin.elapsed().as_secs_f64();
    Ok(sent)
}
