//! Whether a collector that was found is well.
//!
//! A health check, where there is one, has the last word. Without one a collector is well whose OTLP port answers, or one
//! with TLS, which most likely is OTLP. Any other port proves less: a collector opens its page of own metrics first and its
//! receivers last, so that it counts only some time after the start. A port that merely takes connections is no proof
//! at all: the kernel takes them for a process that hangs.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::port::{self, Hints, Speaks};
use super::process::Collector;

/// How long a collector may be starting. One that listens nowhere counts after it: a pipeline from Kafka to Kafka needs no
/// port.
const START: Duration = Duration::from_secs(15);

/// What was found out about one collector.
#[derive(Debug, Serialize)]
pub struct Judgement {
    process: i32,
    program: String,
    /// Whether it is well.
    pub healthy: bool,
    /// The address that decided, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What decided.
    pub reason: String,
}

/// Asks the ports of a collector, at the same time, until `deadline` at the latest.
pub fn judge(collector: &Collector, deadline: Instant) -> Judgement {
    let (healthy, endpoint, reason) = decide(collector, &ask(collector, deadline));
    Judgement {
        process: collector.process,
        program: collector.program.clone(),
        healthy,
        endpoint,
        reason: format!("{} (process {}): {reason}", collector.program, collector.process),
    }
}

type Port = (SocketAddr, Speaks);

fn ask(collector: &Collector, deadline: Instant) -> Vec<Port> {
    // The usual case needs a single request, and no other port is disturbed.
    let usual = collector.listeners.iter().find(|listener| listener.port() == port::DEFAULT_HEALTH_PORT);
    if let Some((listener, answer)) =
        usual.and_then(|listener| Some((*listener, port::ask_health_check(*listener, deadline)?)))
    {
        return vec![(listener, answer)];
    }
    let hints = &Hints::of(&collector.configuration);
    if let Some(port) = ask_grpc_only(collector, hints, deadline) {
        return vec![port];
    }
    thread::scope(|scope| {
        let asked: Vec<_> = collector
            .listeners
            .iter()
            .map(|listener| (*listener, scope.spawn(move || port::ask(*listener, hints, deadline))))
            .collect();
        let answers = asked.into_iter();
        answers.map(|(listener, answer)| (listener, answer.join().unwrap_or(Speaks::Nothing))).collect()
    })
}

/// Where there surely is no health check, gRPC is enough. That leaves HTTPS ports in peace, which complain in the log.
fn ask_grpc_only(collector: &Collector, hints: &Hints, deadline: Instant) -> Option<Port> {
    if !collector.whole_configuration || collector.configuration.contains("health_check") {
        return None;
    }
    let likely = collector.listeners.iter().filter(|listener| hints.expects_grpc(listener.port()));
    let mut asked = likely.map(|listener| (*listener, port::ask(*listener, hints, deadline)));
    asked.find(|(_, speaks)| matches!(speaks, Speaks::Otlp(_) | Speaks::Tls))
}

type Decision = (bool, Option<String>, String);

fn decide(collector: &Collector, ports: &[Port]) -> Decision {
    let own = collector.own_listeners;
    by_health_check(ports)
        .or_else(|| by_otlp(ports))
        .or_else(|| by_tls(ports).filter(|_| own))
        .or_else(|| by_any_answer(collector, ports).filter(|_| own))
        .unwrap_or_else(|| without_answer(collector, ports))
}

/// The first that says no, else the first that says yes.
fn by_health_check(ports: &[Port]) -> Option<Decision> {
    let checks = ports.iter().filter_map(|(_, speaks)| match speaks {
        Speaks::HealthCheck { url, refusal } => Some((url, refusal)),
        _ => None,
    });
    let (url, refusal) = checks.min_by_key(|(_, refusal)| refusal.is_none())?;
    Some(match refusal {
        Some(refusal) => (false, Some(url.clone()), format!("{url} {refusal}")),
        None => (true, Some(url.clone()), format!("{url} says so")),
    })
}

fn by_otlp(ports: &[Port]) -> Option<Decision> {
    ports.iter().find_map(|(address, speaks)| match speaks {
        Speaks::Otlp(way) => {
            Some((true, Some(address.to_string()), format!("{address} answers as OTLP over {way} does")))
        }
        _ => None,
    })
}

fn by_tls(ports: &[Port]) -> Option<Decision> {
    let (address, _) = ports.iter().find(|(_, speaks)| *speaks == Speaks::Tls)?;
    Some((
        true,
        Some(address.to_string()),
        format!("{address} answers with TLS, there is no health check without it"),
    ))
}

fn by_any_answer(collector: &Collector, ports: &[Port]) -> Option<Decision> {
    ports.iter().find_map(|(address, speaks)| {
        let how = match speaks {
            Speaks::Http => "answers with HTTP",
            Speaks::HangsUp => "takes connections and closes them",
            _ => return None,
        };
        Some(after_start(
            collector,
            Some(address.to_string()),
            &format!("no health check, no OTLP; {address} {how}"),
        ))
    })
}

fn without_answer(collector: &Collector, ports: &[Port]) -> Decision {
    if ports.is_empty() {
        return after_start(collector, None, "it listens on no port");
    }
    let silent: Vec<_> = ports.iter().map(|(address, speaks)| describe(*address, speaks)).collect();
    (false, None, silent.join(", "))
}

/// What counts only for a collector that is no longer starting.
fn after_start(collector: &Collector, endpoint: Option<String>, found: &str) -> Decision {
    let [age, start] = [collector.age.unwrap_or_default().as_secs(), START.as_secs()];
    if age < start {
        (false, endpoint, format!("{found}; it may be starting, {age} s old (this counts from {start} s)"))
    } else {
        (true, endpoint, format!("{found}; it has been running for {age} s"))
    }
}

fn describe(address: SocketAddr, speaks: &Speaks) -> String {
    match speaks {
        Speaks::Nothing => format!("{address} takes connections but does not answer"),
        Speaks::Refuses(why) => format!("no connection to {why}"),
        _ => format!("{address} answers, but may be another program's"),
    }
}

#[cfg(test)]
mod tests;
