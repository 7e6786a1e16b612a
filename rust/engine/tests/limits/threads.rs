//! Several clients, a ticking component and a failing consumer at once, against small limits (T5).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokenledger::{BatchResult, Config, Engine, Now, Tick};

use super::examples::drop_sessions;
use crate::world::batch::{Sample, WorldBatch};
use crate::world::series::{Output, Reader};
use crate::world::{BEGAN, SECOND, applied, key};

const THREADS: u64 = 4;
const BATCHES: u64 = 300;

/// What all threads share.
struct Shared {
    engine: Engine,
    /// Nanoseconds since the start.
    elapsed: AtomicU64,
    done: AtomicBool,
    /// The last total of each series by time; deliveries overtake each other between threads.
    latest: Mutex<BTreeMap<String, Output>>,
}

impl Shared {
    fn now(&self) -> Now {
        let elapsed = self.elapsed.load(Ordering::Relaxed);
        Now { wall_unix_nano: BEGAN + elapsed, monotonic_nano: elapsed }
    }

    fn read(&self, outputs: Vec<Output>) {
        let reader = Reader::otlp();
        let mut latest = self.latest.lock().unwrap();
        for output in outputs {
            let known =
                latest.entry(format!("{}{}", output.start, reader.key(&output))).or_insert(output.clone());
            if output.time > known.time {
                *known = output;
            }
        }
    }

    /// Sends batches of many users' sessions; some deliveries are refused, some requests come again.
    fn client(&self, thread: u64) -> i64 {
        let (mut result, mut sum) = (BatchResult::default(), 0);
        for number in 0..BATCHES {
            self.elapsed.fetch_add(SECOND / 2, Ordering::Relaxed);
            let now = self.now();
            let point = |i: u64| {
                let draw = (thread * BATCHES + number) * 20 + i;
                let (user, session) = ((draw % 61).to_string(), (draw % 997).to_string());
                let attributes = [("user", user.as_str()), ("session.id", session.as_str())];
                let point = Sample::delta("tokens", &attributes, 0, 0, 1 + i as i64);
                Sample { start: now.wall_unix_nano - SECOND - draw, time: now.wall_unix_nano, ..point }
            };
            let samples: Vec<_> = (0..20).map(point).collect();
            sum += samples.iter().map(|sample| sample.value.int()).sum::<i64>();
            let batch = WorldBatch::new(&samples, &Vec::new());
            for again in 0..if number % 7 == 0 { 2 } else { 1 } {
                self.engine.consume(&batch, now, &mut result).unwrap();
                assert_eq!(result.outcomes.duplicate, again * 20);
                assert_eq!(result.outcomes.refused + result.outcomes.invalid, 0);
                match number % 5 {
                    0 => self.engine.refused(&result, now),
                    _ => self.read(applied(&samples, &batch, &result)),
                }
            }
        }
        sum
    }

    /// Ticks of one engine do not run side by side: one thread, as in the component.
    fn ticker(&self) {
        let mut round = 0;
        loop {
            let last = self.done.load(Ordering::Acquire);
            let mut tick = Tick::default();
            while !tick.is_done() {
                self.engine.tick(self.now(), last, &mut tick).unwrap();
                round += 1;
                if round % 5 == 0 && !last {
                    self.engine.tick_refused(&tick, &[]);
                    continue;
                }
                let due = tick.metrics().flat_map(|metric| {
                    metric.points().map(|due| Output::of_tick(metric.descriptor, &due)).collect::<Vec<_>>()
                });
                self.read(due.collect());
            }
            if last {
                return;
            }
        }
    }
}

fn flood(config: Config) {
    let now = Now { wall_unix_nano: BEGAN, monotonic_nano: 0 };
    let shared = Shared {
        engine: Engine::new(config, key(), now).unwrap(),
        elapsed: AtomicU64::new(1_000 * SECOND),
        done: AtomicBool::new(false),
        latest: Mutex::new(BTreeMap::new()),
    };
    let sent: i64 = std::thread::scope(|scope| {
        let ticker = scope.spawn(|| shared.ticker());
        let clients: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn({
                    let shared = &shared;
                    move || shared.client(thread)
                })
            })
            .collect();
        let sent = clients.into_iter().map(|client| client.join().unwrap()).sum();
        shared.done.store(true, Ordering::Release);
        ticker.join().unwrap();
        sent
    });
    let latest = shared.latest.lock().unwrap();
    let total: i64 = latest.values().map(|output| output.value.int()).sum();
    assert_eq!(total, sent);
}

/// Scenario: four clients, a ticker and refusals at once, sessions trimmed, limits of streams so small that
/// streams overflow and idle ones are evicted. Guarantee: at the end every delta is counted once.
#[test]
fn side_by_side_with_few_streams() {
    flood(Config { max_streams: 30, rules: drop_sessions(), ..Config::default() });
}

/// Scenario: the same with a byte limit, and streams forgotten after ten seconds. Guarantee: the same.
#[test]
fn side_by_side_with_little_memory() {
    flood(Config {
        max_memory_bytes: 1 << 20,
        max_stale_nano: 10 * SECOND,
        rules: drop_sessions(),
        ..Config::default()
    });
}
