//! Re-encodes a request into forms that protobuf allows and no encoder writes.

/// Rewrites the encoded request `bytes`: fields change places, come twice or in pieces or with a
/// longer length than needed, and unknown fields stand between them. The result may mean something
/// else than `bytes` (repeated fields change places too), but it is well formed.
pub fn rewire(bytes: &[u8], seed: u64) -> Vec<u8> {
    rewire_message(bytes, Kind::Request, &mut Dice(seed))
}

/// Random numbers (splitmix64), reproducible from the seed that proptest prints.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

fn rewire_message(bytes: &[u8], kind: Kind, dice: &mut Dice) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for field in split(bytes) {
        match (field.content, packed(kind, field.number)) {
            (Some(content), Some(width)) => fields.extend(unpack(field.number, content, width, dice)),
            (Some(content), None) => {
                let content = rewire_message_or_text(content, inner(kind, field.number), dice);
                let pieces =
                    if inner(kind, field.number) == Kind::Other { vec![content] } else { cut(content, dice) };
                fields.extend(pieces.iter().map(|piece| embed(field.number, piece, dice)));
            }
            (None, _) => fields.push(field.raw.to_vec()),
        }
    }
    for _ in 0..fields.len() {
        if dice.one_in(6) {
            let (a, b) = (dice.below(fields.len()), dice.below(fields.len()));
            fields.swap(a, b);
        }
        if dice.one_in(12) {
            let again = fields[dice.below(fields.len())].clone();
            fields.insert(dice.below(fields.len()), again);
        }
    }
    if dice.one_in(4) {
        fields.insert(dice.below(fields.len() + 1), unknown_field(dice));
    }
    if dice.one_in(6) {
        fields.insert(dice.below(fields.len() + 1), other_alternative(kind, dice));
    }
    fields.concat()
}

/// A field that displaces what a oneof of the message holds, or is displaced by what follows.
fn other_alternative(kind: Kind, dice: &mut Dice) -> Vec<u8> {
    let choices: &[&[u8]] = match kind {
        Kind::Metric => &[&[0x2a, 0], &[0x3a, 2, 0x10, 1], &[0x4a, 0], &[0x52, 2, 0x10, 2], &[0x5a, 0]],
        Kind::Number => &[&[0x21, 1, 2, 3, 4, 5, 6, 7, 8], &[0x31, 1, 2, 3, 4, 5, 6, 7, 8]],
        Kind::AnyValue => {
            &[&[0x0a, 1, b'x'], &[0x10, 1], &[0x18, 5], &[0x2a, 0], &[0x32, 0], &[0x3a, 0], &[0x40, 1]]
        }
        _ => &[&[]],
    };
    choices[dice.below(choices.len())].to_vec()
}

#[derive(Clone, Copy, PartialEq)]
enum Width {
    Varint,
    Fixed64,
}

/// How the numbers of a packed field stand in it.
fn packed(kind: Kind, number: u32) -> Option<Width> {
    match (kind, number) {
        (Kind::HistogramPoint, 6 | 7) => Some(Width::Fixed64),
        (Kind::Buckets, 2) => Some(Width::Varint),
        _ => None,
    }
}

/// The numbers of a packed field in several packed fields, or one by one.
fn unpack(number: u32, content: &[u8], width: Width, dice: &mut Dice) -> Vec<Vec<u8>> {
    let (mut fields, mut run, mut rest) = (Vec::new(), Vec::new(), content);
    while !rest.is_empty() {
        let begin = rest;
        match width {
            Width::Varint => drop(take_varint(&mut rest)),
            Width::Fixed64 => rest = &rest[8..],
        }
        let value = &begin[..begin.len() - rest.len()];
        if dice.one_in(4) {
            fields.push(embed(number, &std::mem::take(&mut run), dice));
            let wire_type = u64::from(width == Width::Fixed64);
            fields.push([varint(u64::from(number) << 3 | wire_type), value.to_vec()].concat());
        } else {
            run.extend_from_slice(value);
        }
    }
    fields.push(embed(number, &run, dice));
    fields
}

fn rewire_message_or_text(content: &[u8], kind: Kind, dice: &mut Dice) -> Vec<u8> {
    if kind == Kind::Other { content.to_vec() } else { rewire_message(content, kind, dice) }
}

