//! The exported functions as a C caller uses them, right and wrong. Runs under AddressSanitizer and
//! valgrind too (`scripts/check-memory.sh`), and avoids what miri could not run.
#![allow(clippy::unwrap_used)]

mod support;

use std::ptr::{null, null_mut};

use support::client::{CONFIG, Client, SECRET, text};
use support::{BEGAN, FlatBuilder};
use tokenledger::Action;
use tokenledger::distribution::{Summary, push_explicit};
use tokenledger::ledger::Opening;
use tokenledger_ffi::*;

/// Scenario: two batches, then a retry and a tick. Guarantee: verdicts, counts and payload as the
/// header says.
#[test]
fn batches_are_answered() {
    let mut client = Client::new(CONFIG).unwrap();
    let batch = FlatBuilder::new(100).metric("tokens").point("one", 50, 5).point("two", 50, 7).build();
    assert_eq!(client.consume(&batch), Status::Ok);
    assert_eq!(client.view.outcomes.accepted, 2);
    assert_eq!(client.view.added_count, 2);
    let values: Vec<_> = client.verdicts().iter().map(|v| (v.action, v.value_bits)).collect();
    assert_eq!(values, [(Action::Write as u8, 5), (Action::Write as u8, 7)]);
    assert_eq!(client.tick(101), Ok(0));
    assert_eq!(client.consume(&batch), Status::Ok);
    assert_eq!((client.view.outcomes.duplicate, client.view.added_count), (2, 0));
    assert!(client.tick(102).unwrap() > 100);
    let empty = FlatBuilder::new(103).build();
    assert_eq!(client.consume(&empty), Status::Ok);
    assert!(client.verdicts().is_empty());
}

/// Scenario: a batch and a tick are refused downstream (L4). Guarantee: both go out again.
#[test]
fn refusals_cross_the_boundary() {
    let mut client = Client::new(CONFIG).unwrap();
    client.consume(&FlatBuilder::new(100).metric("tokens").point("one", 50, 5).build());
    // SAFETY: live handles.
    let status = unsafe { tl_engine_refused(client.engine, client.result, BEGAN, 0, &mut client.error) };
    assert_eq!(status, Status::Ok);
    let (tick, mut view) = (tl_tick_create(), TickView { payload_count: 0, done: 0 });
    // SAFETY: live handles, the view of this function; the tick is not used after its end.
    unsafe {
        tl_engine_tick(client.engine, tick, BEGAN, 0, 0, &mut view, null_mut());
        assert_eq!((view.payload_count, view.done), (1, 1));
        assert_eq!(tl_engine_tick_refused(client.engine, tick, 0, null_mut()), Status::Ok);
        assert_eq!(tl_engine_tick_refused(client.engine, tick, 1, null_mut()), Status::InvalidArgument);
        tl_tick_destroy(tick);
    }
    assert!(client.tick(101).unwrap() > 0);
}

/// Scenario: null for each pointer in turn. Guarantee: an error each time, never a crash.
#[test]
fn null_pointers_are_errors() {
    let mut client = Client::new(CONFIG).unwrap();
    let batch = FlatBuilder::new(1).build();
    let (buffer, length) = (batch.as_ptr(), batch.len());
    let Client { engine, result, .. } = client;
    let (view, error): (*mut BatchView, *mut Error) = (&mut client.view, &mut client.error);
    // SAFETY: each pointer is null or live, which is what the functions promise to handle here.
    unsafe {
        let invalid = Status::InvalidArgument;
        assert_eq!(tl_engine_consume(null(), buffer, length, result, view, error), invalid);
        assert_eq!(tl_engine_consume(engine, null(), length, result, view, error), invalid);
        assert_eq!(tl_engine_consume(engine, buffer, usize::MAX, result, view, error), invalid);
        assert_eq!(tl_engine_consume(engine, buffer, length, null_mut(), view, error), invalid);
        assert_eq!(tl_engine_consume(engine, buffer, length, result, null_mut(), error), invalid);
        assert_eq!(tl_engine_consume(engine, buffer, length, result, view, null_mut()), Status::Ok);
        assert_eq!(tl_engine_consume(engine, null(), 0, result, view, error), Status::Malformed);
        let (secret, bytes, made) = (SECRET.as_ptr(), SECRET.len(), &mut null_mut());
        let (config, size, mut opening) = (CONFIG.as_ptr(), CONFIG.len(), Opening::default());
        let found: *mut Opening = &mut opening;
        assert_eq!(tl_engine_create(null(), 5, null(), 0, secret, bytes, 0, 0, made, found, error), invalid);
        assert_eq!(
            tl_engine_create(config, size, null(), 0, null(), bytes, 0, 0, made, found, error),
            invalid
        );
        let without = null();
        assert_eq!(
            tl_engine_create(config, size, without, 0, secret, bytes, 0, 0, null_mut(), found, error),
            invalid
        );
        assert_eq!(
            tl_engine_create(config, size, without, 0, secret, bytes, 0, 0, made, null_mut(), error),
            invalid
        );
        assert_eq!(
            tl_engine_create(config, size, without, 5, secret, bytes, 0, 0, made, found, error),
            invalid
        );
        assert_eq!(
            tl_engine_create(config, size, without, 0, secret, bytes - 1, 0, 0, made, found, error),
            invalid
        );
        assert!(text(&*error).contains("192 random bytes"));
        assert_eq!(tl_engine_refused(engine, null(), 0, 0, error), invalid);
        assert_eq!(tl_engine_refused(null(), result, 0, 0, error), invalid);
        assert_eq!(tl_engine_tick(engine, null_mut(), 0, 0, 0, &mut std::mem::zeroed(), error), invalid);
        assert_eq!(tl_engine_tick_refused(engine, null(), 0, error), invalid);
        assert_eq!(tl_engine_stats(engine, null_mut(), error), invalid);
        assert!(!tl_tick_payload(null(), 0, null_mut()));
        assert_eq!(tl_engine_settle(null(), 0, 0, 0, error), invalid);
        assert_eq!(tl_engine_maintain(null(), 0, 0, 0, error), invalid);
        assert!(!tl_engine_warning(null(), 0, null_mut()) && !tl_engine_warning(engine, 0, null_mut()));
        tl_engine_inject_panic(null());
        tl_engine_inject_full_disk(null(), 1);
        tl_abi_sizes(null_mut());
        tl_engine_destroy(null_mut());
        tl_result_destroy(null_mut());
        tl_tick_destroy(null_mut());
    }
    assert!(text(&client.error).contains("null"));
}

