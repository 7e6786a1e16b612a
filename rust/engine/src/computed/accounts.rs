//! Streams of few attributes that many sources add to: differences and data quality, by model or by issue.
//!
//! A batch adds up what it has for each (`Sums`) and visits its stream once.

use hashbrown::HashTable;
use parking_lot::Mutex;
use tokenledger_prices::PicoUsd;

use crate::computed::Computed;
use crate::identity::Identity;
use crate::source::Link;

/// Places that are remembered at most; beyond, all are looked up again.
const MAX_PLACES: usize = 1 << 17;
/// Bytes of a place with its share of the table.
const PLACE_BYTES: usize = 96;

/// Where the streams are.
#[derive(Debug)]
pub(super) struct Accounts {
    limit: usize,
    places: Mutex<HashTable<(Identity, Link)>>,
}

impl Accounts {
    /// For an engine with this budget in bytes, 0 for none: a hundredth of it.
    pub fn new(max_memory_bytes: u64) -> Self {
        let share = usize::try_from(max_memory_bytes / 128).unwrap_or(usize::MAX) / PLACE_BYTES;
        let limit = if max_memory_bytes == 0 { MAX_PLACES } else { share.clamp(64, MAX_PLACES) };
        Self { limit, places: Mutex::default() }
    }

    pub fn place(&self, name: Identity) -> Link {
        let places = self.places.lock();
        places.find(name.table_hash(), |(known, _)| *known == name).map_or(Link::NONE, |(_, link)| *link)
    }

    pub fn remember(&self, name: Identity, link: Link) {
        let mut places = self.places.lock();
        if places.len() >= self.limit {
            places.clear();
        }
        if let Some((_, known)) = places.find_mut(name.table_hash(), |(known, _)| *known == name) {
            *known = link;
        } else {
            places.insert_unique(name.table_hash(), (name, link), |(name, _)| name.table_hash());
        }
    }

    /// Another price table: another seller may be named.
    pub fn forget(&self) {
        self.places.lock().clear();
    }

    pub fn bytes(&self) -> usize {
        self.places.lock().allocation_size()
    }
}

/// What may be wrong with telemetry of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Issue {
    /// For metrics that are about something else.
    None,
    /// No price is known for the model or the type.
    UnknownModel,
    /// Nobody knows whose they are.
    UnattributedUser,
    /// Their client says nothing of what it pays.
    MissingCost,
}

impl Issue {
    /// The value of the attribute `issue`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::UnknownModel => "unknown_model",
            Self::UnattributedUser => "unattributed_user",
            Self::MissingCost => "missing_cost",
        }
    }
}

/// What a batch adds to accounts.
#[derive(Debug, Default)]
pub(super) struct Sums(Vec<Sum>);

/// What a batch adds to one account.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub what: What,
    /// A point of the batch that stands for the account: its resource, its time.
    pub point: u32,
    /// The source of that point.
    pub source: Identity,
    /// 10⁻¹² dollars, or millionths of tokens.
    pub amount: PicoUsd,
}

/// What makes an account, within a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct What {
    /// Names agent, model and provider.
    pub account: u64,
    /// Number of the point's metric in the batch, and with it its resource.
    pub path: u32,
    pub metric: Computed,
    /// Of `token_ledger.data_quality.tokens`.
    pub issue: Issue,
}

impl Sums {
    /// Adds to the account's sum; most points of a batch are of few accounts.
    #[inline]
    pub fn add(&mut self, what: What, amount: PicoUsd, point: u32, source: Identity) {
        match self.0.iter_mut().rev().take(LOOK_BACK).find(|known| known.what == what) {
            Some(known) => known.amount += amount,
            None => self.0.push(Sum { what, point, source, amount }),
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Sum>()
    }

    pub fn drain(&mut self) -> impl Iterator<Item = Sum> + '_ {
        self.0.drain(..)
    }
}

/// Sums that are compared with before another is begun; two sums of one account do no harm.
const LOOK_BACK: usize = 8;
