//! One part of the book: the sources it knows, and what they added since the last cut.

use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::identity::Identity;
use crate::number::Number;
use crate::usage::Measure;
use crate::usage::interner::Holder;
use crate::usage::limits::Limits;
use crate::usage::rule::Effect;

/// Parts of the book, with a lock each.
pub(super) const PARTS: usize = 16;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Part {
    limits: Limits,
    young: HashTable<Source>,
    /// Forgotten when `young` is full.
    old: HashTable<Source>,
    young_bytes: usize,
    old_bytes: usize,
    pending: Vec<Pending>,
    /// Counts how often `pending` was taken.
    cut: u64,
}

/// What a description says of a source.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// Whose its increases are and what they count as; `None` if they count nothing.
    pub counted: Option<(Arc<Holder>, Effect)>,
    /// Bytes newly taken for the holder.
    pub bytes: u32,
}

/// What is known of a source of points.
#[derive(Debug)]
struct Source {
    identity: Identity,
    learnt: Learnt,
    /// Its row of the present cut: when, where, of which hour.
    cut: u64,
    row: u32,
    hour: u32,
}

/// What one source added in one hour.
#[derive(Debug)]
pub(super) struct Pending {
    pub holder: Arc<Holder>,
    pub amount: i64,
    pub hour: u32,
    pub measure: Measure,
    /// The same amount is taken out of the input (see [`Effect::is_part_of_input`]).
    pub is_part_of_input: bool,
    /// What it cost in 10⁻¹² dollars, where that is computed.
    pub computed: Option<i64>,
}

/// Costs together; what has none adds none.
fn sum(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

impl Part {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            young: HashTable::new(),
            old: HashTable::new(),
            young_bytes: 0,
            old_bytes: 0,
            pending: Vec::new(),
            cut: 0,
        }
    }

    /// Adds an increase; `learn` describes a source that is not known.
    #[inline]
    pub fn add(
        &mut self,
        identity: Identity,
        hour: u32,
        (value, computed): (Number, Option<i64>),
        learn: impl FnOnce() -> Learnt,
    ) {
        if self.young.len() >= self.limits.part_sources || self.young_bytes >= self.limits.part_bytes {
            self.old = std::mem::take(&mut self.young);
            self.old_bytes = std::mem::take(&mut self.young_bytes);
        }
        let Self { young, old, young_bytes, pending, cut, .. } = self;
        let hash = identity.table_hash();
        let source = match young.entry(hash, |s| s.identity == identity, |s| s.identity.table_hash()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let source = match old.find_entry(hash, |source| source.identity == identity) {
                    Ok(known) => known.remove().0,
                    Err(_) => Source { identity, learnt: learn(), cut: u64::MAX, row: 0, hour: 0 },
                };
                *young_bytes += source.learnt.bytes as usize;
                entry.insert(source).into_mut()
            }
        };
        let Some((holder, effect)) = &source.learnt.counted else { return };
        let amount = effect.amount(value);
        if amount == 0 {
            return; // nothing was used
        }
        if source.cut == *cut
            && source.hour == hour
            && let Some(row) = pending.get_mut(source.row as usize)
        {
            row.amount = row.amount.saturating_add(amount);
            row.computed = sum(row.computed, computed);
            return;
        }
        (source.cut, source.hour, source.row) = (*cut, hour, pending.len() as u32);
        let Effect { measure, is_part_of_input, .. } = *effect;
        pending.push(Pending {
            holder: Arc::clone(holder),
            amount,
            hour,
            measure,
            is_part_of_input,
            computed,
        });
    }

    /// Hands out what was added since the last call, in no order, and keeps the memory.
    pub fn drain(&mut self, each: impl FnMut(Pending)) {
        if !self.pending.is_empty() {
            self.cut += 1;
            self.pending.drain(..).for_each(each);
        }
    }

    /// Rows that wait for a cut.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Bytes held, what was interned for its sources included.
    pub fn bytes(&self) -> usize {
        self.young.allocation_size()
            + self.old.allocation_size()
            + self.young_bytes
            + self.old_bytes
            + self.pending.capacity() * size_of::<Pending>()
    }

    /// Sources known.
    #[cfg(test)]
    pub fn sources(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
