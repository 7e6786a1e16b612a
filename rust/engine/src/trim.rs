//! What rules leave of one point's attributes (T0–T2): the ledger stream, the removals, the spelling.

use std::collections::BTreeSet;

use crate::attribute::{self, Attribute, ValueType};
use crate::batch::{Batch, Span};
use crate::engine::Engine;
use crate::identity::{AttributeSum, Identity, IdentityKey};
use crate::intern::InternId;
use crate::label::LabelSet;
use crate::path::{Labels, MetricPath};
use crate::trimming::{Fate, Plan, Trimming};
use crate::verdict::{MASKED_ATTRIBUTES, OTHER};

/// Works on points of one engine.
#[derive(Clone, Copy)]
pub(crate) struct Trimmer<'a, B> {
    pub batch: &'a B,
    pub key: &'a IdentityKey,
    pub trimming: &'a Trimming,
    pub labels: Labels<'a>,
}

impl Engine {
    /// The attributes that rules leave of a point, acquired.
    pub(crate) fn intern_trimmed<B: Batch>(
        &self,
        trimmer: &Trimmer<'_, B>,
        plan: Plan,
        span: Span,
    ) -> Box<[InternId]> {
        let mut ids = Vec::with_capacity(16);
        trimmer.each(plan, span, |_, fate, record| {
            if fate != Fate::Remove {
                ids.push(self.catalog.acquire_attribute(self.key.attribute(record), record));
            }
        });
        ids.into()
    }
}

/// The resource attributes that become labels of a point, as they are spelled.
#[derive(Debug, Default)]
struct Promoted {
    sum: AttributeSum,
    keys: BTreeSet<Box<[u8]>>,
}

/// What becomes of a point's attributes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trimmed {
    /// Attributes among the first 32 to remove, one bit each.
    pub remove: u32,
    /// Attributes among the first 32 to replace by [`OTHER`].
    pub replace: u32,
    /// Numbers of further ones, and whether they are replaced.
    pub further: Vec<(u32, bool)>,
    /// The ledger stream.
    pub ledger: Identity,
    /// How the output is spelled; equal for equal output.
    pub spelling: u64,
}

impl Trimmed {
    /// Whether `remove` alone says it all.
    pub fn is_simple(&self) -> bool {
        self.replace == 0 && self.further.is_empty()
    }
}

impl<B: Batch> Trimmer<'_, B> {
    /// What becomes of the attributes `span` of a point of the metric `path`.
    pub fn trim(&self, path: &MetricPath, span: Span) -> Trimmed {
        let mut trimmed = Trimmed::default();
        let mut kept = AttributeSum::default();
        let mut labels = LabelSet::default();
        let promoted = self.promoted(path);
        self.each(path.plan, span, |number, fate, record| {
            match fate {
                Fate::Keep => {}
                _ if number as usize >= MASKED_ATTRIBUTES => {
                    trimmed.further.push((number, fate == Fate::Replace));
                }
                Fate::Remove => trimmed.remove |= 1 << number,
                Fate::Replace => trimmed.replace |= 1 << number,
            }
            let attribute = Attribute::parse(record).ok();
            // Exporters write a promoted attribute of the resource over a point's own of that name.
            let hidden = attribute.is_some_and(|attribute| promoted.keys.contains(attribute.key));
            if fate != Fate::Remove && !hidden {
                kept.add(self.key.attribute(record));
                if self.labels.are_prometheus() {
                    attribute.iter().for_each(|attribute| labels.add(attribute));
                }
            }
        });
        let attributes = if self.labels.are_prometheus() { labels.sum(self.key) } else { kept };
        trimmed.ledger = self.key.stream(path.metric_identity.ledger, attributes);
        trimmed.spelling = self.spelling_with(path, kept, promoted.sum);
        trimmed
    }

    /// The attributes of the resource that become labels of the point.
    fn promoted(&self, path: &MetricPath) -> Promoted {
        let mut promoted = Promoted::default();
        if self.labels.promote_any() {
            let _ = self.batch.resource_attributes(path.resource.attributes, |record| {
                if let Ok(attribute) = Attribute::parse(record)
                    && self.labels.promotes(attribute.key)
                    && !self.trimming.removes_from_resource(record)
                {
                    promoted.sum.add(self.key.attribute(record));
                    promoted.keys.insert(attribute.key.into());
                }
            });
        }
        promoted
    }

    /// Calls `each` with number, fate and output record of every attribute.
    pub fn each(&self, plan: Plan, span: Span, mut each: impl FnMut(u32, Fate, &[u8])) {
        let mut number = 0;
        let mut other = Vec::new();
        // The first pass has read the same attributes to their end without error.
        let _ = self.batch.point_attributes(span, |record| {
            let attribute = Attribute::parse(record).ok();
            let fate = attribute.map_or(Fate::Keep, |attribute| {
                self.trimming.fate(plan, &attribute, self.key.attribute(record))
            });
            if let (Fate::Replace, Some(attribute)) = (fate, attribute) {
                other.clear();
                attribute::push(&mut other, attribute.key, ValueType::String, OTHER.as_bytes());
                each(number, fate, &other);
            } else {
                each(number, fate, record);
            }
            number += 1;
        });
    }

    /// How the output of a point with the attributes `kept` is spelled, with what exporters promote of
    /// its resource.
    pub fn spelling(&self, path: &MetricPath, kept: AttributeSum) -> u64 {
        self.spelling_with(path, kept, self.promoted(path).sum)
    }

    fn spelling_with(&self, path: &MetricPath, kept: AttributeSum, promoted: AttributeSum) -> u64 {
        if !self.labels.are_prometheus() {
            return 0; // equal identities are spelled alike
        }
        let mut scope = AttributeSum::default();
        let _ = self.batch.scope_attributes(path.scope.attributes, |record| {
            scope.add(self.key.attribute(record));
        });
        let spans = [path.metric.name, path.scope.name, path.scope.version, path.scope.schema_url];
        let texts = spans.map(|span| self.batch.bytes(span));
        self.key.parts(&mut Vec::new(), &[kept.0, scope.0, promoted.0], &texts).table_hash()
    }
}
