//! The output as a reader sees it: series, each with its values in the order of their time.

use std::collections::{BTreeMap, BTreeSet};

use tokenledger::attribute::{Attribute, ValueType, for_each};
use tokenledger::distribution::DistributionRef;
use tokenledger::verdict::{MASKED_ATTRIBUTES, OTHER};
use tokenledger::{Action, AttributeEdit, BatchResult, Due, DueValue, Tick, Verdict};

use super::script::{METRICS, Metric, OS_VERSION, Point, Script, resource_attributes};
use super::settings::Settings;
use super::truth::quarters;
use crate::distribution::{bucket_total, check_size};

/// Reads what an engine puts out and checks it point by point.
pub(super) struct Reader {
    settings: Settings,
    /// Series whose first value was refused: with it the zero before may be lost for good.
    zero_lost: BTreeSet<Series>,
    seen: BTreeMap<Series, Last>,
    /// What series had reached before they were forgotten and began anew (L1, T5).
    ended: [i128; METRICS.len()],
}

/// Metric, and what tells its series apart: name and text of labels or attributes.
type Series = (usize, Vec<(String, String)>);

/// The last output of a series: start, time in milliseconds, value.
type Last = (u64, u64, i128);

struct Output {
    series: Series,
    start: u64,
    time: u64,
    value: i128,
}

impl Reader {
    pub fn new(settings: Settings) -> Self {
        Self { settings, zero_lost: BTreeSet::new(), seen: BTreeMap::new(), ended: [0; METRICS.len()] }
    }

    /// What goes on with the batch, to a consumer that takes it or refuses it.
    pub fn batch(&mut self, batch: &Script, result: &BatchResult, refuse: bool) {
        let mut outputs: Vec<Output> = Vec::new();
        let edits = Edits::new(batch, result);
        for (number, (point, verdict)) in batch.points.iter().zip(&result.verdicts).enumerate() {
            let actions =
                [Action::Write, Action::WriteZero, Action::WriteOverflow].map(|action| action as u8);
            if actions.contains(&verdict.action) {
                let overflow = verdict.action == Action::WriteOverflow as u8;
                let series = self.series_of_point(point, &edits, number, overflow);
                let value = value_of(point, verdict, &result.words);
                outputs.push(Output {
                    series,
                    start: verdict.start_unix_nano,
                    time: verdict.time_unix_nano,
                    value,
                });
            }
        }
        for added in &result.added {
            let number = added.point as usize;
            let series = self.series_of_point(&batch.points[number], &edits, number, added.overflow == 1);
            outputs.push(Output {
                series,
                start: added.start_unix_nano,
                time: added.time_unix_nano,
                value: 0,
            });
        }
        self.read(outputs, refuse);
    }

    /// What goes out at a tick, likewise.
    pub fn tick(&mut self, tick: &Tick, refuse: bool) {
        let mut outputs = Vec::new();
        for metric in tick.metrics() {
            let descriptor = metric.descriptor;
            let Some(number) = METRICS.iter().position(|known| known.name.as_bytes() == &*descriptor.name)
            else {
                unreachable!("an unknown metric")
            };
            assert_eq!(METRICS[number].kind, descriptor.kind);
            assert_eq!(METRICS[number].monotonic, descriptor.monotonic);
            let resource = &descriptor.scope.resource.attributes;
            outputs.extend(metric.points().map(|point| Output {
                series: self.series(number, resource, point.attributes),
                start: point.start_unix_nano,
                time: point.time_unix_nano,
                value: value_of_due(number, &point),
            }));
        }
        self.read(outputs, refuse);
    }

    /// What the series of each metric add up to.
    pub fn totals(&self) -> [i128; METRICS.len()] {
        let mut totals = self.ended;
        self.seen.iter().for_each(|((metric, _), (.., value))| totals[*metric] += value);
        totals
    }

    fn read(&mut self, mut outputs: Vec<Output>, refuse: bool) {
        if refuse {
            let mut zeros = BTreeSet::new();
            for Output { series, value, .. } in outputs {
                // A second zero is a value: the total is still 0.
                if value != 0 || !zeros.insert(series.clone()) {
                    self.zero_lost.insert(series);
                }
            }
            return;
        }
        // The order of points in one batch carries no meaning: readers sort by time.
        outputs.sort_by_key(|output| output.time);
        outputs.into_iter().for_each(|output| self.observe(output));
    }

