//! What the engine answers: one verdict per point of a batch, and points to add.

use crate::number::Number;

/// What becomes of one input point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// The point is removed from the batch: held, coalesced, recognised or refused.
    Drop = 0,
    /// The point carries start, time and value of the verdict.
    Write = 1,
    /// As `Write`, with a zero that stands for the held value; the point's exemplars go (D6, D10).
    WriteZero = 2,
    /// As `Write`, and the attributes give way to `otel.metric.overflow = true` (T5).
    WriteOverflow = 3,
    /// Start, time and value stay as they are (D14, T4); attributes may still be removed.
    Keep = 4,
}

/// The answer to one input point, in input order. Read in place by the C boundary's caller.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Verdict {
    /// Start of the cumulative stream in Unix nanoseconds.
    pub start_unix_nano: u64,
    /// Output time in Unix nanoseconds, a whole millisecond (D4).
    pub time_unix_nano: u64,
    /// The total: bits of an `i64` or of an `f64`; for histograms where the total begins among the
    /// batch's distribution words, counted in words.
    pub value_bits: u64,
    /// Attributes to remove (T1): bit `i` is the point's attribute number `i`, the first is 0.
    pub remove: u32,
    /// Attributes whose value becomes [`OTHER`] (T2), as `remove`.
    pub replace: u32,
    /// An [`Action`].
    pub action: u8,
    /// 1 if the value is a double, 0 if it is an integer.
    pub is_double: u8,
    /// 1 if the batch's list of edits has more attributes of this point: those beyond the first 32.
    pub has_edits: u8,
    /// Zero; room for later rules.
    pub reserved: [u8; 5],
}

/// What a value becomes that has no room among the values of its attribute (T2).
pub const OTHER: &str = "other";

/// Attributes of a point that [`Verdict::remove`] and [`Verdict::replace`] reach.
pub const MASKED_ATTRIBUTES: usize = 32;

/// One attribute to remove or replace, where a verdict's bits do not reach: on resources, and on
/// points beyond the first 32 attributes. Sorted by owner and attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AttributeEdit {
    /// Number of the point, or of the resource, in the order of the batch.
    pub owner: u32,
    /// Number of the attribute, the first is 0.
    pub attribute: u32,
    /// 1 if its value becomes [`OTHER`] (T2), 0 if it is removed (T1).
    pub replace: u32,
}

impl Verdict {
    /// The answer that removes a point.
    pub const DROP: Self = Self {
        start_unix_nano: 0,
        time_unix_nano: 0,
        value_bits: 0,
        remove: 0,
        replace: 0,
        action: Action::Drop as u8,
        is_double: 0,
        has_edits: 0,
        reserved: [0; 5],
    };

    /// Sets what the point carries; what is to be done with its attributes stays.
    pub(crate) fn write(&mut self, action: Action, start_unix_nano: u64, time_unix_nano: u64, value: Number) {
        self.start_unix_nano = start_unix_nano;
        self.time_unix_nano = time_unix_nano;
        self.value_bits = value.bits();
        self.action = action as u8;
        self.is_double = u8::from(matches!(value, Number::Double(_)));
    }

    /// The value that is written, or `None` for a dropped point.
    pub fn value(&self) -> Option<Number> {
        (self.action != Action::Drop as u8).then(|| match self.is_double {
            0 => Number::Int(self.value_bits as i64),
            _ => Number::Double(f64::from_bits(self.value_bits)),
        })
    }
}

/// A zero point to put beside an input point: same metric, same attributes (D6).
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct AddedPoint {
    /// Start of the cumulative stream in Unix nanoseconds.
    pub start_unix_nano: u64,
    /// Output time in Unix nanoseconds, before that of the point it stands beside.
    pub time_unix_nano: u64,
    /// Number of the input point, counted from 0 in input order.
    pub point: u32,
    /// 1 if the zero is a double, 0 if it is an integer.
    pub is_double: u8,
    /// 1 if the attributes are those of the overflow stream (T5).
    pub overflow: u8,
    /// Zero; room for later rules.
    pub reserved: [u8; 2],
}

/// How many points of a batch ended how. Each point has exactly one outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Outcomes {
    /// Added to its stream.
    pub accepted: u64,
    /// Recognised as a retransmission; added nothing (D3).
    pub duplicate: u64,
    /// Added, but not after the last emitted time; goes out with a later point or tick (D4).
    pub late: u64,
    /// Not a number, infinite, negative on a monotonic sum, or beyond every limit (D8).
    pub invalid: u64,
    /// Added to the overflow stream of its metric (T5).
    pub overflow: u64,
    /// Carried the flag `NO_RECORDED_VALUE` (D9).
    pub no_value: u64,
    /// Cumulative or gauge, and not newer than what is known; added nothing (T3, T4).
    pub superseded: u64,
    /// First sight of a cumulative member that may have been counted before: its value became the
    /// base of what comes (T3).
    pub baseline: u64,
    /// Found no room at all: cumulative without room for a member, or overflow without room (T5).
    pub refused: u64,
    /// Passed on untouched: cumulative points that no rule concerns (D14).
    pub untouched: u64,
}
