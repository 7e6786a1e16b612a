//! Histograms and edits of attributes through the boundary.
#![allow(clippy::unwrap_used)]

mod support;

use support::client::Client;
use support::{FlatBuilder, attributes};
use tokenledger::batch::{MetricKind, Temporality};
use tokenledger::distribution::{DistributionRef, Summary, push_explicit, push_exponential};
use tokenledger::{Action, AttributeEdit};
use tokenledger_ffi::{Status, tl_engine_inject_panic, tl_engine_removes_attribute};

const RULES: &str = r#"{"rules": [{"metrics": ["tok*"], "drop": ["session.id"], "max_values": {"s": 1}}],
    "resource_rule": {"drop": ["service.name"]}}"#;

fn explicit(counts: &[u64]) -> Vec<u64> {
    let count = counts.iter().sum();
    let mut words = Vec::new();
    let summary = Summary { count, sum: Some(count as f64), min: None, max: None };
    push_explicit(&mut words, summary, &[1.0, 2.0], counts);
    words
}

fn exponential(counts: &[u64]) -> Vec<u64> {
    let count = counts.iter().sum::<u64>() + 1;
    let mut words = Vec::new();
    let summary = Summary { count, sum: Some(count as f64), min: None, max: None };
    push_exponential(&mut words, summary, 3, 1, 0.0, (-2, counts), (0, &[]));
    words
}

/// Scenario: histograms of both kinds, two windows each, with a broken one between them.
/// Guarantee: verdicts name the total's place among the words; the broken one is dropped and counted.
#[test]
fn histograms_add_up() {
    let mut client = Client::new("{}").unwrap();
    for (kind, make) in [
        (MetricKind::ExplicitHistogram, explicit as fn(&[u64]) -> Vec<u64>),
        (MetricKind::ExponentialHistogram, exponential),
    ] {
        let metric =
            |second| FlatBuilder::new(second).metric_of("sizes", kind as u8, Temporality::Delta as u8);
        let first = make(&[1, 0, 2]);
        let broken = first[..first.len() - 1].to_vec();
        let batch = metric(100).histogram("one", 50, &first).histogram("two", 50, &broken).build();
        assert_eq!(client.consume(&batch), Status::Ok);
        assert_eq!((client.view.outcomes.accepted, client.view.outcomes.invalid), (1, 1));
        assert_eq!(client.view.added_count, 1, "its zero (D6)");
        assert_eq!(client.verdicts()[1].action, Action::Drop as u8);

        let batch = metric(101).histogram("one", 51, &make(&[4, 4, 4])).build();
        assert_eq!(client.consume(&batch), Status::Ok);
        let verdict = client.verdicts()[0];
        assert_eq!(verdict.action, Action::Write as u8);
        let expected = make(&[5, 4, 6]);
        let total = &client.words()[verdict.value_bits as usize..][..expected.len()];
        let (total, expected) =
            (DistributionRef::parse(total).unwrap(), DistributionRef::parse(&expected).unwrap());
        match kind {
            MetricKind::ExplicitHistogram => {
                assert_eq!((total.count(), total.sum()), (expected.count(), expected.sum()));
                assert_eq!(total.explicit().unwrap().counts(), [5, 4, 6]);
            }
            _ => {
                assert_eq!((total.count(), total.sum()), (17, Some(17.0)));
                let total = total.exponential().unwrap();
                assert_eq!((total.scale, total.zero_count, total.positive()), (3, 2, (-2, &[5, 4, 6][..])));
            }
        }
    }
}

/// Scenario: rules remove an attribute of the point and one of the resource, and limit the values of
/// another. Guarantee: two sessions are one total, and the view says what to remove and replace.
#[test]
fn edits_cross_the_boundary() {
    let mut client = Client::new(RULES).unwrap();
    let first = attributes(&[("s", "a"), ("session.id", "one")]);
    let second = attributes(&[("session.id", "two"), ("s", "a")]);
    let other = attributes(&[("s", "b")]);
    // T2: which value comes first is certain between batches only.
    let batch = FlatBuilder::new(100).metric("tokens").point_with(&first, 50, 5).build();
    assert_eq!(client.consume(&batch), Status::Ok);
    let batch =
        FlatBuilder::new(101).metric("tokens").point_with(&second, 51, 7).point_with(&other, 52, 1).build();
    assert_eq!(client.consume(&batch), Status::Ok);
    let edits: Vec<_> = client.verdicts().iter().map(|v| (v.remove, v.replace, v.has_edits)).collect();
    assert_eq!(edits, [(0b01, 0, 0), (0, 0b1, 0)]);
    assert_eq!(client.verdicts()[0].value_bits, 12);
    assert!(client.point_edits().is_empty());
    assert_eq!(client.resource_edits(), [AttributeEdit { owner: 0, attribute: 0, replace: 0 }]);
}

/// Scenario: the attributes that rules concern are the 33rd and 34th of a point.
/// Guarantee: the verdict's bits do not reach them, so they are in the list of edits.
#[test]
fn edits_beyond_the_bits_are_listed() {
    let mut client = Client::new(RULES).unwrap();
    let keys: Vec<String> = (0..32).map(|number| format!("k{number}")).collect();
    let with = |value: &str| {
        let mut list: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "v")).collect();
        list.extend([("session.id", "one"), ("s", value)]);
        attributes(&list)
    };
    let edit = |owner, attribute, replace| AttributeEdit { owner, attribute, replace };
    let batch = FlatBuilder::new(100).metric("tokens").point_with(&with("a"), 50, 5).build();
    assert_eq!(client.consume(&batch), Status::Ok);
    assert_eq!(client.point_edits(), [edit(0, 32, 0)]);
    let batch = FlatBuilder::new(101)
        .metric("tokens")
        .point_with(&with("a"), 51, 5)
        .point_with(&with("b"), 51, 5)
        .build();
    assert_eq!(client.consume(&batch), Status::Ok);
    assert!(client.verdicts().iter().all(|v| (v.remove, v.replace, v.has_edits) == (0, 0, 1)));
    assert_eq!(client.point_edits(), [edit(0, 32, 0), edit(1, 32, 0), edit(1, 33, 1)]);
}

/// Scenario: questions about single attributes, with null pointers and of a poisoned engine too.
/// Guarantee: yes only where a rule of that metric removes the attribute.
#[test]
fn removed_attributes_can_be_asked_for() {
    let client = Client::new(RULES).unwrap();
    let removes = |name: &str, key: &str| {
        // SAFETY: a live handle and readable text.
        unsafe {
            tl_engine_removes_attribute(client.engine, name.as_ptr(), name.len(), key.as_ptr(), key.len())
        }
    };
    assert!(removes("tokens", "session.id"));
    assert!(!removes("tokens", "s") && !removes("tokens", "") && !removes("sizes", "session.id"));
    let (null, name) = (std::ptr::null(), b"tokens".as_ptr());
    // SAFETY: each pointer is null or live, which is what the function promises to handle.
    unsafe {
        assert!(!tl_engine_removes_attribute(std::ptr::null(), name, 6, name, 6));
        assert!(!tl_engine_removes_attribute(client.engine, null, 6, name, 6));
        assert!(!tl_engine_removes_attribute(client.engine, name, 6, null, 6));
        tl_engine_inject_panic(client.engine);
    }
    assert!(!removes("tokens", "session.id"), "points pass unchanged from now on");
}
