//! What readers of the output see: series, keyed as OTLP or as a Prometheus exporter keys them.

use std::collections::{BTreeMap, BTreeSet};

use tokenledger::PrometheusLabels;
use tokenledger::batch::MetricKind;

use super::batch::{Attr, Attributes, Sample, Scope, Value};

/// One point that went out.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub resource: Attributes,
    /// Of the batch that made the resource known; only of ticks.
    pub metadata: Attributes,
    pub scope: Scope,
    pub metric: String,
    pub unit: String,
    pub kind: MetricKind,
    pub monotonic: bool,
    pub attributes: Attributes,
    pub start: u64,
    pub time: u64,
    pub value: Value,
    /// The engine wrote value and times; otherwise the point was passed on.
    pub written: bool,
}

impl Output {
    pub fn of_sample(sample: &Sample) -> Self {
        let sample = sample.clone();
        Self {
            resource: sample.resource,
            metadata: Vec::new(),
            scope: sample.scope,
            metric: sample.metric,
            unit: sample.unit,
            kind: sample.kind,
            monotonic: sample.monotonic,
            attributes: sample.attributes,
            start: sample.start,
            time: sample.time,
            value: sample.value,
            written: false,
        }
    }

    /// Milliseconds after [`super::BEGAN`].
    pub fn milli(&self) -> i64 {
        (self.time / super::MILLI) as i64 - (super::BEGAN / super::MILLI) as i64
    }
}

/// How a reader tells series apart.
#[derive(Clone, Debug)]
enum Keys {
    Otlp,
    Prometheus(PrometheusLabels),
}

/// A reader, with everything it has seen by series.
#[derive(Clone, Debug)]
pub struct Reader {
    keys: Keys,
    pub series: BTreeMap<String, Vec<Output>>,
    /// The raw spellings of each series: exporters keep what is spelled differently apart.
    spellings: BTreeMap<String, BTreeSet<String>>,
}

impl Reader {
    pub fn otlp() -> Self {
        Self { keys: Keys::Otlp, series: BTreeMap::new(), spellings: BTreeMap::new() }
    }

    pub fn prometheus(labels: PrometheusLabels) -> Self {
        Self { keys: Keys::Prometheus(labels), ..Self::otlp() }
    }

    pub fn read(&mut self, outputs: &[Output]) {
        for output in outputs {
            let key = self.key(output);
            self.spellings.entry(key.clone()).or_default().insert(spelling(output));
            self.series.entry(key).or_default().push(output.clone());
        }
    }

    /// The latest output by time of each series of this metric, as its first output spells the name.
    pub fn latest(&self, metric: &str) -> impl Iterator<Item = &Output> {
        let of_metric = move |outputs: &&Vec<Output>| sanitised(&outputs[0].metric) == sanitised(metric);
        self.series.values().filter(of_metric).filter_map(|outputs| outputs.iter().max_by_key(|o| o.time))
    }

    /// Times of every series strictly increase in the order of delivery, totals never fall, each total
    /// but the base of a member begins with a zero, and each series is spelled in one way.
    pub fn assert_orderly(&self) {
        for (key, outputs) in &self.series {
            for pair in outputs.windows(2) {
                let untouched = !pair[0].written || !pair[1].written;
                assert!(untouched || pair[0].time < pair[1].time, "times of {key}: {pair:#?}");
                let may_fall = !pair[0].monotonic || untouched;
                assert!(
                    may_fall || pair[0].value.size() <= pair[1].value.size(),
                    "total of {key}: {pair:#?}"
                );
            }
            for output in outputs.iter().filter(|output| output.written) {
                assert_eq!(output.time % super::MILLI, 0, "whole milliseconds: {output:?}");
                assert!(output.start <= output.time, "a stream starts before its output: {output:?}");
                assert!(output.milli() > 0, "nothing at or before the engine's start: {output:?}");
            }
        }
        for (key, spellings) in &self.spellings {
            assert!(spellings.len() <= 1, "{key} is spelled in several ways: {spellings:#?}");
        }
    }

    /// Each monotonic series begins with zero (D6); not so those of members that were known before (T3).
    pub fn assert_zeros(&self) {
        for (key, outputs) in &self.series {
            let first = &outputs[0];
            let exempt = !first.monotonic || !first.written || first.kind == MetricKind::Gauge;
            assert!(exempt || first.value.size() == 0.0, "{key} begins with {first:?}");
        }
    }

    pub fn key(&self, output: &Output) -> String {
        let kind = (output.kind, output.monotonic, &output.unit);
        match &self.keys {
            Keys::Otlp => {
                let scope = &output.scope;
                let scope = (&scope.name, &scope.version, sorted(&scope.attributes));
                let above = (sorted(&output.resource), scope);
                format!("{:?}", (above, &output.metric, kind, sorted(&output.attributes)))
            }
            Keys::Prometheus(shown) => {
                let mut labels = labels(&output.attributes);
                labels.push_str(&resource_labels(&output.resource, shown));
                if shown.promote_scope_metadata {
                    let scope = &output.scope;
                    labels.push_str(&format!("{:?}", (&scope.name, &scope.version)));
                    labels.push_str(&self::labels(&scope.attributes));
                }
                format!("{:?}", (sanitised(&output.metric), kind, labels))
            }
        }
    }
}

fn resource_labels(resource: &Attributes, shown: &PrometheusLabels) -> String {
    let get =
        |key: &str| resource.iter().find(|(name, _)| name == key).map_or(String::new(), |(_, v)| text(v));
    let (name, namespace) = (get("service.name"), get("service.namespace"));
    let job = match (namespace.is_empty(), name.is_empty()) {
        (false, false) => format!("{namespace}/{name}"),
        _ => name,
    };
    let promoted = |(key, _): &&(String, Attr)| {
        shown.promote_all_resource_attributes || shown.promote_resource_attributes.contains(key)
    };
    let promoted: Attributes = resource.iter().filter(promoted).cloned().collect();
    format!("{:?}", (job, get("service.instance.id"), labels(&promoted)))
}

/// Labels as text: names sanitised, empty ones left out, colliding ones joined.
fn labels(attributes: &Attributes) -> String {
    let mut byname: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (key, value) in attributes {
        if !text(value).is_empty() {
            byname.entry(sanitised(key)).or_default().push((key.clone(), text(value)));
        }
    }
    let mut out = String::new();
    for (name, mut values) in byname {
        values.sort();
        let values: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
        out.push_str(&format!("{name:?}={:?},", values.join(";")));
    }
    out
}

/// Everything an exporter's own key holds, beside the resource.
fn spelling(output: &Output) -> String {
    let scope = &output.scope;
    let scope = (&scope.name, &scope.version, &scope.schema_url, sorted(&scope.attributes));
    format!("{:?}", (&output.metric, scope, sorted(&output.attributes)))
}

fn sorted(attributes: &Attributes) -> Vec<(&String, String)> {
    let mut sorted: Vec<_> = attributes.iter().map(|(key, value)| (key, format!("{value:?}"))).collect();
    sorted.sort();
    sorted
}

/// Runs of other characters than letters and digits become one underscore.
pub fn sanitised(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        match character.is_ascii_alphanumeric() {
            true => out.push(character),
            false if out.ends_with('_') => {}
            false => out.push('_'),
        }
    }
    out
}

fn text(value: &Attr) -> String {
    match value {
        Attr::Empty => String::new(),
        Attr::Text(text) => text.clone(),
        Attr::Bool(value) => value.to_string(),
        Attr::Int(value) => value.to_string(),
        Attr::Double(value) => value.to_string(),
        Attr::Bytes(bytes) => format!("{bytes:?}"),
    }
}
