//! What a batch adds to computed streams, shard by shard.

use tokenledger_prices::{PICO_PER_USD, PicoUsd};

use crate::batch::Batch;
use crate::computed::Computed;
use crate::computed::accounts::Sums;
use crate::computed::pass::Pass;
use crate::group::group_by;
use crate::number::Number;
use crate::shard::Shard;
use crate::source::Link;

/// Memory that passes use again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub order: Vec<u32>,
    pub additions: Vec<Addition>,
    /// What the batch has for streams of many sources.
    pub(super) sums: Sums,
    /// Additions whose stream is not known, or not any more.
    pub unplaced: Vec<u32>,
    /// Slots of the shard at hand that were added to.
    touched: Vec<u32>,
}

impl Scratch {
    /// Notes an addition.
    #[inline]
    pub fn push(&mut self, addition: Addition) {
        if addition.link == Link::NONE {
            self.unplaced.push(self.additions.len() as u32);
        }
        self.additions.push(addition);
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let numbers = self.order.capacity() + self.unplaced.capacity() + self.touched.capacity();
        let additions = self.additions.capacity() * size_of::<Addition>();
        numbers * size_of::<u32>() + additions + self.sums.bytes()
    }
}

/// What is added to one stream of a source's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addition {
    /// Where the stream is, if that is known.
    link: Link,
    pub value: Number,
    time_unix_nano: u64,
    /// The text that its stream should carry (T0), see [`Pass::text_of`].
    text: u64,
    /// Place of the point among those that count something.
    pub used: u32,
    pub metric: Computed,
}

impl Addition {
    #[inline]
    pub fn new(metric: Computed, link: Link, amount: Amount, origin: Origin) -> Self {
        let Origin { used, time_unix_nano, text } = origin;
        Self { link, value: amount.number(), time_unix_nano, text, used, metric }
    }
}

/// The point that something is added for.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// Place among those that count something.
    pub used: u32,
    pub time_unix_nano: u64,
    /// See [`Pass::text_of`].
    pub text: u64,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// In millionths.
    Tokens(i128),
    /// In units of 10⁻¹².
    Dollars(PicoUsd),
}

impl Amount {
    #[inline]
    pub fn number(self) -> Number {
        match self {
            Self::Tokens(tokens) => match i64::try_from(tokens) {
                Ok(tokens) if tokens % 1_000_000 == 0 => Number::Int(tokens / 1_000_000),
                _ => Number::Double(tokens as f64 / 1e6),
            },
            // Whole 10⁻¹² dollars up to here; the stream's sum is compensated (D7), so this one rounding of each
            // amount, by 10⁻¹⁶ of it, is all. Conversions of 128 bits are slow, and rarely needed.
            Self::Dollars(pico) => {
                let pico = i64::try_from(pico).map_or_else(|_| pico as f64, |pico| pico as f64);
                Number::Double(pico / PICO_PER_USD as f64)
            }
        }
    }
}

impl<B: Batch> Pass<'_, B> {
    /// Adds what has a stream that is known; the others end up in `scratch.unplaced`.
    pub fn add_to_known(&self, scratch: &mut Scratch) {
        let Scratch { order, additions, unplaced, touched, .. } = scratch;
        let is_placed = |number: &u32| additions[*number as usize].link != Link::NONE;
        let shard_of = |number: u32| usize::from(additions[number as usize].link.shard);
        let ends = group_by((0..additions.len() as u32).filter(is_placed), shard_of, order);
        for (number, group) in ends.groups(order) {
            let mut shard = self.application.engine.shards[number].lock();
            touched.clear();
            for number in group {
                let addition = &additions[*number as usize];
                match self.add_in(&mut shard, addition) {
                    Some(slot) => touched.push(slot),
                    None => unplaced.push(*number),
                }
            }
            note(&mut shard, touched);
        }
    }

    /// Adds to one stream; false if it has gone.
    pub fn add_to_one(&self, addition: &Addition) -> bool {
        let link = addition.link;
        if link == Link::NONE {
            return false;
        }
        let mut shard = self.application.engine.shards[usize::from(link.shard)].lock();
        let slot = self.add_in(&mut shard, addition);
        slot.into_iter().for_each(|slot| shard.note_value(slot, 0));
        slot.is_some()
    }

    /// The slot that was added to; `None` if the stream has gone, or should carry another text.
    #[inline]
    fn add_in(&self, shard: &mut Shard, addition: &Addition) -> Option<u32> {
        let slot = shard.follow(addition.link)?;
        let stream = shard.get_mut(slot);
        if self.follows_texts && self.carries_other_text(stream.text_of(), addition.text) {
            return None;
        }
        stream.last_seen_second = self.emission.clock.monotonic_second;
        if stream.add(addition.value) {
            stream.answer(addition.time_unix_nano, &self.emission);
            shard.mark_pending(slot);
        }
        Some(slot)
    }
}

/// For the ledger: each stream once, however many points it took.
fn note(shard: &mut Shard, slots: &mut Vec<u32>) {
    if shard.keeps_effects() {
        slots.sort_unstable();
        slots.dedup();
        slots.iter().for_each(|slot| shard.note_value(*slot, 0));
    }
}
