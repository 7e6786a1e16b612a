//! The byte view against prost, on random requests and on damaged ones.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message as _;
use tokenledger::attribute::MAX_DEPTH;
use tokenledger::batch::Batch;

use super::generate::request;
use super::rewire::rewire;
use crate::ByteView;
use crate::oracle::{self, Shown, show};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Scenario: a random request as prost writes it. Guarantee: both ways of reading agree.
    #[test]
    fn requests_read_alike(request in request()) {
        prop_assert_eq!(oracle::compare(&request.encode_to_vec()), Ok(true));
    }

    /// Scenario: fields in any order, repeated, in pieces, with unknown ones between them.
    /// Guarantee: prost takes them, and both ways of reading agree.
    #[test]
    fn unusual_encodings_read_alike(request in request(), seed in any::<u64>()) {
        prop_assert_eq!(oracle::compare(&rewire(&request.encode_to_vec(), seed)), Ok(true));
    }

    /// Scenario: bytes of a request are changed, cut out or put in.
    /// Guarantee: no panic, and where prost still accepts them both ways of reading agree.
    #[test]
    fn damaged_requests_never_disagree(
        request in request(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = request.encode_to_vec();
        for (place, byte, kind) in damage {
            if bytes.is_empty() {
                break;
            }
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        prop_assert!(oracle::compare(&bytes).is_ok());
    }

    /// Scenario: arbitrary bytes. Guarantee: no panic, no disagreement.
    #[test]
    fn arbitrary_bytes_never_disagree(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(oracle::compare(&bytes).is_ok());
    }
}

/// A request whose only content is one resource attribute.
fn with_attribute(value: Value) -> Vec<u8> {
    let attribute =
        KeyValue { key: "k".into(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 };
    let mut request = ExportMetricsServiceRequest { resource_metrics: vec![Default::default()] };
    request.resource_metrics[0].resource =
        Some(Resource { attributes: vec![attribute], ..Resource::default() });
    request.encode_to_vec()
}

fn nested_arrays(depth: usize) -> Value {
    let leaf = Value::StringValue("deep".into());
    (0..depth).fold(leaf, |inner, _| {
        Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(inner) }] })
    })
}

/// Scenario: arrays nested to one below, at and one above the limit.
/// Guarantee: the text inside survives up to the limit and is cut off beyond, not refused.
#[test]
fn nesting_is_cut_off_at_the_limit() {
    for (depth, survives) in [(MAX_DEPTH - 1, true), (MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
        let bytes = with_attribute(nested_arrays(depth));
        assert_eq!(oracle::compare(&bytes), Ok(true), "depth {depth}");
        let shown = show(&ByteView::new(&bytes).unwrap()).unwrap();
        let Shown::Resource { attributes, .. } = &shown[0] else { panic!("no resource") };
        assert_eq!(attributes[0].ends_with(b"deep"), survives, "depth {depth}");
    }
}

/// Scenario: an attribute nested five thousand levels deep, which prost refuses.
/// Guarantee: shown with what lies too deep cut off, whatever the size of the stack.
#[test]
fn hostile_nesting_is_harmless() {
    let mut value = Vec::new();
    for _ in 0..5_000 {
        let (mut list, mut any) = (Vec::new(), Vec::new());
        crate::write::bytes(&mut list, 1, &value);
        crate::write::bytes(&mut any, 5, &list);
        value = any;
    }
    let mut bytes = Vec::new();
    crate::write::message(&mut bytes, 1, |out| {
        crate::write::message(out, 1, |out| {
            crate::write::message(out, 1, |out| crate::write::bytes(out, 2, &value));
        });
    });
    assert_eq!(oracle::compare(&bytes), Ok(false), "prost has a limit of its own");
    let shown = show(&ByteView::new(&bytes).unwrap()).unwrap();
    let Shown::Resource { attributes, .. } = &shown[0] else { panic!("no resource") };
    assert_eq!(attributes[0].len(), (MAX_DEPTH + 1) * tokenledger::attribute::HEADER);
}

/// Scenario: two maps that hold the same entries in different order.
/// Guarantee: one record, so one identity.
#[test]
fn maps_are_sorted() {
    let entry = |key: &str, value: i64| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(Value::IntValue(value)) }),
        key_strindex: 0,
    };
    let map = |values| with_attribute(Value::KvlistValue(KeyValueList { values }));
    let one = map(vec![entry("a", 1), entry("b", 2)]);
    let two = map(vec![entry("b", 2), entry("a", 1)]);
    assert_ne!(one, two);
    assert_eq!(show(&ByteView::new(&one).unwrap()), show(&ByteView::new(&two).unwrap()));
}

/// Scenario: client metadata is given with the bytes. Guarantee: shown as given, and a cut list is an error.
#[test]
fn metadata_is_shown() {
    let mut metadata = Vec::new();
    tokenledger::attribute::push(&mut metadata, b"tenant", tokenledger::attribute::ValueType::String, b"a");
    let mut seen = Vec::new();
    ByteView::with_metadata(&[], &metadata).unwrap().metadata(|record| seen.push(record.to_vec())).unwrap();
    assert_eq!(seen, [metadata.clone()]);
    let cut = &metadata[..metadata.len() - 1];
    assert!(ByteView::with_metadata(&[], cut).unwrap().metadata(|_| ()).is_err());
}
