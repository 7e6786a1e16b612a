//! One ledger stream: what is kept of it, and what one more point does to it (D1–D7).

use crate::clock::NANOS_PER_MILLI;
use crate::identity::Identity;
use crate::intern::InternId;
use crate::number::{Number, RunningSum};
use crate::output_time::OutputClock;
use crate::retransmission::Windows;

/// Everything that is kept of a stream, in at most 128 bytes (asserted below).
#[derive(Debug)]
pub(crate) struct Stream {
    /// 128 bits, as two words so that the entry needs no 16-byte alignment.
    identity: [u64; 2],
    sum: RunningSum,
    windows: Windows,
    /// Start of the cumulative stream, Unix nanoseconds; never changes once something went out (D2).
    pub start_unix_nano: u64,
    /// Last emitted time, Unix milliseconds; before the first emission the floor of D6.
    pub last_emitted_milli: u64,
    /// Latest output time that any point asked for; a tick uses it (D4).
    latest_output_milli: u64,
    /// Names, values and descriptor for emission without input.
    pub attributes: Box<[InternId]>,
    pub metric: InternId,
    /// Monotonic second of the last point (L1).
    pub last_seen_second: u32,
    /// No value goes out before this monotonic second (D6, `first_value_delay`).
    hold_until_second: u32,
    /// Place in the scratch list of the batch that is being applied; see `apply::touch`.
    pub touched: u32,
    flags: u8,
}

const _: () = assert!(size_of::<Stream>() <= 128, "design §9: at most 128 bytes of state per stream");

const LIVE: u8 = 1;
const DOUBLE: u8 = 2;
/// Has something to say at the next tick.
const PENDING: u8 = 4;
/// Its zero point has not been fixed yet (D6).
const ZERO_DUE: u8 = 8;
/// Its zero point is fixed but goes out with the next tick (`emit: interval`).
const ZERO_UNSENT: u8 = 16;
/// A value has gone out; its zero is then not sent again.
const VALUE_SENT: u8 = 32;
/// Stands in its shard's list of pending slots.
const LISTED: u8 = 64;
/// The overflow stream of its metric (T5).
const OVERFLOW: u8 = 128;

/// What a new stream starts from.
pub(crate) struct NewStream {
    pub identity: Identity,
    pub metric: InternId,
    pub attributes: Box<[InternId]>,
    pub monotonic: bool,
    pub is_double: bool,
    pub overflow: bool,
    /// Start of its first window, Unix nanoseconds (D1).
    pub start_unix_nano: u64,
    /// Nothing goes out at or before this time, Unix milliseconds (D6).
    pub floor_milli: u64,
}

/// What goes out for a stream at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Output {
    pub start_unix_nano: u64,
    pub time_unix_nano: u64,
    pub value: Number,
}

/// How a point of a batch is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The total goes out now, after a zero point if the stream is new.
    Emit { zero: Option<Output>, value: Output },
    /// Only the zero goes out; the total follows at a tick (D6).
    EmitZero(Output),
    /// Nothing goes out; the total follows at a tick or with the next point.
    Wait,
    /// As `Wait`, because the point does not advance the stream's time (D4).
    WaitLate,
}

/// The settings and clock of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emission {
    pub clock: OutputClock,
    /// `emit: interval` (L3): nothing leaves in the batch itself.
    pub interval: bool,
    pub first_value_delay_second: u32,
}

impl Stream {
    pub fn new(new: NewStream) -> Self {
        let mut flags = LIVE;
        for (flag, on) in [(DOUBLE, new.is_double), (ZERO_DUE, new.monotonic), (OVERFLOW, new.overflow)] {
            flags |= if on { flag } else { 0 };
        }
        Self {
            identity: [new.identity.0 as u64, (new.identity.0 >> 64) as u64],
            sum: RunningSum::zero(),
            windows: Windows::default(),
            start_unix_nano: new.start_unix_nano,
            last_emitted_milli: new.floor_milli,
            latest_output_milli: 0,
            attributes: new.attributes,
            metric: new.metric,
            last_seen_second: 0,
            hold_until_second: 0,
            touched: u32::MAX,
            flags,
        }
    }

    #[inline]
    pub fn identity(&self) -> Identity {
        Identity(u128::from(self.identity[0]) | u128::from(self.identity[1]) << 64)
    }

    /// D3b: false if this window was seen before.
    #[inline]
    pub fn remember_window(&mut self, fingerprint: u64) -> bool {
        self.windows.remember(fingerprint)
    }

    /// D2, D7: adds an increment; false if the total would stop being a finite number.
    #[inline]
    pub fn add(&mut self, value: Number) -> bool {
        let mut is_double = self.has(DOUBLE);
        let added = self.sum.add(value, &mut is_double);
        self.set(DOUBLE, is_double);
        added
    }

    /// The accumulated total.
    #[inline]
    pub fn total(&self) -> Number {
        self.sum.total(self.has(DOUBLE))
    }

