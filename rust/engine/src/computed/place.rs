//! Streams of computed metrics: a known one is added to at once, another is made as any stream is.

use crate::apply::Application;
use crate::attribute::{self, Attribute, ValueType};
use crate::batch::{Batch, MetricKind, MetricRef, ResourceRef, ScopeRef, Span};
use crate::clock::Now;
use crate::computed::clients::Count;
use crate::computed::pass::{Counted, Pass};
use crate::computed::tariff::{TariffKey, type_name};
use crate::computed::{Computed, SCOPE};
use crate::engine::{Engine, SHARDS};
use crate::number::Number;
use crate::path::MetricPath;
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, Spelling};
use crate::route::at_the_tick;
use crate::source::Link;
use crate::stream::Emission;
use crate::text::{TextBatch, TextPath};
use crate::trimming::Fate;
use crate::verdict::Verdict;

/// Where a computed stream is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// None if it must be looked for each time.
    pub link: Link,
    /// It is an overflow stream (T5).
    pub is_overflow: bool,
}

impl Default for Placed {
    fn default() -> Self {
        Self { link: Link::NONE, is_overflow: false }
    }
}

/// What a computed point says of itself.
pub(super) struct Labels {
    /// Agent, model and provider.
    names: [(&'static str, String); 3],
    token_type: &'static str,
}

/// Attributes of one computed point.
pub(super) struct Attributes {
    /// Key and text, in the order in which they are written; empty texts are left out.
    own: Vec<(&'static str, String)>,
    /// Whether the source's attributes that rules leave come too.
    with_source: bool,
}

impl Labels {
    /// `seller` is the one whose price it is, if there is one.
    pub fn of(key: TariffKey, seller: Option<&str>) -> Self {
        let provider = seller.map_or(key.provider, str::to_owned);
        let names = [("agent", key.agent), ("model", key.model), ("provider", provider)];
        Self { names, token_type: type_name(key.effect.measure) }
    }

    /// For a stream of the source's own.
    pub fn of_source(self) -> Attributes {
        let token_type = ("type", self.token_type.to_owned());
        Attributes { own: self.names.into_iter().chain([token_type]).collect(), with_source: true }
    }

    /// For a stream of many sources.
    pub fn of_account(self, issue: &str) -> Attributes {
        let issue = ("issue", issue.to_owned());
        Attributes { own: self.names.into_iter().chain([issue]).collect(), with_source: false }
    }
}

/// What every computed point says of where its tokens were counted.
const SOURCE: (&str, &str) = ("source", "metrics");

impl<B: Batch> Pass<'_, B> {
    /// T0: whether a stream should carry the text of this point's resource from now on. The latest one counts, as for
    /// clients' own metrics; but where clients take turns, each minute's first is enough.
    #[inline]
    pub fn carries_other_text(&self, text_of: u64, wanted: u64) -> bool {
        text_of >> 32 != wanted >> 32 && text_of as u32 != wanted as u32
    }

    /// The resource of a point, and the minute, which is never 0.
    #[inline]
    pub fn text_of(&self, counted: Counted<'_>) -> u64 {
        let resource = counted.path.resource_identity.output.table_hash() | 1 << 32;
        resource & !u64::from(u32::MAX) | u64::from(self.minute.saturating_add(1))
    }

    /// Adds to a stream through the passes that every stream is made by.
    #[cold]
    pub fn place(
        &mut self,
        counted: Counted<'_>,
        metric: Computed,
        attributes: &Attributes,
        value: Number,
    ) -> Placed {
        let records = self.records(counted, attributes);
        let (start_unix_nano, time_unix_nano) = (counted.point.start_unix_nano, counted.point.time_unix_nano);
        let oversized = counted.point.oversized;
        let point = Point { records: &records, oversized, start_unix_nano, time_unix_nano, value };
        let (engine, now) = (self.application.engine, self.application.now);
        let emission = self.emission;
        let number = counted.point.metric;
        if self.above.as_ref().is_none_or(|(known, _)| *known != number) {
            self.above = Some((number, self.read_above(counted)));
        }
        let Some((_, above)) = &mut self.above else { return Placed::default() };
        let placed = above.put(engine, emission, now, metric, &point);
        if placed.link != Link::NONE && self.follows_texts {
            let mut shard = engine.shards[usize::from(placed.link.shard)].lock();
            if let Some(slot) = shard.follow(placed.link) {
                shard.get_mut(slot).set_text_of(self.text_of(counted));
            }
        }
        placed
    }

    /// What stands above a point; asked once for all points of a metric, because a resource may be large.
    fn read_above(&self, counted: Counted<'_>) -> Above {
        let batch = self.application.batch;
        let (mut metadata, mut resource) = (Vec::new(), Vec::new());
        // The first pass has read the same attributes to their end without error.
        let _ = batch.metadata(|record| metadata.extend_from_slice(record));
        let _ = batch.resource_attributes(counted.path.resource.attributes, |record| {
            resource.extend_from_slice(record);
        });
        let schema_url = batch.bytes(counted.path.resource.schema_url);
        Above::new(&metadata, &resource, schema_url, self.pricing.config.cache_writes())
    }

    /// The attributes of a computed point: what rules leave of the source's, with ours over them.
    fn records(&self, counted: Counted<'_>, attributes: &Attributes) -> Vec<u8> {
        let mut records = Vec::with_capacity(512);
        let mut replaced = None;
        let own = |key: &[u8]| {
            key == SOURCE.0.as_bytes() || attributes.own.iter().any(|(own, _)| own.as_bytes() == key)
        };
        let trimmer = self.application.trimmer();
        // T5: of too many attributes none comes along: the stream is an overflow stream anyway.
        let span = if counted.point.oversized { Span::default() } else { counted.point.attributes };
        trimmer.each(counted.path.plan, span, |_, fate, record| {
            let Ok(attribute) = Attribute::parse(record) else { return };
            // T2: a model that has no room among its values has none here either.
            if attribute.key == b"model" && fate == Fate::Replace {
                replaced = Some(String::from_utf8_lossy(attribute.value).into_owned());
            }
            if attributes.with_source && fate != Fate::Remove && !own(attribute.key) {
                records.extend_from_slice(record);
            }
        });
        for (key, text) in attributes.own.iter().map(|(key, text)| (*key, text.as_str())).chain([SOURCE]) {
            let text = if key == "model" { replaced.as_deref().unwrap_or(text) } else { text };
            if !text.is_empty() {
                attribute::push(&mut records, key.as_bytes(), ValueType::String, text.as_bytes());
            }
        }
        records
    }
}

impl Engine {
    /// The clients that are heard, and those that are not any more; once per minute. Called at a tick, with nothing
    /// locked.
    pub(crate) fn compute_clients(&self, now: Now) {
        let Some(pricing) = &self.pricing else { return };
        let counts = pricing.clients.lock().count(now.monotonic_second() / 60);
        for Count { group, active, silent } in counts {
            let mut above = Above::new(&group.metadata, &[], &[], String::new());
            for (state, clients) in [("active", active), ("silent", silent)] {
                let mut records = Vec::new();
                for (key, text) in [("agent", group.agent.as_str()), ("state", state), SOURCE] {
                    attribute::push(&mut records, key.as_bytes(), ValueType::String, text.as_bytes());
                }
                let value = Number::Int(i64::try_from(clients).unwrap_or(i64::MAX));
                let time_unix_nano = now.wall_unix_nano;
                let (oversized, start_unix_nano) = (false, 0);
                let point = Point { records: &records, oversized, start_unix_nano, time_unix_nano, value };
                above.put(self, at_the_tick(&self.emission(now)), now, Computed::Clients, &point);
            }
        }
    }
}

/// What stands above computed points of one resource, with the metrics that were asked for so far.
pub(super) struct Above {
    batch: TextBatch,
    resource: ResourceRef,
    /// The assumption on cache writes, in words.
    cache_writes: String,
    paths: Vec<(Computed, MetricPath)>,
}

/// A computed point.
struct Point<'a> {
    records: &'a [u8],
    /// Its source has too many attributes for a stream of its own (T5).
    oversized: bool,
    start_unix_nano: u64,
    time_unix_nano: u64,
    value: Number,
}

impl Above {
    fn new(metadata: &[u8], resource: &[u8], schema_url: &[u8], cache_writes: String) -> Self {
        let mut batch = TextBatch::default();
        let metadata = batch.push(metadata);
        batch.set_metadata(metadata);
        let resource = ResourceRef {
            attributes: batch.push(resource).span(),
            schema_url: batch.push(schema_url).span(),
        };
        Self { batch, resource, cache_writes, paths: Vec::new() }
    }

