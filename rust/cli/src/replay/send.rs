//! Delivers one request as the OTLP/HTTP specification says.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::Value;

use super::capture::{Encoding, Signal};
use crate::http::{Answer, Client};
use crate::output;

/// First wait before a request is sent again; doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest wait that is our choice; a receiver may ask for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Sends requests to one receiver.
#[derive(Debug)]
pub struct Sender {
    client: Client,
    endpoint: String,
    retry_for: Duration,
}

/// A request that was taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How often it was sent again.
    pub retries: u64,
    /// What the receiver had to say although it took everything.
    pub warning: Option<String>,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The receiver will never take it.
    #[error("{url} refused the request with {status}: {answer}")]
    Refused {
        /// Where it was sent.
        url: String,
        /// HTTP status code.
        status: u16,
        /// What the receiver said.
        answer: String,
    },
    /// The receiver took a part of it; such a request must not be sent again.
    #[error("{url} took the request but rejected {rejected} elements of it: {reason}")]
    Partial {
        /// Where it was sent.
        url: String,
        /// Points, records or spans.
        rejected: i64,
        /// What the receiver said.
        reason: String,
    },
    /// The address is not one that can be sent to.
    #[error("{url} cannot be used (only http:// is supported)")]
    Unusable {
        /// Where it should have been sent.
        url: String,
        /// What is wrong with it.
        source: ureq::Error,
    },
    /// The receiver was busy or away for as long as we were willing to wait.
    #[error("{url} did not take the request within {seconds} s ({attempts} attempts); the last one: {last}")]
    GaveUp {
        /// Where it was sent.
        url: String,
        /// How long we tried.
        seconds: u64,
        /// How often.
        attempts: u64,
        /// The last answer or error.
        last: String,
    },
}

impl Sender {
    /// Sends to `endpoint` (without path); goes on trying for `retry_for` per request.
    pub fn new(client: Client, endpoint: &str, retry_for: Duration) -> Self {
        Self { client, endpoint: endpoint.trim_end_matches('/').to_owned(), retry_for }
    }

    /// Sends one request until it is taken, refused, or time is up.
    pub fn send(&self, signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Delivery, SendError> {
        let url = format!("{}/v1/{signal}", self.endpoint);
        let begin = Instant::now();
        let mut retries = 0;
        loop {
            let (last, asked) = match self.client.post(&url, encoding.content_type(), body) {
                Ok(answer) if answer.is_success() => return taken(signal, encoding, &answer, url, retries),
                Ok(answer) if !is_retryable(answer.status) => {
                    return Err(SendError::Refused {
                        url,
                        status: answer.status,
                        answer: reason(encoding, &answer),
                    });
                }
                Ok(answer) => {
                    (format!("{} {}", answer.status, reason(encoding, &answer)), answer.retry_after)
                }
                Err(source) if is_hopeless(&source) => return Err(SendError::Unusable { url, source }),
                Err(error) => (error.to_string(), None),
            };
            let wait = asked.unwrap_or_else(|| backoff(retries));
            if begin.elapsed() + wait > self.retry_for {
                let seconds = begin.elapsed().as_secs();
                return Err(SendError::GaveUp { url, seconds, attempts: retries + 1, last });
            }
            if retries == 0 {
                output::note(&format!(
                    "{url}: {last}; trying again for up to {} s",
                    self.retry_for.as_secs()
                ));
            }
            thread::sleep(wait);
            retries += 1;
        }
    }
}

/// OTLP/HTTP: too many requests, bad gateway, unavailable, gateway timeout. No other code.
fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// Errors of ours that time does not heal.
fn is_hopeless(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::Tls(_) | ureq::Error::TlsRequired
    )
}

/// Exponential, with up to a quarter more so that several senders do not march in step.
fn backoff(retries: u64) -> Duration {
    let wait = FIRST_WAIT.saturating_mul(1 << retries.min(16)).min(LONGEST_WAIT);
    let noise = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos() % 1000;
    wait + wait * noise / 4000
}

/// What a success says about parts that were not taken.
fn taken(
    signal: Signal,
    encoding: Encoding,
    answer: &Answer,
    url: String,
    retries: u64,
) -> Result<Delivery, SendError> {
    let (rejected, reason) = partial_success(signal, encoding, &answer.body).unwrap_or_default();
    if rejected > 0 {
        return Err(SendError::Partial { url, rejected, reason });
    }
    Ok(Delivery { retries, warning: (!reason.is_empty()).then_some(reason) })
}

