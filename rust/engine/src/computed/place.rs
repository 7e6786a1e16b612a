//! Streams of computed metrics: a known one is added to at once, another is made as any stream is.

use tokenledger_prices::{PICO_PER_USD, PicoUsd};

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
use crate::result::{BatchResult, Course, IncomingPoint, IncomingValue, MAX_ATTRIBUTE_BYTES, Spelling};
use crate::route::at_the_tick;
use crate::source::Link;
use crate::stream::Emission;
use crate::text::TextBatch;
use crate::text::TextPath;
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

/// What is added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// In millionths.
    Tokens(i128),
    /// In units of 10⁻¹².
    Dollars(PicoUsd),
}

impl Amount {
    fn number(self) -> Number {
        match self {
            Self::Tokens(tokens) => match i64::try_from(tokens) {
                Ok(tokens) if tokens % 1_000_000 == 0 => Number::Int(tokens / 1_000_000),
                _ => Number::Double(tokens as f64 / 1e6),
            },
            // Whole 10⁻¹² dollars up to here; the stream's sum is compensated (D7), so this one rounding of each
            // amount, by 10⁻¹⁶ of it, is all. Conversions of 128 bits are slow, and rarely needed.
            Self::Dollars(pico) => {
                let pico = i64::try_from(pico).map_or(pico as f64, |pico| pico as f64);
                Number::Double(pico / PICO_PER_USD as f64)
            }
        }
    }
}

/// The attributes of our own, in the order in which they are written.
pub(super) struct Labels {
    agent: String,
    model: String,
    provider: String,
    token_type: &'static str,
}

/// Attributes of one computed point.
pub(super) struct Attributes {
    /// Key and text; empty texts are left out.
    own: Vec<(&'static str, String)>,
    /// Whether the source's attributes that rules leave come too.
    with_source: bool,
}

impl Labels {
    /// `seller` is the one whose price it is, if there is one.
    pub fn of(key: &TariffKey, seller: Option<&str>) -> Self {
        Self {
            agent: key.agent.clone(),
            model: key.model.clone(),
            provider: seller.unwrap_or(&key.provider).to_owned(),
            token_type: type_name(key.effect.measure),
        }
    }

    /// For a stream of the source's own.
    pub fn of_source(self) -> Attributes {
        let own = vec![
            ("agent", self.agent),
            ("model", self.model),
            ("provider", self.provider),
            ("type", self.token_type.to_owned()),
        ];
        Attributes { own, with_source: true }
    }

    /// For a stream of many sources.
    pub fn of_account(self, issue: &str) -> Attributes {
        let own = vec![
            ("agent", self.agent),
            ("model", self.model),
            ("provider", self.provider),
            ("issue", issue.to_owned()),
        ];
        Attributes { own, with_source: false }
    }
}

/// What every computed point says of where its tokens were counted.
const SOURCE: (&str, &str) = ("source", "metrics");

impl<B: Batch> Pass<'_, B> {
    /// Adds to a stream whose place is known; false if it has gone.
    #[inline]
    pub fn add_to_known(&self, link: Link, amount: Amount, counted: Counted<'_>) -> bool {
        if link == Link::NONE {
            return false;
        }
        let (application, point) = (self.application, counted.point);
        let mut shard = application.engine.shards[usize::from(link.shard)].lock();
        let Some(slot) = shard.follow(link) else { return false };
        let stream = shard.get_mut(slot);
        if self.carries_other_text(stream.text_of(), counted) {
            return false;
        }
        stream.last_seen_second = application.emission.clock.monotonic_second;
        if stream.add(amount.number()) {
            stream.answer(point.time_unix_nano, &at_the_tick(&application.emission));
            shard.mark_pending(slot);
            shard.note_value(slot, 0);
        }
        true
    }

    /// T0: whether a stream should carry the text of this point's resource from now on. The latest one counts, as for
    /// clients' own metrics; but where clients take turns, each minute's first is enough.
    #[inline]
    fn carries_other_text(&self, text_of: u64, counted: Counted<'_>) -> bool {
        self.follows_texts
            && text_of >> 32 != self.text_of(counted) >> 32
            && text_of as u32 != self.minute.saturating_add(1)
    }

    /// The resource of a point, and the minute, which is never 0.
    fn text_of(&self, counted: Counted<'_>) -> u64 {
        let resource = counted.path.resource_identity.output.table_hash() | 1 << 32;
        resource & !u64::from(u32::MAX) | u64::from(self.minute.saturating_add(1))
    }

