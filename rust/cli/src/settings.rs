//! Where the collector listens: the environment variables of the collector's own configuration.

use std::env;

/// Address that the collector listens on.
pub const HOST: &str = "TOKENLEDGER_HOST";
/// OTLP over gRPC.
pub const OTLP_GRPC_PORT: &str = "TOKENLEDGER_OTLP_GRPC_PORT";
/// OTLP over HTTP.
pub const OTLP_HTTP_PORT: &str = "TOKENLEDGER_OTLP_HTTP_PORT";
/// The totals, for Prometheus.
pub const PROMETHEUS_PORT: &str = "TOKENLEDGER_PROMETHEUS_PORT";
/// The collector's own metrics.
pub const SELF_METRICS_PORT: &str = "TOKENLEDGER_SELF_METRICS_PORT";
/// Health check.
pub const HEALTH_PORT: &str = "TOKENLEDGER_HEALTH_PORT";
/// How long a first value is held back.
pub const FIRST_VALUE_DELAY: &str = "TOKENLEDGER_FIRST_VALUE_DELAY";
/// Directory of the ledger; set to nothing there is none.
pub const STATE_DIR: &str = "TOKENLEDGER_STATE_DIR";

/// The health check that the environment names: its port, or one address as the host. Every address as the host, as in the
/// image, says nothing of a collector whose configuration does not use these variables.
pub fn named_health_endpoint() -> Option<String> {
    let host = variable(HOST, "");
    let names_one = !matches!(host.as_str(), "" | "0.0.0.0" | "[::]");
    (names_one || !variable(HEALTH_PORT, "").is_empty()).then(health_endpoint)
}

/// Whether the environment says where the collector's own metrics are.
pub fn names_self_metrics() -> bool {
    !variable(SELF_METRICS_PORT, "").is_empty()
}

/// Where the health check is if nothing else is known.
pub fn health_endpoint() -> String {
    endpoint(HEALTH_PORT, "13133")
}

/// Where the collector's own metrics are if nothing else is known.
pub fn self_metrics_endpoint() -> String {
    endpoint(SELF_METRICS_PORT, "8888") + "/metrics"
}

/// Default of `replay --endpoint`.
pub fn otlp_http_endpoint() -> String {
    endpoint(OTLP_HTTP_PORT, "4318")
}

/// An address from the command line: plain HTTP, because collectors on this machine and in clusters
/// speak nothing else and a TLS library would be most of this program.
pub fn http_url(text: &str) -> Result<String, String> {
    match text.strip_prefix("http://") {
        Some(rest) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err("must begin with http:// (https is not supported)".to_owned()),
    }
}

fn endpoint(port: &str, default_port: &str) -> String {
    endpoint_of(&variable(HOST, "localhost"), &variable(port, default_port))
}

/// The value of an environment variable; an empty one counts as not set.
fn variable(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// A URL for the address that the collector listens on. "Every address" is not one to talk to.
fn endpoint_of(host: &str, port: &str) -> String {
    let host = match host {
        "0.0.0.0" | "[::]" => "localhost",
        host => host,
    };
    format!("http://{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: addresses with and without the scheme that is spoken. Guarantee: only the former pass.
    #[test]
    fn only_plain_http_is_taken() {
        assert_eq!(http_url("http://localhost:1"), Ok("http://localhost:1".to_owned()));
        for other in ["https://localhost", "localhost:4318", "http://", ""] {
            assert!(http_url(other).unwrap_err().contains("http://"), "{other}");
        }
    }

    /// Scenario: a collector that listens on all addresses, as in a container.
    /// Guarantee: it is asked on this machine.
    #[test]
    fn all_addresses_means_this_machine() {
        assert_eq!(endpoint_of("0.0.0.0", "1"), "http://localhost:1");
        assert_eq!(endpoint_of("[::]", "1"), "http://localhost:1");
        assert_eq!(endpoint_of("[::1]", "1"), "http://[::1]:1");
        assert_eq!(endpoint_of("10.0.0.7", "1"), "http://10.0.0.7:1");
    }
}
