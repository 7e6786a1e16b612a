//! Points of a script from its bytes.

use std::collections::BTreeMap;

use tokenledger::attribute::{self, ValueType};
use tokenledger::batch::Temporality;
use tokenledger::distribution::{Summary, push_explicit, push_exponential};
use tokenledger::{Now, Number};

use super::SECOND;
use super::script::{
    LATENCY, LEVEL, METRICS, MIXED, Member, Point, SERIES, SESSION, SESSION_RESPELLED, SIZE, TOKENS, TOTAL,
    UP_DOWN, Value, WAITS, WILD_EXPLICIT, WILD_EXPONENTIAL, WILD_SUM,
};
use crate::bytes::Bytes;
use crate::distribution::push_any;
use crate::through::NOW;

/// Kinds of steps that make a point.
pub(super) const KINDS: u8 = 12;

/// Makes points and remembers what the clients that send totals have counted so far.
#[derive(Default)]
pub(super) struct Generator {
    windows: u64,
    members: BTreeMap<Member, (u64, Vec<u64>)>,
}

impl Generator {
    /// A point of that kind from the next bytes. No two have the same time.
    pub fn point(&mut self, kind: u8, now: Now, bytes: &mut Bytes<'_>) -> Point {
        let [a, b, c, d, e] = [bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte()];
        let option = |number: u8| e >> number & 1 == 1;
        self.windows += 1;
        let offset = i64::from(c as i8) * SECOND as i64;
        let time = now.wall_unix_nano.saturating_add_signed(offset) + self.windows;
        let mut point = Point {
            metric: TOKENS,
            temporality: Temporality::Delta,
            resource: e & 1,
            attributes: attributes(a, d),
            start: if option(1) { 0 } else { time - SECOND },
            time,
            value: Value::Number(number(4 * u64::from(b), option(2))),
            no_value: e >> 3 == 0b11111, // D9
            parts: Vec::new(),
        };
        if e >> 3 == 0b11110 {
            point.time = 0; // D11
        }
        match kind {
            0..=3 => {}
            4 => (point.metric, point.value) = (UP_DOWN, Value::Number(Number::Int(i64::from(b as i8)))),
            5 => (point.metric, point.value) = (LATENCY, Value::Words(explicit(b, d))),
            6 => (point.metric, point.value) = (SIZE, Value::Words(exponential(b, c, d))),
            // Few clients, so that each sends more than one total.
            7..=9 => {
                point.attributes = attributes(a % 2, d % 2);
                match kind {
                    7 => self.make_total(&mut point, TOTAL, time, b, e),
                    8 => self.make_total(&mut point, WAITS, time, b, e),
                    _ if option(4) => self.make_total(&mut point, MIXED, time, b, e),
                    _ => point.metric = MIXED,
                }
            }
            10 => point.metric = LEVEL,
            _ => make_wild(&mut point, bytes),
        }
        point
    }

    /// Turns `point` into a total of its member, with a start after, before or without relation to
    /// that of the engine. A point that is late repeats what the member had counted.
    fn make_total(&mut self, point: &mut Point, metric: usize, time: u64, b: u8, e: u8) {
        point.metric = metric;
        point.temporality = Temporality::Cumulative;
        point.start = match e >> 5 & 3 {
            0 => NOW.wall_unix_nano + SECOND,
            1 => NOW.wall_unix_nano + 2,
            2 => NOW.wall_unix_nano - 100 * SECOND,
            _ => 0,
        };
        point.time = time.max(point.start + self.windows);
        point.no_value = false;
        let width = if metric == WAITS { BOUNDS.len() + 1 } else { 1 };
        let Some(member) = point.member() else { return };
        let (last, parts) = self.members.entry(member).or_insert((0, vec![0; width]));
        if point.time > *last {
            *last = point.time;
            let restarts = b >= 240;
            for (number, part) in parts.iter_mut().enumerate() {
                let step = if width == 1 { u64::from(b) } else { u64::from(b >> (2 * number) & 3) };
                *part = if restarts { step % 3 } else { *part + step };
            }
        }
        point.parts.clone_from(parts);
        point.value = match *point.parts {
            [quarters] => Value::Number(number(quarters, e >> 2 & 1 == 1)),
            _ => Value::Words(explicit_words(&BOUNDS, &point.parts, 0b111)),
        };
    }
}

/// A number of quarters: a double where it is no whole number, or on demand (D7).
fn number(quarters: u64, double: bool) -> Number {
    match quarters % 4 {
        0 if !double => Number::Int((quarters / 4) as i64),
        _ => Number::Double(quarters as f64 / 4.0),
    }
}

