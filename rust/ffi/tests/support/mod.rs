//! Writes flat buffers by hand, as the Go side does.
#![allow(dead_code, missing_docs, clippy::unwrap_used)] // each test binary uses its own part

pub mod client;

use tokenledger::attribute::{self, ValueType};
use tokenledger::batch::{MetricKind, Temporality};
use tokenledger_ffi::layout::{
    BatchHeader, LAYOUT_VERSION, MAGIC, MetricRecord, PointRecord, ResourceRecord, ScopeRecord, TAG_METRIC,
    TAG_POINT, TAG_RESOURCE, TAG_SCOPE,
};
use zerocopy::IntoBytes;

pub const SECOND: u64 = 1_000_000_000;
pub const BEGAN: u64 = 1_800_000_000 * SECOND;

/// A buffer under construction: one resource, one scope, then metrics and points as they are added.
#[derive(Debug)]
pub struct FlatBuilder {
    bytes: Vec<u8>,
    header: BatchHeader,
}

impl FlatBuilder {
    /// Begins a batch that arrives this many seconds after [`BEGAN`].
    pub fn new(second: u64) -> Self {
        let header = BatchHeader {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            wall_unix_nano: BEGAN + second * SECOND,
            monotonic_nano: second * SECOND,
            ..BatchHeader::default()
        };
        let mut builder = Self { bytes: header.as_bytes().to_vec(), header };
        let attributes = attributes(&[("service.name", "claude-code")]);
        let record = ResourceRecord {
            tag: TAG_RESOURCE,
            attribute_bytes: attributes.len() as u32,
            ..Default::default()
        };
        builder.push(record.as_bytes(), &[&attributes]);
        let record = ScopeRecord { tag: TAG_SCOPE, name_bytes: 5, version_bytes: 1, ..Default::default() };
        builder.push(record.as_bytes(), &[b"scope", b"1"]);
        builder
    }

    /// A monotonic delta sum.
    pub fn metric(self, name: &str) -> Self {
        self.metric_of(name, MetricKind::Sum as u8, Temporality::Delta as u8)
    }

    /// A metric of that kind and temporality, by their codes.
    pub fn metric_of(mut self, name: &str, kind: u8, temporality: u8) -> Self {
        let record = MetricRecord {
            tag: TAG_METRIC,
            monotonic: u8::from(kind != MetricKind::Gauge as u8),
            kind,
            temporality,
            name_bytes: name.len() as u32,
            ..Default::default()
        };
        self.push(record.as_bytes(), &[name.as_bytes()]);
        self
    }

    /// An integer point whose window is the second before `second`.
    pub fn point(self, session: &str, second: u64, value: i64) -> Self {
        self.point_with(&attributes(&[("session.id", session)]), second, value)
    }

    /// As [`Self::point`], with these attribute records.
    pub fn point_with(mut self, attributes: &[u8], second: u64, value: i64) -> Self {
        let record = PointRecord { value_bits: value as u64, ..point_record(attributes, second) };
        self.push(record.as_bytes(), &[attributes]);
        self.header.point_count += 1;
        self
    }

    /// A histogram's point: its words stand at the next multiple of 8 bytes behind the attributes.
    pub fn histogram(self, session: &str, second: u64, words: &[u64]) -> Self {
        self.claimed_histogram(session, second, words, words.len() as u64)
    }

    /// As [`Self::histogram`], with a record that claims to have another number of words.
    pub fn claimed_histogram(mut self, session: &str, second: u64, words: &[u64], claimed: u64) -> Self {
        let attributes = attributes(&[("session.id", session)]);
        let record = PointRecord { value_bits: claimed, ..point_record(&attributes, second) };
        self.push(record.as_bytes(), &[&attributes]);
        words.iter().for_each(|word| self.bytes.extend_from_slice(&word.to_ne_bytes()));
        self.header.point_count += 1;
        self
    }

    pub fn build(mut self) -> Vec<u8> {
        self.header.total_bytes = self.bytes.len() as u64;
        self.bytes[..size_of::<BatchHeader>()].copy_from_slice(self.header.as_bytes());
        self.bytes
    }

    fn push(&mut self, record: &[u8], texts: &[&[u8]]) {
        self.bytes.extend_from_slice(record);
        texts.iter().for_each(|text| self.bytes.extend_from_slice(text));
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

fn point_record(attributes: &[u8], second: u64) -> PointRecord {
    PointRecord {
        tag: TAG_POINT,
        attribute_bytes: attributes.len() as u32,
        start_unix_nano: BEGAN + (second - 1) * SECOND,
        time_unix_nano: BEGAN + second * SECOND,
        ..Default::default()
    }
}

pub fn attributes(list: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in list {
        assert!(attribute::push(&mut out, key.as_bytes(), ValueType::String, value.as_bytes()));
    }
    out
}