    /// Adds to a stream through the passes that every stream is made by.
    #[cold]
    pub fn place(
        &self,
        counted: Counted<'_>,
        metric: Computed,
        attributes: &Attributes,
        amount: Amount,
    ) -> Placed {
        let (application, batch) = (self.application, self.application.batch);
        let mut above = Above::default();
        // The first pass has read the same attributes to their end without error.
        let _ = batch.metadata(|record| above.metadata.extend_from_slice(record));
        let _ = batch.resource_attributes(counted.path.resource.attributes, |record| {
            above.resource.extend_from_slice(record);
        });
        above.schema_url.extend_from_slice(batch.bytes(counted.path.resource.schema_url));
        let records = self.records(counted, attributes);
        let texts = metric.texts(&self.pricing.config.cache_writes());
        let new = Point {
            metric,
            texts: &texts,
            records: &records,
            start_unix_nano: counted.point.start_unix_nano,
            time_unix_nano: counted.point.time_unix_nano,
            value: amount.number(),
        };
        let placed = put(application.engine, application.emission, application.now, &above, &new);
        if placed.link != Link::NONE && self.follows_texts {
            let mut shard = application.engine.shards[usize::from(placed.link.shard)].lock();
            if let Some(slot) = shard.follow(placed.link) {
                shard.get_mut(slot).set_text_of(self.text_of(counted));
            }
        }
        placed
    }

    /// The attributes of a computed point: what rules leave of the source's, with ours over them.
    fn records(&self, counted: Counted<'_>, attributes: &Attributes) -> Vec<u8> {
        let mut records = Vec::with_capacity(512);
        let mut replaced = None;
        let own = |key: &[u8]| {
            key == SOURCE.0.as_bytes() || attributes.own.iter().any(|(own, _)| own.as_bytes() == key)
        };
        let trimmer = self.application.trimmer();
        trimmer.each(counted.path.plan, counted.point.attributes, |_, fate, record| {
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
            let above = Above { metadata: group.metadata.to_vec(), ..Above::default() };
            for (state, clients) in [("active", active), ("silent", silent)] {
                let mut records = Vec::new();
                for (key, text) in [("agent", group.agent.as_str()), ("state", state), SOURCE] {
                    attribute::push(&mut records, key.as_bytes(), ValueType::String, text.as_bytes());
                }
                let point = Point {
                    metric: Computed::Clients,
                    texts: &Computed::Clients.texts(""),
                    records: &records,
                    start_unix_nano: 0,
                    time_unix_nano: now.wall_unix_nano,
                    value: Number::Int(i64::try_from(clients).unwrap_or(i64::MAX)),
                };
                put(self, self.emission(now), now, &above, &point);
            }
        }
    }
}

/// What stands above a computed point, as records and text.
#[derive(Default)]
struct Above {
    metadata: Vec<u8>,
    resource: Vec<u8>,
    schema_url: Vec<u8>,
}

/// A computed point.
struct Point<'a> {
    metric: Computed,
    texts: &'a [String; 3],
    records: &'a [u8],
    start_unix_nano: u64,
    time_unix_nano: u64,
    value: Number,
}

/// Takes one computed point in.
fn put(engine: &Engine, emission: Emission, now: Now, above: &Above, point: &Point<'_>) -> Placed {
    let mut batch = TextBatch::default();
    let metadata = batch.push(&above.metadata);
    batch.set_metadata(metadata);
    let mut span = |text: &[u8]| -> Span { batch.push(text).span() };
    let [name, unit, description] = point.texts;
    let kind = if point.metric.is_gauge() { MetricKind::Gauge } else { MetricKind::Sum };
    let path = TextPath {
        resource: ResourceRef { attributes: span(&above.resource), schema_url: span(&above.schema_url) },
        scope: ScopeRef { name: span(SCOPE.as_bytes()), ..ScopeRef::default() },
        metric: MetricRef {
            name: span(name.as_bytes()),
            unit: span(unit.as_bytes()),
            description: span(description.as_bytes()),
            kind,
            monotonic: point.metric.is_monotonic(),
            ..MetricRef::default()
        },
    };
    let attributes = span(point.records);
    let Ok(path) = path.identify(engine, &batch) else { return Placed::default() };
    let text = engine.catalog.acquire_metric(&batch, &path, &engine.trimming);
    let mut result = BatchResult::default();
    result.metrics.push(path);
    result.verdicts.push(Verdict::DROP);
    result.points.push(IncomingPoint {
        // Of a point too large for a stream of its own; that of others is found after trimming.
        stream: engine.key.hash(point.records),
        // Names the member of a gauge (T4); no window of a sum is recognised here.
        window: if point.metric.is_gauge() { engine.key.hash(point.records).table_hash() } else { 0 },
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
        oversized: point.records.len() > MAX_ATTRIBUTE_BYTES,
    });
    let emission = at_the_tick(&emission);
    Application { engine, batch: &batch, emission, now, repeat: false }.run_computed(&mut result);
    engine.catalog.release_metric(text);
    let Some(point) = result.points.first() else { return Placed::default() };
    if point.link != Link::NONE || point.course == Course::Done {
        return Placed { link: point.link, is_overflow: false };
    }
    // T5: that of its metric, or of all resources.
    let number = point.stream.shard(SHARDS);
    let shard = engine.shards[number].lock();
    let link = shard.find(point.stream).map_or(Link::NONE, |slot| shard.link(number, slot));
    Placed { link: if link.birth == 0 { Link::NONE } else { link }, is_overflow: true }
}
