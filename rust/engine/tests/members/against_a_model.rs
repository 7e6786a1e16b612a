//! Random processes that report totals, against a plain model of rule T3 and against what they really did.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokenledger::batch::MetricKind;
use tokenledger::{Config, Emit, IdentityMode, Number, Rule};

use crate::world::batch::{Sample, Value};
use crate::world::{BEGAN, SECOND, World, at, histogram};

const SESSIONS: u8 = 3;
/// Processes of one session, which differ in their start.
const PROCESSES: u8 = 4;
const MAX_STALE: u64 = 600;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A process works, and reports its total unless the report is lost.
    Report {
        session: u8,
        process: u8,
        work: u16,
        lost: bool,
    },
    /// A report that was made earlier arrives, perhaps for the second time.
    Late {
        session: u8,
        process: u8,
        which: prop::sample::Index,
    },
    /// The process begins anew, with the same start.
    Restart {
        session: u8,
        process: u8,
    },
    /// A process of the session that sends deltas.
    Delta {
        session: u8,
        work: u16,
    },
    /// Time passes, with ticks; long waits make members tombstones.
    Wait(u16),
    RefusedTick,
}

fn event() -> impl Strategy<Value = Event> {
    let who = || (0..SESSIONS, 0..PROCESSES);
    prop_oneof![
        6 => (who(), 0..500_u16, prop::bool::weighted(0.2))
            .prop_map(|((session, process), work, lost)| Event::Report { session, process, work, lost }),
        2 => (who(), any::<prop::sample::Index>())
            .prop_map(|((session, process), which)| Event::Late { session, process, which }),
        1 => who().prop_map(|(session, process)| Event::Restart { session, process }),
        2 => (0..SESSIONS, 0..500_u16).prop_map(|(session, work)| Event::Delta { session, work }),
        2 => prop_oneof![1..60_u16, 500..2_000_u16].prop_map(Event::Wait),
        1 => Just(Event::RefusedTick),
    ]
}

/// What a process has done and reported.
#[derive(Clone, Debug, Default)]
struct Process {
    total: i64,
    /// Time and total of all reports, lost ones too.
    reports: Vec<(u64, i64)>,
}

/// What the model knows of a member.
#[derive(Clone, Copy, Debug)]
struct Known {
    time: u64,
    total: i64,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Int,
    Double,
    Explicit,
    Exponential,
}

struct Run {
    world: World,
    kind: Kind,
    processes: BTreeMap<(u8, u8), Process>,
    known: BTreeMap<(u8, u8), Known>,
    /// Latest end of a delta window by session.
    deltas: BTreeMap<u8, u64>,
    /// The model's total, and everything that any process ever did.
    total: i64,
    truth: i64,
    baselines: u64,
    second: u64,
}

impl Run {
    fn new(config: Config, kind: Kind) -> Self {
        let mut run = Self {
            world: World::new(config),
            kind,
            processes: BTreeMap::new(),
            known: BTreeMap::new(),
            deltas: BTreeMap::new(),
            total: 0,
            truth: 0,
            baselines: 0,
            second: 1_000,
        };
        run.heartbeat();
        run
    }

    /// Keeps the ledger stream alive, so that only members expire.
    fn heartbeat(&mut self) {
        self.send_delta("heartbeat", 1);
    }

    fn value(&self, total: i64) -> Value {
        let (count, half) = (total as u64, total as u64 / 2);
        match self.kind {
            Kind::Int => Value::Number(Number::Int(total)),
            Kind::Double => Value::Number(Number::Double(total as f64)),
            Kind::Explicit => histogram::explicit(&[1.0], &[half, count - half], 0.0),
            Kind::Exponential => histogram::exponential(3, half, 5, &[count - half], 0.0),
        }
    }

    fn sample(&self, sample: Sample) -> Sample {
        let kind = match self.kind {
            Kind::Int | Kind::Double => MetricKind::Sum,
            Kind::Explicit => MetricKind::ExplicitHistogram,
            Kind::Exponential => MetricKind::ExponentialHistogram,
        };
        let value = self.value(sample.value.int());
        Sample { kind, value, ..sample }
    }

    /// Unix nanoseconds; 0 and times before, after and far after the engine's start.
    fn start(process: u8) -> u64 {
        match process {
            0 => 0,
            1 => BEGAN - 5 * SECOND,
            2 => at(900),
            _ => at(3_000),
        }
    }

