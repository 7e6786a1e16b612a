//! A collector that the demo starts for itself, on ports that were free a moment ago.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::health;
use crate::http::Client;
use crate::settings;

/// The demo reads the page itself and needs no zero before each first value.
pub const FIRST_VALUE_DELAY: &str = "0s";
/// How long the collector may take to become healthy.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to end when asked to; then it is made to.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How long the rest of its log may take to arrive once it has ended.
const LOG_LIMIT: Duration = Duration::from_secs(1);
/// Lines of its log that are kept for the case that something goes wrong.
const LOG_LINES: usize = 30;

/// A running collector. It is made to end if it is dropped before [`Collector::stop`].
#[derive(Debug)]
pub struct Collector {
    child: Child,
    ports: Ports,
    log: Arc<Mutex<VecDeque<String>>>,
    log_reader: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    otlp_grpc: u16,
    otlp_http: u16,
    prometheus: u16,
    self_metrics: u16,
    health: u16,
}

/// Why there is no collector to talk to.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program cannot be run.
    #[error("cannot start {} (is it built? `make build`)", .program.display())]
    NotRunnable {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is not there.
    #[error("{}: the collector's configuration", .path.display())]
    NoConfiguration {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no free ports.
    #[error("no free ports")]
    NoPorts(#[source] io::Error),
    /// It ended by itself.
    #[error("the collector ended with {status}; its last lines:\n{log}")]
    Ended {
        /// Exit code or signal.
        status: ExitStatus,
        /// What it had to say.
        log: String,
    },
    /// It runs, but is not healthy.
    #[error("the collector is not healthy after {} s: {reason}; its last lines:\n{log}", START_LIMIT.as_secs())]
    NotHealthy {
        /// What the health check said.
        reason: String,
        /// What the collector had to say.
        log: String,
    },
    /// It cannot be asked whether it runs, or asked to end.
    #[error("the collector's process")]
    Process(#[source] io::Error),
}

impl Collector {
    /// Starts `program` with `configuration` and waits until it is healthy.
    pub fn start(program: &Path, configuration: &Path, client: &Client) -> Result<Self, StartError> {
        if let Err(source) = configuration.metadata() {
            return Err(StartError::NoConfiguration { path: configuration.to_owned(), source });
        }
        let ports = Ports::free().map_err(StartError::NoPorts)?;
        let mut command = Command::new(program);
        command.arg("--config").arg(configuration).envs(ports.environment()).stdin(Stdio::null());
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| StartError::NotRunnable { program: program.to_owned(), source })?;
        let mut collector = Self { child, ports, log: Arc::default(), log_reader: None };
        collector.keep_log();
        collector.await_health(client)?;
        Ok(collector)
    }

    /// Where to send OTLP over HTTP.
    pub fn otlp_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.otlp_http)
    }

    /// Where the totals are.
    pub fn prometheus_page(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.ports.prometheus)
    }

    /// An error if it has ended.
    pub fn check_alive(&mut self) -> Result<(), StartError> {
        match self.child.try_wait().map_err(StartError::Process)? {
            Some(status) => {
                let give_up = Instant::now() + LOG_LIMIT;
                while self.log_reader.as_ref().is_some_and(|reader| !reader.is_finished())
                    && Instant::now() < give_up
                {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(StartError::Ended { status, log: self.last_words() })
            }
            None => Ok(()),
        }
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// Ends it as an operator would (SIGTERM), and by force if that takes too long.
    pub fn stop(&mut self) -> Result<(), StartError> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && self.child.try_wait().map_err(StartError::Process)?.is_none()
        {
            kill_process(pid, Signal::TERM).map_err(|error| StartError::Process(error.into()))?;
        }
        let give_up = Instant::now() + STOP_LIMIT;
        while self.child.try_wait().map_err(StartError::Process)?.is_none() {
            if Instant::now() >= give_up {
                return self
                    .child
                    .kill()
                    .and_then(|()| self.child.wait().map(drop))
                    .map_err(StartError::Process);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn await_health(&mut self, client: &Client) -> Result<(), StartError> {
        let endpoint = format!("http://127.0.0.1:{}", self.ports.health);
        let give_up = Instant::now() + START_LIMIT;
        loop {
            self.check_alive()?;
            match health::check(client, &endpoint) {
                Ok(()) => return Ok(()),
                Err(reason) if Instant::now() >= give_up => {
                    return Err(StartError::NotHealthy { reason, log: self.last_words() });
                }
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Reads its log in a thread, so that it never waits for a full pipe; the thread ends with it.
    fn keep_log(&mut self) {
        let Some(stderr) = self.child.stderr.take() else { return };
        let log = Arc::clone(&self.log);
        self.log_reader = Some(thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                if log.len() == LOG_LINES {
                    log.pop_front();
                }
                log.push_back(line);
            }
        }));
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Ports {
    /// Asks the system for ports that nobody listens on. Held together, so that they differ; given
    /// back at once, so another program could take one: the collector then ends with a clear error.
    fn free() -> io::Result<Self> {
        let listeners = (0..5).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<Vec<_>>>()?;
        let port = |index: usize| listeners[index].local_addr().map(|address| address.port());
        Ok(Self {
            otlp_grpc: port(0)?,
            otlp_http: port(1)?,
            prometheus: port(2)?,
            self_metrics: port(3)?,
            health: port(4)?,
        })
    }

    fn environment(self) -> [(&'static str, String); 8] {
        [
            (settings::HOST, "127.0.0.1".to_owned()),
            (settings::OTLP_GRPC_PORT, self.otlp_grpc.to_string()),
            (settings::OTLP_HTTP_PORT, self.otlp_http.to_string()),
            (settings::PROMETHEUS_PORT, self.prometheus.to_string()),
            (settings::SELF_METRICS_PORT, self.self_metrics.to_string()),
            (settings::HEALTH_PORT, self.health.to_string()),
            (settings::FIRST_VALUE_DELAY, FIRST_VALUE_DELAY.to_owned()),
            // Its totals are those of recorded sessions: they must not get into a ledger that somebody keeps.
            (settings::STATE_DIR, String::new()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: ports are asked for. Guarantee: five different ones.
    #[test]
    fn ports_differ() {
        let Ports { otlp_grpc, otlp_http, prometheus, self_metrics, health } = Ports::free().unwrap();
        let mut ports = vec![otlp_grpc, otlp_http, prometheus, self_metrics, health];
        ports.sort();
        ports.dedup();
        assert_eq!(ports.len(), 5);
    }

    /// Scenario: a program that ends at once, because it does not know `--config`.
    /// Guarantee: the error says how it ended, with its last lines.
    #[test]
    fn a_collector_that_ends_is_an_error() {
        let client = Client::new(Duration::from_secs(1));
        let error = Collector::start(Path::new("/bin/sh"), Path::new("/dev/null"), &client).unwrap_err();
        let StartError::Ended { status, log } = &error else { panic!("{error}") };
        assert!(!status.success() && log.contains("option"), "{error}");
    }

    /// Scenario: no program, no configuration. Guarantee: errors that name the file.
    #[test]
    fn missing_files_are_named() {
        let client = Client::new(Duration::from_secs(1));
        let error =
            Collector::start(Path::new("/no/such/program"), Path::new("/dev/null"), &client).unwrap_err();
        assert!(error.to_string().contains("/no/such/program"), "{error}");
        let error =
            Collector::start(Path::new("/bin/true"), Path::new("/no/such/file"), &client).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    }
}
