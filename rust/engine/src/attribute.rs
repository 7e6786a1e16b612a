//! The canonical record of one attribute: one format in the flat buffer, in hashing and in memory.
//!
//! ```text
//! u32  key length << 8 | value type      native byte order
//! u32  value length
//!      key bytes, value bytes            no padding
//! ```
//!
//! | type | value bytes |
//! |---|---|
//! | 0 empty | none |
//! | 1 string | UTF-8 text |
//! | 2 bool | one byte, 0 or 1 |
//! | 3 int | 8 bytes, `i64` |
//! | 4 double | 8 bytes, bits of an `f64` |
//! | 5 bytes | as they are |
//! | 6 array | records with empty keys, in order |
//! | 7 map | records, sorted by key |
//!
//! A run of records in a batch may begin with one of type [`SHARED`]: see there.
//!
//! Lengths stand before the text, so no two different attributes share a record, and the type is
//! part of it: `"1"` and `1` differ. Nesting deeper than [`MAX_DEPTH`] is cut off as empty values.

use crate::batch::Malformed;

/// Bytes before the key.
pub const HEADER: usize = 8;
/// Type code of a record that stands for others: its key is empty, its value two `u32`, where in the
/// batch the records stand that come first here, and how many bytes they take. Points of one request
/// have most of their attributes in common; they are written and hashed once.
pub const SHARED: u8 = 8;
/// Bytes of a record of type [`SHARED`].
pub const SHARED_BYTES: usize = HEADER + 8;
/// Longest key in bytes; longer keys are refused as malformed.
pub const MAX_KEY: usize = (1 << 24) - 1;
/// Deepest nesting of arrays and maps; the writer replaces what lies deeper by empty values.
pub const MAX_DEPTH: usize = 16;

/// The type of an attribute's value, as numbered in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueType {
    /// No value.
    Empty = 0,
    /// UTF-8 text.
    String = 1,
    /// One byte, 0 or 1.
    Bool = 2,
    /// A signed 64-bit integer.
    Int = 3,
    /// A 64-bit float.
    Double = 4,
    /// Raw bytes.
    Bytes = 5,
    /// Records with empty keys.
    Array = 6,
    /// Records sorted by key.
    Map = 7,
}

impl ValueType {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Empty,
            1 => Self::String,
            2 => Self::Bool,
            3 => Self::Int,
            4 => Self::Double,
            5 => Self::Bytes,
            6 => Self::Array,
            7 => Self::Map,
            _ => return None,
        })
    }
}

/// One attribute read back from its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// UTF-8 text.
    pub key: &'a [u8],
    /// How to read `value`.
    pub value_type: ValueType,
    /// As the table above says.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Reads the first attribute of `records`.
    pub fn parse(records: &'a [u8]) -> Result<Self, Malformed> {
        let (record, _) = split_first(records, 0)?;
        let (key_length, code, _) = header(record).ok_or(TRUNCATED)?;
        let value_type = ValueType::from_code(code)
            .ok_or(Malformed { offset: 0, reason: "unknown attribute value type" })?;
        let (key, value) = record[HEADER..].split_at(key_length);
        Ok(Self { key, value_type, value })
    }

    /// The integer of an [`ValueType::Int`] value; `None` for other types.
    pub fn as_int(&self) -> Option<i64> {
        let bytes = self.value.try_into().ok()?;
        (self.value_type == ValueType::Int).then(|| i64::from_ne_bytes(bytes))
    }

    /// The float of a [`ValueType::Double`] value; `None` for other types.
    pub fn as_double(&self) -> Option<f64> {
        let bytes = self.value.try_into().ok()?;
        (self.value_type == ValueType::Double).then(|| f64::from_ne_bytes(bytes))
    }
}

/// Where the records stand that a run of them begins with, if it begins with a record of type
/// [`SHARED`]: offset and length in bytes.
#[inline]
pub fn shared(records: &[u8]) -> Option<(u32, u32)> {
    let (record, _) = records.split_at_checked(SHARED_BYTES)?;
    let value = record.strip_prefix(&SHARED_HEADER)?;
    let (offset, length) = value.split_first_chunk::<4>()?;
    Some((u32::from_ne_bytes(*offset), u32::from_ne_bytes(length.try_into().ok()?)))
}

/// The header of a record of type [`SHARED`].
const SHARED_HEADER: [u8; HEADER] = {
    let [a, b, c, d] = (SHARED as u32).to_ne_bytes();
    let [e, f, g, h] = 8_u32.to_ne_bytes();
    [a, b, c, d, e, f, g, h]
};

