//! First pass over a batch: identities of all points, with nothing changed yet.
//!
//! A malformed batch ends here with an error, so a batch is applied whole or not at all.

use crate::batch::{
    Batch, Malformed, MetricKind, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Temporality,
    Visitor,
};
use crate::distribution::DistributionRef;
use crate::engine::Engine;
use crate::identity::{AttributeSum, Identity};
use crate::path::{Labels, MetricPath, PathHasher};
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, MAX_ATTRIBUTE_BYTES, Spelling, Used};
use crate::source::Link;
use crate::usage::MetricRule;
use crate::verdict::{Action, Outcomes, Verdict};

/// Odd, so that no step of the order's number loses anything; the golden ratio of 2³².
const ORDER_FACTOR: u32 = 0x9E37_79B1;

/// Words of a histogram's point at most (D8): with some 60,000 buckets it costs a fifth of a
/// millisecond; real ones have some hundreds.
const MAX_DISTRIBUTION_WORDS: u32 = 1 << 16;

/// Fills `result` with the points of `batch` and a `Drop` verdict for each.
pub(crate) fn read<B: Batch>(batch: &B, engine: &Engine, result: &mut BatchResult) -> Result<(), Malformed> {
    result.clear();
    let key = &engine.key;
    let mut metadata = AttributeSum::default();
    batch.metadata(|record| metadata.add(key.attribute(record)))?;
    let scratch = std::mem::take(&mut result.hash_scratch);
    let labels = Labels::new(&engine.config);
    let computes = engine.computes();
    let mut intake = Intake {
        batch,
        counts_usage: engine.usage().is_some() || computes,
        computes,
        paths: PathHasher { key, trimming: &engine.trimming, labels, scratch },
        metadata: metadata.0,
        resources: 0,
        path: MetricPath::default(),
        metric: None,
        digest: Digest::default(),
        shared: SharedAttributes::default(),
        result,
    };
    let read = batch.visit(&mut intake);
    let Intake { paths, digest, result, .. } = intake;
    result.hash_scratch = paths.scratch;
    result.digest = digest.finish();
    read
}

struct Intake<'a, B> {
    batch: &'a B,
    counts_usage: bool,
    computes: bool,
    paths: PathHasher<'a>,
    metadata: u128,
    /// Number of resources so far.
    resources: u32,
    path: MetricPath,
    /// Index of the current metric in `result.metrics`, once it has a valid point.
    metric: Option<u32>,
    digest: Digest,
    /// What the last point shared with those before it.
    shared: SharedAttributes,
    result: &'a mut BatchResult,
}

/// The attributes of one point.
struct HashedAttributes {
    sum: AttributeSum,
    order: u32,
    /// T5: they take more than a stream of its own may have.
    oversized: bool,
}

/// Attributes that several points have in common, hashed once.
#[derive(Default)]
struct SharedAttributes {
    span: Span,
    sum: AttributeSum,
    order: u32,
}

/// The sum of the windows of a batch (D3a); of delta points only: totals are recognised by T3.
#[derive(Default)]
struct Digest {
    sum: u128,
    windows: u32,
    /// A point has no time, so the batch has no digest.
    forbidden: bool,
}

impl Digest {
    fn finish(&self) -> Option<Identity> {
        (self.windows > 0 && !self.forbidden).then_some(Identity(self.sum))
    }
}