    fn observe(&mut self, output: Output) {
        let Output { series, start, time, value } = output;
        let metric = METRICS[series.0];
        assert_eq!(time % 1_000_000, 0, "whole milliseconds (D4)");
        let time = time / 1_000_000;
        let last = self.seen.get(&series).copied();
        if let Some((_, last_time, _)) = last {
            assert!(time > last_time, "{series:?}: {time} after {last_time} (D4)");
        }
        match last {
            Some((last_start, _, last_value)) if last_start == start => {
                let falls = metric.monotonic && metric.tracked && value < last_value;
                assert!(!falls, "{series:?}: {value} after {last_value}");
            }
            before => {
                let sound = value == 0 || self.zero_lost.contains(&series) || !metric.begins_at_zero;
                assert!(sound, "{series:?} begins at {value} (D6)");
                self.ended[series.0] += before.map_or(0, |(.., value)| value);
            }
        }
        self.seen.insert(series, (start, time, value));
    }

    fn series_of_point(&self, point: &Point, edits: &Edits<'_>, number: usize, overflow: bool) -> Series {
        let resource = edits.resource(number, &resource_attributes(point.resource));
        let attributes = match overflow {
            true => overflow_attributes(),
            false => edits.point(number, &point.attributes),
        };
        self.series(point.metric, &resource, &attributes)
    }

    /// T0: what a reader of the output can tell apart.
    fn series(&self, metric: usize, resource: &[u8], attributes: &[u8]) -> Series {
        let prometheus = self.settings.is_prometheus();
        let mut labels = Vec::new();
        each_attribute(resource, |attribute| {
            let visible = !prometheus || attribute.key != OS_VERSION.as_bytes() || self.settings.promotes();
            if visible {
                labels.push(label(attribute, prometheus, b"resource."));
            }
        });
        each_attribute(attributes, |attribute| labels.push(label(attribute, prometheus, b"")));
        labels.sort();
        (metric, labels)
    }
}

/// Name and text of an attribute: with its type, or as a label of Prometheus, which has none.
fn label(attribute: Attribute<'_>, prometheus: bool, prefix: &[u8]) -> (String, String) {
    let Attribute { value_type, value, .. } = attribute;
    let key = [prefix, attribute.key].concat();
    if !prometheus {
        return (key.escape_ascii().to_string(), format!("{value_type:?} {}", value.escape_ascii()));
    }
    let name = key.iter().map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '_' });
    let text = match value_type {
        ValueType::Int => attribute.as_int().map(|value| value.to_string()).unwrap_or_default(),
        ValueType::Bool => (value == [1]).to_string(),
        _ => value.escape_ascii().to_string(),
    };
    (name.collect(), text)
}

