//! `tokenledger demo`: recorded sessions through a real collector, compared with the known truth.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::exit::{self, Ended, Exit};
use crate::http::Client;
use crate::replay::{Pace, Signal, replay};
use crate::{output, page};

mod collector;
mod comparison;
mod table;
mod truth;

use collector::Collector;
use comparison::{Estimate, Row, compare, estimates};
use truth::Truth;

/// The component gives out held values each second: this long after the totals are complete nothing
/// more can come, so a total that is too large shows as well.
const SETTLING: Duration = Duration::from_millis(1500);

/// Plays recorded sessions to a collector of its own and compares its totals with the truth.
///
/// Starts the collector on free ports, sends the recorded bodies with their time stamps moved to
/// now, reads the Prometheus page until the totals are complete, stops the collector, and prints for
/// each session and token type: what the recording is known to hold, what the page shows, and the
/// difference; and beside the cost that the client reports what the tokens cost at list price. First values are not held back (TOKENLEDGER_FIRST_VALUE_DELAY=0s), so that the demo
/// need not wait for a scrape.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Demo {
    /// The collector to start.
    #[arg(long, value_name = "FILE", default_value = "build/otelcol-tokenledger")]
    collector: PathBuf,
    /// Its configuration; must take hosts and ports from the TOKENLEDGER_ environment variables.
    #[arg(long, value_name = "FILE", default_value = "collector-config/default.yaml")]
    config: PathBuf,
    /// Directory of recorded bodies with their truth.json.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "tests/data/captures/claude-code-2.1.329/two-sessions-json"
    )]
    captures: PathBuf,
    /// Send without waiting between requests, instead of at their real spacing.
    #[arg(long)]
    fast: bool,
    /// How long the totals may take to become complete after the last request.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    time_limit: u64,
    /// Answer with one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    captures: &'a Path,
    /// Whether every difference is zero.
    exact: bool,
    first_value_delay: &'static str,
    requests: u64,
    rows: &'a [Row],
    /// What the collector computed; no part of the comparison.
    computed: &'a [Estimate],
}

/// What the page showed.
#[derive(Debug)]
struct Shown {
    rows: Vec<Row>,
    computed: Vec<Estimate>,
}

impl Shown {
    fn new(truth: &Truth, page: &[page::Sample]) -> Self {
        Self { rows: compare(truth, page), computed: estimates(truth, page) }
    }

    fn is_exact(&self) -> bool {
        self.rows.iter().all(Row::is_exact)
    }
}

/// Why the page with the totals could not be read.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("{url} does not answer")]
    Unreachable { url: String, source: Box<ureq::Error> },
    #[error("{url} answered {status}")]
    Refused { url: String, status: u16 },
    #[error("{url}")]
    NotAPage { url: String, source: page::NotAPage },
}

impl Demo {
    /// Plays, compares and tells.
    pub fn run(self) -> Ended {
        let truth = Truth::read(&self.captures)?;
        let client = Client::new(Duration::from_secs(5));
        let mut collector = Collector::start(&self.collector, &self.config, &client)?;
        output::note(&format!(
            "collector {} runs on free ports (OTLP/HTTP {}), first values are not held back ({}={})",
            self.collector.display(),
            collector.otlp_endpoint(),
            crate::settings::FIRST_VALUE_DELAY,
            collector::FIRST_VALUE_DELAY,
        ));
        let result = self.play(&truth, &client, &mut collector);
        if result.is_err() {
            output::note(&collector.last_words());
        }
        let stopped = collector.stop();
        let (requests, shown) = result?;
        stopped?;
        let exact = shown.is_exact();
        if self.json {
            let first_value_delay = collector::FIRST_VALUE_DELAY;
            output::json(&Answer {
                captures: &self.captures,
                exact,
                first_value_delay,
                requests,
                rows: &shown.rows,
                computed: &shown.computed,
            });
        } else {
            table::print(&shown.rows, &shown.computed);
            let name = crate::settings::FIRST_VALUE_DELAY;
            output::line(&format!(
                "(first values were not held back: {name}={})",
                collector::FIRST_VALUE_DELAY
            ));
        }
        Ok(if exact { Exit::Yes } else { Exit::No })
    }

    fn play(
        &self,
        truth: &Truth,
        client: &Client,
        collector: &mut Collector,
    ) -> Result<(u64, Shown), Box<dyn std::error::Error>> {
        let pace = Pace { fast: self.fast, shift_to_now: true };
        if !self.fast {
            output::note("sending the recorded sessions at their real spacing (--fast does not wait) …");
        }
        let signals = [Signal::Metrics, Signal::Logs, Signal::Traces];
        let sent =
            replay(&self.captures, &signals, &collector.otlp_endpoint(), pace, Duration::from_secs(10))?;
        let shown = self.await_totals(truth, client, collector)?;
        Ok((sent.requests.values().sum(), shown))
    }

    /// The totals once they are complete and have settled, or as they are when time is up.
    fn await_totals(
        &self,
        truth: &Truth,
        client: &Client,
        collector: &mut Collector,
    ) -> Result<Shown, Box<dyn std::error::Error>> {
        let url = collector.prometheus_page();
        let give_up = Instant::now() + Duration::from_secs(self.time_limit);
        loop {
            collector.check_alive()?;
            let shown = Shown::new(truth, &read_page(client, &url)?);
            if shown.is_exact() {
                thread::sleep(SETTLING); // what is computed comes with the next tick, too
                return Ok(Shown::new(truth, &read_page(client, &url)?));
            }
            if Instant::now() >= give_up {
                return Ok(shown);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn read_page(client: &Client, url: &str) -> Result<Vec<page::Sample>, PageError> {
    let url = url.to_owned();
    let answer = match client.get(&url) {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => return Err(PageError::Refused { url, status: answer.status }),
        Err(source) => return Err(PageError::Unreachable { url, source: Box::new(source) }),
    };
    page::parse(&String::from_utf8_lossy(&answer.body)).map_err(|source| PageError::NotAPage { url, source })
}
