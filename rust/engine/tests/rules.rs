//! The rules of design §4.1 and §4.3, one by one, by example.
#![allow(clippy::unwrap_used)]

mod support;

use support::{BEGAN, Harness, MILLI, Point, SECOND, config, interval, out, point};
use tokenledger::{Config, Number, Outcomes, Retransmissions};

/// Scenario: first window, aligned window, gap, overlap. Guarantee: everything is added and the
/// start never moves (D1, D2).
#[test]
fn d1_d2_windows_are_added_and_the_start_stays() {
    let mut h = Harness::new(config());
    h.at(100);
    assert_eq!(h.send(&[point("s", 10, 11, 5)]), [out(10_000, 0), out(11_000, 5)]);
    assert_eq!(h.send(&[point("s", 11, 12, 3)]), [out(12_000, 8)]);
    assert_eq!(h.send(&[point("s", 50, 51, 2)]), [out(51_000, 10)]);
    assert_eq!(h.send(&[point("s", 40, 60, 1)]), [out(60_000, 11)]);
    assert!(h.starts["s"].iter().all(|start| *start == BEGAN + 10 * SECOND));
}

/// Scenario: a window older than what was seen. Guarantee: in the total at once, out with the next
/// point or tick, one millisecond on (D2, D4).
#[test]
fn d4_late_windows_are_never_lost() {
    let mut h = Harness::new(config());
    h.at(100).send(&[point("s", 10, 11, 5)]);
    assert_eq!(h.send(&[point("s", 8, 9, 100)]), []);
    assert_eq!(h.result.outcomes, Outcomes { late: 1, ..Outcomes::default() });
    assert_eq!(h.tick(false), [out(11_001, 105)]);
    h.send(&[point("s", 5, 6, 1)]);
    assert_eq!(h.send(&[point("s", 11, 12, 1)]), [out(12_000, 107)]);
    assert_eq!(h.tick(false), []);
}

/// Scenario: clients two hours behind and one hour ahead. Guarantee: times a store accepts (D4).
#[test]
fn d4_times_stay_between_max_lag_and_now() {
    let mut h = Harness::new(config());
    h.at(36_000);
    assert_eq!(h.send(&[point("behind", 28_000, 28_001, 1)]), [out(35_700_000, 0)]);
    assert_eq!(h.tick(false), [out(35_700_001, 1)]);
    assert_eq!(h.send(&[point("ahead", 39_000, 39_600, 1)]), [out(36_000_000, 0)]);
    assert_eq!(h.tick(false), [out(36_000_001, 1)]);
}

/// Scenario: `max_lag: 0`, data from before the engine's start. Guarantee: its own times (D4, D6).
#[test]
fn d4_back_filling_keeps_the_past() {
    let mut h = Harness::new(Config { max_lag_nano: 0, ..config() });
    let past = Point { start: BEGAN - 20 * SECOND, time: BEGAN - 10 * SECOND, ..point("s", 0, 0, 4) };
    assert_eq!(h.send(&[past]), [out(-20_000, 0), out(-10_000, 4)]);
}

/// Scenario: three windows, newest first, in one batch. Guarantee: the one that goes out carries
/// all; in order, each goes out (D5).
#[test]
fn d5_order_in_a_batch_does_not_matter() {
    let windows = [point("s", 12, 13, 4), point("s", 11, 12, 2), point("s", 10, 11, 1)];
    let mut h = Harness::new(config());
    assert_eq!(h.at(100).send(&windows), [out(12_000, 0), out(13_000, 7)]);
    let mut h = Harness::new(config());
    let in_order = [windows[2].clone(), windows[1].clone(), windows[0].clone()];
    let expected = [out(10_000, 0), out(11_000, 1), out(12_000, 3), out(13_000, 7)];
    assert_eq!(h.at(100).send(&in_order), expected);
    assert_eq!(h.tick(false), []);
}

/// Scenario: a stream whose first window began before the engine. Guarantee: its zero lies after
/// everything that may have been stored, its value goes out with the tick, its start not after its zero (D6).
#[test]
fn d6_zeros_lie_after_the_engine_start() {
    let mut h = Harness::new(config());
    h.elapsed = 500 * MILLI;
    let early = Point { start: BEGAN - 60 * SECOND, time: BEGAN - SECOND, ..point("s", 0, 0, 9) };
    assert_eq!(h.send(&[early]), [out(1, 0)]);
    assert_eq!(h.tick(false), [out(2, 9)]);
    // A start unknown on the wire is the point's time; the zero then has no room before it.
    let unknown = Point { start: 0, time: BEGAN + 200 * MILLI, ..point("t", 0, 0, 3) };
    assert_eq!(h.send(&[unknown]), [out(200, 0)]);
    assert_eq!(h.tick(false), [out(201, 3)]);
}

