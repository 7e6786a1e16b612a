//! What stands above a point: its metric, scope and resource, and the identities of each.
//!
//! Each part has three identities. `source`: everything that a client sends. `output`: what is left of
//! it after resource attributes were removed (T1); it names the text to write out. `ledger`: what a
//! reader of the output can tell apart (T0).

use crate::attribute::Attribute;
use crate::batch::{Batch, Malformed, MetricKind, MetricRef, ResourceRef, ScopeRef, Span};
use crate::config::{Config, IdentityMode, PrometheusLabels};
use crate::identity::{AttributeSum, Identity, IdentityKey};
use crate::label::{self, LabelSet};
use crate::trimming::{Plan, Trimming};
use crate::usage::MetricRule;
use crate::verdict::AttributeEdit;

/// A metric with everything above it, as one batch names it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MetricPath {
    pub metric: MetricRef,
    pub scope: ScopeRef,
    pub resource: ResourceRef,
    pub metric_identity: Identities,
    pub scope_identity: Identities,
    pub resource_identity: Identities,
    pub plan: Plan,
    /// What its points mean for usage reports and costs, if anything and if these are made.
    pub usage: Option<MetricRule>,
    /// Totals on two levels only because they are priced (D14): deltas of the same streams have one.
    pub is_priced_total: bool,
}

/// The three identities of a part; see the head of this file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identities {
    pub source: Identity,
    pub output: Identity,
    pub ledger: Identity,
}

impl MetricPath {
    /// A path without resource and scope: for the overflow of metrics that found no other place (T5).
    /// Client metadata stays, so tenants do not mix.
    pub fn without_parents(&self, key: &IdentityKey, labels: Labels<'_>, batch: &impl Batch) -> Self {
        let mut scratch = Vec::new();
        let mut metadata = AttributeSum::default();
        // The first pass has read the same metadata to its end without error.
        let _ = batch.metadata(|record| metadata.add(key.attribute(record)));
        let nothing = Identities::all(key.parts(&mut scratch, &[metadata.0], &[b"no resource"]));
        let texts = metric_texts(batch, self.metric);
        let mut metric = Identities::all(key.parts(&mut scratch, &[nothing.ledger.0], &texts));
        if labels.are_prometheus() {
            metric.ledger = labels.metric(key, &mut scratch, nothing.ledger, texts);
        }
        Self {
            metric: MetricRef { description: Span::default(), ..self.metric },
            metric_identity: metric,
            usage: self.usage,
            is_priced_total: self.is_priced_total,
            scope_identity: Identities::all(key.parts(&mut scratch, &[nothing.ledger.0], &[])),
            resource_identity: nothing,
            ..Self::default()
        }
    }

    /// Bytes of text that the path names.
    pub fn text_bytes(&self) -> usize {
        let (resource, scope, metric) = (&self.resource, &self.scope, &self.metric);
        let spans = [
            resource.attributes,
            resource.schema_url,
            scope.attributes,
            scope.name,
            scope.version,
            scope.schema_url,
            metric.name,
            metric.unit,
            metric.description,
        ];
        spans.iter().map(|span| span.length as usize).sum()
    }
}

impl Identities {
    fn all(identity: Identity) -> Self {
        Self { source: identity, output: identity, ledger: identity }
    }

    fn map(self, each: impl FnMut(Identity) -> Identity) -> Self {
        let mut each = each;
        let source = each(self.source);
        // Without resource rules and with `identity: otlp` all are one: hash once.
        let output = if self.output == self.source { source } else { each(self.output) };
        let ledger = if self.ledger == self.output { output } else { each(self.ledger) };
        Self { source, output, ledger }
    }
}

/// Makes the identities of what stands above the points of a batch.
pub(crate) struct PathHasher<'a> {
    pub key: &'a IdentityKey,
    pub trimming: &'a Trimming,
    pub labels: Labels<'a>,
    pub scratch: Vec<u8>,
}

/// T0 as the configuration has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    mode: IdentityMode,
    promoted: &'a PrometheusLabels,
}

impl<'a> Labels<'a> {
    pub fn new(config: &'a Config) -> Self {
        Self { mode: config.identity, promoted: &config.prometheus }
    }

    /// T0: a metric as exporters name it: by the sanitised name and the unit without annotations.
    fn metric(
        &self,
        key: &IdentityKey,
        scratch: &mut Vec<u8>,
        scope: Identity,
        [name, unit, kind]: [&[u8]; 3],
    ) -> Identity {
        let unit = unit.split(|byte| *byte == b'{').next().unwrap_or_default();
        key.parts(scratch, &[scope.0], &[&label::name(name), unit, kind])
    }

    /// Whether a resource attribute becomes a label of every point.
    pub fn promotes(&self, key: &[u8]) -> bool {
        let promoted = self.promoted;
        self.are_prometheus()
            && (promoted.promote_all_resource_attributes
                || promoted.promote_resource_attributes.iter().any(|name| name.as_bytes() == key))
    }

