//! Texts that no batch brings (stored ones, those of computed metrics), shown as a batch without points, so that
//! they get the identities that a batch's texts get.

use crate::attribute;
use crate::batch::{Batch, Malformed, MetricRef, ResourceRef, ScopeRef, Span, Visitor};
use crate::engine::Engine;
use crate::identity::AttributeSum;
use crate::path::{Labels, MetricPath, PathHasher};

/// Texts one after the other.
#[derive(Debug, Default)]
pub(crate) struct TextBatch {
    bytes: Vec<u8>,
    metadata: Place,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    offset: u32,
    length: u32,
}

impl Place {
    pub fn span(self) -> Span {
        Span { offset: self.offset, length: self.length }
    }
}

impl TextBatch {
    pub fn push(&mut self, text: &[u8]) -> Place {
        let place = Place { offset: self.bytes.len() as u32, length: text.len() as u32 };
        self.bytes.extend_from_slice(text);
        place
    }

    /// The client metadata of what is asked next.
    pub fn set_metadata(&mut self, metadata: Place) {
        self.metadata = metadata;
    }

    /// What stands in it now.
    pub fn mark(&self) -> usize {
        self.bytes.len()
    }

    /// Takes away what came after the mark.
    pub fn truncate(&mut self, mark: usize) {
        self.bytes.truncate(mark);
    }

    fn records(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
    }
}

impl Batch for TextBatch {
    fn visit(&self, _: &mut impl Visitor) -> Result<(), Malformed> {
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        self.bytes
            .get(span.offset as usize..)
            .and_then(|rest| rest.get(..span.length as usize))
            .unwrap_or(&[])
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(span, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(span, each)
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(span, each)
    }

    fn distribution(&self, _: Span, _: &mut Vec<u64>) -> Result<(), Malformed> {
        Ok(())
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(self.metadata.span(), each)
    }
}

/// The texts above a point.
pub(crate) struct TextPath {
    pub resource: ResourceRef,
    pub scope: ScopeRef,
    pub metric: MetricRef,
}

impl TextPath {
    /// As `intake` does it for a batch.
    pub fn identify(self, engine: &Engine, batch: &TextBatch) -> Result<MetricPath, Malformed> {
        let mut metadata = AttributeSum::default();
        batch.metadata(|record| metadata.add(engine.key.attribute(record)))?;
        let (key, labels) = (&engine.key, Labels::new(&engine.config));
        let mut hasher = PathHasher { key, trimming: &engine.trimming, labels, scratch: Vec::new() };
        let resource_identity = hasher.resource(batch, self.resource, metadata.0, 0, &mut Vec::new())?;
        let scope_identity = hasher.scope(batch, self.scope, resource_identity)?;
        let metric_identity = hasher.metric(batch, self.metric, scope_identity);
        Ok(MetricPath {
            metric: self.metric,
            scope: self.scope,
            resource: self.resource,
            metric_identity,
            scope_identity,
            resource_identity,
            plan: engine.trimming.plan(batch.bytes(self.metric.name)),
            usage: None,
            is_priced_total: false,
        })
    }
}
