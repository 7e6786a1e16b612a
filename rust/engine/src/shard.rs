//! One of the 64 parts of the stream store: a hash table of slots into a slab of streams.

use hashbrown::HashTable;

use crate::ages::{Age, Ages};
use crate::catalog::Catalog;
use crate::clock::NANOS_PER_MILLI;
use crate::distribution::Distribution;
use crate::gauge::GaugeMembers;
use crate::identity::Identity;
use crate::ledger::effects::{Effects, Extent};
use crate::result::{Touched, Zero};
use crate::slab::Slab;
use crate::source::Link;
use crate::stream::{NO_BODY, NewStream, Stream};

/// Streams whose identities fall into one shard.
#[derive(Debug)]
pub(crate) struct Shard {
    index: HashTable<u32>,
    streams: Slab<Stream>,
    /// What does not fit into an entry: histograms, members of gauges.
    bodies: Slab<Option<Body>>,
    ages: Ages,
    /// Overflow streams, which are spared where others make room (T5).
    overflow_ages: Ages,
    /// Slots that have something to say at the next tick; some may have said it since.
    pending: Vec<u32>,
    /// D6: the latest emitted time of any stream forgotten here, Unix milliseconds.
    forgotten_floor_milli: u64,
    /// See [`Self::newest_output_milli`].
    newest_output_milli: u64,
    /// Number of the stream that was made last; tells a stream from a later one in its slot.
    births: u64,
    /// Bytes of the attribute lists that live streams own.
    list_bytes: usize,
    /// Bytes that bodies point to.
    body_bytes: usize,
    /// What changed since the ledger's last row; `None` without a ledger.
    effects: Option<Box<Effects>>,
}

/// A value that does not fit into a stream's entry.
#[derive(Debug)]
pub(crate) enum Body {
    /// The total of a histogram.
    Distribution(Distribution),
    /// The members of a gauge that is a sum or a maximum.
    Gauge(GaugeMembers),
}

impl Body {
    pub fn bytes(&self) -> usize {
        match self {
            Self::Distribution(distribution) => distribution.bytes(),
            Self::Gauge(members) => members.bytes(),
        }
    }
}

/// Bytes that a stream costs with its share of the tables, without its attribute list.
pub(crate) const STREAM_BYTES: usize = size_of::<Stream>() + 24;

/// What forgetting a stream gives back.
pub(crate) struct Forgotten {
    pub stream: Stream,
    pub bytes: usize,
}

impl Shard {
    /// `age_seconds` is how exactly ages are told.
    pub fn new(age_seconds: u32) -> Self {
        Self {
            index: HashTable::new(),
            streams: Slab::new(),
            bodies: Slab::new(),
            ages: Ages::new(age_seconds),
            overflow_ages: Ages::new(age_seconds),
            pending: Vec::new(),
            forgotten_floor_milli: 0,
            newest_output_milli: 0,
            births: 0,
            list_bytes: 0,
            body_bytes: 0,
            effects: None,
        }
    }

    /// Whether changes are noted.
    pub fn keeps_effects(&self) -> bool {
        self.effects.is_some()
    }

    /// Notes all changes from now on, for a ledger.
    pub fn keep_effects(&mut self) {
        self.effects = Some(Box::default());
    }

    /// The changes since the last call, if there are any.
    pub fn effects(&mut self) -> Option<&mut Effects> {
        self.effects.as_deref_mut().filter(|effects| !effects.is_empty())
    }

    /// Notes who a stream is. Gauges are no totals: their next value says it all.
    pub fn note_stream(&mut self, slot: u32, catalog: &Catalog) {
        let stream = self.streams.get(slot);
        if let (Some(effects), false) = (&mut self.effects, stream.is_gauge()) {
            effects.stream(stream, catalog);
        }
    }

    /// Notes that a stream has the text of another resource, before its former one is given back.
    pub fn note_other_text(&mut self, slot: u32, catalog: &Catalog) {
        self.effects.iter_mut().for_each(|effects| effects.forget_texts());
        self.note_stream(slot, catalog);
    }

