//! After everything is read back: what goes out again, and how changed settings bring streams together.

use std::sync::atomic::Ordering;

use crate::batch::{MetricRef, ResourceRef, ScopeRef, Span};
use crate::catalog::MetricDescriptor;
use crate::config::{Config, Emit};
use crate::distribution::DistributionRef;
use crate::engine::{Engine, SHARDS};
use crate::identity::Identity;
use crate::overflow::raw_sum;
use crate::path::Labels;
use crate::shard::{Body, Forgotten, Shard};
use crate::stream::{NewStream, Stream, StreamImage};
use crate::text::TextBatch;
use crate::text::TextPath;
use crate::trim::Trimmer;
use crate::trimming::Plan;

/// Of the settings that decide which streams are one, and how they are spelled (T0, T1, T4).
pub(crate) fn fingerprint(config: &Config) -> u64 {
    let mut rules = config.rules.clone();
    // How many values an attribute has changes nothing for those that it has (T2).
    rules.iter_mut().for_each(|rule| rule.max_values.clear());
    let text = format!("{:?} {:?} {rules:?} {:?}", config.identity, config.prometheus, config.resource_rule);
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

impl Engine {
    /// Restored streams speak again, none of them at or before `floor_milli`. All totals go out at the first tick
    /// (L2), as many as ever do, the longest idle not. A page then shows what it has to; a store that is pushed to
    /// gets in any case what it has not heard yet (L4).
    pub(crate) fn resume_streams(&self, floor_milli: u64) {
        let again = self.config.emit_interval_nano > 0;
        let pulled = again && self.config.emit == Emit::Each;
        let (oldest, mut quota) = if again { self.oldest_to_show() } else { (u32::MAX, 0) };
        self.sources.iter().for_each(|shard| shard.lock().restore_ages());
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.restore_ages();
            for slot in 0..shard.slots() {
                let Some(stream) = shard.live_mut(slot) else { continue };
                stream.resume(floor_milli);
                let mut shown = again && stream.has_total() && stream.last_seen_second >= oldest;
                if shown && stream.last_seen_second == oldest {
                    shown = quota > 0;
                    quota = quota.saturating_sub(1);
                }
                let owed = stream.owes_a_value() && !(pulled && stream.has_total());
                stream.set_pending(false);
                if shown || owed {
                    shard.mark_pending(slot);
                }
            }
        }
    }

    /// L2: at most `emit_max_streams` were seen after this second, and with so many seen in it they are as many.
    fn oldest_to_show(&self) -> (u32, usize) {
        let mut seconds = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let live = (0..shard.slots()).map(|slot| shard.get(slot));
            seconds.extend(live.filter(|s| s.is_live() && s.has_total()).map(|s| s.last_seen_second));
        }
        seconds.sort_unstable_by_key(|second| std::cmp::Reverse(*second));
        let room = self.config.emit_max_streams as usize;
        let Some(oldest) = room.checked_sub(1).and_then(|last| seconds.get(last)).copied() else {
            return if room == 0 { (u32::MAX, 0) } else { (0, usize::MAX) };
        };
        (oldest, room - seconds.partition_point(|second| *second > oldest))
    }

    /// The settings changed: every stream is trimmed anew, and those that have become one add up (T0, T1).
    pub(crate) fn bring_together(&self) {
        let mut streams = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock();
            for slot in 0..shard.slots() {
                if shard.live_mut(slot).is_some() {
                    let body = shard.take_body(slot).map(|(body, bytes)| {
                        self.budget.remove(bytes);
                        body
                    });
                    streams.push((shard.remove_restored(slot), body));
                }
            }
        }
        for (stream, body) in streams {
            self.put_anew(&stream, body);
            self.release_stream(&stream);
        }
    }

    /// Puts a stream where the settings of today want it.
    fn put_anew(&self, Forgotten { stream, .. }: &Forgotten, body: Option<Body>) {
        let Some((metric, _)) = self.catalog.metric(stream.metric) else { return };
        let mut batch = TextBatch::default();
        let path = stored_path(&metric, &mut batch);
        let Ok(path) = path.identify(self, &batch) else { return };
        let mut records = Vec::new();
        self.catalog.copy_attributes(&stream.attributes, &mut records);
        let span = batch.push(&records).span();
        let labels = Labels::new(&self.config);
        let trimmer = Trimmer { batch: &batch, key: &self.key, trimming: &self.trimming, labels };
        let image = stream.image();
        let (path, identity, spelling) = if image.is_overflow() {
            // That of all resources has none itself (T5).
            let resourceless = metric.scope.resource.attributes.is_empty();
            let path = if resourceless { path.without_parents(&self.key, labels, &batch) } else { path };
            (path, self.overflow_identity(&path), trimmer.spelling(&path, raw_sum(self)))
        } else {
            let trimmed = trimmer.trim(&path, span);
            (path, trimmed.ledger, trimmed.spelling)
        };
        if path.plan.two_level && !image.is_linked() {
            self.keep_windows(stream, &image);
        }
        let mut shard = self.shards[identity.shard(SHARDS)].lock();
        let slot = shard.find(identity).unwrap_or_else(|| {
            let plan = if image.is_overflow() { Plan::default() } else { path.plan };
            let new = NewStream {
                identity,
                metric: self.catalog.acquire_metric(&batch, &path, &self.trimming),
                spelling: path.plan.two_level.then_some(spelling),
                second: stream.last_seen_second,
                attributes: self.intern_trimmed(&trimmer, plan, span),
                overflow: image.is_overflow(),
                ..NewStream::default()
            };
            self.insert_anew(&mut shard, new, &image)
        });
        let existing = shard.get_mut(slot);
        if !existing.absorb(stream) {
            return; // two totals that are no finite number together: the first stays
        }
        if let Some(Body::Distribution(total)) = body {
            let mut words = Vec::new();
            total.write(&mut words);
            // What a total writes can be read; one of another kind has another identity.
            let _ =
                DistributionRef::parse(&words).map(|read| self.merge_distribution(&mut shard, slot, &read));
        }
    }

    /// A stream with nothing in it yet, ready to absorb.
    fn insert_anew(&self, shard: &mut Shard, new: NewStream, image: &StreamImage) -> u32 {
        self.counter(new.overflow).fetch_add(1, Ordering::Relaxed);
        let bytes = crate::shard::STREAM_BYTES + crate::shard::list_bytes(&new.attributes);
        self.budget.add(bytes);
        let slot = shard.insert_restored(new);
        let empty = StreamImage { flags: image.flags, sum: [0; 2], ..*image };
        let windows = if image.is_linked() { [0; 4] } else { image.windows };
        shard.get_mut(slot).restore(&StreamImage { windows, ..empty });
        slot
    }

    /// D3b: the windows of a stream that was its own source go on in a source.
    fn keep_windows(&self, stream: &Stream, image: &StreamImage) {
        let identity = stream.identity();
        let mut shard = self.sources[identity.shard(SHARDS)].lock();
        if shard.find(identity).is_none() && image.windows != [0; 4] {
            let slot =
                self.insert_restored_source(&mut shard, identity, stream.metric, stream.last_seen_second);
            let source = shard.get_mut(slot);
            source.restore(&source.image(), image.windows);
            source.window_ended(stream.latest_output_nano());
        }
    }

    /// D3b: what the sources of a metric remember that has one level now goes on in its streams.
    pub(crate) fn return_windows(&self) {
        for shard in &self.sources {
            let shard = shard.lock();
            for slot in 0..shard.slots() {
                let source = shard.get(slot);
                if source.is_live() && !source.is_member() {
                    self.return_windows_of(source.identity(), source.image().memory);
                }
            }
        }
    }

    fn return_windows_of(&self, identity: Identity, windows: [u64; 4]) {
        let mut ledger = self.shards[identity.shard(SHARDS)].lock();
        if let Some(slot) = ledger.find(identity)
            && ledger.get(slot).birth() == 0
        {
            let stream = ledger.get_mut(slot);
            let image = StreamImage { windows, ..stream.image() };
            stream.restore(&image);
        }
    }
}

/// The texts of a metric as a batch would have them.
fn stored_path(metric: &MetricDescriptor, batch: &mut TextBatch) -> TextPath {
    let (scope, resource) = (&metric.scope, &metric.scope.resource);
    let metadata = batch.push(&resource.metadata);
    batch.set_metadata(metadata);
    let mut span = |text: &[u8]| -> Span { batch.push(text).span() };
    TextPath {
        resource: ResourceRef {
            attributes: span(&resource.attributes),
            schema_url: span(&resource.schema_url),
        },
        scope: ScopeRef {
            name: span(&scope.name),
            version: span(&scope.version),
            attributes: span(&scope.attributes),
            schema_url: span(&scope.schema_url),
        },
        metric: MetricRef {
            name: span(&metric.name),
            unit: span(&metric.unit),
            description: span(&metric.description),
            kind: metric.kind,
            monotonic: metric.monotonic,
            ..MetricRef::default()
        },
    }
}
