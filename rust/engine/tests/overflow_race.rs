//! Another request between the two rounds of one that overflows (T5).
#![allow(clippy::unwrap_used)]

mod support;

use std::cell::RefCell;

use support::{Harness, TestBatch, config, point, shard_of};
use tokenledger::attribute::{self, ValueType};
use tokenledger::batch::{Batch, Span, Visitor};
use tokenledger::{BatchResult, Config, Malformed, Number};

/// A batch that runs `between` while its second stream is made, after its first was answered.
struct Interrupted<'a> {
    inner: TestBatch,
    /// Reads of attributes after which `between` runs.
    countdown: RefCell<u32>,
    between: RefCell<Option<Box<dyn FnOnce() + 'a>>>,
}

impl Batch for Interrupted<'_> {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        self.inner.visit(visitor)
    }

    fn bytes(&self, span: Span) -> &[u8] {
        self.inner.bytes(span)
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.inner.resource_attributes(span, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.inner.scope_attributes(span, each)
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        *self.countdown.borrow_mut() -= 1;
        if *self.countdown.borrow() == 0
            && let Some(between) = self.between.borrow_mut().take()
        {
            between();
        }
        self.inner.point_attributes(span, each)
    }

    fn distribution(&self, span: Span, words: &mut Vec<u64>) -> Result<(), Malformed> {
        self.inner.distribution(span, words)
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.inner.metadata(each)
    }
}

/// Scenario: a request answers stream x at 20 s and makes stream y; before its overflow round another
/// request takes x to 40 s and adds a late window. Guarantee: what was answered at 20 s stays, and
/// the late window goes out; also where x and the overflow stream live in one part of the store.
#[test]
fn the_overflow_round_leaves_earlier_answers_alone() {
    let mut overflow = Vec::new();
    attribute::push(&mut overflow, b"otel.metric.overflow", ValueType::Bool, &[1]);
    let overflow = shard_of(&overflow);
    // Groups go by shard: x is answered first, then y is made, and z finds no room.
    let x = name_in("x", overflow);
    let (y, z) = (name_in("y", overflow + 1), name_in("z", overflow + 2));
    let mut h = Harness::new(Config { max_streams: 2, ..config() });
    h.at(100).send(&[point(&x, 10, 11, 1)]);
    let (now, engine, at_40) = (h.now(), &h.engine, RefCell::new(None));
    let between = || {
        let mut result = BatchResult::default();
        engine.consume(&TestBatch::new(&[point(&x, 30, 40, 10)]), now, &mut result).unwrap();
        *at_40.borrow_mut() = result.verdicts[0].value();
        engine.consume(&TestBatch::new(&[point(&x, 5, 6, 100)]), now, &mut result).unwrap();
        assert_eq!(result.outcomes.late, 1);
    };
    let batch = Interrupted {
        inner: TestBatch::new(&[point(&x, 11, 20, 2), point(&y, 11, 20, 1), point(&z, 11, 20, 1)]),
        countdown: RefCell::new(4), // three reads of the first pass, then y is made
        between: RefCell::new(Some(Box::new(between))),
    };
    let mut result = BatchResult::default();
    engine.consume(&batch, now, &mut result).unwrap();
    drop(batch);
    assert_eq!(result.outcomes.overflow, 1);
    assert_eq!(result.verdicts[0].value(), Some(Number::Int(3)), "at 20 s");
    assert_eq!(at_40.into_inner(), Some(Number::Int(13)), "at 40 s");
    h.tick(false);
    assert_eq!(h.total(&x), Some(Number::Int(113)), "the late window goes out");
}

/// The first name with this beginning whose stream lives in `shard`.
fn name_in(beginning: &str, shard: usize) -> String {
    let in_shard = |name: &String| {
        let mut record = Vec::new();
        attribute::push(&mut record, b"session.id", ValueType::String, name.as_bytes());
        shard_of(&record) == shard
    };
    (0..).map(|i| format!("{beginning}{i}")).find(in_shard).unwrap()
}
