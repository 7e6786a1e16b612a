//! From blobs back to streams: snapshots first, then the journal since, each record over the last.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;

use crate::attribute::Attribute;
use crate::batch::{MetricRef, ResourceRef, ScopeRef};
use crate::clock::{NANOS_PER_SECOND, Now};
use crate::config::Retransmissions;
use crate::distribution::{Distribution, DistributionRef};
use crate::engine::{Engine, SHARDS};
use crate::gauge::GaugeMembers;
use crate::identity::Identity;
use crate::intern::InternId;
use crate::ledger::blob::{self, Damage};
use crate::ledger::recent::UNANSWERED_NANOS;
use crate::ledger::segment::{self, Effect, MetricText, More};
use crate::ledger::{Finding, Storage, StorageError, Stored};
use crate::retransmission::REQUEST_MEMORY_SECONDS;
use crate::shard::{Body, STREAM_BYTES, list_bytes};
use crate::source::{Source, SourceImage};
use crate::source_shard::{SOURCE_BYTES, SourceShard};
use crate::stream::{NewStream, StreamImage};
use crate::text::{Place, TextBatch, TextPath};
use crate::usage::UsageKeeper;

/// Puts stored streams into an engine that has none.
pub(crate) struct Restorer<'a> {
    engine: &'a Engine,
    usage: Option<&'a UsageKeeper>,
    /// The start.
    now: Now,
    /// Of the blob at hand: the clocks when it was written.
    written: Now,
    /// The latest of these, Unix nanoseconds.
    pub last_written_unix_nano: u64,
    /// The latest time at which anything went out, as far as it lay ahead of the clock, Unix milliseconds.
    pub floor_milli: u64,
    /// Of the first row that is there, and of the last that there ever was.
    pub first_sequence: Option<u64>,
    pub last_sequence: u64,
    /// Requests and when they were taken in, Unix nanoseconds.
    requests: Vec<(Identity, u64)>,
    /// Requests whose delivery was refused and that have not come again, and when, Unix nanoseconds.
    refused: HashMap<Identity, u64>,
    /// With `retransmissions: add`: requests that are remembered because the last rows tell of them, and how long
    /// ago they were taken in, in nanoseconds. The next row has to tell of them too, as of refused ones.
    pub owed: Vec<(Identity, u64)>,
    /// Scratch.
    list: Vec<InternId>,
    /// Those before have had their answer.
    unanswered: usize,
    /// Rows and snapshots that could not be used.
    pub damaged: u64,
    /// Bytes of rows and of snapshots.
    pub journal_bytes: u64,
    pub snapshot_bytes: u64,
}

/// Blobs that are read before those before them are taken back.
const BLOBS_AHEAD: usize = 2;

/// A blob whose checksum is right.
struct SoundBlob {
    /// Of a row of the journal.
    sequence: Option<u64>,
    written: Now,
    bytes: Vec<u8>,
}

impl SoundBlob {
    fn check(stored: Stored<'_>) -> Result<Self, Damage> {
        let (sequence, bytes) = match stored {
            Stored::Journal(row) => (Some(row.sequence), row.blob),
            Stored::Snapshot(snapshot) => (None, snapshot.blob),
        };
        let (written, _) = blob::open(bytes)?;
        Ok(Self { sequence, written, bytes: bytes.to_vec() })
    }
}

/// What the records of one segment define.
#[derive(Default)]
struct Texts {
    resources: Vec<StoredResource>,
    scopes: Vec<(u32, [Place; 4])>,
    metrics: Vec<InternId>,
    attributes: Vec<InternId>,
    batch: TextBatch,
}

struct StoredResource {
    attributes: Place,
    schema_url: Place,
    metadata: Place,
}

impl<'a> Restorer<'a> {
    pub fn new(engine: &'a Engine, usage: Option<&'a UsageKeeper>, now: Now) -> Self {
        Self {
            engine,
            usage,
            now,
            written: now,
            last_written_unix_nano: 0,
            floor_milli: 0,
            first_sequence: None,
            last_sequence: 0,
            requests: Vec::new(),
            refused: HashMap::new(),
            owed: Vec::new(),
            list: Vec::new(),
            unanswered: 0,
            damaged: 0,
            journal_bytes: 0,
            snapshot_bytes: 0,
        }
    }