    /// D4, D6: decides what goes out for a point whose increment has just been added.
    pub fn answer(&mut self, time_unix_nano: u64, emission: &Emission) -> Answer {
        let output = emission.clock.output(time_unix_nano);
        self.latest_output_milli = self.latest_output_milli.max(output);
        if self.has(ZERO_DUE) {
            return self.answer_first(output, emission);
        }
        // A refused zero goes out at the tick; no value may overtake it.
        if emission.interval || self.is_held(emission) || self.has(ZERO_UNSENT) {
            return Answer::Wait;
        }
        if output <= self.last_emitted_milli {
            return Answer::WaitLate;
        }
        Answer::Emit { zero: None, value: self.emit_at(output) }
    }

    /// D6: the first point of a monotonic stream fixes its zero point.
    fn answer_first(&mut self, output: u64, emission: &Emission) -> Answer {
        let start = self.start_unix_nano / NANOS_PER_MILLI;
        let (zero_at, room) = emission.clock.zero(start, self.last_emitted_milli, output);
        self.set(ZERO_DUE, false);
        self.start_unix_nano = self.start_unix_nano.min(nanos(zero_at));
        self.last_emitted_milli = zero_at;
        if emission.interval {
            self.set(ZERO_UNSENT, true);
            return Answer::Wait;
        }
        self.hold(emission);
        let zero = self.zero();
        if room && !self.is_held(emission) {
            Answer::Emit { zero: Some(zero), value: self.emit_at(output) }
        } else {
            Answer::EmitZero(zero)
        }
    }

    /// What a tick sends: a zero that waits, and the total unless it is held. `last` is Shutdown (L5).
    pub fn release(&mut self, emission: &Emission, last: bool) -> (Option<Output>, Option<Output>) {
        let zero = self.has(ZERO_UNSENT).then(|| {
            self.set(ZERO_UNSENT, false);
            self.hold(emission);
            self.last_emitted_milli = self.last_emitted_milli.max(emission.clock.oldest_milli);
            self.zero()
        });
        if self.is_held(emission) && !last {
            return (zero, None);
        }
        self.set(PENDING, false);
        // After an outage the latest output may have become too old for stores (D4).
        let wanted = self.latest_output_milli.max(emission.clock.oldest_milli);
        let time = wanted.max(self.last_emitted_milli + 1);
        (zero, Some(self.emit_at(time)))
    }

    /// L4: the delivery of a lone zero was refused: it comes again, at its own time.
    ///
    /// A zero that went out with its value does not come again: if the store took both after all, a
    /// second zero would look like a reset, and the value would count twice.
    pub fn zero_refused(&mut self) {
        self.set(ZERO_UNSENT, !self.has(VALUE_SENT));
    }

    fn emit_at(&mut self, output_milli: u64) -> Output {
        self.last_emitted_milli = output_milli;
        self.set(VALUE_SENT, true);
        let time_unix_nano = nanos(output_milli);
        // A stream without a zero point may start after its clamped time (a client's clock ahead).
        self.start_unix_nano = self.start_unix_nano.min(time_unix_nano);
        Output { start_unix_nano: self.start_unix_nano, time_unix_nano, value: self.total() }
    }

    /// The zero point, at the last emitted time, which it has just become.
    fn zero(&self) -> Output {
        let value = if self.has(DOUBLE) { Number::Double(0.0) } else { Number::Int(0) };
        let time_unix_nano = nanos(self.last_emitted_milli);
        Output { start_unix_nano: self.start_unix_nano, time_unix_nano, value }
    }

    fn hold(&mut self, emission: &Emission) {
        if emission.first_value_delay_second > 0 {
            // One more, because the current second has partly passed.
            let until = emission.clock.monotonic_second.saturating_add(emission.first_value_delay_second);
            self.hold_until_second = until.saturating_add(1);
        }
    }

    #[inline]
    fn is_held(&self, emission: &Emission) -> bool {
        emission.clock.monotonic_second < self.hold_until_second
    }

    #[inline]
    pub fn is_live(&self) -> bool {
        self.has(LIVE)
    }

    pub fn kill(&mut self) {
        self.flags = 0;
    }

    #[inline]
    pub fn is_pending(&self) -> bool {
        self.has(PENDING)
    }

    pub fn set_pending(&mut self, pending: bool) {
        self.set(PENDING, pending);
    }

    pub fn is_overflow(&self) -> bool {
        self.has(OVERFLOW)
    }

    #[inline]
    pub fn is_listed(&self) -> bool {
        self.has(LISTED)
    }

    pub fn set_listed(&mut self, listed: bool) {
        self.set(LISTED, listed);
    }

    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    #[inline]
    fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }
}

/// Unix nanoseconds; in the year 2554, where they end, time stands still.
fn nanos(milli: u64) -> u64 {
    milli.saturating_mul(NANOS_PER_MILLI)
}