/// Scenario: a delay of 15 s. Guarantee: no value before it has passed since the zero, whatever
/// else arrives; other streams are not held; Shutdown ends it (D6, L5).
#[test]
fn d6_first_value_delay_holds_the_value() {
    let mut h = Harness::new(Config { first_value_delay_nano: 15 * SECOND, ..config() });
    h.at(100);
    assert_eq!(h.send(&[point("s", 95, 96, 5)]), [out(95_000, 0)]);
    assert_eq!(h.at(110).send(&[point("s", 105, 106, 5)]), []);
    assert_eq!(h.at(115).tick(false), []);
    assert_eq!(h.at(116).tick(false), [out(106_000, 10)]);
    assert_eq!(h.send(&[point("s", 110, 111, 1)]), [out(111_000, 11)]);
    assert_eq!(h.send(&[point("t", 110, 111, 7)]), [out(110_000, 0)]);
    assert_eq!(h.tick(true), [out(111_000, 7)]);
}

/// Scenario: a non-monotonic sum. Guarantee: it accumulates, may fall, and has no zero point (D14).
#[test]
fn d14_non_monotonic_sums_accumulate() {
    let mut h = Harness::new(config());
    let point = |start, time, value| Point { monotonic: false, ..point("s", start, time, value) };
    assert_eq!(h.at(100).send(&[point(10, 11, 5)]), [out(11_000, 5)]);
    assert_eq!(h.send(&[point(11, 12, -7)]), [out(12_000, -2)]);
}

/// Scenario: one request twice, then a window re-batched. Guarantee: added once; the totals go out
/// again at the tick (D3a, D3b).
#[test]
fn d3_retransmissions_add_nothing() {
    let mut h = Harness::new(config());
    let request = [point("s", 10, 11, 5), point("t", 10, 11, 1)];
    h.at(100).send(&request);
    assert_eq!(h.send(&request), []);
    assert_eq!(h.result.outcomes, Outcomes { duplicate: 2, ..Outcomes::default() });
    assert_eq!(h.tick(false).len(), 2);
    assert_eq!(h.send(&[point("s", 11, 12, 1), request[0].clone()]), [out(12_000, 6)]);
    assert_eq!(h.result.outcomes, Outcomes { accepted: 1, duplicate: 1, ..Outcomes::default() });
    assert_eq!((h.total("s"), h.total("t")), (Some(Number::Int(6)), Some(Number::Int(1))));
}

/// Scenario: a request without times, twice. Guarantee: no digest, no window: both count (D3a, D11).
#[test]
fn d11_points_without_time_are_never_recognised() {
    let mut h = Harness::new(config());
    let timeless = Point { start: 0, time: 0, ..point("s", 0, 0, 5) };
    assert_eq!(h.at(100).send(std::slice::from_ref(&timeless)), [out(100_000, 0)]);
    assert_eq!(h.at(101).send(&[timeless]), [out(101_000, 10)]);
}

/// Scenario: `retransmissions: add` with equal points, then a refused batch and its retry.
/// Guarantee: equal points add; the retry of what failed adds nothing, once (D3b).
#[test]
fn d3b_add_recognises_only_what_failed() {
    let mut h = Harness::new(Config { retransmissions: Retransmissions::Add, ..config() });
    let request = [point("s", 10, 11, 5)];
    h.at(100).send(&request);
    h.send(&request);
    assert_eq!(h.tick(false), [out(11_001, 10)]);
    h.send(&[point("s", 20, 21, 1)]);
    h.engine.refused(&h.result, h.now());
    h.send(&[point("s", 20, 21, 1)]);
    assert_eq!(h.result.outcomes.duplicate, 1);
    assert_eq!(h.tick(false), [out(21_001, 11)]);
    h.send(&[point("s", 20, 21, 1)]);
    assert_eq!(h.tick(false), [out(21_002, 12)]);
}