    /// Notes how a stream is now, with so many of its windows.
    pub fn note_value(&mut self, slot: u32, windows: usize) {
        self.note_output(slot);
        let stream = self.streams.get(slot);
        if let (Some(effects), false) = (&mut self.effects, stream.is_gauge()) {
            let distribution = distribution(&self.bodies, stream);
            effects.stream_value(stream, Extent { windows, distribution, seen_second: None });
        }
    }

    /// Notes how the streams are that a batch changed.
    pub fn note_touched(&mut self, touched: &[Touched]) {
        if self.effects.is_some() {
            for touched in touched.iter().filter(|touched| touched.changed || touched.windows > 0) {
                self.note_value(touched.slot, usize::from(touched.windows));
            }
        }
    }

    /// Writes everything that a ledger keeps into `out`.
    pub fn write_snapshot(&self, number: usize, catalog: &Catalog, out: &mut Effects) {
        // Nobody's identity, in this shard: for the floor that goes with it (D6).
        out.stream_gone(Identity(number as u128), self.forgotten_floor_milli);
        for slot in 0..self.streams.slots() {
            let stream = self.streams.get(slot);
            if stream.is_live() && !stream.is_gauge() {
                out.stream(stream, catalog);
                let distribution = distribution(&self.bodies, stream);
                let seen_second = Some(stream.last_seen_second);
                out.stream_value(stream, Extent { windows: 4, distribution, seen_second });
            }
        }
    }

    /// Puts a stream from a ledger in its place; the caller has looked that there is none of this identity.
    pub fn insert_restored(&mut self, new: NewStream) -> u32 {
        self.place(new)
    }

    /// What does not fit into a stream's entry, taken out of its place, and the bytes that this gives back.
    pub fn take_body(&mut self, slot: u32) -> Option<(Body, usize)> {
        let place = std::mem::replace(&mut self.streams.get_mut(slot).body, NO_BODY);
        let body = (place != NO_BODY).then(|| self.bodies.take(place, None)).flatten()?;
        let bytes = body.bytes();
        self.body_bytes -= bytes;
        Some((body, bytes + BODY_BYTES))
    }

    /// A stream from a ledger, taken out again.
    pub fn remove_restored(&mut self, slot: u32) -> Forgotten {
        self.forget(slot)
    }

    /// Once all streams are back from a ledger: their ages as they are now.
    pub fn restore_ages(&mut self) {
        (self.ages, self.overflow_ages) = (self.ages.emptied(), self.overflow_ages.emptied());
        for slot in 0..self.streams.slots() {
            let stream = self.streams.get(slot);
            if stream.is_live() {
                let ages = if stream.is_overflow() { &mut self.overflow_ages } else { &mut self.ages };
                ages.add(slot, stream.last_seen_second);
            }
        }
    }

    /// The latest time at which anything went out, Unix milliseconds.
    pub fn newest_output_milli(&self) -> u64 {
        self.newest_output_milli
    }

    /// As [`Self::newest_output_milli`], of a process before this one.
    pub fn raise_newest_output(&mut self, milli: u64) {
        self.newest_output_milli = self.newest_output_milli.max(milli);
    }

    /// A stream has just spoken.
    pub fn note_output(&mut self, slot: u32) {
        self.newest_output_milli = self.newest_output_milli.max(self.streams.get(slot).last_emitted_milli);
    }

    /// D6: nothing of a stream that comes back goes out at or before this time.
    pub fn raise_forgotten_floor(&mut self, floor_milli: u64) {
        self.forgotten_floor_milli = self.forgotten_floor_milli.max(floor_milli);
    }

    /// The slot of a known stream.
    #[inline]
    pub fn find(&self, identity: Identity) -> Option<u32> {
        self.index.find(identity.table_hash(), |slot| self.streams.get(*slot).identity() == identity).copied()
    }

