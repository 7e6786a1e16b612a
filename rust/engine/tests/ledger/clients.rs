//! Clients of the model test: what they send, what is still unanswered, and what the sums must come to.

use std::collections::{BTreeMap, VecDeque};

use tokenledger::batch::MetricKind;
use tokenledger::{IdentityMode, Number};

use crate::world::batch::{Sample, Value};
use crate::world::series::Output;
use crate::world::{MILLI, SECOND, histogram};

/// Kinds of clients.
pub const KINDS: u8 = 7;
/// Cumulative totals; every other kind but gauges sends deltas.
pub const MEMBER: u8 = 3;
const GAUGE: u8 = 6;
/// Requests that one client lets wait for an answer at most: as many as windows are remembered (D3b).
const PATIENCE: usize = 3;

/// A process that reports totals.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    start: u64,
    total: i64,
}

#[derive(Debug, Default)]
pub struct Clients {
    /// Requests without an answer, the oldest first, with the numbers of the clients that have a part in them.
    pub unanswered: VecDeque<(Vec<u8>, Vec<Sample>)>,
    /// The clients' clock, Unix nanoseconds: it never stands still and never steps back.
    clock: u64,
    processes: BTreeMap<u8, Process>,
    /// Everything that was ever sent, by series: the sum that must come out once all is answered.
    pub sent: BTreeMap<String, f64>,
}

impl Clients {
    /// One request of several clients, unless they have too many on their way; `wall` is the collector's clock.
    /// Numbers beyond [`KINDS`] are other sessions of the same kinds. False if nobody sends.
    pub fn produce(
        &mut self,
        clients: impl Iterator<Item = u8>,
        value: u16,
        wall: u64,
        key: &dyn Fn(&Sample) -> String,
    ) -> bool {
        let (mut senders, mut request) = (Vec::new(), Vec::new());
        for client in clients.filter(|client| self.waiting(*client) < PATIENCE).collect::<Vec<_>>() {
            // A process never begins ahead of the collector's clock (T3).
            if client % KINDS == MEMBER && !self.processes.contains_key(&client) && wall <= self.clock {
                continue;
            }
            senders.push(client);
            request.push(self.sample(client, value, wall, key));
        }
        let some = !senders.is_empty();
        if some {
            self.unanswered.push_back((senders, request));
        }
        some
    }

    fn sample(&mut self, client: u8, value: u16, wall: u64, key: &dyn Fn(&Sample) -> String) -> Sample {
        let before = self.clock;
        self.clock = wall.max(before + MILLI);
        let (kind, session) = (client % KINDS, format!("s{}", client / KINDS));
        let (model, version) = (format!("m{}", value % 3), format!("v{}", value % 2));
        let attributes = [("session", session.as_str()), ("model", &model)];
        // A member is (source, start): its resource stays, as its attributes do.
        let version = if kind == MEMBER { "v" } else { version.as_str() };
        let sample = Sample {
            start: before.max(self.clock - 5 * SECOND),
            time: self.clock,
            ..Sample::delta(name(kind), &attributes, 0, 0, 0)
        };
        let sample = sample.of_resource(&[("service.name", "agent"), ("os.version", version)]);
        let sample = self.fill(sample, client, value);
        let size = if kind == MEMBER { f64::from(value) } else { sample.value.size() };
        if kind != GAUGE {
            *self.sent.entry(key(&sample)).or_default() += size;
        }
        sample
    }

    fn fill(&mut self, sample: Sample, client: u8, value: u16) -> Sample {
        let int = |value: i64| Value::Number(Number::Int(value));
        match client % KINDS {
            0 => Sample { value: int(value.into()), ..sample },
            1 => Sample { value: Value::Number(Number::Double(f64::from(value) / 8.0)), ..sample },
            2 => Sample { value: int(i64::from(value) - 300), monotonic: false, ..sample },
            MEMBER => {
                let process = self.processes.entry(client).or_default();
                if process.start == 0 {
                    process.start = sample.time;
                }
                process.total += i64::from(value);
                let Process { start, total } = *process;
                let temporality = tokenledger::batch::Temporality::Cumulative;
                // A member is (source, start): its attributes stay.
                let attributes = sample.attributes[..1].to_vec();
                Sample { start, value: int(total), temporality, attributes, ..sample }
            }
            4 => {
                let value = histogram::explicit(&[1.0, 8.0], &[1, value.into(), 2], f64::from(value));
                Sample { kind: MetricKind::ExplicitHistogram, value, ..sample }
            }
            5 => {
                let value = histogram::exponential(2, 1, i32::from(value % 50), &[value.into(), 1], 0.5);
                Sample { kind: MetricKind::ExponentialHistogram, value, ..sample }
            }
            _ => Sample { kind: MetricKind::Gauge, monotonic: false, value: int(value.into()), ..sample },
        }
    }

    /// A process that reports totals begins anew.
    pub fn restart_process(&mut self, client: u8) {
        self.processes.remove(&client);
    }

    fn waiting(&self, client: u8) -> usize {
        self.unanswered.iter().filter(|(clients, _)| clients.contains(&client)).count()
    }
}

fn name(kind: u8) -> &'static str {
    ["tokens", "cost", "active", "total", "latency", "sizes", "load"][usize::from(kind)]
}

/// The series of a sample for a reader; rules of the model drop the session, if anything.
pub fn series_of(sample: &Sample, drops: &[String], identity: IdentityMode) -> String {
    let mut attributes = sample.attributes.clone();
    attributes.retain(|(key, _)| !drops.contains(key));
    series(&sample.metric, &attributes, &sample.resource, identity)
}

/// The series of an output.
pub fn series_of_output(output: &Output, identity: IdentityMode) -> String {
    series(&output.metric, &output.attributes, &output.resource, identity)
}

fn series(
    metric: &str,
    attributes: &crate::world::batch::Attributes,
    resource: &crate::world::batch::Attributes,
    identity: IdentityMode,
) -> String {
    let mut attributes = attributes.clone();
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
    let mut resource = resource.clone();
    resource.retain(|(key, _)| identity == IdentityMode::Otlp || key == "service.name");
    format!("{metric} {attributes:?} {resource:?}")
}

/// What came out of a series: the last value of each run between two beginnings (L1), and what Prometheus'
/// `increase` makes of its samples.
#[derive(Debug, Default)]
pub struct Seen {
    pub total: f64,
    pub increase: f64,
    pub runs: usize,
    pub begins_at_zero: bool,
}

impl Seen {
    /// Panics where times stand still, a run falls, or a start changes without a new beginning.
    pub fn of(outputs: &[Output]) -> Self {
        let first = &outputs[0];
        let mut seen = Self { runs: 1, begins_at_zero: first.value.size() == 0.0, ..Self::default() };
        for pair in outputs.windows(2) {
            let [before, after] = pair else { unreachable!("windows of two") };
            assert!(after.time > before.time, "times: {pair:#?}");
            let (old, new) = (before.value.size(), after.value.size());
            if before.start != after.start {
                assert!(after.start > before.start, "starts: {pair:#?}");
                seen.total += old;
                seen.runs += 1;
            } else {
                assert!(new >= old || !before.monotonic, "a fall without a new beginning: {pair:#?}");
            }
            seen.increase += if new < old { new } else { new - old };
        }
        seen.total += outputs.last().map_or(0.0, |output| output.value.size());
        seen
    }
}