/// Scenario: NaN, infinities, negative, and no recorded value. Guarantee: dropped, counted, and the
/// stream goes on as if they had not been (D8, D9).
#[test]
fn d8_d9_bad_points_leave_no_trace() {
    let mut h = Harness::new(config());
    let bad = |value| Point { value, ..point("s", 11, 12, 0) };
    h.at(100).send(&[point("s", 10, 11, 5)]);
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0].map(Number::Double);
    let mut points = values.map(bad).to_vec();
    points.push(bad(Number::Int(-1)));
    points.push(Point { no_value: true, ..point("s", 11, 12, 99) });
    assert_eq!(h.send(&points), []);
    assert_eq!(h.result.outcomes, Outcomes { invalid: 5, no_value: 1, ..Outcomes::default() });
    assert_eq!(h.send(&[point("s", 12, 13, 1)]), [out(13_000, 6)]);
}

/// Scenario: int, double, int. Guarantee: one history, as a double (D7).
#[test]
fn d7_types_may_change() {
    let mut h = Harness::new(config());
    h.at(100).send(&[point("s", 10, 11, 100)]);
    h.send(&[Point { value: Number::Double(0.5), ..point("s", 11, 12, 0) }]);
    h.send(&[point("s", 12, 13, 7)]);
    assert_eq!(h.total("s"), Some(Number::Double(107.5)));
}

/// Scenario: idle for longer than max_stale, then back. Guarantee: forgotten;
/// new, with a zero after its last sample (L1, D6).
#[test]
fn l1_idle_streams_are_forgotten() {
    let mut h = Harness::new(Config { max_stale_nano: 3600 * SECOND, ..config() });
    h.at(100).send(&[point("s", 98, 99, 5)]);
    assert_eq!(h.engine.stats().streams, 1);
    for second in [3_600, 3_800] {
        h.at(second).tick(false);
    }
    assert_eq!(h.engine.stats().streams, 0);
    assert_eq!(h.send(&[point("s", 90, 3_790, 2)]), [out(3_500_000, 0), out(3_790_000, 2)]);
}

/// Scenario: a hundred rounds of new streams, each forgotten in the next. Guarantee: memory does
/// not grow from round ten on (L1).
#[test]
fn l1_forgotten_streams_give_their_memory_back() {
    let mut h = Harness::new(Config { max_stale_nano: 60 * SECOND, ..config() });
    let mut after_ten = None;
    for round in 0..100 {
        let second = 1_000 * (round + 1);
        let streams: Vec<_> =
            (0..200).map(|i| point(&format!("{round:03}-{i:03}"), second - 1, second, 1)).collect();
        h.at(second).send(&streams);
        h.tick(false);
        assert_eq!(h.engine.stats().streams, 200);
        if round == 10 {
            after_ten = Some(h.engine.stats());
        }
    }
    let (stats, after_ten) = (h.engine.stats(), after_ten.unwrap());
    // Which shards streams fall into varies by round; chunks are kept, so a shard may add a few.
    assert!(stats.text_bytes < after_ten.text_bytes * 2, "{stats:?} {after_ten:?}");
    assert!(stats.state_bytes < after_ten.state_bytes * 2, "{stats:?} {after_ten:?}");
}

/// Scenario: a stream in use for longer than max_stale. Guarantee: it stays.
#[test]
fn l1_streams_in_use_stay() {
    let mut h = Harness::new(Config { max_stale_nano: 60 * SECOND, ..config() });
    for second in (100..400).step_by(30) {
        h.at(second).send(&[point("s", second - 1, second, 1)]);
        h.tick(false);
    }
    assert_eq!(h.total("s"), Some(Number::Int(10)));
}

/// Scenario: `emit: interval`. Guarantee: one point per changed stream and tick, a zero first (L3).
#[test]
fn l3_intervals_coalesce() {
    let mut h = Harness::new(interval(config()));
    h.at(100);
    assert_eq!(h.send(&[point("s", 10, 11, 5), point("s", 11, 12, 5)]), []);
    assert_eq!(h.tick(false), [out(10_000, 0), out(12_000, 10)]);
    assert_eq!(h.tick(false), []);
    h.send(&[point("s", 5, 6, 1)]);
    assert_eq!(h.tick(false), [out(12_001, 11)]);
}