/// The `partial_success` of an answer: how many elements were rejected, and a message. An answer
/// that cannot be read says nothing: its status code has said it all.
fn partial_success(signal: Signal, encoding: Encoding, body: &[u8]) -> Option<(i64, String)> {
    match (encoding, signal) {
        (Encoding::Json, _) => {
            let answer: Value = serde_json::from_slice(body).ok()?;
            let partial = answer.get("partialSuccess")?;
            let rejected = ["rejectedDataPoints", "rejectedLogRecords", "rejectedSpans"];
            let rejected = rejected.iter().filter_map(|name| json_number(partial.get(*name)?)).sum();
            Some((
                rejected,
                partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default().to_owned(),
            ))
        }
        (Encoding::Protobuf, Signal::Metrics) => {
            let partial = ExportMetricsServiceResponse::decode(body).ok()?.partial_success?;
            Some((partial.rejected_data_points, partial.error_message))
        }
        (Encoding::Protobuf, Signal::Logs) => {
            let partial = ExportLogsServiceResponse::decode(body).ok()?.partial_success?;
            Some((partial.rejected_log_records, partial.error_message))
        }
        (Encoding::Protobuf, Signal::Traces) => {
            let partial = ExportTraceServiceResponse::decode(body).ok()?.partial_success?;
            Some((partial.rejected_spans, partial.error_message))
        }
    }
}

/// OTLP JSON writes 64-bit numbers as strings; plain ones are accepted too.
fn json_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// What a failing receiver said: OTLP answers with a `Status` in the request's encoding.
fn reason(encoding: Encoding, answer: &Answer) -> String {
    let message = match encoding {
        Encoding::Json => serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .and_then(|status| status.get("message")?.as_str().map(str::to_owned)),
        Encoding::Protobuf => Status::decode(answer.body.as_slice()).ok().map(|status| status.message),
    };
    message.filter(|message| !message.is_empty()).unwrap_or_else(|| answer.excerpt())
}

/// `google.rpc.Status`, as far as it is read here.
#[derive(Clone, PartialEq, Message)]
struct Status {
    /// What went wrong, for developers.
    #[prost(string, tag = "2")]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsPartialSuccess;

    fn answer(body: &[u8]) -> Answer {
        Answer { status: 200, retry_after: None, body: body.to_vec() }
    }

    /// Scenario: all status codes. Guarantee: exactly those that OTLP lists are tried again.
    #[test]
    fn only_listed_codes_are_retried() {
        let retried: Vec<_> = (100..600).filter(|status| is_retryable(*status)).collect();
        assert_eq!(retried, [429, 502, 503, 504]);
    }

    /// Scenario: successes with and without partial success, in both encodings.
    /// Guarantee: rejected elements are an error, a mere message a warning.
    #[test]
    fn partial_success_is_noticed() {
        let protobuf = |rejected_data_points, error_message: &str| {
            let partial =
                ExportMetricsPartialSuccess { rejected_data_points, error_message: error_message.into() };
            ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        };
        let json = |rejected: &str| {
            format!(r#"{{"partialSuccess":{{"rejectedLogRecords":{rejected},"errorMessage":"old"}}}}"#)
                .into_bytes()
        };
        let cases = [
            (Encoding::Json, b"{}".to_vec(), Some(None)),
            (Encoding::Json, b"ok".to_vec(), Some(None)),
            (Encoding::Json, json("\"3\""), None),
            (Encoding::Json, json("3"), None),
            (Encoding::Json, json("0"), Some(Some("old"))),
            (Encoding::Protobuf, Vec::new(), Some(None)),
            (Encoding::Protobuf, protobuf(3, "old"), None),
            (Encoding::Protobuf, protobuf(0, "old"), Some(Some("old"))),
        ];
        for (encoding, body, expected) in cases {
            let taken = taken(Signal::Metrics, encoding, &answer(&body), "u".into(), 0);
            match (taken, expected) {
                (Ok(delivery), Some(warning)) => assert_eq!(delivery.warning.as_deref(), warning),
                (Err(SendError::Partial { rejected: 3, reason, .. }), None) => assert_eq!(reason, "old"),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Scenario: refusals with a status message in each encoding, and with plain text.
    /// Guarantee: people see the message.
    #[test]
    fn refusals_are_readable() {
        assert_eq!(reason(Encoding::Json, &answer(br#"{"code":3,"message":"no"}"#)), "no");
        assert_eq!(reason(Encoding::Json, &answer(b"plain")), "plain");
        assert_eq!(reason(Encoding::Protobuf, &answer(&[8, 3, 0x12, 2, b'n', b'o'])), "no");
        assert_eq!(reason(Encoding::Protobuf, &answer(b"plain")), "plain");
    }

    /// Scenario: many attempts. Guarantee: waits double up to a bound and never overflow.
    #[test]
    fn waits_are_bounded() {
        for (retries, shortest) in [(0, 100), (1, 200), (5, 3200), (6, 5000), (u64::MAX, 5000)] {
            let wait = backoff(retries).as_millis();
            assert!((shortest..=shortest * 5 / 4).contains(&wait), "{retries}: {wait}");
        }
    }
}
