//! A decoded request body, as far as its time stamps go.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;

use super::capture::{Capture, CaptureError, Encoding, Signal};

mod protobuf;

/// A body that was decoded so that its time stamps can be read and moved.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// Any signal in JSON.
    Json(Value),
    /// Protobuf.
    Metrics(ExportMetricsServiceRequest),
    /// Protobuf.
    Logs(ExportLogsServiceRequest),
    /// Protobuf.
    Traces(ExportTraceServiceRequest),
}

impl Document {
    /// Decodes a recorded body.
    pub fn decode(capture: &Capture) -> Result<Self, CaptureError> {
        let body = capture.body.as_slice();
        let decoded = match (capture.encoding, capture.signal) {
            (Encoding::Json, _) => {
                serde_json::from_slice(body).map(Self::Json).map_err(|error| error.to_string())
            }
            (Encoding::Protobuf, Signal::Metrics) => {
                Message::decode(body).map(Self::Metrics).map_err(|error| error.to_string())
            }
            (Encoding::Protobuf, Signal::Logs) => {
                Message::decode(body).map(Self::Logs).map_err(|error| error.to_string())
            }
            (Encoding::Protobuf, Signal::Traces) => {
                Message::decode(body).map(Self::Traces).map_err(|error| error.to_string())
            }
        };
        decoded.map_err(|reason| CaptureError::NotOtlp {
            path: capture.path.clone(),
            signal: capture.signal,
            reason,
        })
    }

    /// The latest time stamp in Unix nanoseconds: about when the client sent the body.
    pub fn latest(&mut self) -> Option<u64> {
        let mut latest = None;
        self.for_each_time(&mut |time| latest = latest.max(Some(*time)));
        latest
    }

    /// Moves all time stamps by `nanoseconds`.
    pub fn shift(&mut self, nanoseconds: i64) {
        self.for_each_time(&mut |time| *time = time.saturating_add_signed(nanoseconds));
    }

    /// The body of a request.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Metrics(request) => request.encode_to_vec(),
            Self::Logs(request) => request.encode_to_vec(),
            Self::Traces(request) => request.encode_to_vec(),
        }
    }

    /// Shows every time stamp that is set; 0 means unknown in OTLP and stays 0.
    fn for_each_time(&mut self, each: &mut dyn FnMut(&mut u64)) {
        let each = &mut |time: &mut u64| {
            if *time != 0 {
                each(time);
            }
        };
        match self {
            Self::Json(value) => for_each_json_time(value, each),
            Self::Metrics(request) => protobuf::for_each_metrics_time(request, each),
            Self::Logs(request) => protobuf::for_each_logs_time(request, each),
            Self::Traces(request) => protobuf::for_each_traces_time(request, each),
        }
    }
}

/// In OTLP JSON the names of all time stamps end alike, and nothing that a user names is a field
/// name. A 64-bit number is written as a string; receivers take plain numbers too.
fn for_each_json_time(value: &mut Value, each: &mut dyn FnMut(&mut u64)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name.ends_with("UnixNano") {
                    change_time(value, each)
                } else {
                    for_each_json_time(value, each)
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| for_each_json_time(value, each)),
        _ => {}
    }
}

fn change_time(value: &mut Value, each: &mut dyn FnMut(&mut u64)) {
    match value {
        Value::String(text) => {
            if let Ok(mut time) = text.parse() {
                each(&mut time);
                *text = time.to_string();
            }
        }
        Value::Number(number) => {
            if let Some(mut time) = number.as_u64() {
                each(&mut time);
                *number = time.into();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::capture::read;
    use super::*;
    use std::path::Path;

    fn all_captures() -> Vec<Capture> {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/captures");
        let directories = ["claude-code-2.1.197", "claude-code-2.1.329"].into_iter().flat_map(|client| {
            ["two-sessions-json", "two-sessions-protobuf"].map(|set| captures.join(client).join(set))
        });
        directories
            .flat_map(|directory| read(&directory, &[Signal::Metrics, Signal::Logs, Signal::Traces]).unwrap())
            .collect()
    }

    /// Scenario: every recorded body is moved by an hour and back.
    /// Guarantee: in between the latest time is an hour later; in the end nothing has changed.
    #[test]
    fn shifting_back_restores() {
        const HOUR: i64 = 3_600_000_000_000;
        let captures = all_captures();
        assert_eq!(captures.len(), 101);
        for capture in &captures {
            let original = Document::decode(capture).unwrap();
            let mut moved = original.clone();
            let latest = moved.latest().unwrap();
            moved.shift(HOUR);
            assert_eq!(moved.latest(), Some(latest + HOUR as u64), "{}", capture.path.display());
            let mut again = Document::decode(&Capture { body: moved.encode(), ..capture.clone() }).unwrap();
            assert_eq!(again, moved, "encoding loses nothing");
            again.shift(-HOUR);
            assert_eq!(again, original, "{}", capture.path.display());
        }
    }

    /// Scenario: every recorded body is decoded, moved and written as text.
    /// Guarantee: no time stamp of the recording is left (all of them lie in about a minute).
    #[test]
    fn no_time_stamp_is_forgotten() {
        for capture in &all_captures() {
            let mut document = Document::decode(capture).unwrap();
            let minute = document.latest().unwrap() / 100_000_000_000;
            document.shift(7_200_000_000_000);
            // Named fields only: attributes hold times as text, which is theirs to keep.
            let (text, field) = match &document {
                Document::Json(value) => (value.to_string(), "UnixNano\":\""),
                other => (format!("{other:?}"), "time_unix_nano: "),
            };
            let times: Vec<_> = text.split(field).skip(1).collect();
            assert!(!times.is_empty(), "{}", capture.path.display());
            assert!(
                !times.iter().any(|time| time.starts_with(&minute.to_string())),
                "{}",
                capture.path.display()
            );
        }
    }

    /// Scenario: JSON with times as numbers, as zero and as nonsense, and a cost.
    /// Guarantee: numbers move, zero stays unknown, all else is untouched to the last bit.
    #[test]
    fn json_times_are_changed_alone() {
        let body = br#"{"timeUnixNano":5,"startTimeUnixNano":"0","endTimeUnixNano":"x","asDouble":0.37661000000000006,"n":"7"}"#;
        let capture = Capture {
            path: "x.json".into(),
            number: 0,
            signal: Signal::Metrics,
            encoding: Encoding::Json,
            body: body.to_vec(),
        };
        let mut document = Document::decode(&capture).unwrap();
        assert_eq!(document.latest(), Some(5));
        document.shift(10);
        let text = String::from_utf8(document.encode()).unwrap();
        for part in [
            r#""timeUnixNano":15"#,
            r#""startTimeUnixNano":"0""#,
            r#""endTimeUnixNano":"x""#,
            "0.37661000000000006",
            r#""n":"7""#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let cut = Capture { body: body[..20].to_vec(), ..capture };
        assert!(
            Document::decode(&cut)
                .unwrap_err()
                .to_string()
                .starts_with("x.json: not an OTLP metrics request: ")
        );
    }
}
