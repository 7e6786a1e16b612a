//! When data last arrived, and why it may not have.

use serde::Serialize;

use crate::page::Sample;

/// The collector's metric, in Unix seconds by signal; exporters may add a suffix for the unit.
const LAST_RECEIVED: &str = "otelcol_processor_token_ledger_last_received";

/// When data of one signal was last received.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrival {
    signal: &'static str,
    /// `null` if nothing was received since the collector started.
    last_received_unix_seconds: Option<f64>,
    age_seconds: Option<f64>,
}

/// The arrivals of all signals, read off the collector's own metrics at the Unix time `now`.
pub fn last_received(samples: &[Sample], now: f64) -> Vec<Arrival> {
    ["metrics", "logs", "traces"].map(|signal| arrival(signal, samples, now)).into()
}

/// A signal may have several pipelines: the latest counts. 0 stands for never.
fn arrival(signal: &'static str, samples: &[Sample], now: f64) -> Arrival {
    let of_signal = samples.iter().filter(|sample| {
        let suffix = sample.name.strip_prefix(LAST_RECEIVED);
        suffix.is_some_and(|suffix| matches!(suffix, "" | "_seconds" | "_s"))
            && sample.label("signal") == Some(signal)
    });
    let latest = of_signal.map(|sample| sample.value).filter(|value| *value > 0.0).reduce(f64::max);
    Arrival {
        signal,
        last_received_unix_seconds: latest,
        age_seconds: latest.map(|time| (now - time).max(0.0)),
    }
}

impl Arrival {
    /// A line for people.
    pub fn describe(&self) -> String {
        match self.age_seconds {
            Some(age) => format!("  {:<8} last received {} ago", self.signal, duration(age)),
            None => format!("  {:<8} nothing received yet", self.signal),
        }
    }
}

fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Lines that name what usually keeps data from arriving; none if everything arrived.
pub fn usual_causes(arrivals: &[Arrival]) -> Vec<String> {
    let missing: Vec<_> = arrivals
        .iter()
        .filter(|arrival| arrival.age_seconds.is_none())
        .map(|arrival| arrival.signal)
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), format!("No {} yet. Usual causes:", missing.join(", no "))];
    let mut cause = |text: &str| lines.push(format!("  - {text}"));
    cause("the client was not restarted since its variables were set (it reads them once, at start)");
    cause(
        "CLAUDE_CODE_ENABLE_TELEMETRY=1 or OTEL_EXPORTER_OTLP_PROTOCOL (grpc, http/protobuf, http/json) is missing",
    );
    cause(
        "OTEL_EXPORTER_OTLP_ENDPOINT names another address, or the port of the other protocol (grpc 4317, http 4318)",
    );
    for signal in missing {
        cause(match signal {
            "metrics" => {
                "metrics: OTEL_METRICS_EXPORTER=otlp is missing, or the export interval (60 s) has not passed"
            }
            "logs" => "logs: OTEL_LOGS_EXPORTER=otlp is missing, or the export interval (5 s) has not passed",
            _ => {
                "traces: optional; they need OTEL_TRACES_EXPORTER=otlp and the beta switch \
                 CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1"
            }
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::parse;

    fn arrivals(page: &str) -> Vec<Arrival> {
        last_received(&parse(page).unwrap(), 1_000.0)
    }

    /// Scenario: two metrics pipelines, logs with a unit in the name, no traces.
    /// Guarantee: the latest time of each signal; what did not arrive is said so.
    #[test]
    fn the_latest_arrival_counts() {
        let page = "otelcol_processor_token_ledger_last_received{processor=\"a\",signal=\"metrics\"} 900\n\
                    otelcol_processor_token_ledger_last_received{processor=\"b\",signal=\"metrics\"} 988\n\
                    otelcol_processor_token_ledger_last_received_seconds{signal=\"logs\"} 400\n\
                    otelcol_processor_token_ledger_last_received{signal=\"traces\"} 0\n\
                    otelcol_processor_token_ledger_last_received_bogus{signal=\"traces\"} 7\n";
        let arrivals = arrivals(page);
        let ages: Vec<_> = arrivals.iter().map(|arrival| arrival.age_seconds).collect();
        assert_eq!(ages, [Some(12.0), Some(600.0), None]);
        assert_eq!(arrivals[0].describe(), "  metrics  last received 12 s ago");
        assert_eq!(arrivals[1].describe(), "  logs     last received 10 min ago");
        assert_eq!(arrivals[2].describe(), "  traces   nothing received yet");
    }

    /// Scenario: everything arrived, nothing arrived, logs are missing.
    /// Guarantee: no advice, advice for all three, advice for logs only.
    #[test]
    fn advice_is_for_what_is_missing() {
        let all = ["metrics", "logs", "traces"].map(|signal| {
            format!("otelcol_processor_token_ledger_last_received{{signal=\"{signal}\"}} 990\n")
        });
        assert_eq!(usual_causes(&arrivals(&all.concat())), Vec::<String>::new());

        let none = usual_causes(&arrivals("")).join("\n");
        for word in [
            "restarted",
            "60 s",
            "5 s",
            "OTEL_METRICS_EXPORTER",
            "OTEL_LOGS_EXPORTER",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "BETA",
        ] {
            assert!(none.contains(word), "{word} in {none}");
        }
        let logs = usual_causes(&arrivals(&[all[0].clone(), all[2].clone()].concat())).join("\n");
        assert!(
            logs.contains("OTEL_LOGS_EXPORTER")
                && !logs.contains("OTEL_METRICS_EXPORTER")
                && !logs.contains("BETA")
        );
    }

    /// Scenario: ages around the borders between units. Guarantee: the unit changes there.
    #[test]
    fn ages_are_readable() {
        let text = [0.4, 119.0, 120.0, 7199.0, 7200.0, 90_061.0].map(duration);
        assert_eq!(text, ["0 s", "119 s", "2 min", "119 min", "2 h 0 min", "25 h 1 min"]);
    }
}