impl<B: Batch> Visitor for Intake<'_, B> {
    fn resource(&mut self, resource: ResourceRef) -> Result<(), Malformed> {
        self.path.resource = resource;
        let edits = &mut self.result.resource_edits;
        self.path.resource_identity =
            self.paths.resource(self.batch, resource, self.metadata, self.resources, edits)?;
        self.resources += 1;
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
        let name = self.batch.bytes(metric.name);
        self.path.plan = self.paths.trimming.plan(name);
        self.path.usage = None;
        if self.counts_usage {
            self.path.usage = MetricRule::of(name, metric.kind, metric.monotonic);
        }
        // D14: totals that have a price are told apart by member (T3), so that what they grow by is known.
        self.path.is_priced_total = !self.path.plan.two_level
            && self.computes
            && metric.temporality == Temporality::Cumulative
            && self.path.usage.is_some_and(|rule| rule.has_exclusive_tokens());
        self.path.plan.two_level |= self.path.is_priced_total;
        // T0 merges sums and histograms; gauges are what they are unless a rule says so (T4).
        if metric.kind == MetricKind::Gauge {
            self.path.plan.two_level = self.paths.trimming.merges_gauges(self.path.plan);
        }
        self.metric = None;
        Ok(())
    }

    #[inline]
    fn point(&mut self, point: PointRef) -> Result<(), Malformed> {
        let number = self.result.verdicts.len() as u32;
        self.result.verdicts.push(Verdict::DROP);
        if self.path.metric.kind == MetricKind::Gauge && !self.path.plan.two_level {
            self.pass_on(number);
            return Ok(());
        }
        let attributes = self.attributes(&point)?;
        let value = self.value(&point)?;
        // Totals that no rule concerns may turn out to be passed on as they are (D14).
        if !self.path.is_plain_total() && !is_usable(&self.path, &point, value, self.result) {
            return Ok(());
        }
        let stream = self.paths.key.stream(self.path.metric_identity.source, attributes.sum);
        let window = self.window(stream, &point);
        let metric = self.current_metric();
        if self.path.usage.is_some() {
            let point = self.result.points.len() as u32;
            self.result.has_costs |= self.path.usage.is_some_and(MetricRule::is_cost);
            self.result.usage.push(Used { source: stream, point, computed: None });
        }
        self.result.has_sources |= self.path.plan.two_level || self.path.is_plain_total();
        self.result.points.push(IncomingPoint {
            stream,
            window,
            start_unix_nano: point.start_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value,
            attributes: point.attributes,
            link: Link::NONE,
            text: None,
            attribute_order: attributes.order,
            oversized: attributes.oversized,
            metric,
            number,
            course: Course::Add,
            spelling: Spelling::Same,
            no_recorded_value: point.no_recorded_value,
        });
        Ok(())
    }
}

impl<B: Batch> Intake<'_, B> {
    fn pass_on(&mut self, number: u32) {
        self.result.outcomes.untouched += 1;
        self.result.verdicts[number as usize].action = Action::Keep as u8;
    }

    /// The sum of a point's attributes, and a number for the order in which it writes them.
    #[inline]
    fn attributes(&mut self, point: &PointRef) -> Result<HashedAttributes, Malformed> {
        let (shared, own) = self.batch.split_attributes(point.attributes)?;
        if shared.length as usize + own.length as usize > MAX_ATTRIBUTE_BYTES {
            // It gets no stream of its own, so one hash does, however many attributes there are.
            let mut sum = AttributeSum::default();
            sum.add(self.paths.key.hash(self.batch.bytes(point.attributes)));
            return Ok(HashedAttributes { sum, order: 0, oversized: true });
        }
        if shared != self.shared.span {
            let (sum, order) = self.hash_attributes(shared, AttributeSum::default(), 0)?;
            self.shared = SharedAttributes { span: shared, sum, order };
        }
        let (sum, order) = self.hash_attributes(own, self.shared.sum, self.shared.order)?;
        Ok(HashedAttributes { sum, order, oversized: false })
    }

    /// Goes on from what stands before the attributes in `span`.
    #[inline]
    fn hash_attributes(
        &self,
        span: Span,
        mut sum: AttributeSum,
        mut order: u32,
    ) -> Result<(AttributeSum, u32), Malformed> {
        let key = self.paths.key;
        self.batch.point_attributes(span, |record| {
            let identity = key.attribute(record);
            sum.add(identity);
            order = (order.rotate_left(5) ^ identity.0 as u32).wrapping_mul(ORDER_FACTOR);
        })?;
        Ok((sum, order))
    }

    fn value(&mut self, point: &PointRef) -> Result<IncomingValue, Malformed> {
        Ok(match point.value {
            PointValue::Number(number) => IncomingValue::Number(number),
            PointValue::Distribution(span) => {
                let begin = self.result.words.len() as u32;
                self.batch.distribution(span, &mut self.result.words)?;
                IncomingValue::Distribution { begin, length: self.result.words.len() as u32 - begin }
            }
        })
    }

    /// D3: the window's fingerprint, which also goes into the batch's digest.
    ///
    /// The digest is a sum: a request whose points come in another order is the same request.
    #[inline]
    fn window(&mut self, stream: Identity, point: &PointRef) -> u64 {
        if !self.path.is_windowed() {
            return stream.table_hash(); // names the member of a gauge (T4)
        }
        if point.time_unix_nano == 0 {
            self.digest.forbidden = true;
            return 0;
        }
        let key = self.paths.key;
        let bits = match point.value {
            PointValue::Number(number) => number.bits(),
            PointValue::Distribution(span) => key.hash(self.batch.bytes(span)).table_hash(),
        };
        let window = key.window(stream, point.start_unix_nano, point.time_unix_nano, bits);
        self.digest.sum = self.digest.sum.wrapping_add(window.0);
        self.digest.windows += 1;
        window.table_hash().max(1)
    }

    fn current_metric(&mut self) -> u32 {
        *self.metric.get_or_insert_with(|| {
            self.result.metrics.push(self.path);
            (self.result.metrics.len() - 1) as u32
        })
    }
}

