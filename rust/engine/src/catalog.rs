//! Everything needed to write a stream out again without its input: attributes and descriptors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::batch::{Batch, Malformed, MetricRef, ResourceRef, ScopeRef};
use crate::identity::{Identity, IdentityKey};
use crate::intern::{InternId, InternTable};

/// A resource that streams belong to.
#[derive(Debug, Default)]
pub struct ResourceDescriptor {
    /// Attribute records (see [`crate::attribute`]) in the order of first sight.
    pub attributes: Box<[u8]>,
    /// UTF-8 text as first seen.
    pub schema_url: Box<[u8]>,
    /// Client metadata that the batches came with, as attribute records.
    pub metadata: Box<[u8]>,
    /// The newest output time of any of its streams, Unix milliseconds; kept with `emit: interval`.
    pub(crate) newest_output_milli: AtomicU64,
}

/// An instrumentation scope that streams belong to.
#[derive(Debug, Default)]
pub struct ScopeDescriptor {
    /// What the scope belongs to.
    pub resource: Arc<ResourceDescriptor>,
    /// UTF-8 text.
    pub name: Box<[u8]>,
    /// UTF-8 text.
    pub version: Box<[u8]>,
    /// Attribute records in the order of first sight.
    pub attributes: Box<[u8]>,
    /// UTF-8 text as first seen.
    pub schema_url: Box<[u8]>,
}

/// A sum that streams belong to.
#[derive(Debug, Default)]
pub struct MetricDescriptor {
    /// What the metric belongs to.
    pub scope: Arc<ScopeDescriptor>,
    /// UTF-8 text.
    pub name: Box<[u8]>,
    /// UTF-8 text.
    pub unit: Box<[u8]>,
    /// UTF-8 text as first seen.
    pub description: Box<[u8]>,
    /// Whether the sum may only grow.
    pub monotonic: bool,
}

/// A metric with everything above it, as one batch names it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MetricPath {
    pub metric: MetricRef,
    pub scope: ScopeRef,
    pub resource: ResourceRef,
    pub metric_identity: Identity,
    pub scope_identity: Identity,
    pub resource_identity: Identity,
}

/// The interned text of all streams of one engine.
#[derive(Debug)]
pub(crate) struct Catalog {
    attributes: InternTable<Box<[u8]>>,
    resources: InternTable<Arc<ResourceDescriptor>>,
    scopes: InternTable<Arc<ScopeDescriptor>>,
    metrics: InternTable<Option<MetricEntry>>,
    text_bytes: AtomicUsize,
}

#[derive(Debug)]
struct MetricEntry {
    descriptor: Arc<MetricDescriptor>,
    scope: InternId,
    resource: InternId,
}

impl Catalog {
    pub fn new() -> Self {
        Self {
            attributes: InternTable::new(),
            resources: InternTable::new(),
            scopes: InternTable::new(),
            metrics: InternTable::new(),
            text_bytes: AtomicUsize::new(0),
        }
    }

    /// Interns the metric of `path`; text is read from `batch` only if it is new.
    pub fn acquire_metric(&self, batch: &impl Batch, path: &MetricPath) -> InternId {
        self.metrics.acquire(path.metric_identity, || {
            let make = || self.counted(resource(batch, path));
            let (resource, parent) =
                self.resources.acquire_and_read(path.resource_identity, make, Arc::clone);
            let make = || self.counted(scope(batch, path, parent));
            let (scope, parent) = self.scopes.acquire_and_read(path.scope_identity, make, Arc::clone);
            let descriptor = self.counted(metric(batch, path, parent));
            Some(MetricEntry { descriptor, scope, resource })
        })
    }

    /// Gives a metric back, and with its last stream the scope and resource too.
    pub fn release_metric(&self, id: InternId) {
        if let Some(Some(entry)) = self.metrics.release(id) {
            self.uncount(&*entry.descriptor);
            self.scopes.release(entry.scope).iter().for_each(|scope| self.uncount(&**scope));
            self.resources.release(entry.resource).iter().for_each(|resource| self.uncount(&**resource));
        }
    }

    fn counted<T: Footprint>(&self, descriptor: T) -> Arc<T> {
        self.text_bytes.fetch_add(descriptor.footprint(), Ordering::Relaxed);
        Arc::new(descriptor)
    }

    fn uncount(&self, descriptor: &impl Footprint) {
        self.text_bytes.fetch_sub(descriptor.footprint(), Ordering::Relaxed);
    }

    /// The descriptor of an acquired metric, with the ids that order it by resource and scope.
    pub fn metric(&self, id: InternId) -> Option<(Arc<MetricDescriptor>, [InternId; 2])> {
        self.metrics.read(id, |entry| {
            entry.as_ref().map(|entry| (Arc::clone(&entry.descriptor), [entry.resource, entry.scope]))
        })
    }

    /// Interns one attribute record.
    pub fn acquire_attribute(&self, identity: Identity, record: &[u8]) -> InternId {
        self.attributes.acquire(identity, || {
            self.text_bytes.fetch_add(allocated(record.len()), Ordering::Relaxed);
            record.into()
        })
    }

