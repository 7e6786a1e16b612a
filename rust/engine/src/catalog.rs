//! Everything needed to write a stream out again without its input: attributes and descriptors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::batch::{Batch, Malformed, MetricKind};
use crate::budget::Budget;
use crate::identity::Identity;
use crate::intern::{InternId, InternTable};
use crate::path::MetricPath;
use crate::trimming::Trimming;

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

/// A metric that streams belong to.
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
    /// What its points are.
    pub kind: MetricKind,
    /// Whether a sum may only grow.
    pub monotonic: bool,
}

/// The interned text of all streams of one engine.
#[derive(Debug)]
pub(crate) struct Catalog {
    attributes: InternTable<Box<[u8]>>,
    resources: InternTable<Arc<ResourceDescriptor>>,
    scopes: InternTable<Arc<ScopeDescriptor>>,
    metrics: InternTable<Option<MetricEntry>>,
    text_bytes: AtomicUsize,
    budget: Budget,
}

#[derive(Debug)]
struct MetricEntry {
    descriptor: Arc<MetricDescriptor>,
    scope: InternId,
    resource: InternId,
}

impl Catalog {
    pub fn new(budget: Budget) -> Self {
        Self {
            attributes: InternTable::new(),
            resources: InternTable::new(),
            scopes: InternTable::new(),
            metrics: InternTable::new(),
            text_bytes: AtomicUsize::new(0),
            budget,
        }
    }

    /// Interns the metric of `path`; text is read from `batch` only if it is new. Resources are kept
    /// without what `trimming` removes from them (T1).
    pub fn acquire_metric(&self, batch: &impl Batch, path: &MetricPath, trimming: &Trimming) -> InternId {
        self.metrics.acquire(path.metric_identity.output, || {
            let make = || self.counted(resource(batch, path, trimming));
            let (resource, parent) =
                self.resources.acquire_and_read(path.resource_identity.output, make, Arc::clone);
            let make = || self.counted(scope(batch, path, parent));
            let (scope, parent) = self.scopes.acquire_and_read(path.scope_identity.output, make, Arc::clone);
            let descriptor = self.counted(metric(batch, path, parent));
            Some(MetricEntry { descriptor, scope, resource })
        })
    }

    /// Bytes that interning the metric of `path` would take at most; 0 if it is known.
    pub fn metric_cost(&self, path: &MetricPath) -> usize {
        if self.metrics.contains(path.metric_identity.output) {
            return 0;
        }
        let entries =
            shared::<ResourceDescriptor>() + shared::<ScopeDescriptor>() + shared::<MetricDescriptor>();
        path.text_bytes() + entries + 3 * ENTRY_BYTES
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
        self.add(descriptor.footprint());
        Arc::new(descriptor)
    }

    fn uncount(&self, descriptor: &impl Footprint) {
        self.remove(descriptor.footprint());
    }

    fn add(&self, bytes: usize) {
        self.text_bytes.fetch_add(bytes + ENTRY_BYTES, Ordering::Relaxed);
        self.budget.add(bytes + ENTRY_BYTES);
    }

    fn remove(&self, bytes: usize) {
        self.text_bytes.fetch_sub(bytes + ENTRY_BYTES, Ordering::Relaxed);
        self.budget.remove(bytes + ENTRY_BYTES);
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
            self.add(allocated(record.len()));
            record.into()
        })
    }

    /// Gives an attribute back.
    pub fn release_attribute(&self, id: InternId) {
        if let Some(record) = self.attributes.release(id) {
            self.remove(allocated(record.len()));
        }
    }

    /// Appends the records of acquired attributes to `out`.
    pub fn copy_attributes(&self, ids: &[InternId], out: &mut Vec<u8>) {
        for id in ids {
            self.read_attribute(*id, |record| out.extend_from_slice(record));
        }
    }

    /// Reads the record of an acquired attribute.
    pub fn read_attribute(&self, id: InternId, read: impl FnOnce(&[u8])) {
        self.attributes.read(id, |record| read(record));
    }

    /// One reference more to an attribute that is acquired already.
    pub fn acquire_attribute_again(&self, id: InternId) {
        self.attributes.acquire_again(id);
    }

    /// One reference more to a metric that is acquired already.
    pub fn acquire_metric_again(&self, id: InternId) {
        self.metrics.acquire_again(id);
    }

    /// Bytes of text with its share of the tables that hold it.
    pub fn bytes(&self) -> usize {
        self.text_bytes.load(Ordering::Relaxed)
    }
}

/// Bytes that an interned text costs beside itself: its entry, and its place in a hash table that has
/// just doubled.
pub(crate) const ENTRY_BYTES: usize = 64;

impl MetricDescriptor {
    /// Bytes of its text with that of its scope and resource.
    pub(crate) fn text_bytes(&self) -> usize {
        let (scope, resource) = (&self.scope, &self.scope.resource);
        let texts = [&self.name, &self.unit, &self.description];
        let scope_texts = [&scope.name, &scope.version, &scope.attributes, &scope.schema_url];
        let resource_texts = [&resource.attributes, &resource.schema_url, &resource.metadata];
        texts.iter().chain(&scope_texts).chain(&resource_texts).map(|text| text.len()).sum()
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

fn resource(batch: &impl Batch, path: &MetricPath, trimming: &Trimming) -> ResourceDescriptor {
    ResourceDescriptor {
        attributes: collect(|out| {
            batch.resource_attributes(path.resource.attributes, |record| {
                if !trimming.removes_from_resource(record) {
                    out.extend_from_slice(record);
                }
            })
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
        kind: path.metric.kind,
        monotonic: path.metric.monotonic,
    }
}

/// Collects records of a list that the visit has already read to its end without error.
fn collect(fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Malformed>) -> Box<[u8]> {
    let mut out = Vec::new();
    let _ = fill(&mut out);
    out.into()
}