/// D8, D9: counts and refuses what no stream can take.
fn is_usable(path: &MetricPath, point: &PointRef, value: IncomingValue, result: &mut BatchResult) -> bool {
    let sound = is_sound(path, value, &result.words);
    count_unusable(&mut result.outcomes, sound, point.no_recorded_value)
}

/// Whether the value is one that a stream of this metric can take (D8).
pub(crate) fn is_sound(path: &MetricPath, value: IncomingValue, words: &[u64]) -> bool {
    match value {
        IncomingValue::Number(number) if path.metric.monotonic => number.is_increase(),
        IncomingValue::Number(number) => number.is_finite(),
        IncomingValue::Distribution { length, .. } if length > MAX_DISTRIBUTION_WORDS => false,
        IncomingValue::Distribution { begin, length } => {
            let words = &words[begin as usize..(begin + length) as usize];
            DistributionRef::parse(words).is_ok_and(|read| read.kind() as u8 == path.distribution_kind())
        }
        IncomingValue::Difference(_) => true,
    }
}

/// Whether a point can be used; counts it if not. A point without a value is not an invalid one.
pub(crate) fn count_unusable(outcomes: &mut Outcomes, sound: bool, no_recorded_value: bool) -> bool {
    if no_recorded_value {
        outcomes.no_value += 1;
    } else if !sound {
        outcomes.invalid += 1;
    }
    sound && !no_recorded_value
}

impl MetricPath {
    /// Cumulative, and no rule concerns it (D14).
    pub(crate) fn is_plain_total(&self) -> bool {
        self.metric.temporality == Temporality::Cumulative && !self.plan.two_level
    }

    /// Its points are the increases of windows.
    pub(crate) fn is_windowed(&self) -> bool {
        self.metric.temporality == Temporality::Delta && self.metric.kind != MetricKind::Gauge
    }

    /// The kind that the metric's distribution words must name; 0 for numbers.
    fn distribution_kind(&self) -> u8 {
        match self.metric.kind {
            MetricKind::ExplicitHistogram => crate::distribution::Kind::Explicit as u8,
            MetricKind::ExponentialHistogram => crate::distribution::Kind::Exponential as u8,
            MetricKind::Sum | MetricKind::Gauge => 0,
        }
    }
}
