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
}

/// The answer to one input point, in input order. Read in place by the C boundary's caller.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Verdict {
    /// Start of the cumulative stream in Unix nanoseconds.
    pub start_unix_nano: u64,
    /// Output time in Unix nanoseconds, a whole millisecond (D4).
    pub time_unix_nano: u64,
    /// The total: bits of an `i64` or of an `f64`.
    pub value_bits: u64,
    /// An [`Action`].
    pub action: u8,
    /// 1 if the value is a double, 0 if it is an integer.
    pub is_double: u8,
    /// Zero; room for later rules.
    pub reserved: [u8; 6],
}

impl Verdict {
    /// The answer that removes a point.
    pub const DROP: Self = Self {
        start_unix_nano: 0,
        time_unix_nano: 0,
        value_bits: 0,
        action: Action::Drop as u8,
        is_double: 0,
        reserved: [0; 6],
    };

    pub(crate) fn write(action: Action, start_unix_nano: u64, time_unix_nano: u64, value: Number) -> Self {
        let is_double = u8::from(matches!(value, Number::Double(_)));
        Self {
            start_unix_nano,
            time_unix_nano,
            value_bits: value.bits(),
            action: action as u8,
            is_double,
            reserved: [0; 6],
        }
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
}