    fn send_delta(&mut self, session: &str, work: u16) {
        self.second += 1;
        let delta = Sample::delta("m", &[("session", session)], self.second - 1, self.second, work.into());
        let delta = self.sample(delta);
        self.world.at(self.second).send(&[delta]);
        (self.total, self.truth) = (self.total + i64::from(work), self.truth + i64::from(work));
    }

    fn send_total(&mut self, who: (u8, u8), time: u64, total: i64) {
        let session = who.0.to_string();
        let point = Sample::total("m", &[("session", &session)], 0, 0, total);
        let point = self.sample(Sample { start: Self::start(who.1), time, ..point });
        self.world.at(self.second).send(&[point]);
        match self.known.get(&who).copied() {
            Some(known) if time <= known.time => return,
            Some(known) if total < known.total => self.total += total, // it began anew
            Some(known) => self.total += total - known.total,
            None => {
                let began = Self::start(who.1);
                let deltas = self.deltas.get(&who.0).copied().unwrap_or(0);
                if began > BEGAN.max(deltas) && began <= at(self.second) {
                    self.total += total;
                } else {
                    self.baselines += 1;
                }
            }
        }
        self.known.insert(who, Known { time, total });
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Report { session, process, work, lost } => {
                self.second += 1;
                let time = at(self.second);
                let entry = self.processes.entry((session, process)).or_default();
                entry.total += i64::from(work);
                let total = entry.total;
                entry.reports.push((time, total));
                self.truth += i64::from(work);
                if !lost {
                    self.send_total((session, process), time, total);
                }
            }
            Event::Late { session, process, which } => {
                let reports = self.processes.get(&(session, process)).map(|process| process.reports.clone());
                if let Some(reports) = reports.filter(|reports| !reports.is_empty()) {
                    let (time, total) = *which.get(&reports);
                    self.second += 1;
                    self.send_total((session, process), time, total);
                }
            }
            Event::Restart { session, process } => {
                let entry = self.processes.entry((session, process)).or_default();
                // Reports from before would now look like progress if they came late.
                (entry.total, entry.reports) = (0, vec![]);
            }
            Event::Delta { session, work } => {
                self.send_delta(&session.to_string(), work);
                self.deltas.insert(session, at(self.second));
            }
            Event::Wait(seconds) => {
                for _ in 0..seconds.div_ceil(200) {
                    self.second += 200.min(u64::from(seconds));
                    self.world.at(self.second).tick(false);
                    self.heartbeat();
                }
            }
            Event::RefusedTick => self.world.tick_refused(),
        }
    }
}

fn configs() -> impl Strategy<Value = Config> {
    let rule = Rule { metrics: vec!["*".to_owned()], drop: vec!["session".to_owned()], ..Rule::default() };
    (any::<bool>(), any::<bool>()).prop_map(move |(prometheus, each)| Config {
        identity: if prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
        emit: if each { Emit::Each } else { Emit::Interval },
        rules: vec![rule.clone()],
        max_stale_nano: MAX_STALE * SECOND,
        ..Config::default()
    })
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Int), Just(Kind::Double), Just(Kind::Explicit), Just(Kind::Exponential)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Scenario: processes of three sessions report totals, some before the engine began, some with a
    /// clock ahead or without a start; reports are lost, late and repeated; processes restart, fall
    /// silent for longer than they are remembered, and return; others send deltas. Guarantee: the total
    /// is what rule T3 says, never above the truth, and it never falls.
    #[test]
    fn totals_follow_the_rule(
        config in configs(), kind in kinds(), events in prop::collection::vec(event(), 1..60),
    ) {
        let mut run = Run::new(config, kind);
        events.into_iter().for_each(|event| run.step(event));
        run.world.tick(true);
        let reader = run.world.reader();
        reader.assert_orderly();
        let total: f64 = reader.latest("m").map(|output| output.value.size()).sum();
        prop_assert!(total <= run.truth as f64, "{} of {}", total, run.truth);
        let baselines = run.world.outcomes.baseline;
        // A forgotten delta source may make baselines of other members of its shard: then less is counted.
        prop_assert!(baselines >= run.baselines);
        if baselines == run.baselines {
            prop_assert_eq!(total, run.total as f64);
        } else {
            prop_assert!(total <= run.total as f64);
        }
        prop_assert_eq!(run.world.outcomes.refused + run.world.outcomes.invalid, 0);
    }
}