    /// The path of a metric below it.
    fn path(&mut self, engine: &Engine, metric: Computed) -> Option<MetricPath> {
        if let Some((_, path)) = self.paths.iter().find(|(known, _)| *known == metric) {
            return Some(*path);
        }
        let [name, unit, description] = metric.texts(&self.cache_writes);
        let mut span = |text: &str| -> Span { self.batch.push(text.as_bytes()).span() };
        let path = TextPath {
            resource: self.resource,
            scope: ScopeRef { name: span(SCOPE), ..ScopeRef::default() },
            metric: MetricRef {
                name: span(&name),
                unit: span(&unit),
                description: span(&description),
                kind: if metric.is_gauge() { MetricKind::Gauge } else { MetricKind::Sum },
                monotonic: metric.is_monotonic(),
                ..MetricRef::default()
            },
        };
        let path = path.identify(engine, &self.batch).ok()?;
        self.paths.push((metric, path));
        Some(path)
    }

    /// Takes one computed point in.
    fn put(
        &mut self,
        engine: &Engine,
        emission: Emission,
        now: Now,
        metric: Computed,
        point: &Point<'_>,
    ) -> Placed {
        let Some(path) = self.path(engine, metric) else { return Placed::default() };
        let mark = self.batch.mark();
        let attributes = self.batch.push(point.records).span();
        let text = engine.catalog.acquire_metric(&self.batch, &path, &engine.trimming);
        let mut result = BatchResult::default();
        result.metrics.push(path);
        result.verdicts.push(Verdict::DROP);
        let records = engine.key.hash(point.records);
        result.points.push(IncomingPoint {
            // Of a point too large for a stream of its own; that of others is found after trimming.
            stream: records,
            // Names the member of a gauge (T4); no window of a sum is recognised here.
            window: if metric.is_gauge() { records.table_hash() } else { 0 },
            start_unix_nano: point.start_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: IncomingValue::Number(point.value),
            attributes,
            link: Link::NONE,
            text: Some(text),
            attribute_order: 0,
            metric: 0,
            number: 0,
            course: Course::Add,
            spelling: Spelling::Same,
            no_recorded_value: false,
            oversized: point.oversized,
        });
        Application { engine, batch: &self.batch, emission, now, repeat: false }.run_computed(&mut result);
        engine.catalog.release_metric(text);
        self.batch.truncate(mark);
        result.points.first().map_or_else(Placed::default, |point| placed(engine, point))
    }
}

/// Where the stream of a point is that was taken in.
fn placed(engine: &Engine, point: &IncomingPoint) -> Placed {
    if point.link != Link::NONE || point.course == Course::Done {
        return Placed { link: point.link, is_overflow: false };
    }
    // T5: that of its metric, or of all resources.
    let number = point.stream.shard(SHARDS);
    let shard = engine.shards[number].lock();
    let link = shard.find(point.stream).map_or(Link::NONE, |slot| shard.link(number, slot));
    Placed { link: if link.birth == 0 { Link::NONE } else { link }, is_overflow: true }
}
