//! What changes in one part of the store, written down as it happens, under the part's own lock.
//!
//! Each record says how something is afterwards, not what was done to it: whoever reads records again
//! that a snapshot already contains ends at the same state. That is why a snapshot needs no moment at
//! which nothing moves: it and the journal since its beginning give the truth (design §5).

use hashbrown::HashTable;

use crate::catalog::{Catalog, MetricDescriptor};
use crate::distribution::Distribution;
use crate::identity::Identity;
use crate::intern::InternId;
use crate::ledger::bytes::push_text;
use crate::source::{Source, SourceImage};
use crate::stream::{Stream, StreamImage};

/// Kinds of records; [`super::segment`] reads them. Numbers are never used again for something else.
pub(crate) mod kind {
    pub const RESOURCE: u8 = 1;
    pub const SCOPE: u8 = 2;
    pub const METRIC: u8 = 3;
    pub const ATTRIBUTE: u8 = 4;
    pub const STREAM: u8 = 5;
    pub const STREAM_VALUE: u8 = 6;
    pub const STREAM_GONE: u8 = 7;
    pub const SOURCE: u8 = 8;
    pub const SOURCE_VALUE: u8 = 9;
    pub const SOURCE_GONE: u8 = 10;
    pub const REQUEST: u8 = 11;
    pub const ADMITTED: u8 = 12;
    pub const USAGE: u8 = 13;
    pub const ANSWERED: u8 = 14;
    pub const FLOOR: u8 = 15;
    pub const SEQUENCE: u8 = 16;
    pub const REFUSED: u8 = 17;
    pub const RECOGNISED: u8 = 18;
}

/// In the byte that says what follows a value: the number of windows, and these.
pub(crate) const WINDOWS: u8 = 7;
pub(crate) const HAS_WORDS: u8 = 64;
pub(crate) const HAS_SEEN: u8 = 128;

/// What goes with the value of a stream or source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent<'a> {
    /// How many of its windows, the newest first (D3b).
    pub windows: usize,
    pub distribution: Option<&'a Distribution>,
    /// When it was last seen, for snapshots; in a journal that is when the row was written.
    pub seen_second: Option<u32>,
}

/// Records of one part of the store, in the order in which things happened.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    bytes: Vec<u8>,
    texts: Texts,
    words: Vec<u64>,
}

/// Which texts the records define already, by their place among those of their kind.
///
/// Every id in these tables is that of a stream or source that lives in the same part, so none is
/// given to another text meanwhile; where one goes, [`Effects::forget_texts`] is called.
#[derive(Debug, Default)]
struct Texts {
    resources: Numbers,
    scopes: Numbers,
    metrics: Numbers,
    attributes: Numbers,
}

#[derive(Debug, Default)]
struct Numbers {
    known: HashTable<(InternId, u32)>,
    next: u32,
}

impl Numbers {
    /// The number of `id`; true if it is new.
    fn of(&mut self, id: InternId) -> (u32, bool) {
        if let Some((_, number)) = self.known.find(id.table_hash(), |(known, _)| *known == id) {
            return (*number, false);
        }
        let number = self.next;
        self.next += 1;
        self.known.insert_unique(id.table_hash(), (id, number), |(id, _)| id.table_hash());
        (number, true)
    }
}

impl Effects {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends the records to `out` as a segment of part `number` and begins anew.
    pub fn take_into(&mut self, number: u32, out: &mut Vec<u8>) {
        push_segment(out, number, &self.bytes);
        self.bytes.clear();
        self.bytes.shrink_to(MAX_IDLE_BYTES);
        self.texts = Texts::default();
    }

    /// A stream is forgotten, or has another metric: its texts may be given back.
    pub fn forget_texts(&mut self) {
        for numbers in [
            &mut self.texts.resources,
            &mut self.texts.scopes,
            &mut self.texts.metrics,
            &mut self.texts.attributes,
        ] {
            numbers.known.clear();
        }
    }