/// Scenario: configurations that cannot be. Guarantee: no engine, and the reason in words.
#[test]
fn bad_configurations_are_refused() {
    for (config, reason) in [
        ("", "EOF while parsing"),
        ("7", "invalid type"),
        (r#"{"rules": [{"drop": ["a"]}]}"#, "rule 1 needs metrics"),
        (&CONFIG.replace("each", "never"), "unknown variant `never`"),
        (&CONFIG.replace("100", "0"), "max_streams must be at least 1"),
        (&CONFIG.replace("86400000000000", "1"), "max_stale must be at least one second"),
        (&CONFIG.replace("max_lag_nano", "max_leg_nano"), "unknown field `max_leg_nano`"),
    ] {
        let (status, message) = Client::new(config).err().unwrap();
        assert_eq!(status, Status::Configuration);
        assert!(message.contains(reason), "{message}");
    }
}

/// Scenario: every prefix of a buffer, and every byte of it changed. Guarantee: `Malformed` with a
/// place, or an answer; the engine stays usable.
#[test]
fn malformed_buffers_are_errors() {
    let mut client = Client::new(CONFIG).unwrap();
    let mut words = Vec::new();
    push_explicit(&mut words, Summary { count: 3, ..Summary::default() }, &[1.5], &[1, 2]);
    let batch = FlatBuilder::new(100).metric("tokens").point("one", 50, 5).point("two", 50, 7);
    let batch = batch.metric_of("sizes", 3, 1).histogram("one", 50, &words).build();
    for length in 0..batch.len() {
        assert_eq!(client.consume(&batch[..length]), Status::Malformed);
        assert!(text(&client.error).contains("malformed batch at byte"));
    }
    for place in 0..batch.len() {
        for change in [1, 0x80, 0xFF] {
            let mut changed = batch.clone();
            changed[place] ^= change;
            let status = client.consume(&changed);
            assert!(matches!(status, Status::Ok | Status::Malformed), "byte {place}");
        }
    }
    assert_eq!(client.consume(&batch), Status::Ok);
}

/// Scenario: a panic inside. Guarantee: `Poisoned` with its place, fresh once; every later call the
/// same; other engines unharmed.
#[test]
fn a_panic_poisons_its_engine_only() {
    let mut client = Client::new(CONFIG).unwrap();
    let mut other = Client::new(CONFIG).unwrap();
    let batch = FlatBuilder::new(100).metric("tokens").point("one", 50, 5).build();
    // SAFETY: a live handle.
    unsafe { tl_engine_inject_panic(client.engine) };
    assert_eq!(client.consume(&batch), Status::Poisoned);
    assert_eq!(client.error.fresh, 1);
    assert!(text(&client.error).contains("injected by tl_engine_inject_panic at rust/ffi/src/handle.rs"));
    assert_eq!(client.consume(&batch), Status::Poisoned);
    assert_eq!(client.error.fresh, 0);
    assert_eq!(client.tick(101), Err(Status::Poisoned));
    assert_eq!(client.settle(101), Status::Poisoned);
    assert_eq!(client.maintain(101, true), Status::Poisoned);
    assert_eq!(other.consume(&batch), Status::Ok);
}

/// Scenario: engines made, used and destroyed many times. Guarantee: none is left, memory is flat.
#[test]
fn engines_leave_nothing_behind() {
    // Sanitizers and valgrind are slow and find a leak in a few rounds; they keep freed memory, so
    // only the full run looks at the process's size.
    let few: Option<u32> = std::env::var("TL_ENGINE_ROUNDS").ok().map(|rounds| rounds.parse().unwrap());
    let rounds = few.unwrap_or(100_000);
    let batch = FlatBuilder::new(100).metric("tokens").point("one", 50, 5).point("two", 49, 5).build();
    let mut after_warm_up = 0;
    for round in 0..rounds {
        let mut client = Client::new(CONFIG).unwrap();
        assert_eq!(client.consume(&batch), Status::Ok);
        assert_eq!(client.tick(101), Ok(0));
        if round == rounds / 10 {
            after_warm_up = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(after_warm_up);
    assert!(few.is_some() || grown < 16 << 20, "{grown} bytes more after {rounds} engines");
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