    /// The slot that a source's link names, if the stream is still the one that was linked.
    #[inline]
    pub fn follow(&self, link: Link) -> Option<u32> {
        let linked = link.birth != 0 && link.slot < self.streams.slots();
        (linked && self.streams.get(link.slot).birth() == link.birth).then_some(link.slot)
    }

    /// The link to a stream of two levels.
    pub fn link(&self, shard: usize, slot: u32) -> Link {
        Link { birth: self.streams.get(slot).birth(), slot, shard: shard as u8 }
    }

    /// Makes a stream; the caller has looked that there is none of this identity.
    pub fn insert(&mut self, mut new: NewStream, engine_floor_milli: u64) -> u32 {
        new.floor_milli = engine_floor_milli.max(self.forgotten_floor_milli);
        if !new.is_gauge && self.forgotten_floor_milli > 0 {
            // L1: one that comes back is new, also where its windows all have one start, as totals do.
            let after = (self.forgotten_floor_milli + 1).saturating_mul(NANOS_PER_MILLI);
            new.start_unix_nano = new.start_unix_nano.max(after);
        }
        self.place(new)
    }

    fn place(&mut self, new: NewStream) -> u32 {
        let (identity, second) = (new.identity, new.second);
        self.list_bytes += list_bytes(&new.attributes);
        let mut stream = Stream::new(new);
        self.births += 1;
        stream.set_birth(self.births);
        let slot = self.streams.insert(stream);
        let streams = &self.streams;
        self.index
            .insert_unique(identity.table_hash(), slot, |slot| streams.get(*slot).identity().table_hash());
        let ages = if streams.get(slot).is_overflow() { &mut self.overflow_ages } else { &mut self.ages };
        ages.add(slot, second);
        slot
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Stream {
        self.streams.get(slot)
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Stream {
        self.streams.get_mut(slot)
    }

    /// The stream in a slot that was noted earlier, if one is there still.
    pub fn live_mut(&mut self, slot: u32) -> Option<&mut Stream> {
        let noted = slot < self.streams.slots();
        noted.then(|| self.streams.get_mut(slot)).filter(|stream| stream.is_live())
    }

    /// Number of slots ever used, live or free.
    pub fn slots(&self) -> u32 {
        self.streams.slots()
    }

    /// What does not fit into the stream's entry.
    pub fn body(&self, stream: &Stream) -> Option<&Body> {
        (stream.body != NO_BODY).then(|| self.bodies.get(stream.body).as_ref()).flatten()
    }

    /// Works on the body of a stream, made by `make` if there is none; says how its bytes changed,
    /// those of its place included.
    pub fn with_body<R>(
        &mut self,
        slot: u32,
        make: impl FnOnce() -> Body,
        work: impl FnOnce(&mut Body) -> R,
    ) -> Option<(R, usize, usize)> {
        let stream = self.streams.get_mut(slot);
        let (mut before, fresh) = (0, stream.body == NO_BODY);
        if fresh {
            stream.body = self.bodies.insert(Some(make()));
        } else {
            before = self.bodies.get(stream.body).as_ref().map_or(0, Body::bytes);
        }
        let body = self.bodies.get_mut(stream.body).as_mut()?;
        let result = work(body);
        let after = body.bytes();
        self.body_bytes = self.body_bytes + after - before;
        let place = if fresh { 0 } else { BODY_BYTES };
        Some((result, before + place, after + BODY_BYTES))
    }

    /// The stream has something to say at the next tick.
    pub fn mark_pending(&mut self, slot: u32) {
        let stream = self.streams.get_mut(slot);
        stream.set_pending(true);
        if !stream.is_listed() {
            stream.set_listed(true);
            self.pending.push(slot);
        }
    }

    /// L4: a delivery was refused that spoke for the stream, perhaps with its zero. `unseen` is one that
    /// was never made.
    pub fn mark_refused(&mut self, slot: u32, zero: Zero, unseen: bool) {
        match zero {
            Zero::No => {}
            Zero::Alone => self.streams.get_mut(slot).zero_refused(),
            Zero::WithValue(milli) => {
                // Nobody has heard of either, nor of anything later.
                if unseen && self.streams.get(slot).last_emitted_milli == milli {
                    self.streams.get_mut(slot).begin_again();
                    self.note_value(slot, 0);
                }
            }
        }
        self.mark_pending(slot);
    }

    /// Takes the list of pending slots; an entry counts only while its stream is live and pending.
    pub fn take_pending(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.pending)
    }

    /// Number of slots waiting for a tick; an upper bound.
    pub fn pending_slots(&self) -> usize {
        self.pending.len()
    }

    /// As [`Ages::oldest_second`], of ordinary streams.
    pub fn oldest_second(&self, from: u32) -> Option<u32> {
        self.ages.oldest_second(from)
    }

    /// L1, T5: forgets a stream that was last seen before `second` and has nothing left to say.
    /// `evict` is T5, which spares overflow streams: they would make no room for others.
    pub fn forget_idle(&mut self, second: u32, evict: bool, steps: &mut usize) -> Option<Forgotten> {
        let streams = &self.streams;
        let age = |slot| match streams.get(slot) {
            stream if !stream.is_live() => Age::Gone,
            stream if stream.is_pending() => Age::Busy,
            stream => Age::Seen(stream.last_seen_second),
        };
        let mut slot = self.ages.take_idle(second, steps, age);
        if slot.is_none() && !evict {
            slot = self.overflow_ages.take_idle(second, steps, age);
        }
        let slot = slot?;
        Some(self.forget(slot))
    }

    fn forget(&mut self, slot: u32) -> Forgotten {
        let identity = self.streams.get(slot).identity();
        if let Ok(entry) = self.index.find_entry(identity.table_hash(), |other| *other == slot) {
            entry.remove();
        }
        let stream = self.streams.take(slot, Stream::dead());
        self.forgotten_floor_milli = self.forgotten_floor_milli.max(stream.last_emitted_milli);
        if let Some(effects) = &mut self.effects {
            effects.stream_gone(identity, self.forgotten_floor_milli);
        }
        self.list_bytes -= list_bytes(&stream.attributes);
        let mut bytes = STREAM_BYTES + list_bytes(&stream.attributes);
        if stream.body != NO_BODY {
            let body = self.bodies.take(stream.body, None).map_or(0, |body| body.bytes());
            self.body_bytes -= body;
            bytes += body + BODY_BYTES;
        }
        if self.index.is_empty() {
            self.give_back();
        }
        Forgotten { stream, bytes }
    }

    /// Nothing is left: the memory goes back, for other uses within the budget.
    fn give_back(&mut self) {
        (self.index, self.streams, self.bodies) = (HashTable::new(), Slab::new(), Slab::new());
        (self.ages, self.overflow_ages) = (self.ages.emptied(), self.overflow_ages.emptied());
        self.pending = Vec::new();
    }

    /// Bytes of state: streams, tables, attribute lists, bodies.
    pub fn bytes(&self) -> usize {
        let tables = self.index.allocation_size() + self.pending.capacity() * 4;
        self.streams.bytes() + self.bodies.bytes() + tables + self.list_bytes + self.body_bytes
    }
}

/// The total of a stream that is a histogram.
fn distribution<'a>(bodies: &'a Slab<Option<Body>>, stream: &Stream) -> Option<&'a Distribution> {
    match (stream.body != NO_BODY).then(|| bodies.get(stream.body).as_ref()).flatten() {
        Some(Body::Distribution(distribution)) => Some(distribution),
        _ => None,
    }
}

/// Bytes that the place of a body costs, beside what it points to.
pub(crate) const BODY_BYTES: usize = size_of::<Option<Body>>() + 8;

/// Bytes of a list that a stream owns.
pub(crate) fn list_bytes<T>(list: &[T]) -> usize {
    if list.is_empty() { 0 } else { crate::catalog::allocated(size_of_val(list)) }
}
