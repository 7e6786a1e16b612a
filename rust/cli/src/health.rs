//! `tokenledger health`: is the collector well, and when did data last arrive.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Serialize;

use crate::exit::{self, Ended, Exit};
use crate::http::Client;
use crate::{output, page, settings};

mod arrival;
mod judgement;
mod port;
mod process;

use arrival::Arrival;
use judgement::Judgement;
use port::Hints;
use process::Collector;

/// Tells whether the collector is healthy, and with --data when data last arrived.
///
/// Without an address it finds the running collectors by itself, whatever their configuration, and asks the ports that
/// they listen on: a health_check extension has the last word, else an OTLP port has to answer, else any port. With
/// --endpoint, TOKENLEDGER_HEALTH_PORT, or a TOKENLEDGER_HOST that names one address, only that health check is asked;
/// so it is where no collector's process can be seen.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Health {
    /// Address of the health_check extension. Default: it is found.
    #[arg(long, value_name = "URL", value_parser = settings::http_url)]
    endpoint: Option<String>,
    /// Also tell for metrics, logs and traces when data was last received, and the usual causes if
    /// none was. Signals without data do not change the exit code.
    #[arg(long)]
    data: bool,
    /// Address of the page with the collector's own metrics, for --data. Default: what TOKENLEDGER_HOST and
    /// TOKENLEDGER_SELF_METRICS_PORT say, else it is found.
    #[arg(long, value_name = "URL", value_parser = settings::http_url)]
    metrics_endpoint: Option<String>,
    /// How long to wait for answers.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Where the kernel shows its processes.
    #[arg(long, value_name = "FOLDER", default_value = "/proc", hide_short_help = true)]
    proc: PathBuf,
    /// Answer with one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    healthy: bool,
    /// The address that decided; nothing where a collector listens nowhere or none of its ports answers.
    endpoint: Option<String>,
    /// Why it is healthy, for people.
    #[serde(skip)]
    reason: String,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The collectors that were found, if that was how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    collectors: Vec<Judgement>,
    /// Only with `--data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Vec<Arrival>>,
}

impl Health {
    /// Asks and answers.
    pub fn run(self) -> Ended {
        let timeout = Duration::from_secs(self.timeout);
        let client = Client::new(timeout);
        let endpoint = self.endpoint.clone().or_else(settings::named_health_endpoint);
        let found = if endpoint.is_none() { process::running(&self.proc) } else { Vec::new() };
        let mut answer = if found.is_empty() {
            ask(&client, &endpoint, &self.proc)
        } else {
            judge(&found, Instant::now() + timeout)
        };
        if answer.healthy && self.data {
            let page = self.metrics_endpoint.clone().or_else(|| own_metrics(&found, timeout));
            match arrivals(&client, &page.unwrap_or_else(settings::self_metrics_endpoint)) {
                Ok(signals) => answer.signals = Some(signals),
                Err(error) => answer = Answer { healthy: false, error: Some(error), ..answer },
            }
        }
        if self.json {
            output::json(&answer);
        } else {
            answer.print();
        }
        Ok(if answer.healthy { Exit::Yes } else { Exit::No })
    }
}

/// Asks the health check at a known address, or at the usual one if no collector was found below `proc`.
fn ask(client: &Client, named: &Option<String>, proc: &Path) -> Answer {
    let endpoint = named.clone().unwrap_or_else(settings::health_endpoint);
    let error = check(client, &endpoint).err().map(|error| match named {
        Some(_) => error,
        None => format!("no process of a collector is found in {}, and {error}", proc.display()),
    });
    Answer {
        healthy: error.is_none(),
        reason: endpoint.clone(),
        endpoint: Some(endpoint),
        error,
        collectors: Vec::new(),
        signals: None,
    }
}

/// Several collectors are well if each is. One that listens nowhere beside others that do is about to start or to end, or
/// only validates a configuration: it does not count.
fn judge(found: &[Collector], deadline: Instant) -> Answer {
    let anybody_listens = found.iter().any(|collector| !collector.listeners.is_empty());
    let counted = found.iter().filter(|collector| !(anybody_listens && collector.listeners.is_empty()));
    let collectors: Vec<_> = counted.map(|collector| judgement::judge(collector, deadline)).collect();
    let reasons = |healthy| {
        let of_kind = collectors.iter().filter(|judgement| judgement.healthy == healthy);
        of_kind.map(|judgement| judgement.reason.as_str()).collect::<Vec<_>>().join("; ")
    };
    let healthy = collectors.iter().all(|judgement| judgement.healthy);
    let decisive = collectors.iter().find(|judgement| judgement.healthy == healthy);
    Answer {
        healthy,
        endpoint: decisive.and_then(|judgement| judgement.endpoint.clone()),
        reason: reasons(true),
        error: (!healthy).then(|| reasons(false)),
        collectors,
        signals: None,
    }
}

/// The page on which a collector that was found shows its own metrics.
fn own_metrics(found: &[Collector], timeout: Duration) -> Option<String> {
    if settings::names_self_metrics() {
        return None;
    }
    let deadline = Instant::now() + timeout;
    found.iter().find_map(|collector| {
        let hints = Hints::of(&collector.configuration);
        let pages = collector.listeners.iter();
        pages.filter_map(|listener| port::page_of_own_metrics(*listener, &hints, deadline)).next()
    })
}

impl Answer {
    fn print(&self) {
        match &self.error {
            None => output::line(&format!("healthy: {}", self.reason)),
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
