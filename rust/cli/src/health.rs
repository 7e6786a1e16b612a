//! `tokenledger health`: is the collector well, and when did data last arrive.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Serialize;

use crate::exit::{self, Ended, Exit};
use crate::http::Client;
use crate::{output, page, settings};

mod arrival;

use arrival::Arrival;

/// Tells whether the collector is healthy, and with --data when data last arrived.
///
/// Hosts and ports default to what the collector's own environment variables say: TOKENLEDGER_HOST,
/// TOKENLEDGER_HEALTH_PORT and TOKENLEDGER_SELF_METRICS_PORT.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Health {
    /// Address of the health_check extension.
    #[arg(long, value_name = "URL", value_parser = settings::http_url, default_value_t = settings::health_endpoint())]
    endpoint: String,
    /// Also tell for metrics, logs and traces when data was last received, and the usual causes if
    /// none was. Signals without data do not change the exit code.
    #[arg(long)]
    data: bool,
    /// Address of the page with the collector's own metrics, for --data.
    #[arg(long, value_name = "URL", value_parser = settings::http_url, default_value_t = settings::self_metrics_endpoint())]
    metrics_endpoint: String,
    /// How long to wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Answer with one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    healthy: bool,
    endpoint: String,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Only with `--data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Vec<Arrival>>,
}

impl Health {
    /// Asks and answers.
    pub fn run(self) -> Ended {
        let client = Client::new(Duration::from_secs(self.timeout));
        let mut answer =
            Answer { healthy: true, endpoint: self.endpoint.clone(), error: None, signals: None };
        let asked = check(&client, &self.endpoint).and_then(|()| {
            answer.signals = self.data.then(|| arrivals(&client, &self.metrics_endpoint)).transpose()?;
            Ok(())
        });
        if let Err(error) = asked {
            answer.healthy = false;
            answer.error = Some(error);
        }
        if self.json {
            output::json(&answer);
        } else {
            answer.print();
        }
        Ok(if answer.healthy { Exit::Yes } else { Exit::No })
    }
}

impl Answer {
    fn print(&self) {
        match &self.error {
            None => output::line(&format!("healthy: {}", self.endpoint)),
            Some(error) => output::line(&format!("not healthy: {error}")),
        }
        if let Some(signals) = &self.signals {
            signals.iter().for_each(|signal| output::line(&signal.describe()));
            arrival::usual_causes(signals).iter().for_each(|line| output::line(line));
        }
    }
}

/// Whether a collector says of itself that it is well.
pub fn check(client: &Client, endpoint: &str) -> Result<(), String> {
    let answer = client.get(endpoint).map_err(|error| unreachable(endpoint, &error))?;
    match answer.status {
        200 => Ok(()),
        status => Err(format!("{endpoint} answered {status}: {}", answer.excerpt())),
    }
}

fn arrivals(client: &Client, endpoint: &str) -> Result<Vec<Arrival>, String> {
    let answer = client.get(endpoint).map_err(|error| unreachable(endpoint, &error))?;
    if answer.status != 200 {
        return Err(format!("{endpoint} answered {}: {}", answer.status, answer.excerpt()));
    }
    let samples = page::parse(&String::from_utf8_lossy(&answer.body))
        .map_err(|error| format!("{endpoint}: {error}"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    Ok(arrival::last_received(&samples, now))
}

fn unreachable(endpoint: &str, error: &ureq::Error) -> String {
    format!("{endpoint} does not answer: {}", output::with_causes(error))
}