    /// Takes everything back that `storage` has. One thread reads and checks, another one takes back.
    pub fn restore(mut self, storage: &mut dyn Storage) -> Result<Self, StorageError> {
        let (sender, blobs) = sync_channel::<SoundBlob>(BLOBS_AHEAD);
        let (read, restored) = std::thread::scope(|scope| {
            let restoring = scope.spawn(move || {
                blobs.into_iter().for_each(|blob| self.blob(&blob));
                self.remember_requests();
                self
            });
            let read = storage.read(&mut |stored| {
                let Ok(blob) = SoundBlob::check(stored) else { return Finding::Damaged };
                // It fails only where the other thread has panicked, which is noticed below.
                let _ = sender.send(blob);
                Finding::Sound
            });
            drop(sender);
            (read, restoring.join())
        });
        let mut restored = restored.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        restored.damaged += read?.damaged;
        Ok(restored)
    }

    /// Takes one blob back. What was read of one that makes no sense stays: each record counts for itself.
    fn blob(&mut self, blob: &SoundBlob) {
        let bytes = blob.bytes.len() as u64;
        match blob.sequence {
            Some(sequence) => {
                self.first_sequence.get_or_insert(sequence);
                self.last_sequence = self.last_sequence.max(sequence);
                self.journal_bytes += bytes;
            }
            None => self.snapshot_bytes += bytes,
        }
        if self.content(blob.sequence, blob.written, &blob.bytes[blob::HEADER_BYTES..]).is_err() {
            self.damaged += 1;
        }
    }

    fn content(&mut self, sequence: Option<u64>, written: Now, content: &[u8]) -> Result<(), Damage> {
        self.written = written;
        self.last_written_unix_nano = self.last_written_unix_nano.max(written.wall_unix_nano);
        for segment in segment::segments(content) {
            let (_, records) = segment?;
            let mut texts = Texts::default();
            let read = segment::read(records, |effect| self.effect(effect, &mut texts, sequence));
            texts.metrics.iter().for_each(|id| self.engine.catalog.release_metric(*id));
            texts.attributes.iter().for_each(|id| self.engine.catalog.release_attribute(*id));
            read?;
        }
        Ok(())
    }

    fn effect(&mut self, effect: Effect<'_>, texts: &mut Texts, sequence: Option<u64>) -> Result<(), Damage> {
        match effect {
            Effect::Resource { attributes, schema_url, metadata } => {
                let batch = &mut texts.batch;
                let [attributes, schema_url, metadata] =
                    [attributes, schema_url, metadata].map(|text| batch.push(text));
                texts.resources.push(StoredResource { attributes, schema_url, metadata });
            }
            Effect::Scope { resource, name, version, attributes, schema_url } => {
                let places = [name, version, attributes, schema_url].map(|text| texts.batch.push(text));
                texts.scopes.push((resource, places));
            }
            Effect::Metric(metric) => {
                let id = self.metric(metric, texts)?;
                texts.metrics.push(id);
            }
            Effect::Attribute(record) => {
                Attribute::parse(record).map_err(|_| Damage::Content(0))?;
                let identity = self.engine.key.attribute(record);
                texts.attributes.push(self.engine.catalog.acquire_attribute(identity, record));
            }
            Effect::Stream { identity, metric, flags, spelling, attributes } => {
                let metric = *texts.metrics.get(metric as usize).ok_or(Damage::Content(0))?;
                let image = StreamImage { flags, spelling, ..StreamImage::default() };
                let mut list = std::mem::take(&mut self.list);
                list.clear();
                for number in attributes.iter() {
                    list.push(*texts.attributes.get(number as usize).ok_or(Damage::Content(0))?);
                }
                self.stream(identity, metric, &image, &list);
                self.list = list;
            }
            Effect::StreamValue { identity, mut image, more } => {
                image.windows = more.windows;
                self.stream_value(identity, &image, &more)?;
            }
            Effect::StreamGone { identity, floor_milli } => self.stream_gone(identity, floor_milli),
            Effect::Source { identity, metric } => {
                let metric = *texts.metrics.get(metric as usize).ok_or(Damage::Content(0))?;
                self.source(identity, metric);
            }
            Effect::SourceValue { identity, image, more } => self.source_value(identity, &image, &more)?,
            Effect::SourceGone { identity, forgotten_unix_nano } => {
                self.source_gone(identity, forgotten_unix_nano);
            }
            Effect::Request { digest, monotonic_nano } => {
                self.requests.push((digest, self.wall_of(monotonic_nano)));
            }
            Effect::Admitted { limit, value } => self.engine.trimming.admit(limit, value),
            Effect::Refused { digest, monotonic_nano } => {
                self.refused.insert(digest, self.wall_of(monotonic_nano));
            }
            Effect::Recognised { digest } => drop(self.refused.remove(&digest)),
            Effect::Answered => self.unanswered = self.requests.len(),
            Effect::Floor { milli } => self.floor_milli = self.floor_milli.max(milli),
            Effect::Sequence(sequence) => self.last_sequence = self.last_sequence.max(sequence),
            Effect::Usage(records) => {
                if let (Some(usage), Some(sequence)) = (self.usage, sequence) {
                    usage.replay(sequence, records).map_err(|_| Damage::Content(0))?;
                }
            }
        }
        Ok(())
    }