/// The message in one piece or, between two of its fields, in two.
fn cut(message: Vec<u8>, dice: &mut Dice) -> Vec<Vec<u8>> {
    if !dice.one_in(8) {
        return vec![message];
    }
    let ends: Vec<usize> = split(&message)
        .map(|field| field.raw.as_ptr() as usize + field.raw.len() - message.as_ptr() as usize)
        .collect();
    let place = if ends.is_empty() { 0 } else { ends[dice.below(ends.len())] };
    let (first, second) = message.split_at(place);
    vec![first.to_vec(), second.to_vec()]
}

fn embed(number: u32, content: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = varint(u64::from(number) << 3 | 2);
    let mut length = varint(content.len() as u64);
    if dice.one_in(8) && length.len() < 9 {
        *length.last_mut().unwrap() |= 0x80;
        length.push(0); // a longer way to write the same number
    }
    out.extend(length);
    out.extend_from_slice(content);
    out
}

fn unknown_field(dice: &mut Dice) -> Vec<u8> {
    let number = [15_u64, 100, 1000, 536_870_911][dice.below(4)] << 3;
    let content: &[u8] = match dice.below(5) {
        0 => &[0, 0x96, 0x01],
        1 => &[1, 1, 2, 3, 4, 5, 6, 7, 8],
        2 => &[2, 3, b'a', b'b', b'c'],
        3 => &[5, 1, 2, 3, 4],
        _ => &[3, 0x08, 0x01, 0x13, 0x14],
    };
    let mut out = varint(number | u64::from(content[0]));
    out.extend_from_slice(&content[1..]);
    if content[0] == 3 {
        out.extend(varint(number | 4));
    }
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

struct RawField<'a> {
    number: u32,
    raw: &'a [u8],
    /// The content of a length-delimited field.
    content: Option<&'a [u8]>,
}

/// The fields of a message as prost, or this module, wrote it.
fn split(bytes: &[u8]) -> impl Iterator<Item = RawField<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let begin = rest;
        let key = take_varint(&mut rest)?;
        let mut content = None;
        match key & 7 {
            0 => drop(take_varint(&mut rest)),
            1 => rest = &rest[8..],
            5 => rest = &rest[4..],
            2 => {
                let length = take_varint(&mut rest)? as usize;
                content = Some(&rest[..length]);
                rest = &rest[length..];
            }
            // The group of `unknown_field`: its content and an end tag as long as its own tag.
            _ => rest = &rest[4 + varint(key).len()..],
        }
        Some(RawField { number: (key >> 3) as u32, raw: &begin[..begin.len() - rest.len()], content })
    })
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in 0.. {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if *byte < 0x80 {
            break;
        }
    }
    Some(value)
}

/// Fields whose content is a message, per message kind: enough of OTLP to reach every level.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Request,
    ResourceMetrics,
    Resource,
    ScopeMetrics,
    Scope,
    Metric,
    /// A gauge or sum.
    Numbers,
    Number,
    Histogram,
    HistogramPoint,
    Exponential,
    ExponentialPoint,
    Buckets,
    KeyValue,
    AnyValue,
    Array,
    Map,
    Other,
}

fn inner(kind: Kind, number: u32) -> Kind {
    match (kind, number) {
        (Kind::Request, 1) => Kind::ResourceMetrics,
        (Kind::ResourceMetrics, 1) => Kind::Resource,
        (Kind::ResourceMetrics, 2) => Kind::ScopeMetrics,
        (Kind::Resource, 1) | (Kind::Scope, 3) | (Kind::Map, 1) => Kind::KeyValue,
        (Kind::Number, 7) | (Kind::HistogramPoint, 9) | (Kind::ExponentialPoint, 1) => Kind::KeyValue,
        (Kind::ScopeMetrics, 1) => Kind::Scope,
        (Kind::ScopeMetrics, 2) => Kind::Metric,
        (Kind::Metric, 5 | 7) => Kind::Numbers,
        (Kind::Metric, 9) => Kind::Histogram,
        (Kind::Metric, 10) => Kind::Exponential,
        (Kind::Numbers, 1) => Kind::Number,
        (Kind::Histogram, 1) => Kind::HistogramPoint,
        (Kind::Exponential, 1) => Kind::ExponentialPoint,
        (Kind::ExponentialPoint, 8 | 9) => Kind::Buckets,
        (Kind::KeyValue, 2) | (Kind::Array, 1) => Kind::AnyValue,
        (Kind::AnyValue, 5) => Kind::Array,
        (Kind::AnyValue, 6) => Kind::Map,
        _ => Kind::Other,
    }
}