/// Scenario: two clients of one resource, the second two minutes behind. Guarantee: no output of the resource
/// lies before those of an earlier request, so a store takes its own sample of the resource too (L3).
#[test]
fn l3_a_resource_does_not_fall_back_in_time() {
    let mut h = Harness::new(interval(config()));
    h.at(1_000).send(&[point("right", 998, 999, 1)]);
    assert_eq!(h.tick(false), [out(998_000, 0), out(999_000, 1)]);
    h.send(&[point("behind", 870, 879, 1), point("behind", 879, 880, 1)]);
    assert_eq!(h.tick(false), [out(999_000, 0), out(999_001, 2)]);
    h.send(&[point("behind", 880, 890, 1)]);
    assert_eq!(h.tick(false), [out(999_002, 3)]);
    h.send(&[point("right", 999, 1_000, 1), point("third", 990, 995, 1)]);
    let mut rest = h.tick(false);
    rest.sort_by_key(|out| (out.milli, format!("{:?}", out.value)));
    assert_eq!(rest, [out(999_002, 0), out(1_000_000, 1), out(1_000_000, 2)]);
}

/// Scenario: one known and two new streams in one tick. Guarantee: all zeros come before all values, at one time each, so
/// that whoever cuts the request into pieces cannot put a piece behind a later one (L3).
#[test]
fn l3_pieces_of_a_request_are_in_order() {
    let mut h = Harness::new(interval(config()));
    h.at(1_000).send(&[point("known", 990, 991, 1)]);
    h.tick(false);
    h.send(&[point("known", 991, 999, 1), point("new", 980, 992, 1), point("newer", 993, 994, 1)]);
    let outputs = h.tick(false);
    let times: Vec<_> = outputs.iter().map(|out| out.milli).collect();
    assert_eq!(times, [993_000, 993_000, 999_000, 999_000, 999_000]);
    assert!(outputs[..2].iter().all(|out| out.value == Number::Int(0)), "{outputs:?}");
}

/// Scenario: batch and tick refused downstream. Guarantee: the totals go out at the next tick (L4).
#[test]
fn l4_refused_output_goes_out_again() {
    let mut h = Harness::new(config());
    h.at(100).send(&[point("s", 10, 11, 5), point("t", 10, 11, 6)]);
    h.engine.refused(&h.result, h.now());
    h.refused_tick();
    assert_eq!(h.tick(false).len(), 2);
    assert_eq!((h.total("s"), h.total("t")), (Some(Number::Int(5)), Some(Number::Int(6))));
}

/// Scenario: the delivery of a lone zero is refused (L4, D6). Guarantee: the zero comes again before
/// the value, which is held anew.
#[test]
fn l4_a_refused_zero_comes_again() {
    let mut h = Harness::new(Config { first_value_delay_nano: 15 * SECOND, ..config() });
    assert_eq!(h.at(100).send(&[point("s", 95, 96, 5)]), [out(95_000, 0)]);
    h.engine.refused(&h.result, h.now());
    assert_eq!(h.at(110).tick(false), [out(95_000, 0)]);
    assert_eq!(h.at(125).tick(false), []);
    assert_eq!(h.at(126).tick(false), [out(96_000, 5)]);
}

/// Scenario: three hours in which the next consumer takes nothing (L4). Guarantee: what goes out then
/// is no older than max_lag (D4).
#[test]
fn d4_output_after_an_outage_is_not_too_old() {
    let mut h = Harness::new(config());
    h.at(100).send(&[point("s", 10, 11, 5)]);
    h.engine.refused(&h.result, h.now());
    for minute in 1..180 {
        h.at(100 + minute * 60).refused_tick();
    }
    h.at(100 + 3 * 3600);
    assert_eq!(h.tick(false), [out(10_900_000 - 300_000, 5)]);
}

/// Scenario: a tick of two tenants, one of which is refused. Guarantee: only its stream comes again (L4).
#[test]
fn l4_tenants_are_refused_apart() {
    let mut h = Harness::new(interval(config()));
    h.at(100).send(&[point("s", 10, 11, 5)]);
    let mut tick = tokenledger::Tick::default();
    while !tick.is_done() {
        h.engine.tick(h.now(), false, &mut tick).unwrap();
        h.engine.tick_refused(&tick, b"another tenant");
    }
    assert_eq!(h.tick(false), []);
}