    /// Interns a metric; its identities are worked out from its text, as a batch's are.
    fn metric(&self, metric: MetricText<'_>, texts: &mut Texts) -> Result<InternId, Damage> {
        let engine = self.engine;
        let (resource, [name, version, attributes, schema_url]) =
            *texts.scopes.get(metric.scope as usize).ok_or(Damage::Content(0))?;
        let resource = texts.resources.get(resource as usize).ok_or(Damage::Content(0))?;
        let mark = texts.batch.mark();
        texts.batch.set_metadata(resource.metadata);
        let [own, unit, description] =
            [metric.name, metric.unit, metric.description].map(|text| texts.batch.push(text));
        let path = TextPath {
            resource: ResourceRef {
                attributes: resource.attributes.span(),
                schema_url: resource.schema_url.span(),
            },
            scope: ScopeRef {
                name: name.span(),
                version: version.span(),
                attributes: attributes.span(),
                schema_url: schema_url.span(),
            },
            metric: MetricRef {
                name: own.span(),
                unit: unit.span(),
                description: description.span(),
                kind: metric.kind,
                monotonic: metric.monotonic,
                ..MetricRef::default()
            },
        };
        let path = path.identify(engine, &texts.batch).map_err(|_| Damage::Content(0))?;
        let id = engine.catalog.acquire_metric(&texts.batch, &path, &engine.trimming);
        texts.batch.truncate(mark);
        Ok(id)
    }

    fn stream(&self, identity: Identity, metric: InternId, image: &StreamImage, attributes: &[InternId]) {
        let engine = self.engine;
        engine.catalog.acquire_metric_again(metric);
        attributes.iter().for_each(|id| engine.catalog.acquire_attribute_again(*id));
        let mut shard = engine.shards[identity.shard(SHARDS)].lock();
        if let Some(slot) = shard.find(identity) {
            // Its resource has another text now (T0); its value stays.
            let stream = shard.get_mut(slot);
            engine.catalog.release_metric(std::mem::replace(&mut stream.metric, metric));
            attributes.iter().for_each(|id| engine.catalog.release_attribute(*id));
            return;
        }
        let new = NewStream {
            identity,
            metric,
            attributes: attributes.into(),
            overflow: image.is_overflow(),
            spelling: image.is_linked().then_some(image.spelling),
            second: self.now.monotonic_second(),
            ..NewStream::default()
        };
        engine.counter(image.is_overflow()).fetch_add(1, Ordering::Relaxed);
        engine.budget.add(STREAM_BYTES + list_bytes(&new.attributes));
        shard.insert_restored(new);
    }

    fn stream_value(&self, identity: Identity, image: &StreamImage, more: &More) -> Result<(), Damage> {
        let mut shard = self.engine.shards[identity.shard(SHARDS)].lock();
        let Some(slot) = shard.find(identity) else {
            return Ok(()); // forgotten later, or its description was in a damaged blob
        };
        let stream = shard.get_mut(slot);
        stream.restore(image);
        stream.last_seen_second = self.second(more.seen_second);
        if !more.words.is_empty() {
            let total = Body::Distribution(distribution(&more.words)?);
            // A place that was empty is filled at once.
            let nothing = || Body::Gauge(GaugeMembers::default());
            let replaced = shard.with_body(slot, nothing, |body| *body = total);
            if let Some(((), before, after)) = replaced {
                self.engine.budget.change(before, after);
            }
        }
        Ok(())
    }

    fn stream_gone(&self, identity: Identity, floor_milli: u64) {
        let mut shard = self.engine.shards[identity.shard(SHARDS)].lock();
        shard.raise_forgotten_floor(floor_milli);
        if let Some(slot) = shard.find(identity) {
            let forgotten = shard.remove_restored(slot);
            self.engine.release_stream(&forgotten);
        }
    }