    /// Who a stream is. Its value follows with [`Self::stream_value`].
    pub fn stream(&mut self, stream: &Stream, catalog: &Catalog) {
        let metric = self.metric(stream.metric, catalog);
        let attributes: Vec<u32> = stream.attributes.iter().map(|id| self.attribute(*id, catalog)).collect();
        self.begin(kind::STREAM, stream.identity());
        self.u32(metric);
        let image = stream.image();
        self.bytes.extend_from_slice(&image.flags.to_le_bytes());
        self.u64(image.spelling);
        self.u32(attributes.len() as u32);
        attributes.into_iter().for_each(|number| self.u32(number));
    }

    /// How a stream is now.
    pub fn stream_value(&mut self, stream: &Stream, extent: Extent<'_>) {
        let image = stream.image();
        let StreamImage { flags, start_unix_nano, latest_output_milli, sum, windows, .. } = image;
        // At once: this runs for each stream of each batch.
        let mut fixed = [kind::STREAM_VALUE; 51];
        fixed[1..17].copy_from_slice(&stream.identity().0.to_le_bytes());
        fixed[17..19].copy_from_slice(&flags.to_le_bytes());
        fixed[19..27].copy_from_slice(&start_unix_nano.to_le_bytes());
        fixed[27..35].copy_from_slice(&latest_output_milli.to_le_bytes());
        fixed[35..43].copy_from_slice(&sum[0].to_le_bytes());
        fixed[43..].copy_from_slice(&sum[1].to_le_bytes());
        // The second word of an integer is not in use.
        let used = if image.is_double() { 51 } else { 43 };
        self.bytes.extend_from_slice(&fixed[..used]);
        self.extent(&windows, extent);
    }

    /// A stream was forgotten; nothing may go out at or before `floor_milli` if it comes back (D6).
    pub fn stream_gone(&mut self, identity: Identity, floor_milli: u64) {
        self.forget_texts();
        self.begin(kind::STREAM_GONE, identity);
        self.u64(floor_milli);
    }

    /// Who a source is.
    pub fn source(&mut self, source: &Source, catalog: &Catalog) {
        let metric = self.metric(source.metric, catalog);
        self.begin(kind::SOURCE, source.identity());
        self.u32(metric);
    }

    /// How a source is now.
    pub fn source_value(&mut self, source: &Source, extent: Extent<'_>) {
        let SourceImage { flags, latest_end_second, memory } = source.image();
        self.begin(kind::SOURCE_VALUE, source.identity());
        self.bytes.push(flags);
        self.u32(latest_end_second);
        if source.is_member() {
            memory[..3].iter().for_each(|word| self.u64(*word));
            self.bytes.push(memory[3] as u8);
            self.extent(&[], Extent { windows: 0, ..extent });
        } else {
            self.extent(&memory, extent);
        }
    }

    /// A source was forgotten: members that began at or before this moment may have been counted (T3).
    pub fn source_gone(&mut self, identity: Identity, forgotten_unix_nano: u64) {
        self.forget_texts();
        self.begin(kind::SOURCE_GONE, identity);
        self.u64(forgotten_unix_nano);
    }

    /// A whole request was taken in (D3a), at this reading of the monotonic clock.
    pub fn request(&mut self, digest: Identity, monotonic_nano: u64) {
        self.begin(kind::REQUEST, digest);
        self.u64(monotonic_nano);
    }

    /// The delivery of a request was refused: with `retransmissions: add` it is recognised when it comes again.
    pub fn refused(&mut self, digest: Identity, monotonic_nano: u64) {
        self.begin(kind::REFUSED, digest);
        self.u64(monotonic_nano);
    }

    /// A refused request came again.
    pub fn recognised(&mut self, digest: Identity) {
        self.begin(kind::RECOGNISED, digest);
    }

    /// Every request so far has had its answer, so none will be repeated for want of one.
    pub fn answered(&mut self) {
        self.bytes.push(kind::ANSWERED);
    }

    /// Something went out at this time; nothing may go out at or before it after a restart (D4).
    pub fn floor(&mut self, milli: u64) {
        self.bytes.push(kind::FLOOR);
        self.u64(milli);
    }