/// Attributes of which rules remove some, as records: eight values of the first, four sessions in two
/// spellings and as text or number, and sometimes more attributes than a verdict's bits reach.
fn attributes(a: u8, d: u8) -> Vec<u8> {
    let mut out = Vec::new();
    attribute::push(&mut out, SERIES.as_bytes(), ValueType::String, &[b'0' + a % 8]);
    if d >> 4 == 15 {
        for filler in 0..34_u8 {
            attribute::push(&mut out, &[b'f', b'a' + filler / 26, b'a' + filler % 26], ValueType::Bool, &[1]);
        }
    }
    let key = if d & 4 == 0 { SESSION } else { SESSION_RESPELLED };
    match d & 8 {
        0 => attribute::push(&mut out, key.as_bytes(), ValueType::String, &[b'0' + d % 4]),
        _ => attribute::push(&mut out, key.as_bytes(), ValueType::Int, &i64::from(d % 4).to_ne_bytes()),
    };
    out
}

const BOUNDS: [f64; 3] = [0.5, 2.0, 10.0];

/// A delta histogram with one of four sets of bounds, or none.
fn explicit(b: u8, d: u8) -> Vec<u64> {
    let bounds: Option<&[f64]> = match d >> 5 & 7 {
        0 => Some(&[]),
        1 => Some(&[1.0]),
        2 => Some(&[1.0, 2.0, 5.0]),
        3 => None,
        _ => Some(&BOUNDS),
    };
    let length = bounds.map_or(0, |bounds| bounds.len() + 1);
    let counts: Vec<u64> = (0..length).map(|number| u64::from(b >> (2 * number) & 3)).collect();
    match bounds {
        Some(bounds) => explicit_words(bounds, &counts, d >> 1),
        None => {
            let mut words = Vec::new();
            push_explicit(&mut words, summary(u64::from(b), d >> 1), &[], &[]);
            words
        }
    }
}

fn explicit_words(bounds: &[f64], counts: &[u64], present: u8) -> Vec<u64> {
    let mut words = Vec::new();
    push_explicit(&mut words, summary(counts.iter().sum(), present), bounds, counts);
    words
}

/// A delta histogram at one of some scales, with a threshold now and then.
fn exponential(b: u8, c: u8, d: u8) -> Vec<u64> {
    let counts = |length: u8, bits: u8| -> Vec<u64> {
        (0..length).map(|number| u64::from(bits.rotate_right(u32::from(number)) & 3)).collect()
    };
    let (positive, negative) = (counts(b % 64, b), counts(c % 8, c));
    let zero_count = u64::from(b & 1);
    let scale = [0, 1, -1, 3, 20, -11, 5, 2][usize::from(d & 7)];
    let threshold = [0.0, 0.0, 0.25, 2.0, 1e300, 1e-5, 0.3, 0.5][usize::from(d >> 3 & 7)];
    let offset = i32::from(c as i8) * if d & 0x40 == 0 { 1 } else { 1000 };
    let count = zero_count + positive.iter().chain(&negative).sum::<u64>();
    let mut words = Vec::new();
    push_exponential(
        &mut words,
        summary(count, d >> 6),
        scale,
        zero_count,
        threshold,
        (offset, &positive),
        (-offset, &negative),
    );
    words
}

/// Sum, minimum and maximum are there as the bits of `present` say.
fn summary(count: u64, present: u8) -> Summary {
    let value = |bit: u8, value: f64| (present >> bit & 1 == 1).then_some(value);
    Summary { count, sum: value(0, count as f64 / 4.0), min: value(1, 0.25), max: value(2, 30.0) }
}

/// Values that no client should send.
fn make_wild(point: &mut Point, bytes: &mut Bytes<'_>) {
    const NUMBERS: [Number; 8] = [
        Number::Double(f64::NAN),
        Number::Double(f64::INFINITY),
        Number::Double(-1.0),
        Number::Double(f64::MAX),
        Number::Double(1e-300),
        Number::Int(i64::MAX),
        Number::Int(i64::MIN),
        Number::Int(1),
    ];
    let choice = bytes.byte();
    if choice.is_multiple_of(4) {
        point.metric = WILD_SUM;
        point.value = Value::Number(NUMBERS[usize::from(choice >> 2 & 7)]);
    } else {
        let mut words = Vec::new();
        push_any(bytes, &mut words);
        let mut explicit = words.first().is_some_and(|flags| flags & 0xff == 1);
        if choice == 255 {
            explicit = !explicit; // words of the other kind
        }
        point.metric = if explicit { WILD_EXPLICIT } else { WILD_EXPONENTIAL };
        point.value = Value::Words(words);
    }
    if choice & 0x40 != 0 {
        point.temporality = Temporality::Cumulative;
        point.start = [0, point.start, NOW.wall_unix_nano + 1][usize::from(choice) % 3];
    }
    debug_assert!(!METRICS[point.metric].tracked);
}