    /// Gives an attribute back.
    pub fn release_attribute(&self, id: InternId) {
        if let Some(record) = self.attributes.release(id) {
            self.text_bytes.fetch_sub(allocated(record.len()), Ordering::Relaxed);
        }
    }

    /// Appends the records of acquired attributes to `out`.
    pub fn copy_attributes(&self, ids: &[InternId], out: &mut Vec<u8>) {
        for id in ids {
            self.attributes.read(*id, |record| out.extend_from_slice(record));
        }
    }

    /// Bytes of text and of the tables that hold it.
    pub fn bytes(&self) -> usize {
        self.text_bytes.load(Ordering::Relaxed)
            + self.attributes.bytes()
            + self.resources.bytes()
            + self.scopes.bytes()
            + self.metrics.bytes()
    }
}

/// What a descriptor takes with its text.
trait Footprint {
    fn footprint(&self) -> usize;
}

impl Footprint for ResourceDescriptor {
    fn footprint(&self) -> usize {
        shared::<Self>() + texts([&self.attributes, &self.schema_url, &self.metadata])
    }
}

impl Footprint for ScopeDescriptor {
    fn footprint(&self) -> usize {
        shared::<Self>() + texts([&self.name, &self.version, &self.attributes, &self.schema_url])
    }
}

impl Footprint for MetricDescriptor {
    fn footprint(&self) -> usize {
        shared::<Self>() + texts([&self.name, &self.unit, &self.description])
    }
}

/// A value behind an `Arc`: two counters and itself.
fn shared<T>() -> usize {
    allocated(2 * size_of::<usize>() + size_of::<T>())
}

fn texts<const N: usize>(texts: [&[u8]; N]) -> usize {
    texts.into_iter().filter(|text| !text.is_empty()).map(|text| allocated(text.len())).sum()
}

/// What the system allocator takes for `length` bytes, as glibc rounds it.
pub(crate) fn allocated(length: usize) -> usize {
    (length + 8).next_multiple_of(16).max(32)
}

fn resource(batch: &impl Batch, path: &MetricPath) -> ResourceDescriptor {
    ResourceDescriptor {
        attributes: collect(|out| {
            batch.resource_attributes(path.resource.attributes, |r| out.extend_from_slice(r))
        }),
        schema_url: batch.bytes(path.resource.schema_url).into(),
        metadata: collect(|out| batch.metadata(|r| out.extend_from_slice(r))),
        newest_output_milli: AtomicU64::new(0),
    }
}

fn scope(batch: &impl Batch, path: &MetricPath, resource: Arc<ResourceDescriptor>) -> ScopeDescriptor {
    ScopeDescriptor {
        resource,
        name: batch.bytes(path.scope.name).into(),
        version: batch.bytes(path.scope.version).into(),
        attributes: collect(|out| {
            batch.scope_attributes(path.scope.attributes, |r| out.extend_from_slice(r))
        }),
        schema_url: batch.bytes(path.scope.schema_url).into(),
    }
}

fn metric(batch: &impl Batch, path: &MetricPath, scope: Arc<ScopeDescriptor>) -> MetricDescriptor {
    MetricDescriptor {
        scope,
        name: batch.bytes(path.metric.name).into(),
        unit: batch.bytes(path.metric.unit).into(),
        description: batch.bytes(path.metric.description).into(),
        monotonic: path.metric.monotonic,
    }
}

/// Collects records of a list that the visit has already read to its end without error.
fn collect(fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Malformed>) -> Box<[u8]> {
    let mut out = Vec::new();
    let _ = fill(&mut out);
    out.into()
}

/// Identities of what stands above the points of a batch.
pub(crate) struct PathHasher<'a> {
    pub key: &'a IdentityKey,
    pub scratch: Vec<u8>,
}

impl PathHasher<'_> {
    pub fn resource(
        &mut self,
        batch: &impl Batch,
        resource: ResourceRef,
        metadata: u128,
    ) -> Result<Identity, Malformed> {
        let mut sum = crate::identity::AttributeSum::default();
        batch.resource_attributes(resource.attributes, |record| sum.add(self.key.attribute(record)))?;
        Ok(self.key.parts(&mut self.scratch, &[sum.0, metadata], &[]))
    }

    pub fn scope(
        &mut self,
        batch: &impl Batch,
        scope: ScopeRef,
        resource: Identity,
    ) -> Result<Identity, Malformed> {
        let mut sum = crate::identity::AttributeSum::default();
        batch.scope_attributes(scope.attributes, |record| sum.add(self.key.attribute(record)))?;
        let texts = [batch.bytes(scope.name), batch.bytes(scope.version)];
        Ok(self.key.parts(&mut self.scratch, &[resource.0, sum.0], &texts))
    }

    pub fn metric(&mut self, batch: &impl Batch, metric: MetricRef, scope: Identity) -> Identity {
        let kind = if metric.monotonic { b"sum+" } else { b"sum-" };
        let texts = [batch.bytes(metric.name), batch.bytes(metric.unit), &kind[..]];
        self.key.parts(&mut self.scratch, &[scope.0], &texts)
    }
}