/// Calls `each` with every record of `records`, a run of records without gaps.
///
/// Only the framing is checked here, because this runs for each attribute of each point;
/// `offset` is added to the place that an error names.
#[inline]
pub fn for_each(records: &[u8], offset: usize, mut each: impl FnMut(&[u8])) -> Result<(), Malformed> {
    let mut rest = records;
    while !rest.is_empty() {
        let (record, tail) = split_first(rest, offset + records.len() - rest.len())?;
        each(record);
        rest = tail;
    }
    Ok(())
}

const TRUNCATED: Malformed = Malformed { offset: 0, reason: "attribute record runs past its list" };

#[inline]
fn split_first(records: &[u8], offset: usize) -> Result<(&[u8], &[u8]), Malformed> {
    let truncated = Malformed { offset, ..TRUNCATED };
    let Some((key_length, _, value_length)) = header(records) else {
        return Err(truncated);
    };
    let size = HEADER + key_length + value_length;
    records.split_at_checked(size).ok_or(truncated)
}

/// Key length, type code and value length; lengths fit `usize` without overflow on 64-bit targets.
#[inline]
fn header(record: &[u8]) -> Option<(usize, u8, usize)> {
    let (first, rest) = record.split_first_chunk::<4>()?;
    let (second, _) = rest.split_first_chunk::<4>()?;
    let first = u32::from_ne_bytes(*first);
    Some(((first >> 8) as usize, first as u8, u32::from_ne_bytes(*second) as usize))
}

/// Appends one record to `out`; returns false, writing nothing, if key or value is too long.
///
/// For arrays and maps `value` is already a run of records: see [`push_nested`].
pub fn push(out: &mut Vec<u8>, key: &[u8], value_type: ValueType, value: &[u8]) -> bool {
    let Ok(value_length) = u32::try_from(value.len()) else {
        return false;
    };
    if key.len() > MAX_KEY {
        return false;
    }
    out.extend_from_slice(&((key.len() as u32) << 8 | u32::from(value_type as u8)).to_ne_bytes());
    out.extend_from_slice(&value_length.to_ne_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
    true
}

/// Appends a record whose value is the run of records that `fill` writes; false as [`push`].
pub fn push_nested(
    out: &mut Vec<u8>,
    key: &[u8],
    value_type: ValueType,
    fill: impl FnOnce(&mut Vec<u8>),
) -> bool {
    let start = out.len();
    if !push(out, key, value_type, &[]) {
        return false;
    }
    let value_start = out.len();
    fill(out);
    let Ok(length) = u32::try_from(out.len() - value_start) else {
        out.truncate(start);
        return false;
    };
    out[start + 4..start + HEADER].copy_from_slice(&length.to_ne_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(list: &[(&str, ValueType, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (key, value_type, value) in list {
            assert!(push(&mut out, key.as_bytes(), *value_type, value));
        }
        out
    }

    /// Scenario: three attributes are written and read. Guarantee: key, type and value survive.
    #[test]
    fn written_records_read_back() {
        let bytes = records(&[
            ("model", ValueType::String, b"opus"),
            ("n", ValueType::Int, &7_i64.to_ne_bytes()),
            ("", ValueType::Empty, b""),
        ]);
        let mut seen = Vec::new();
        for_each(&bytes, 0, |record| {
            let attribute = Attribute::parse(record).unwrap();
            seen.push((attribute.key.to_vec(), attribute.value_type, attribute.as_int()));
        })
        .unwrap();
        assert_eq!(seen[0], (b"model".to_vec(), ValueType::String, None));
        assert_eq!(seen[1], (b"n".to_vec(), ValueType::Int, Some(7)));
        assert_eq!(seen[2], (Vec::new(), ValueType::Empty, None));
    }

    /// Scenario: a list is cut at every byte. Guarantee: an error names a place, nothing panics.
    #[test]
    fn a_cut_list_is_an_error() {
        let bytes =
            records(&[("a", ValueType::String, b"1"), ("b", ValueType::Double, &1.5_f64.to_ne_bytes())]);
        let boundary = HEADER + 2;
        for cut in 1..bytes.len() {
            let result = for_each(&bytes[..cut], 100, |_| ());
            assert_eq!(result.is_ok(), cut == boundary, "cut at {cut}");
            if let Err(malformed) = result {
                assert!(malformed.offset >= 100);
            }
        }
    }

    /// Scenario: a map in an array. Guarantee: nested lengths are patched in.
    #[test]
    fn nested_records_carry_their_length() {
        let mut out = Vec::new();
        assert!(push_nested(&mut out, b"list", ValueType::Array, |out| {
            push_nested(out, b"", ValueType::Map, |out| {
                push(out, b"k", ValueType::Bool, &[1]);
            });
        }));
        let list = Attribute::parse(&out).unwrap();
        let map = Attribute::parse(list.value).unwrap();
        let leaf = Attribute::parse(map.value).unwrap();
        assert_eq!((leaf.key, leaf.value_type, leaf.value), (&b"k"[..], ValueType::Bool, &[1_u8][..]));
    }
}