    fn source(&self, identity: Identity, metric: InternId) {
        let engine = self.engine;
        let mut shard = engine.sources[identity.shard(SHARDS)].lock();
        if shard.find(identity).is_none() {
            engine.insert_restored_source(&mut shard, identity, metric, self.now.monotonic_second());
        }
    }

    fn source_value(&self, identity: Identity, image: &SourceImage, more: &More) -> Result<(), Damage> {
        let engine = self.engine;
        let mut shard = engine.sources[identity.shard(SHARDS)].lock();
        let Some(slot) = shard.find(identity) else { return Ok(()) };
        let second = self.second(more.seen_second);
        let change = shard.restore(slot, image, more.windows, second);
        let _ = engine
            .source_count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add_signed(change));
        if !more.words.is_empty() {
            let (before, after) = shard.replace_distribution(slot, distribution(&more.words)?);
            engine.budget.change(before, after);
        }
        Ok(())
    }

    fn source_gone(&self, identity: Identity, forgotten_unix_nano: u64) {
        let mut shard = self.engine.sources[identity.shard(SHARDS)].lock();
        shard.forgotten_nano = shard.forgotten_nano.max(forgotten_unix_nano);
        if let Some(slot) = shard.find(identity) {
            self.engine.forget_source(&mut shard, slot, false);
        }
    }

    /// D3a: the requests that were taken in, once all blobs are read.
    ///
    /// With `retransmissions: add` only those that were refused, and those of the last moments: their senders
    /// may not have heard of it.
    fn remember_requests(&mut self) {
        let mut requests = std::mem::take(&mut self.requests);
        if self.engine.config.retransmissions == Retransmissions::Add {
            drop(requests.drain(..self.unanswered));
            // By the clock of the last row: it may have stepped back before.
            let newest = self.written.wall_unix_nano.saturating_sub(UNANSWERED_NANOS);
            requests.retain(|(_, taken_in_unix_nano)| *taken_in_unix_nano >= newest);
            let untold = requests.iter().filter(|(digest, _)| !self.refused.contains_key(digest));
            self.owed =
                untold.filter_map(|(digest, nano)| Some((*digest, self.remembered_age(*nano)?))).collect();
            requests.extend(self.refused.drain());
            requests.sort_unstable_by_key(|(_, unix_nano)| *unix_nano);
        }
        for (digest, unix_nano) in requests {
            if let Some(age) = self.remembered_age(unix_nano) {
                self.engine.remember_restored(digest, age, self.now);
            }
        }
    }

    /// D3a: how long ago that was, in nanoseconds, unless a request of that time is forgotten.
    fn remembered_age(&self, unix_nano: u64) -> Option<u64> {
        let age = self.now.wall_unix_nano.saturating_sub(unix_nano);
        (age < REQUEST_MEMORY_SECONDS * NANOS_PER_SECOND).then_some(age)
    }

    /// When something happened, Unix nanoseconds, by the clock of the process that wrote the blob at hand.
    fn wall_of(&self, monotonic_nano: u64) -> u64 {
        let before = self.written.monotonic_nano.saturating_sub(monotonic_nano);
        self.written.wall_unix_nano.saturating_sub(before)
    }

    /// The same moment on this process's monotonic clock, which may have begun later.
    fn second(&self, seen_second: Option<u32>) -> u32 {
        let seen = match seen_second {
            Some(second) => u64::from(second) * NANOS_PER_SECOND,
            None => self.written.monotonic_nano,
        };
        let ago = self.now.wall_unix_nano.saturating_sub(self.wall_of(seen)) / NANOS_PER_SECOND;
        self.now.monotonic_second().saturating_sub(ago.min(u64::from(u32::MAX)) as u32)
    }
}

impl Engine {
    /// A source that remembers nothing yet, last seen in this second; the caller has looked that there is none of
    /// this identity.
    pub(crate) fn insert_restored_source(
        &self,
        shard: &mut SourceShard,
        identity: Identity,
        metric: InternId,
        second: u32,
    ) -> u32 {
        self.catalog.acquire_metric_again(metric);
        self.budget.add(SOURCE_BYTES);
        self.source_count.fetch_add(1, Ordering::Relaxed);
        let mut source = Source::of_windows(identity, metric);
        source.last_seen_second = second;
        shard.insert(source)
    }
}

fn distribution(words: &[u64]) -> Result<Distribution, Damage> {
    let read = DistributionRef::parse(words).map_err(|_| Damage::Content(0))?;
    let mut total = Distribution::empty_like(&read);
    total.merge(&read).map_err(|_| Damage::Content(0))?;
    Ok(total)
}