fn each_attribute(records: &[u8], mut each: impl FnMut(Attribute<'_>)) {
    let read = for_each(records, 0, |record| match Attribute::parse(record) {
        Ok(attribute) => each(attribute),
        Err(error) => unreachable!("{error}"),
    });
    assert_eq!(read, Ok(()));
}

fn overflow_attributes() -> Vec<u8> {
    let mut out = Vec::new();
    tokenledger::attribute::push(&mut out, b"otel.metric.overflow", ValueType::Bool, &[1]);
    out
}

fn value_of(point: &Point, verdict: &Verdict, words: &[u64]) -> i128 {
    let metric = METRICS[point.metric];
    if verdict.action == Action::WriteZero as u8 {
        return 0;
    }
    if metric.kind.is_histogram() {
        return count(metric, distribution_at(words, verdict.value_bits as usize));
    }
    match verdict.value() {
        Some(value) if metric.tracked => quarters(value),
        _ => 0,
    }
}

fn value_of_due(metric: usize, due: &Due<'_>) -> i128 {
    match due.value {
        DueValue::Number(value) => {
            assert!(!METRICS[metric].kind.is_histogram());
            if METRICS[metric].tracked { quarters(value) } else { 0 }
        }
        DueValue::Distribution(words) => {
            assert!(METRICS[metric].kind.is_histogram());
            count(METRICS[metric], words)
        }
    }
}

/// The words of the distribution that begins there.
fn distribution_at(words: &[u64], begin: usize) -> &[u64] {
    let words = words.get(begin..).unwrap_or_default();
    let counts = |word: usize| words.get(word).map_or(0, |word| (word >> 32) as usize);
    let length = match words.first().map(|flags| flags & 0xff) {
        Some(1) => 6 + words.get(5).map_or(0, |word| (word & 0xffff_ffff) as usize) + counts(5),
        _ => 10 + counts(8) + counts(9),
    };
    words.get(..length).unwrap_or_default()
}

/// The count of a histogram that goes out. If it is of clients that are right, its buckets hold as much.
fn count(metric: Metric, words: &[u64]) -> i128 {
    match DistributionRef::parse(words) {
        Ok(distribution) => {
            check_size(&distribution);
            let buckets = bucket_total(&distribution).filter(|_| metric.tracked);
            let count = distribution.count();
            assert!(
                buckets.is_none_or(|buckets| buckets == count.into()),
                "{buckets:?} of {count} in buckets"
            );
            count.into()
        }
        Err(error) => unreachable!("{error}: {words:?}"),
    }
}

/// What a batch's answers remove and replace (T1, T2), as the collector's side does it.
struct Edits<'a> {
    result: &'a BatchResult,
    /// Number of each point's resource in the batch.
    resources: Vec<u32>,
}

impl<'a> Edits<'a> {
    fn new(batch: &Script, result: &'a BatchResult) -> Self {
        let mut resources: Vec<u32> = Vec::new();
        for pair in 0..batch.points.len() {
            let before = pair.checked_sub(1).map(|before| (batch.points[before].resource, resources[before]));
            resources.push(match before {
                Some((resource, number)) if resource == batch.points[pair].resource => number,
                Some((_, number)) => number + 1,
                None => 0,
            });
        }
        let sorted = |edits: &[AttributeEdit]| {
            edits.is_sorted_by(|a, b| (a.owner, a.attribute) < (b.owner, b.attribute))
        };
        assert!(sorted(&result.point_edits) && sorted(&result.resource_edits));
        assert!(result.resource_edits.iter().all(|edit| edit.replace == 0));
        Self { result, resources }
    }

    fn point(&self, number: usize, attributes: &[u8]) -> Vec<u8> {
        let verdict = &self.result.verdicts[number];
        let edits = self.result.point_edits.iter().filter(|edit| edit.owner as usize == number);
        let edits: Vec<_> = edits.collect();
        assert_eq!(verdict.has_edits == 1, !edits.is_empty());
        assert!(edits.iter().all(|edit| edit.attribute as usize >= MASKED_ATTRIBUTES));
        edited(attributes, |place| {
            let masked = |mask: u32| place < MASKED_ATTRIBUTES && mask >> place & 1 == 1;
            let edit = edits.iter().find(|edit| edit.attribute as usize == place);
            match edit {
                Some(edit) if edit.replace == 1 => Fate::Replace,
                Some(_) => Fate::Remove,
                None if masked(verdict.remove) => Fate::Remove,
                None if masked(verdict.replace) => Fate::Replace,
                None => Fate::Keep,
            }
        })
    }

    fn resource(&self, number: usize, attributes: &[u8]) -> Vec<u8> {
        let owner = self.resources[number];
        edited(attributes, |place| {
            let removed = |edit: &AttributeEdit| edit.owner == owner && edit.attribute as usize == place;
            if self.result.resource_edits.iter().any(removed) { Fate::Remove } else { Fate::Keep }
        })
    }
}

enum Fate {
    Keep,
    Remove,
    Replace,
}

fn edited(records: &[u8], fate: impl Fn(usize) -> Fate) -> Vec<u8> {
    let mut out = Vec::new();
    let mut place = 0;
    each_attribute(records, |attribute| {
        let key = attribute.key;
        let _ = match fate(place) {
            Fate::Keep => tokenledger::attribute::push(&mut out, key, attribute.value_type, attribute.value),
            Fate::Replace => tokenledger::attribute::push(&mut out, key, ValueType::String, OTHER.as_bytes()),
            Fate::Remove => true,
        };
        place += 1;
    });
    out
}