    /// Whether any resource attribute becomes a label.
    pub fn promote_any(&self) -> bool {
        let promoted = self.promoted;
        self.are_prometheus()
            && (promoted.promote_all_resource_attributes || !promoted.promote_resource_attributes.is_empty())
    }

    /// Whether attributes count as labels.
    pub fn are_prometheus(&self) -> bool {
        self.mode == IdentityMode::Prometheus
    }
}

impl PathHasher<'_> {
    /// `edits` gets the attributes that the resource loses (T1); `number` is that of the resource.
    pub fn resource(
        &mut self,
        batch: &impl Batch,
        resource: ResourceRef,
        metadata: u128,
        number: u32,
        edits: &mut Vec<AttributeEdit>,
    ) -> Result<Identities, Malformed> {
        let (mut all, mut kept) = (AttributeSum::default(), AttributeSum::default());
        let mut place = 0;
        let trims = self.trimming.has_resource_rule();
        batch.resource_attributes(resource.attributes, |record| {
            let identity = self.key.attribute(record);
            all.add(identity);
            if trims {
                if self.trimming.removes_from_resource(record) {
                    edits.push(AttributeEdit { owner: number, attribute: place, replace: 0 });
                } else {
                    kept.add(identity);
                }
                place += 1;
            }
        })?;
        let source = self.key.parts(&mut self.scratch, &[all.0, metadata], &[]);
        let output =
            if trims { self.key.parts(&mut self.scratch, &[kept.0, metadata], &[b"kept"]) } else { source };
        let ledger = if self.labels.are_prometheus() {
            let labels = self.resource_labels(batch, resource)?;
            self.key.parts(&mut self.scratch, &[labels.0, metadata], &[b"labels"])
        } else {
            output
        };
        Ok(Identities { source, output, ledger })
    }

    /// T0: of a resource a reader sees `job`, `instance` and what is promoted.
    fn resource_labels(&self, batch: &impl Batch, resource: ResourceRef) -> Result<AttributeSum, Malformed> {
        let mut labels = LabelSet::default();
        let [mut namespace, mut name] = [Vec::new(), Vec::new()];
        batch.resource_attributes(resource.attributes, |record| {
            let Ok(attribute) = Attribute::parse(record) else { return };
            if self.trimming.removes_from_resource(record) {
                return;
            }
            let promoted = self.labels.promotes(attribute.key);
            if !promoted && !attribute.key.starts_with(b"service.") {
                return;
            }
            let mut text = Vec::new();
            label::write_text(attribute.value_type, attribute.value, &mut text);
            if promoted {
                labels.add_text(attribute.key, &text);
            }
            match attribute.key {
                b"service.namespace" => namespace = text,
                b"service.name" => name = text,
                b"service.instance.id" => labels.add_text(b"instance", &text),
                _ => {}
            }
        })?;
        labels.add_text(b"job", &label::job(&namespace, &name));
        Ok(labels.sum(self.key))
    }

    pub fn scope(
        &mut self,
        batch: &impl Batch,
        scope: ScopeRef,
        resource: Identities,
    ) -> Result<Identities, Malformed> {
        let mut sum = AttributeSum::default();
        batch.scope_attributes(scope.attributes, |record| sum.add(self.key.attribute(record)))?;
        let texts = [batch.bytes(scope.name), batch.bytes(scope.version)];
        let mut hash = |parent: Identity| self.key.parts(&mut self.scratch, &[parent.0, sum.0], &texts);
        let identities = resource.map(&mut hash);
        if !self.labels.are_prometheus() {
            return Ok(identities);
        }
        let ledger = if self.labels.promoted.promote_scope_metadata {
            let mut labels = LabelSet::default();
            batch.scope_attributes(scope.attributes, |record| {
                Attribute::parse(record).iter().for_each(|attribute| labels.add(attribute));
            })?;
            let labels = labels.sum(self.key);
            self.key.parts(&mut self.scratch, &[resource.ledger.0, labels.0], &texts)
        } else {
            resource.ledger // T0: the scope only where scope labels are shown
        };
        Ok(Identities { ledger, ..identities })
    }

    pub fn metric(&mut self, batch: &impl Batch, metric: MetricRef, scope: Identities) -> Identities {
        let texts = metric_texts(batch, metric);
        let mut identities = scope.map(|parent| self.key.parts(&mut self.scratch, &[parent.0], &texts));
        if self.labels.are_prometheus() {
            identities.ledger = self.labels.metric(self.key, &mut self.scratch, scope.ledger, texts);
        }
        identities
    }
}

fn metric_texts(batch: &impl Batch, metric: MetricRef) -> [&[u8]; 3] {
    let kind: &[u8] = match metric.kind {
        MetricKind::Sum if metric.monotonic => b"sum+",
        MetricKind::Sum => b"sum-",
        MetricKind::Gauge => b"gauge",
        MetricKind::ExplicitHistogram => b"explicit",
        MetricKind::ExponentialHistogram => b"exponential",
    };
    [batch.bytes(metric.name), batch.bytes(metric.unit), kind]
}