/// Scenario: one stream that is late and emitted in each of 900 batches. Guarantee: it waits once (L4).
#[test]
fn streams_wait_for_a_tick_once() {
    let mut h = Harness::new(config());
    h.at(1_000);
    for second in 3..900 {
        h.send(&[point("s", second, second + 1, 1), point("s", second, second, 1)]);
    }
    assert!(h.engine.stats().pending_streams <= 1);
}

/// Scenario: two overflow streams stay busy while the ordinary streams expire (T5). Guarantee: new
/// streams get the room of the expired ones.
#[test]
fn t5_overflow_streams_leave_room() {
    let mut h = Harness::new(Config { max_streams: 2, max_stale_nano: 100 * SECOND, ..config() });
    let sum = |point: Point| Point { monotonic: false, ..point };
    h.at(10).send(&[point("a", 1, 2, 1), point("b", 1, 2, 1), point("c", 1, 2, 1), sum(point("d", 1, 2, 1))]);
    h.tick(false);
    for minute in 1..10 {
        let second = minute * 60;
        h.at(second + 5).send(&[point("c", second, second + 1, 1), sum(point("d", second, second + 1, 1))]);
        h.tick(false);
    }
    h.at(1_000).tick(false);
    h.send(&[point("e", 998, 999, 1)]);
    assert_eq!(h.result.outcomes, Outcomes { accepted: 1, ..Outcomes::default() });
}

/// Scenario: points with 100 kB of attributes, all different (T5). Guarantee: their total is exact,
/// and they take no memory of their own.
#[test]
fn t5_oversized_points_take_no_memory() {
    let mut h = Harness::new(config());
    h.at(100);
    for i in 0..50 {
        h.send(&[point(&format!("{i}{}", "x".repeat(100_000)), 10, 11 + i, 1)]);
        assert_eq!(h.result.outcomes.overflow, 1);
    }
    h.tick(true);
    assert_eq!(h.total("overflow"), Some(Number::Int(50)));
    let stats = h.engine.stats();
    assert!(stats.state_bytes + stats.text_bytes < 100_000, "{stats:?}");
}

/// Scenario: 20,000 streams are due at once (L3). Guarantee: chunks of a bounded size, nothing twice.
#[test]
fn ticks_come_in_bounded_chunks() {
    let mut h = Harness::new(interval(config()));
    let streams: Vec<_> = (0..20_000).map(|i| point(&format!("s{i}"), 10, 11, 1)).collect();
    h.at(100).send(&streams);
    let (mut tick, mut sizes) = (tokenledger::Tick::default(), Vec::new());
    while !tick.is_done() {
        h.engine.tick(h.now(), false, &mut tick).unwrap();
        sizes.push(tick.metrics().map(|metric| metric.points().count()).sum::<usize>());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 40_000, "a zero and a value each");
    assert!(sizes.iter().all(|size| *size <= 8_193), "{sizes:?}");
}

/// Scenario: the wall clock steps back two hours. Guarantee: counted once; times go on by 1 ms (§4).
#[test]
fn clock_steps_back_are_noticed() {
    let mut h = Harness::new(config());
    h.at(10_000).send(&[point("s", 9_990, 9_999, 5)]);
    h.wall_offset = -7_200 * SECOND as i64;
    for expected in [9_999_001, 9_999_002] {
        h.elapsed += SECOND;
        h.send(&[Point { time: BEGAN + 10_000 * SECOND + h.elapsed, ..point("s", 9_999, 0, 1) }]);
        assert_eq!(h.tick(false)[0].milli, expected);
    }
    assert_eq!(h.engine.stats().clock_steps_back, 1);
}

/// Scenario: streams at the limit, one below, one above (T5). Guarantee: existing streams keep
/// their identity, the rest adds up in the overflow stream, the total is exact.
#[test]
fn t5_overflow_keeps_totals() {
    let mut h = Harness::new(Config { max_streams: 3, ..config() });
    h.at(100);
    for round in 0..4 {
        for stream in 0..5 {
            h.send(&[point(&format!("s{stream}"), 10 + round, 11 + round, 1)]);
        }
    }
    h.tick(true);
    assert_eq!(h.engine.stats().streams, 4);
    for stream in ["s0", "s1", "s2"] {
        assert_eq!(h.total(stream), Some(Number::Int(4)));
    }
    assert_eq!(h.total("overflow"), Some(Number::Int(8)));
    assert!(!h.out.contains_key("s3") || h.out["s3"].iter().all(|o| o.value == Number::Int(0)));
}
