//! Faults found in review: threads, price tables that change under way, floods beside ordinary usage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokenledger::{BatchResult, Config, Engine, Rule, Tick};
use tokenledger_prices::Prices;

use crate::world::batch::{Sample, WorldBatch};
use crate::{SONNET, near, priced, tokens, total, world};

/// Ends the test where threads wait for each other for ever.
fn within(limit: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    match wait.recv_timeout(limit) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end after {limit:?}: a deadlock?"),
        _ => worker.join().unwrap(),
    }
}

fn send(engine: &Engine, now: tokenledger::Now, samples: &[Sample], result: &mut BatchResult) {
    engine.consume(&WorldBatch::new(samples, &Vec::new()), now, result).unwrap();
}

fn file(input: u64) -> Arc<Prices> {
    let text = format!(
        "[[price]]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4-5\"\ninput = {input}\noutput = 15\n\
         cache_read = 0.3\nsource = \"test\"\n"
    );
    Arc::new(Prices::with_user_file(&text).unwrap())
}

/// Scenario: two threads send the tokens of ever new sessions, one floods the engine with models, one changes the
/// price table for one with the same prices. Guarantee: nobody waits for ever, and every token costs its price.
#[test]
fn floods_and_new_tables_lose_no_cost_of_others() {
    within(Duration::from_secs(120), || {
        let mut world = world(priced(Config::default()));
        let now = world.at(100).now();
        let (engine, stop) = (&world.engine, &AtomicBool::new(false));
        thread::scope(|scope| {
            let senders: Vec<_> = (0..2)
                .map(|sender| {
                    scope.spawn(move || {
                        let mut result = BatchResult::default();
                        for round in 0..300 {
                            let of = |number: usize| {
                                tokens(&format!("{sender}-{round}-{number}"), SONNET, "output", 99, 10)
                            };
                            send(engine, now, &(0..100).map(of).collect::<Vec<_>>(), &mut result);
                        }
                    })
                })
                .collect();
            scope.spawn(move || {
                let (mut result, mut round) = (BatchResult::default(), 0);
                while !stop.load(Ordering::Relaxed) {
                    let of =
                        |number: usize| tokens("s", &format!("made-up-{round}-{number}"), "output", 99, 1);
                    send(engine, now, &(0..2_000).map(of).collect::<Vec<_>>(), &mut result);
                    round += 1;
                }
            });
            scope.spawn(move || {
                let prices = [file(3), file(3)];
                let mut round = 0;
                while !stop.load(Ordering::Relaxed) {
                    engine.set_prices(Arc::clone(&prices[round % 2]));
                    engine.stats();
                    round += 1;
                    thread::sleep(Duration::from_millis(3));
                }
            });
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            stop.store(true, Ordering::Relaxed);
        });
        world.at(200).tick(true);
        let cost = total(&world, "token_ledger.cost", &[]);
        let expected = 2.0 * 300.0 * 100.0 * 10.0 * 15.0 / 1e6;
        assert!((cost - expected).abs() < 1e-9, "{cost}, not {expected}");
    });
}

/// Scenario: the table changes back and forth while other threads price the same model. Guarantee: a request that
/// comes after a change is priced by the new table: nobody put a price of the former one back.
#[test]
fn no_price_of_a_former_table_stays() {
    within(Duration::from_secs(120), || {
        let mut world = world(priced(Config::default()));
        let now = world.at(100).now();
        let (engine, stop) = (&world.engine, &AtomicBool::new(false));
        let expected = thread::scope(|scope| {
            for sender in 0..3 {
                scope.spawn(move || {
                    let (mut result, mut round) = (BatchResult::default(), 0_u64);
                    while !stop.load(Ordering::Relaxed) {
                        let of = |number: u64| {
                            let session = format!("{sender}-{}", number % 40);
                            Sample {
                                time: now.wall_unix_nano - 1_000 * round - number,
                                ..tokens(&session, SONNET, "input", 99, 1)
                            }
                        };
                        send(engine, now, &(0..40).map(of).collect::<Vec<_>>(), &mut result);
                        round += 1;
                    }
                });
            }
            let tables = [file(1), file(1_000)];
            let (mut result, mut expected) = (BatchResult::default(), 0);
            for round in 0..2_000_u64 {
                engine.set_prices(Arc::clone(&tables[(round % 2) as usize]));
                let point = Sample {
                    time: now.wall_unix_nano - round - 1,
                    ..tokens("mine", SONNET, "input", 99, 1_000)
                };
                send(engine, now, &[point], &mut result);
                expected += 1_000 * if round % 2 == 0 { 1 } else { 1_000 };
            }
            stop.store(true, Ordering::Relaxed);
            expected
        });
        world.at(200).tick(true);
        let cost = total(&world, "token_ledger.cost", &[("session.id", "mine")]);
        assert!(near(cost, f64::from(expected) / 1e6), "{cost}, not {expected}e-6");
    });
}

/// Scenario: threads send, tick, ask for figures and change tables, in an engine without room. Guarantee: nobody
/// waits for ever; cost is tokens by price.
#[test]
fn a_full_engine_prices_with_several_threads() {
    within(Duration::from_secs(120), || {
        let rules =
            vec![Rule { metrics: vec!["*".into()], drop: vec!["user.email".into()], ..Rule::default() }];
        let mut world = world(priced(Config { rules, max_streams: 40, ..Config::default() }));
        let now = world.at(100).now();
        let (engine, stop) = (&world.engine, &AtomicBool::new(false));
        let mut outputs = thread::scope(|scope| {
            let senders: Vec<_> = (0..3)
                .map(|sender| {
                    scope.spawn(move || {
                        let mut result = BatchResult::default();
                        for round in 0..200_u64 {
                            let of = |number: u64| Sample {
                                time: now.wall_unix_nano - 1_000 * round - number,
                                ..tokens(&format!("{sender}-{number}"), SONNET, "output", 99, 10)
                            };
                            send(engine, now, &(0..50).map(of).collect::<Vec<_>>(), &mut result);
                        }
                    })
                })
                .collect();
            let ticker =
                scope.spawn(move || {
                    let mut outputs = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let mut tick = Tick::default();
                        while !tick.is_done() {
                            engine.tick(now, false, &mut tick).unwrap();
                            for metric in tick.metrics() {
                                outputs.extend(metric.points().map(|due| {
                                    crate::world::series::Output::of_tick(metric.descriptor, &due)
                                }));
                            }
                        }
                        engine.set_prices(file(3));
                        engine.stats();
                    }
                    outputs
                });
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            stop.store(true, Ordering::Relaxed);
            ticker.join().unwrap()
        });
        outputs.sort_by_key(|output| output.time);
        world.readers.iter_mut().for_each(|reader| reader.read(&outputs));
        world.at(200).tick(true);
        let cost = total(&world, "token_ledger.cost", &[]);
        assert!(near(cost, 3.0 * 200.0 * 50.0 * 10.0 * 15.0 / 1e6), "{cost}");
        let difference = total(&world, "token_ledger.cost.difference", &[]);
        assert!(near(difference, 0.0), "nobody reports costs: {difference}");
    });
}
