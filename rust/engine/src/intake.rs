//! First pass over a batch: identities of all points, with nothing changed yet.
//!
//! A malformed batch ends here with an error, so a batch is applied whole or not at all.

use crate::batch::{Batch, Malformed, MetricRef, PointRef, ResourceRef, ScopeRef, Visitor};
use crate::catalog::{MetricPath, PathHasher};
use crate::identity::{AttributeSum, Identity, IdentityKey};
use crate::result::{BatchResult, IncomingPoint, MAX_ATTRIBUTE_BYTES};
use crate::verdict::Verdict;

/// Fills `result` with the points of `batch` and a `Drop` verdict for each.
pub(crate) fn read<B: Batch>(
    batch: &B,
    key: &IdentityKey,
    result: &mut BatchResult,
) -> Result<(), Malformed> {
    result.clear();
    let mut metadata = AttributeSum::default();
    batch.metadata(|record| metadata.add(key.attribute(record)))?;
    let paths = PathHasher { key, scratch: std::mem::take(&mut result.hash_scratch) };
    let mut intake = Intake {
        batch,
        paths,
        metadata: metadata.0,
        path: MetricPath::default(),
        metric: None,
        digest: Some(Identity::default()),
        result,
    };
    let read = batch.visit(&mut intake);
    let Intake { paths, digest, result, .. } = intake;
    result.hash_scratch = paths.scratch;
    result.digest = digest.filter(|_| !result.points.is_empty());
    read
}

struct Intake<'a, B> {
    batch: &'a B,
    paths: PathHasher<'a>,
    metadata: u128,
    path: MetricPath,
    /// Index of the current metric in `result.metrics`, once it has a valid point.
    metric: Option<u32>,
    /// Sum of the windows' identities; `None` once a point has no time (D3a).
    digest: Option<Identity>,
    result: &'a mut BatchResult,
}

impl<B: Batch> Visitor for Intake<'_, B> {
    fn resource(&mut self, resource: ResourceRef) -> Result<(), Malformed> {
        self.path.resource = resource;
        self.path.resource_identity = self.paths.resource(self.batch, resource, self.metadata)?;
        Ok(())
    }

    fn scope(&mut self, scope: ScopeRef) -> Result<(), Malformed> {
        self.path.scope = scope;
        self.path.scope_identity = self.paths.scope(self.batch, scope, self.path.resource_identity)?;
        Ok(())
    }

    fn metric(&mut self, metric: MetricRef) -> Result<(), Malformed> {
        self.path.metric = metric;
        self.path.metric_identity = self.paths.metric(self.batch, metric, self.path.scope_identity);
        self.metric = None;
        Ok(())
    }

    #[inline]
    fn point(&mut self, point: PointRef) -> Result<(), Malformed> {
        let number = self.result.verdicts.len() as u32;
        self.result.verdicts.push(Verdict::DROP);
        let key = self.paths.key;
        let attributes = self.attributes(&point)?;
        if !self.is_usable(&point) {
            return Ok(());
        }
        let stream = key.stream(self.path.metric_identity, attributes);
        let window = self.window(stream, &point);
        let metric = self.current_metric();
        self.result.points.push(IncomingPoint {
            stream,
            window,
            start_unix_nano: point.start_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: point.value,
            attributes: point.attributes,
            metric,
            number,
        });
        Ok(())
    }
}

impl<B: Batch> Intake<'_, B> {
    #[inline]
    fn attributes(&self, point: &PointRef) -> Result<AttributeSum, Malformed> {
        let key = self.paths.key;
        let mut sum = AttributeSum::default();
        if point.attributes.length as usize > MAX_ATTRIBUTE_BYTES {
            // It gets no stream of its own, so one hash does, however many attributes there are.
            sum.add(key.hash(self.batch.bytes(point.attributes)));
        } else {
            self.batch.point_attributes(point.attributes, |record| sum.add(key.attribute(record)))?;
        }
        Ok(sum)
    }

    /// D8, D9: counts and refuses what no sum can take.
    fn is_usable(&mut self, point: &PointRef) -> bool {
        let sound =
            if self.path.metric.monotonic { point.value.is_increase() } else { point.value.is_finite() };
        if point.no_recorded_value {
            self.result.outcomes.no_value += 1;
        } else if !sound {
            self.result.outcomes.invalid += 1;
        }
        sound && !point.no_recorded_value
    }

    /// D3: the window's fingerprint, which also goes into the batch's digest.
    ///
    /// The digest is a sum: a request whose points come in another order is the same request.
    #[inline]
    fn window(&mut self, stream: Identity, point: &PointRef) -> u64 {
        if point.time_unix_nano == 0 {
            self.digest = None;
            return 0;
        }
        let bits = point.value.bits();
        let window = self.paths.key.window(stream, point.start_unix_nano, point.time_unix_nano, bits);
        if let Some(digest) = &mut self.digest {
            digest.0 = digest.0.wrapping_add(window.0);
        }
        window.table_hash().max(1)
    }

    fn current_metric(&mut self) -> u32 {
        *self.metric.get_or_insert_with(|| {
            self.result.metrics.push(self.path);
            (self.result.metrics.len() - 1) as u32
        })
    }
}
