//! One ledger stream: what is kept of it, and what one more point does to it (D1–D7, L2).

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
    /// The total of a sum, the value of a gauge. Histograms have their own place: `body`.
    sum: RunningSum,
    memory: Memory,
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
    /// Slot of a histogram's total or of a gauge's members in its shard; [`NO_BODY`] without one.
    pub body: u32,
    flags: u16,
}

/// Four words whose use depends on [`LINKED`]: the last windows of a stream that is its own source
/// (D3b), or what the sources of a stream of two levels need.
#[derive(Clone, Copy, Debug)]
struct Memory([u64; 4]);

/// The stream has no entry among its shard's bodies.
pub(crate) const NO_BODY: u32 = u32::MAX;

const _: () = assert!(size_of::<Stream>() <= 128, "design §9: at most 128 bytes of state per stream");

const LIVE: u16 = 1;
const DOUBLE: u16 = 2;
/// Has something to say at the next tick.
const PENDING: u16 = 4;
/// Its zero point has not been fixed yet (D6).
const ZERO_DUE: u16 = 8;
/// Its zero point is fixed but goes out with the next tick (`emit: interval`).
const ZERO_UNSENT: u16 = 16;
/// A value has gone out; its zero is then not sent again.
const VALUE_SENT: u16 = 32;
/// Stands in its shard's list of pending slots.
const LISTED: u16 = 64;
/// The overflow stream of its metric (T5).
const OVERFLOW: u16 = 128;
/// Its points come from source streams with an entry of their own (two levels).
const LINKED: u16 = 256;
/// A gauge: the latest value counts, there is no zero, and it does not go out again by itself.
const GAUGE: u16 = 512;
/// It began with a zero point (D6).
const FROM_ZERO: u16 = 1024;

/// Flags that a ledger file keeps.
const KEPT_FLAGS: u16 =
    DOUBLE | PENDING | ZERO_DUE | ZERO_UNSENT | VALUE_SENT | OVERFLOW | LINKED | FROM_ZERO;

/// What a ledger file keeps of a stream, beside who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamImage {
    pub flags: u16,
    pub start_unix_nano: u64,
    pub latest_output_milli: u64,
    /// As [`RunningSum::words`] gives them.
    pub sum: [u64; 2],
    /// Of a stream of one level: its last windows (D3b).
    pub windows: [u64; 4],
    /// Of a stream of two levels: how its first source spells names and values.
    pub spelling: u64,
}

impl StreamImage {
    pub fn is_double(&self) -> bool {
        self.flags & DOUBLE != 0
    }

    pub fn is_overflow(&self) -> bool {
        self.flags & OVERFLOW != 0
    }

    pub fn is_linked(&self) -> bool {
        self.flags & LINKED != 0
    }
}

