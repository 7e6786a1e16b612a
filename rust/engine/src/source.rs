//! One source stream: what a client sends, beneath the ledger stream that it adds to (two levels).
//!
//! It recognises retransmitted windows of delta input (D3b), or it is one member of cumulative input
//! with its last value (T3). Which attributes rules remove is worked out once and kept here.

use crate::clock::NANOS_PER_SECOND;
use crate::identity::Identity;
use crate::intern::InternId;
use crate::number::Number;
use crate::retransmission::Windows;

/// What is kept of a source, in at most 96 bytes (asserted below).
#[derive(Debug)]
pub(crate) struct Source {
    identity: [u64; 2],
    memory: Memory,
    /// Where its ledger stream is, unless that has been forgotten since.
    pub link: Link,
    /// The metric's text, with the resource as this client names it.
    pub metric: InternId,
    /// Order in which the point wrote its attributes when `remove` was worked out.
    pub order: u32,
    /// Attributes that rules remove, as in a verdict, if the point's order is `order`.
    pub remove: u32,
    /// Monotonic second of the last point.
    pub last_seen_second: u32,
    /// Unix second in which its latest window ended, rounded up (T3: a switch to cumulative).
    latest_end_second: u32,
    /// Slot of the last value of a histogram's member; [`NO_SLOT`] without one.
    pub distribution: u32,
    flags: u8,
}

const _: () = assert!(size_of::<Source>() <= 96, "design §9: at most 320 bytes per two-level stream");

/// What a source keeps of its points; the flag [`MEMBER`] tells which.
#[derive(Clone, Copy, Debug)]
struct Memory([u64; 4]);

/// Where a ledger stream is: its slot in its shard, and the number it was given when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// 0 for none.
    pub birth: u64,
    pub slot: u32,
    pub shard: u8,
}

impl Link {
    pub const NONE: Self = Self { birth: 0, slot: 0, shard: 0 };
}

/// The last value of a member of cumulative input (T3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Member {
    pub start_unix_nano: u64,
    pub time_unix_nano: u64,
    /// Of a sum; histograms have their own place.
    pub value: Number,
}

pub(crate) const NO_SLOT: u32 = u32::MAX;

const LIVE: u8 = 1;
/// A member of cumulative input; otherwise a stream of windows.
const MEMBER: u8 = 2;
/// Forgotten, but its last value is still known (T3).
const TOMBSTONE: u8 = 4;
/// Attributes beyond those of `remove` are removed, or some are replaced: worked out each time.
const EDITS: u8 = 8;
/// It writes names or values otherwise than its ledger stream does, so it cannot speak for it.
const RESPELLED: u8 = 16;

/// What a ledger file keeps of a source, beside who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceImage {
    pub flags: u8,
    pub latest_end_second: u32,
    /// Windows, or the member's last value.
    pub memory: [u64; 4],
}

impl SourceImage {
    pub fn is_member(&self) -> bool {
        self.flags & MEMBER != 0
    }
}

impl Source {
    /// A source of delta windows, or of gauges.
    pub fn of_windows(identity: Identity, metric: InternId) -> Self {
        Self {
            identity: [identity.0 as u64, (identity.0 >> 64) as u64],
            memory: Memory([0; 4]),
            link: Link::NONE,
            metric,
            order: 0,
            remove: 0,
            last_seen_second: 0,
            latest_end_second: 0,
            distribution: NO_SLOT,
            flags: LIVE,
        }
    }

    /// A member of cumulative input.
    pub fn of_member(identity: Identity, metric: InternId, member: Member) -> Self {
        let mut source = Self::of_windows(identity, metric);
        source.flags |= MEMBER;
        source.set_member(member);
        source
    }

    #[inline]
    pub fn identity(&self) -> Identity {
        Identity(u128::from(self.identity[0]) | u128::from(self.identity[1]) << 64)
    }

    /// D3b: false if this window was seen before.
    #[inline]
    pub fn remember_window(&mut self, fingerprint: u64) -> bool {
        let mut windows = Windows::from_words(self.memory.0);
        let new = windows.remember(fingerprint);
        self.memory.0 = windows.words();
        new
    }

    /// A window that ended at this time was added.
    #[inline]
    pub fn window_ended(&mut self, time_unix_nano: u64) {
        let second = time_unix_nano.div_ceil(NANOS_PER_SECOND).min(u64::from(u32::MAX)) as u32;
        self.latest_end_second = self.latest_end_second.max(second);
    }

    /// T3: what it sent as deltas is counted until this time, Unix nanoseconds.
    pub fn latest_end_nano(&self) -> u64 {
        u64::from(self.latest_end_second) * NANOS_PER_SECOND
    }

    pub fn member(&self) -> Member {
        let [start_unix_nano, time_unix_nano, bits, is_double] = self.memory.0;
        let value =
            if is_double == 0 { Number::Int(bits as i64) } else { Number::Double(f64::from_bits(bits)) };
        Member { start_unix_nano, time_unix_nano, value }
    }

    pub fn set_member(&mut self, member: Member) {
        let is_double = u64::from(matches!(member.value, Number::Double(_)));
        self.memory.0 = [member.start_unix_nano, member.time_unix_nano, member.value.bits(), is_double];
    }

    /// What a ledger file keeps of it. The link and what rules remove are worked out again.
    pub fn image(&self) -> SourceImage {
        SourceImage {
            flags: self.flags & (MEMBER | TOMBSTONE),
            latest_end_second: self.latest_end_second,
            memory: self.memory.0,
        }
    }

    /// Takes the state of `image`; of windows, `windows` are remembered in addition.
    pub fn restore(&mut self, image: &SourceImage, windows: [u64; 4]) {
        self.flags = self.flags & !(MEMBER | TOMBSTONE) | image.flags & (MEMBER | TOMBSTONE);
        self.latest_end_second = image.latest_end_second;
        if image.is_member() {
            self.memory.0 = image.memory;
        } else {
            let mut known = Windows::from_words(self.memory.0);
            known.remember_all(windows);
            self.memory.0 = known.words();
        }
    }

    /// What a free slot holds.
    pub fn end(&mut self) {
        self.flags = 0;
    }

    /// Whether anything is remembered of it; of a gauge's source there is nothing.
    pub fn has_memory(&self) -> bool {
        self.is_member() || self.latest_end_second > 0
    }

    pub fn is_live(&self) -> bool {
        self.flags & LIVE != 0
    }

    pub fn is_member(&self) -> bool {
        self.flags & MEMBER != 0
    }

    pub fn is_tombstone(&self) -> bool {
        self.flags & TOMBSTONE != 0
    }

    pub fn set_tombstone(&mut self, tombstone: bool) {
        self.set(TOMBSTONE, tombstone);
    }

    #[inline]
    pub fn has_edits(&self) -> bool {
        self.flags & EDITS != 0
    }

    pub fn set_edits(&mut self, edits: bool) {
        self.set(EDITS, edits);
    }

    #[inline]
    pub fn is_respelled(&self) -> bool {
        self.flags & RESPELLED != 0
    }

    pub fn set_respelled(&mut self, respelled: bool) {
        self.set(RESPELLED, respelled);
    }

    fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }
}
