//! The store against a plain model, by a state machine: sends, retries, refusals, ticks, and time
//! that makes streams stale; the limit is small, so that idle streams make room for new ones, others
//! overflow, and what was forgotten comes back.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use support::{BEGAN, Harness, Point, SECOND, config};
use tokenledger::{Config, Number};

const MAX_STALE: u64 = 450;
/// T5: who was seen within this time does not make room for others.
const PROTECTED: u64 = 300;
const MAX_STREAMS: usize = 4;
const STREAMS: u8 = 7;
/// Every shard is searched for stale streams within this time.
const STEP: u64 = 100;

/// One thing that happens to the store.
#[derive(Clone, Debug)]
enum Event {
    Send {
        stream: u8,
        value: u16,
        refused: bool,
    },
    /// The last request comes again.
    Retry,
    Tick {
        refused: bool,
    },
    /// Time passes, in steps of `STEP` seconds.
    Wait(u8),
}

#[derive(Clone, Debug, Default)]
struct Model {
    now: u64,
    /// When a search for idle streams found none.
    fruitless: u64,
    sent: u64,
    streams: BTreeMap<String, Entry>,
    /// Stream and time of the last request.
    last_request: Option<(String, u64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Entry {
    total: i64,
    last_seen: u64,
    /// Milliseconds, as the store counts its outputs.
    last_emitted: u64,
    /// Has changed or must be repeated since it last went out for certain.
    pending: bool,
}

impl Model {
    /// T5: the streams that would make room for another, the longest idle first.
    fn evictable(&self) -> Vec<(u64, String)> {
        let idle = |entry: &Entry| !entry.pending && entry.last_seen + PROTECTED < self.now;
        let ordinary = self.streams.iter().filter(|(name, _)| *name != "overflow");
        let mut idle: Vec<_> = ordinary
            .filter(|(_, entry)| idle(entry))
            .map(|(name, entry)| (entry.last_seen, name.clone()))
            .collect();
        idle.sort();
        idle
    }

    /// Where nobody can leave, the store does not look again in the same second.
    fn make_room(&mut self, name: &str) {
        if self.place(name) != "overflow" || self.fruitless == self.now {
            return;
        }
        match self.evictable().first() {
            Some((_, longest_idle)) => drop(self.streams.remove(longest_idle)),
            None => self.fruitless = self.now,
        }
    }

    /// The stream that takes a point of `name`: itself while there is room, else the overflow.
    fn place(&self, name: &str) -> String {
        let ordinary = self.streams.keys().filter(|name| *name != "overflow").count();
        let known = self.streams.contains_key(name) || ordinary < MAX_STREAMS;
        if known { name.to_owned() } else { "overflow".to_owned() }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { now: 1_000, ..Self::default() }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Event> {
        prop_oneof![
            6 => (0..STREAMS, 0..1_000_u16, prop::bool::weighted(0.2))
                .prop_map(|(stream, value, refused)| Event::Send { stream, value, refused }),
            1 => Just(Event::Retry),
            3 => prop::bool::weighted(0.2).prop_map(|refused| Event::Tick { refused }),
            2 => (1..4_u8).prop_map(Event::Wait),
        ]
        .boxed()
    }

    /// Retries are recognised for 30 minutes (D3a); what happens later is not promised. Nor is which
    /// of two streams leaves that have been idle for equally long.
    fn preconditions(state: &Self, event: &Event) -> bool {
        if let Event::Send { stream, .. } = event
            && state.place(&format!("s{stream}")) == "overflow"
            && let [first, second, ..] = state.evictable().as_slice()
            && first.0 == second.0
        {
            return false;
        }
        let recent = state.last_request.as_ref().is_some_and(|(_, at)| state.now - at <= 1_800);
        recent || !matches!(event, Event::Retry)
    }

    fn apply(mut state: Self, event: &Event) -> Self {
        let now = state.now;
        match event {
            Event::Send { stream, value, refused } => {
                state.sent += 1;
                state.make_room(&format!("s{stream}"));
                let place = state.place(&format!("s{stream}"));
                let entry = state.streams.entry(place).or_default();
                entry.total += i64::from(*value);
                entry.last_seen = now;
                // Points carry the time of now: a second one in the same moment waits for the tick (D4).
                let advances = now * 1_000 > entry.last_emitted;
                entry.last_emitted = entry.last_emitted.max(now * 1_000);
                entry.pending = !advances || *refused;
                state.last_request = Some((format!("s{stream}"), now));
            }
            Event::Retry => {
                // A retry of an overflowed point finds no stream of its own to repeat.
                if let Some(entry) =
                    state.last_request.as_ref().and_then(|(name, _)| state.streams.get_mut(name))
                {
                    entry.pending = true;
                    entry.last_seen = now;
                }
            }
            Event::Tick { refused } => {
                state.streams.retain(|_, entry| entry.pending || entry.last_seen + MAX_STALE >= now);
                for entry in state.streams.values_mut().filter(|entry| entry.pending) {
                    entry.last_emitted += 1;
                    entry.pending = *refused;
                }
            }
            Event::Wait(steps) => state.now += u64::from(*steps) * STEP,
        }
        state
    }
}

#[derive(Debug)]
struct Store {
    harness: Harness,
    last_request: Option<Point>,
    sent: u64,
}

impl Store {
    /// A window that no other request has, whose time is now.
    fn point(&mut self, stream: u8, value: u16) -> Point {
        self.sent += 1;
        let now = BEGAN + self.harness.elapsed;
        Point {
            stream: format!("s{stream}"),
            start: now - SECOND + self.sent,
            time: now,
            value: Number::Int(value.into()),
            no_value: false,
            monotonic: true,
        }
    }
}

impl StateMachineTest for Store {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(state: &Model) -> Self {
        let max_streams = MAX_STREAMS as u32;
        let mut harness =
            Harness::new(Config { max_stale_nano: MAX_STALE * SECOND, max_streams, ..config() });
        harness.at(state.now);
        // The first tick of the model's time finds nothing; both sweeps begin here.
        Self { harness, last_request: None, sent: 0 }
    }

    fn apply(mut store: Self, state: &Model, event: Event) -> Self {
        match event {
            Event::Send { stream, value, refused } => {
                let point = store.point(stream, value);
                store.harness.send(std::slice::from_ref(&point));
                if refused {
                    store.harness.engine.refused(&store.harness.result, store.harness.now());
                }
                store.last_request = Some(point);
            }
            Event::Retry => {
                if let Some(point) = &store.last_request {
                    store.harness.send(std::slice::from_ref(point));
                    let outcomes = store.harness.result.outcomes;
                    assert_eq!(outcomes.accepted + outcomes.late + outcomes.overflow, 0, "{outcomes:?}");
                }
            }
            Event::Tick { refused: true } => store.harness.refused_tick(),
            Event::Tick { refused: false } => {
                store.harness.tick(false);
                for (stream, entry) in &state.streams {
                    assert_eq!(store.harness.total(stream), Some(Number::Int(entry.total)), "{stream}");
                }
            }
            Event::Wait(_) => {
                store.harness.at(state.now);
            }
        }
        assert_eq!(store.harness.engine.stats().streams, state.streams.len() as u64);
        store
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Scenario: up to 80 events in any order. Guarantee: after each tick every stream's last output
    /// is the model's total, and exactly the model's streams are alive.
    #[test]
    fn store_follows_the_model(sequential 1..80 => Store);
}
