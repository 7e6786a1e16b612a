//! Journal, snapshots, crashes and faults in any order, against what was sent.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tokenledger::ledger::StorageTrouble;
use tokenledger::{Config, Emit, IdentityMode, Retransmissions, Rule};

use crate::clients::{Clients, KINDS, MEMBER, Seen, series_of, series_of_output};
use crate::memory::{Faults, Memory};
use crate::station::Station;
use crate::world::batch::Sample;
use crate::world::{BEGAN, SECOND};

const MAX_STALE: u64 = 600;
const DAY: u64 = 24 * 3600;
/// Two of each kind.
const CLIENTS: u8 = 2 * KINDS;

/// How far a request comes before the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Consumed,
    Written,
    PassedOn,
}

#[derive(Clone, Debug)]
enum Event {
    /// One request of several clients, one bit each.
    Send {
        clients: u16,
        value: u16,
    },
    /// A request that the process dies on.
    SendAndCrash {
        clients: u16,
        value: u16,
        stage: Stage,
    },
    /// Everything unanswered comes again: as it was, or in one request and the other way round.
    Resend {
        whole: bool,
    },
    RestartProcess {
        client: u8,
    },
    /// A later write fails.
    Fault {
        after: u8,
    },
    Full,
    Space,
    Ticks(u8),
    /// A tick that is collected and lost, and a crash.
    LostTick,
    Maintain,
    /// A crash or an orderly stop; a start with the clocks at other values.
    Restart {
        orderly: bool,
        monotonic: u32,
        clock: Clock,
    },
    /// Longer than streams live.
    Idle,
}

/// What the wall clock did while the process was down.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Clock {
    Stood,
    Forward,
    Back,
}

/// The settings of a run, and whether it is over the limits.
#[derive(Clone, Debug)]
struct Settings {
    config: Config,
    limited: bool,
}

fn settings() -> impl Strategy<Value = Settings> {
    let bits = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let limits = prop_oneof![6 => Just(None), 1 => Just(Some((6, 0))), 1 => Just(Some((1_000, 1 << 16)))];
    (bits, prop::bool::weighted(0.25), limits).prop_map(
        |((prometheus, pushed, delay, drops), add, limits)| {
            let (max_streams, max_memory_bytes) = limits.unwrap_or((1_000, 0));
            let rule = |metric: &str, drop: bool| Rule {
                metrics: vec![metric.to_owned()],
                drop: if drop { vec!["session".to_owned()] } else { vec!["nothing".to_owned()] },
                ..Rule::default()
            };
            // Totals always go through the members (T3), as they do behind any rule.
            let mut rules = vec![rule("total", drops)];
            if drops {
                rules.push(rule("*", true));
            }
            let config = Config {
                identity: if prometheus { IdentityMode::Prometheus } else { IdentityMode::Otlp },
                emit: if pushed { Emit::Interval } else { Emit::Each },
                emit_interval_nano: if pushed { 0 } else { 60 * SECOND },
                first_value_delay_nano: if delay && !pushed { 15 * SECOND } else { 0 },
                retransmissions: if add { Retransmissions::Add } else { Retransmissions::Recognise },
                max_streams,
                max_memory_bytes,
                max_stale_nano: MAX_STALE * SECOND,
                rules,
                ..Config::default()
            };
            Settings { config, limited: limits.is_some() }
        },
    )
}