/// What a new stream starts from.
#[derive(Default)]
pub(crate) struct NewStream {
    pub identity: Identity,
    pub metric: InternId,
    pub attributes: Box<[InternId]>,
    /// Whether it begins with a zero point (D6): monotonic, and not the base of a member (T3).
    pub begins_at_zero: bool,
    pub is_gauge: bool,
    pub is_double: bool,
    pub overflow: bool,
    /// For streams of two levels: how its first source spells names and values.
    pub spelling: Option<u64>,
    /// Start of its first window, Unix nanoseconds (D1).
    pub start_unix_nano: u64,
    pub second: u32,
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
        for (flag, on) in [
            (DOUBLE, new.is_double),
            (ZERO_DUE | FROM_ZERO, new.begins_at_zero),
            (OVERFLOW, new.overflow),
            (LINKED, new.spelling.is_some()),
            (GAUGE, new.is_gauge),
        ] {
            flags |= if on { flag } else { 0 };
        }
        Self {
            identity: [new.identity.0 as u64, (new.identity.0 >> 64) as u64],
            sum: RunningSum::zero(),
            memory: Memory([0, new.spelling.unwrap_or_default(), 0, 0]),
            start_unix_nano: new.start_unix_nano,
            last_emitted_milli: new.floor_milli,
            latest_output_milli: 0,
            attributes: new.attributes,
            metric: new.metric,
            last_seen_second: new.second,
            hold_until_second: 0,
            touched: u32::MAX,
            body: NO_BODY,
            flags,
        }
    }

    /// What a free slot holds.
    pub fn dead() -> Self {
        Self { flags: 0, ..Self::new(NewStream::default()) }
    }

    #[inline]
    pub fn identity(&self) -> Identity {
        Identity(u128::from(self.identity[0]) | u128::from(self.identity[1]) << 64)
    }

    /// D3b: false if this window was seen before.
    ///
    /// Only for streams of one level; the sources of others remember for themselves.
    #[inline]
    pub fn remember_window(&mut self, fingerprint: u64) -> bool {
        debug_assert!(!self.has(LINKED));
        let mut windows = Windows::from_words(self.memory.0);
        let new = windows.remember(fingerprint);
        self.memory.0 = windows.words();
        new
    }

    /// The number that tells it from a later stream in the same slot; 0 if it has one level.
    #[inline]
    pub fn birth(&self) -> u64 {
        if self.has(LINKED) { self.memory.0[0] } else { 0 }
    }

    /// Gives a stream of two levels its number.
    pub fn set_birth(&mut self, birth: u64) {
        if self.has(LINKED) {
            self.memory.0[0] = birth;
        }
    }

    /// How its first source spells names and values.
    pub fn spelling(&self) -> u64 {
        self.memory.0[1]
    }

    /// T0: of a computed stream of two levels, which resource's text it carries and since which minute.
    pub fn text_of(&self) -> u64 {
        self.memory.0[3]
    }

    /// See [`Self::text_of`].
    pub fn set_text_of(&mut self, resource: u64) {
        if self.has(LINKED) {
            self.memory.0[3] = resource;
        }
    }

    /// T4: the gauge's members have this value together now.
    pub fn replace_gauge(&mut self, value: Number) {
        self.sum = RunningSum::of(value);
        self.set(DOUBLE, matches!(value, Number::Double(_)));
    }

    /// The latest time that any point asked for, Unix nanoseconds.
    pub fn latest_output_nano(&self) -> u64 {
        nanos(self.latest_output_milli)
    }

    /// T4: takes the value of a gauge; false if it is not newer than the last.
    pub fn set_gauge(&mut self, value: Number, time_unix_nano: u64) -> bool {
        let latest = &mut self.memory.0[2];
        if time_unix_nano <= *latest {
            return false;
        }
        *latest = time_unix_nano;
        self.sum = RunningSum::of(value);
        self.set(DOUBLE, matches!(value, Number::Double(_)));
        true
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

    /// Whether a value has gone out.
    pub fn has_spoken(&self) -> bool {
        self.has(VALUE_SENT)
    }

    /// L2: whether it has a total that readers know. Gauges do not go out again: they would look alive.
    pub fn has_total(&self) -> bool {
        self.has(VALUE_SENT) && !self.has(GAUGE)
    }

    /// L2: whether the total may go out again at `at_milli`.
    pub fn can_go_again(&self, at_milli: u64) -> bool {
        self.has_total() && at_milli > self.last_emitted_milli
    }

    /// L2: the total once more, at `at_milli`.
    pub fn emit_again(&mut self, at_milli: u64) -> Output {
        self.emit_at(at_milli)
    }

    /// L2: whether its zero is out, waits for its value (D6), and may go out again at `at_milli`: a page must not forget it.
    pub fn zero_can_go_again(&self, emission: &Emission, at_milli: u64) -> bool {
        let zero_is_out = !self.has(ZERO_DUE) && !self.has(ZERO_UNSENT) && !self.has(VALUE_SENT);
        self.is_pending() && zero_is_out && self.is_held(emission) && at_milli > self.last_emitted_milli
    }

    /// L2: the zero once more, at `at_milli`.
    pub fn zero_again(&mut self, at_milli: u64) -> Output {
        self.last_emitted_milli = at_milli;
        self.zero()
    }

    /// L4: the delivery of a lone zero was refused: it comes again, at its own time.
    ///
    /// A zero that went out with its value does not come again: if the store took both after all, a
    /// second zero would look like a reset, and the value would count twice.
    pub fn zero_refused(&mut self) {
        self.set(ZERO_UNSENT, !self.has(VALUE_SENT));
    }

    /// What a ledger file keeps of it.
    pub fn image(&self) -> StreamImage {
        let linked = self.has(LINKED);
        StreamImage {
            flags: self.flags & KEPT_FLAGS,
            start_unix_nano: self.start_unix_nano,
            latest_output_milli: self.latest_output_milli,
            sum: self.sum.words(),
            windows: if linked { [0; 4] } else { self.memory.0 },
            spelling: if linked { self.memory.0[1] } else { 0 },
        }
    }

    /// Takes the value of `image`; windows are remembered in addition, so that an older image that is
    /// read again does no harm.
    pub fn restore(&mut self, image: &StreamImage) {
        let identity_flags = LIVE | LISTED | LINKED | OVERFLOW | GAUGE;
        self.flags = self.flags & identity_flags | image.flags & !identity_flags & KEPT_FLAGS;
        self.start_unix_nano = image.start_unix_nano;
        self.latest_output_milli = image.latest_output_milli;
        self.sum = RunningSum::from_words(image.sum);
        if !self.has(LINKED) {
            let mut windows = Windows::from_words(self.memory.0);
            windows.remember_all(image.windows);
            self.memory.0 = windows.words();
        }
    }

    /// After a restart: nothing goes out at or before `floor_milli`. A first value that nobody has seen yet
    /// begins again with its zero (D6), because the page that showed the zero has closed.
    pub fn resume(&mut self, floor_milli: u64) {
        self.last_emitted_milli = floor_milli;
        self.latest_output_milli = self.latest_output_milli.min(floor_milli);
        if !self.has(VALUE_SENT) && !self.has(ZERO_DUE) && self.has(FROM_ZERO) {
            self.last_emitted_milli = floor_milli + 1;
            self.set(ZERO_UNSENT, true);
        }
    }

    /// Whether it has something to say that nobody has heard.
    pub fn owes_a_value(&self) -> bool {
        self.has(PENDING) || self.has(ZERO_UNSENT) || !self.has(VALUE_SENT) && !self.has(ZERO_DUE)
    }

    /// What became one stream with this one by a change of settings adds to it. False if the total would
    /// stop being a finite number.
    pub fn absorb(&mut self, other: &Self) -> bool {
        self.start_unix_nano = self.start_unix_nano.min(other.start_unix_nano);
        self.latest_output_milli = self.latest_output_milli.max(other.latest_output_milli);
        self.last_seen_second = self.last_seen_second.max(other.last_seen_second);
        self.flags |= other.flags & (VALUE_SENT | PENDING | ZERO_UNSENT | FROM_ZERO);
        // Readers know one of the two: a zero after its values would be a reset to them (D6).
        self.set(ZERO_UNSENT, self.has(ZERO_UNSENT) && !self.has(VALUE_SENT));
        self.set(ZERO_DUE, self.has(ZERO_DUE) && other.has(ZERO_DUE));
        self.add(other.total())
    }

    /// Its zero and its first value have gone nowhere: both come again (D6).
    pub fn begin_again(&mut self) {
        self.set(VALUE_SENT, false);
        self.set(ZERO_UNSENT, true);
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

    #[inline]
    pub fn is_pending(&self) -> bool {
        self.has(PENDING)
    }

    pub fn set_pending(&mut self, pending: bool) {
        self.set(PENDING, pending);
    }

    pub fn is_gauge(&self) -> bool {
        self.has(GAUGE)
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
    fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    #[inline]
    fn set(&mut self, flag: u16, on: bool) {
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