    /// Rows of the journal were numbered up to here.
    pub fn sequence(&mut self, sequence: u64) {
        self.bytes.push(kind::SEQUENCE);
        self.u64(sequence);
    }

    /// A value has its place among the first of its attribute (T2).
    pub fn admitted(&mut self, limit: u64, value: u64) {
        self.bytes.push(kind::ADMITTED);
        self.u64(limit);
        self.u64(value);
    }

    /// What was used; the records are those of [`crate::usage`].
    pub fn usage(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.bytes.len();
        self.bytes.push(kind::USAGE);
        self.u32(0);
        let content = self.bytes.len();
        fill(&mut self.bytes);
        let length = self.bytes.len() - content;
        if length == 0 {
            self.bytes.truncate(begin);
        } else {
            self.bytes[begin + 1..content].copy_from_slice(&(length as u32).to_le_bytes());
        }
    }

    fn begin(&mut self, kind: u8, identity: Identity) {
        let mut head = [kind; 17];
        head[1..].copy_from_slice(&identity.0.to_le_bytes());
        self.bytes.extend_from_slice(&head);
    }

    fn u32(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn extent(&mut self, windows: &[u64], extent: Extent<'_>) {
        let windows = &windows[..extent.windows.min(windows.len())];
        let mut what = windows.len() as u8;
        what |= if extent.seen_second.is_some() { HAS_SEEN } else { 0 };
        what |= if extent.distribution.is_some() { HAS_WORDS } else { 0 };
        self.bytes.push(what);
        extent.seen_second.into_iter().for_each(|second| self.u32(second));
        windows.iter().for_each(|window| self.u64(*window));
        if let Some(distribution) = extent.distribution {
            let mut words = std::mem::take(&mut self.words);
            words.clear();
            distribution.write(&mut words);
            self.u32(words.len() as u32);
            words.iter().for_each(|word| self.u64(*word));
            self.words = words;
        }
    }

    fn attribute(&mut self, id: InternId, catalog: &Catalog) -> u32 {
        let (number, new) = self.texts.attributes.of(id);
        if new {
            self.bytes.push(kind::ATTRIBUTE);
            catalog.read_attribute(id, |record| push_text(&mut self.bytes, record));
        }
        number
    }

    /// Defines a metric with its scope and resource, each unless it is defined already.
    fn metric(&mut self, id: InternId, catalog: &Catalog) -> u32 {
        let (number, new) = self.texts.metrics.of(id);
        if let (true, Some((metric, [resource, scope]))) = (new, catalog.metric(id)) {
            let resource = self.resource(resource, &metric);
            let scope = self.scope(scope, resource, &metric);
            self.bytes.push(kind::METRIC);
            self.u32(scope);
            for text in [&metric.name, &metric.unit, &metric.description] {
                push_text(&mut self.bytes, text);
            }
            self.bytes.extend_from_slice(&[metric.kind as u8, u8::from(metric.monotonic)]);
        }
        number
    }

    fn scope(&mut self, id: InternId, resource: u32, metric: &MetricDescriptor) -> u32 {
        let (number, new) = self.texts.scopes.of(id);
        if new {
            let scope = &metric.scope;
            self.bytes.push(kind::SCOPE);
            self.u32(resource);
            for text in [&scope.name, &scope.version, &scope.attributes, &scope.schema_url] {
                push_text(&mut self.bytes, text);
            }
        }
        number
    }

    fn resource(&mut self, id: InternId, metric: &MetricDescriptor) -> u32 {
        let (number, new) = self.texts.resources.of(id);
        if new {
            let resource = &metric.scope.resource;
            self.bytes.push(kind::RESOURCE);
            for text in [&resource.attributes, &resource.schema_url, &resource.metadata] {
                push_text(&mut self.bytes, text);
            }
        }
        number
    }
}

/// Memory that a part keeps for its next records.
const MAX_IDLE_BYTES: usize = 16 << 10;

/// Appends a segment: the number of its part and its length, then its records.
pub(crate) fn push_segment(out: &mut Vec<u8>, number: u32, records: &[u8]) {
    out.extend_from_slice(&number.to_le_bytes());
    push_text(out, records);
}