/// Nothing but the settings: what follows from the events is checked by [`Play`].
#[derive(Clone, Debug)]
struct Model {
    settings: Settings,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Self> {
        settings().prop_map(|settings| Self { settings }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Event> {
        let clients = || prop_oneof![(0..CLIENTS).prop_map(|client| 1 << client), 1..1_u16 << CLIENTS];
        let value = || 0..1_000_u16;
        let stage = prop_oneof![Just(Stage::Consumed), Just(Stage::Written), Just(Stage::PassedOn)];
        let clock = prop_oneof![6 => Just(Clock::Stood), 2 => Just(Clock::Forward), 1 => Just(Clock::Back)];
        prop_oneof![
            20 => (clients(), value()).prop_map(|(clients, value)| Event::Send { clients, value }),
            3 => (clients(), value(), stage)
                .prop_map(|(clients, value, stage)| Event::SendAndCrash { clients, value, stage }),
            4 => any::<bool>().prop_map(|whole| Event::Resend { whole }),
            1 => Just(Event::RestartProcess { client: MEMBER }),
            2 => (0..6_u8).prop_map(|after| Event::Fault { after }),
            1 => Just(Event::Full),
            2 => Just(Event::Space),
            6 => (1..20_u8).prop_map(Event::Ticks),
            1 => Just(Event::LostTick),
            3 => Just(Event::Maintain),
            3 => (any::<bool>(), 0..2_000_000_u32, clock)
                .prop_map(|(orderly, monotonic, clock)| Event::Restart { orderly, monotonic, clock }),
            1 => Just(Event::Idle),
        ]
        .boxed()
    }

    fn apply(state: Self, _: &Event) -> Self {
        state
    }
}

#[derive(Debug)]
struct Play {
    station: Station,
    clients: Clients,
    settings: Settings,
    /// Streams may have been forgotten.
    idled: bool,
    /// A first value may have been written and lost before anybody saw its zero.
    zeros_lost: bool,
}

impl Play {
    fn key(settings: &Settings) -> impl Fn(&Sample) -> String + use<> {
        let identity = settings.config.identity;
        let rules = settings.config.rules.clone();
        move |sample| {
            let matches = |rule: &&Rule| rule.metrics[0] == "*" || rule.metrics[0] == sample.metric;
            let drops: Vec<String> =
                rules.iter().filter(matches).flat_map(|rule| rule.drop.clone()).collect();
            series_of(sample, &drops, identity)
        }
    }

    fn adds(&self) -> bool {
        self.settings.config.retransmissions == Retransmissions::Add
    }

    /// A new request; false if none of the clients sends now.
    fn produce(&mut self, clients: u16, value: u16) -> bool {
        let key = Self::key(&self.settings);
        let limited = self.settings.limited;
        // Totals without room for a member are refused (T5).
        let clients = (0..CLIENTS).filter(|client| clients >> client & 1 == 1);
        let clients = clients.filter(|client| !limited || client % KINDS != MEMBER);
        self.clients.produce(clients, value, self.station.wall, &key)
    }

    /// The oldest unanswered requests, whole, as long as they are taken.
    fn resend(&mut self) {
        while let Some((_, request)) = self.clients.unanswered.front() {
            if !self.station.send(request).is_acknowledged() {
                break;
            }
            self.clients.unanswered.pop_front();
        }
    }

    /// All windows in one request, the newest first (D3b).
    fn resend_rebatched(&mut self) {
        let requests = self.clients.unanswered.iter().rev();
        let all: Vec<Sample> = requests.flat_map(|(_, request)| request.clone()).collect();
        if !all.is_empty() && self.station.send(&all).is_acknowledged() {
            self.clients.unanswered.clear();
        }
    }

    fn send_and_crash(&mut self, stage: Stage) {
        let (_, request) = self.clients.unanswered.back().cloned().unwrap();
        let outputs = match stage {
            Stage::Consumed if self.station.engine().ready(self.station.now()).is_ok() => {
                self.station.consume(&request);
                None
            }
            Stage::Consumed => None,
            Stage::Written | Stage::PassedOn => self.station.take_in(&request).ok(),
        };
        self.zeros_lost |= stage == Stage::Written && outputs.is_some();
        if let (Stage::PassedOn, Some(outputs)) = (stage, outputs) {
            self.station.read(&outputs);
        }
        self.restart(0, Clock::Stood);
        if self.adds() {
            // Equal points are other clients' points: only a prompt retry is told from them.
            self.resend();
        }
    }

    fn restart(&mut self, monotonic: u32, clock: Clock) {
        self.station.crash();
        match clock {
            Clock::Stood => {}
            Clock::Forward => {
                self.station.wall += 300 * SECOND;
                self.idled = true; // twice that is too long
            }
            // Not before the ledger was made.
            Clock::Back => self.station.wall = (self.station.wall - DAY * SECOND).max(BEGAN + DAY * SECOND),
        }
        self.station.wall += 1_000_000;
        self.station.restart_at(monotonic.into());
    }

    fn ticks(&mut self, seconds: u64) {
        for _ in 0..seconds {
            let _ = self.station.pass(SECOND).tick(false);
        }
    }

    fn idle(&mut self) {
        self.station.memory.empty_again();
        self.resend();
        self.ticks(20);
        for _ in 0..3 {
            self.station.pass(MAX_STALE / 2 * SECOND).tick(false).unwrap();
        }
        self.idled = true;
    }

    /// By series, what readers have seen; never more than was sent.
    fn check(&self) -> BTreeMap<String, Seen> {
        let mut all = BTreeMap::new();
        for outputs in self.station.reader.series.values().filter(|outputs| outputs[0].metric != "load") {
            let seen = Seen::of(outputs);
            let first = &outputs[0];
            assert!(self.idled || self.settings.limited || seen.runs == 1, "a reset: {outputs:#?}");
            let exempt = !first.monotonic || self.zeros_lost;
            assert!(exempt || seen.begins_at_zero, "no zero: {first:#?}");
            let key = series_of_output(first, self.settings.config.identity);
            if first.monotonic && !self.settings.limited {
                let sent = self.clients.sent.get(&key).copied().unwrap_or_default();
                assert!(seen.total <= sent, "{key}: {} of {sent}", seen.total);
            }
            assert!(all.insert(key, seen).is_none());
        }
        assert_eq!(self.station.memory.state().violations, Vec::<String>::new());
        all
    }

    /// All is answered and has gone out: exactly what was sent.
    fn check_all(&self) {
        let seen = self.check();
        let by_metric = |amounts: &mut dyn Iterator<Item = (&String, f64)>| {
            let mut sums: BTreeMap<String, f64> = BTreeMap::new();
            for (key, amount) in amounts {
                *sums.entry(key.split(' ').next().unwrap().to_owned()).or_default() += amount;
            }
            sums.retain(|_, sum| *sum != 0.0);
            sums
        };
        let sent = &self.clients.sent;
        assert_eq!(
            by_metric(&mut seen.iter().map(|(key, seen)| (key, seen.total))),
            by_metric(&mut sent.iter().map(|(key, sent)| (key, *sent))),
        );
        if self.settings.limited {
            return;
        }
        for (key, sent) in sent {
            let seen = &seen[key];
            assert_eq!(seen.total, *sent, "{key}");
            let counts_all = !self.zeros_lost && !key.starts_with("active");
            assert!(!counts_all || seen.increase == *sent, "{key}: increase of {} for {sent}", seen.increase);
        }
    }
}

impl StateMachineTest for Play {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        let settings = model.settings.clone();
        let mut station = Station::with(settings.config.clone(), Memory::default());
        station.pass(3 * DAY * SECOND); // room for a clock that steps back
        Self { station, clients: Clients::default(), settings, idled: false, zeros_lost: false }
    }

    fn apply(mut play: Self, _: &Model, event: Event) -> Self {
        play.station.pass(SECOND / 4);
        match event {
            Event::Send { clients, value } => {
                if play.produce(clients, value) {
                    play.resend();
                }
            }
            Event::SendAndCrash { clients, value, stage } => {
                if play.produce(clients, value) {
                    play.send_and_crash(stage);
                }
            }
            Event::Resend { whole: false } if !play.adds() && !play.settings.limited => {
                play.resend_rebatched()
            }
            Event::Resend { .. } => play.resend(),
            Event::RestartProcess { client } => play.clients.restart_process(client),
            Event::Fault { after } => {
                let number = play.station.memory.state().writes + 1 + u64::from(after);
                play.station.memory.fail(Faults::At(number), StorageTrouble::Other);
            }
            Event::Full => play.station.memory.fill(),
            Event::Space => play.station.memory.empty_again(),
            Event::Ticks(seconds) => play.ticks(seconds.into()),
            Event::LostTick => {
                play.station.memory.empty_again();
                play.station.pass(SECOND).lost_tick();
                play.zeros_lost = true;
                play.restart(7, Clock::Stood);
            }
            Event::Maintain => drop(play.station.maintain()),
            Event::Restart { orderly, monotonic, clock } => {
                if clock == Clock::Back {
                    // What ticks alone sent since the last row is not written.
                    play.station.memory.empty_again();
                    play.produce(1, 1);
                    play.resend();
                }
                if orderly {
                    play.station.memory.empty_again();
                    play.resend();
                    play.station.stop();
                }
                play.restart(monotonic, clock);
            }
            Event::Idle => play.idle(),
        }
        play.check();
        play
    }

    fn teardown(mut play: Self, _: Model) {
        play.station.memory.empty_again();
        play.resend();
        assert!(play.clients.unanswered.is_empty());
        play.ticks(20);
        play.station.pass(SECOND).tick(true).unwrap();
        play.check_all();
        play.station.maintain().unwrap();
        play.restart(50, Clock::Stood);
        play.ticks(20);
        play.check_all();
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Scenario: up to 60 events in any order, in all settings. Guarantee: at any moment readers have seen no more
    /// than was sent, no reset, no time twice, every first value behind a zero; at the end, exactly what was
    /// sent, once, by series and to the bit, and `increase` over all restarts is the truth.
    #[test]
    fn the_ledger_follows_what_was_sent(sequential 1..60 => Play);
}
