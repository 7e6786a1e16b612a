//! The engine alone, without the C boundary: `cargo bench -p tokenledger`.
//!
//! Points carry ten string attributes as Claude Code sends them.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::{BEGAN, Harness, MILLI, TestBatch, config, interval, point, test_key};
use tokenledger::ledger::{
    Caretaker, Change, Finding, Head, Keeping, ReadReport, Storage, StorageError, StorageSizes, Stored,
};
use tokenledger::{Config, Engine, PricingConfig, Rule};
use tokenledger_prices::Prices;

fn batch(points: usize, first_session: usize) -> TestBatch {
    batch_of("tokens", points, first_session)
}

fn batch_of(metric: &str, points: usize, first_session: usize) -> TestBatch {
    let mut batch = TestBatch::of_metric(metric);
    for i in 0..points {
        let session = format!("888cb579-08db-4809-851c-{:012}", first_session + i / 4);
        let types = ["input", "output", "cacheRead", "cacheCreation"];
        let attributes = [
            ("user.id", "d141adbf367fd75585f159a2753f8c9421e77fa427968025b4050c42385e1d9f"),
            ("session.id", &session),
            ("organization.id", "d3814445-1111-4222-8333-123456789012"),
            ("user.email", "someone@example.invalid"),
            ("user.account_uuid", "a39ebdff-1111-4222-8333-123456789012"),
            ("user.account_id", "user_01ABCDEFGHJKLMNPQRSTUVWX"),
            ("terminal.type", "xterm-256color"),
            ("model", "claude-sonnet-4-5-20250929"),
            ("query_source", "main"),
            ("type", types[i % 4]),
        ];
        batch.push(&point("", 1, 2, 12), &attributes);
    }
    batch
}

/// Attributes that make a series per session, user or device.
fn trimmed() -> Config {
    let drop = ["user.id", "session.id", "organization.id", "user.email", "user.account_uuid"];
    let drop =
        drop.iter().chain(&["user.account_id", "terminal.type"]).map(|key| (*key).to_owned()).collect();
    let rule = Rule { metrics: vec!["tok*".to_owned()], drop, ..Rule::default() };
    Config { rules: vec![rule], ..config() }
}

/// Warm streams, whole batches of the sizes that clients and batching send: each stream its own, and
/// sessions that trimming adds up (T1).
fn consume(c: &mut Criterion) {
    consume_with(c, "consume", &config());
    consume_with(c, "consume trimmed", &trimmed());
}

fn consume_with(c: &mut Criterion, name: &str, config: &Config) {
    let mut group = c.benchmark_group(name);
    for points in [1, 10, 25, 1000] {
        group.throughput(Throughput::Elements(points as u64));
        group.bench_function(BenchmarkId::from_parameter(points), |b| {
            let mut harness = Harness::new(config.clone());
            let mut batch = batch(points, 0);
            b.iter(|| {
                harness.elapsed += MILLI;
                let now = BEGAN + harness.elapsed;
                batch.set_times(now - MILLI, now);
                harness.engine.consume(&batch, harness.now(), &mut harness.result).unwrap();
            });
        });
    }
    group.finish();
}

/// As `consume`, of points that count tokens, with and without their price: the difference is what pricing adds.
fn consume_priced(c: &mut Criterion) {
    let rule = |mut config: Config| {
        config.rules.iter_mut().for_each(|rule| rule.metrics = vec!["*".to_owned()]);
        config
    };
    let pricing = || Some(PricingConfig::default());
    for (name, config) in [
        ("consume unpriced tokens", config()),
        ("consume priced tokens", Config { pricing: pricing(), ..config() }),
        ("consume trimmed unpriced tokens", rule(trimmed())),
        ("consume trimmed priced tokens", Config { pricing: pricing(), ..rule(trimmed()) }),
    ] {
        let mut group = c.benchmark_group(name);
        for points in [20, 1000] {
            group.throughput(Throughput::Elements(points as u64));
            group.bench_function(BenchmarkId::from_parameter(points), |b| {
                let mut harness = Harness::new(config.clone());
                harness.engine.set_prices(Arc::new(Prices::built_in().unwrap()));
                let mut batch = batch_of("claude_code.token.usage", points, 0);
                b.iter(|| {
                    harness.elapsed += MILLI;
                    let now = BEGAN + harness.elapsed;
                    batch.set_times(now - MILLI, now);
                    harness.engine.consume(&batch, harness.now(), &mut harness.result).unwrap();
                });
            });
        }
        group.finish();
    }
}

/// As `consume`, with all that a ledger costs but the writing of its rows.
fn consume_with_ledger(c: &mut Criterion) {
    for (name, config) in [("consume for a ledger", config()), ("consume trimmed for a ledger", trimmed())] {
        let mut group = c.benchmark_group(name);
        for points in [20, 1000] {
            group.throughput(Throughput::Elements(points as u64));
            group.bench_function(BenchmarkId::from_parameter(points), |b| {
                let mut harness = Harness::new(config.clone());
                let (storage, usage) = (Box::new(Nowhere), None);
                let keeping =
                    Keeping { storage, usage, snapshot_interval_nano: u64::MAX, usage_retention_nano: 0 };
                harness.engine = Engine::open(config.clone(), test_key(), harness.now(), keeping).unwrap().0;
                let mut batch = batch(points, 0);
                b.iter(|| {
                    harness.elapsed += MILLI;
                    let now = BEGAN + harness.elapsed;
                    batch.set_times(now - MILLI, now);
                    harness.engine.consume(&batch, harness.now(), &mut harness.result).unwrap();
                    harness.engine.settle(harness.result.ticket, harness.now()).unwrap();
                });
            });
        }
        group.finish();
    }
}

/// A storage that keeps nothing.
#[derive(Debug)]
struct Nowhere;

impl Storage for Nowhere {
    fn head(&mut self) -> Result<Option<Head>, StorageError> {
        Ok(None)
    }
    fn read(&mut self, _: &mut dyn FnMut(Stored<'_>) -> Finding) -> Result<ReadReport, StorageError> {
        Ok(ReadReport::default())
    }
    fn write(&mut self, _: &Change<'_>) -> Result<(), StorageError> {
        Ok(())
    }
    fn caretaker(&mut self) -> Option<Box<dyn Caretaker>> {
        None
    }
    fn finish_care(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
    fn sizes(&mut self) -> StorageSizes {
        StorageSizes::default()
    }
}

/// A tick that emits 1,000 changed streams (`emit: interval`), attributes copied out.
fn tick(c: &mut Criterion) {
    let mut group = c.benchmark_group("tick");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1000 streams", |b| {
        let mut harness = Harness::new(interval(config()));
        let mut batch = batch(1000, 0);
        b.iter(|| {
            harness.elapsed += MILLI;
            let now = BEGAN + harness.elapsed;
            batch.set_times(now - MILLI, now);
            harness.engine.consume(&batch, harness.now(), &mut harness.result).unwrap();
            let mut tick = tokenledger::Tick::default();
            while !tick.is_done() {
                harness.engine.tick(harness.now(), false, &mut tick).unwrap();
            }
            tick
        });
    });
    group.finish();
}

criterion_group!(benches, consume, consume_priced, consume_with_ledger, tick);
criterion_main!(benches);
