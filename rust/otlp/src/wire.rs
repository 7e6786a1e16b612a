//! The protobuf wire format, read in place.
//!
//! What cannot be understood is skipped as protobuf demands (unknown fields, groups), what breaks
//! the format is an error with its place, and nothing recurses deeper than [`MAX_GROUP_DEPTH`].

use std::borrow::Cow;

use tokenledger::batch::{Malformed, Span};

/// Deepest nesting of (unknown) groups; protobuf implementations allow 100 levels.
const MAX_GROUP_DEPTH: usize = 100;

/// An encoded message, with its place in the batch for spans and errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub number: u32,
    /// Where the field's content begins in the batch.
    pub offset: usize,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    /// No field that is read here has this type.
    Fixed32,
    Bytes(&'a [u8]),
    Group,
}

impl<'a> Message<'a> {
    /// A message that stands at `offset` of the batch.
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// Its content.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Its place in the batch. The batch is at most 4 GiB long: checked where it comes in.
    pub fn span(self) -> Span {
        Span { offset: self.offset as u32, length: self.bytes.len() as u32 }
    }

    /// Its fields in the order of the wire; ends after the first error.
    pub fn fields(self) -> Fields<'a> {
        Fields { message: self, rest: self.bytes }
    }

    /// The embedded message of field `number`, as decoding the field would leave it: a message
    /// that comes in pieces is the concatenation of these. Pieces before `from` do not count.
    /// Only such pieces are copied.
    pub fn merged(self, number: u32, from: usize) -> Result<Cow<'a, [u8]>, Malformed> {
        let mut merged: Option<Cow<'a, [u8]>> = None;
        for field in self.fields() {
            let field = field?;
            if field.number == number && field.offset >= from {
                let piece = field.message()?.bytes;
                match &mut merged {
                    None => merged = Some(Cow::Borrowed(piece)),
                    Some(pieces) => pieces.to_mut().extend_from_slice(piece),
                }
            }
        }
        Ok(merged.unwrap_or_default())
    }
}

impl<'a> Field<'a> {
    /// The value of a varint field: `bool`, `int64`, `uint32` or an enumeration.
    #[inline]
    pub fn varint(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.wrong_type()),
        }
    }

    /// The value of a `fixed64`, `sfixed64` or `double` field.
    #[inline]
    pub fn fixed64(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Fixed64(value) => Ok(value),
            _ => Err(self.wrong_type()),
        }
    }

    /// The value of a `sint32` field, which stands on the wire as 0, -1, 1, -2 …
    pub fn sint32(&self) -> Result<i32, Malformed> {
        let zigzag = self.varint()? as u32;
        Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    /// The values of a repeated `fixed64` or `double` field: one, or packed any number.
    pub fn each_fixed64(&self, mut each: impl FnMut(u64)) -> Result<(), Malformed> {
        let Value::Bytes(bytes) = self.value else {
            each(self.fixed64()?);
            return Ok(());
        };
        let (numbers, []) = bytes.as_chunks() else {
            return Err(Malformed { offset: self.offset, reason: "packed numbers cut short" });
        };
        numbers.iter().for_each(|number| each(u64::from_le_bytes(*number)));
        Ok(())
    }

    /// The values of a repeated varint field: one, or packed any number.
    pub fn each_varint(&self, mut each: impl FnMut(u64)) -> Result<(), Malformed> {
        let Value::Bytes(bytes) = self.value else {
            each(self.varint()?);
            return Ok(());
        };
        let mut packed = Message { bytes, offset: self.offset }.fields();
        while !packed.rest.is_empty() {
            each(packed.read_varint()?);
        }
        Ok(())
    }

    /// The content of a message, `string` or `bytes` field.
    #[inline]
    pub fn message(&self) -> Result<Message<'a>, Malformed> {
        match self.value {
            Value::Bytes(bytes) => Ok(Message { bytes, offset: self.offset }),
            _ => Err(self.wrong_type()),
        }
    }

    fn wrong_type(&self) -> Malformed {
        Malformed { offset: self.offset, reason: "field with the wire type of another field" }
    }
}

/// Iterator over the fields of a message.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    message: Message<'a>,
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read_field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    #[inline]
    fn read_field(&mut self) -> Result<Field<'a>, Malformed> {
        let (number, wire_type) = self.read_key()?;
        let mut offset = self.offset();
        let value = match wire_type {
            0 => Value::Varint(self.read_varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.read_array()?)),
            2 => {
                let bytes = self.read_length_delimited()?;
                offset = self.offset() - bytes.len();
                Value::Bytes(bytes)
            }
            5 => {
                self.read_array::<4>()?;
                Value::Fixed32
            }
            3 => {
                self.skip_group(number, MAX_GROUP_DEPTH)?;
                Value::Group
            }
            4 => return Err(self.malformed("end of a group that did not begin")),
            _ => return Err(self.malformed("unknown wire type")),
        };
        Ok(Field { number, offset, value })
    }

    #[inline]
    fn read_key(&mut self) -> Result<(u32, u8), Malformed> {
        let key = u32::try_from(self.read_varint()?).map_err(|_| self.malformed("field number too large"))?;
        let number = key >> 3;
        if number == 0 {
            return Err(self.malformed("field number 0"));
        }
        Ok((number, key as u8 & 7))
    }

    #[inline]
    fn read_varint(&mut self) -> Result<u64, Malformed> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.read_long_varint()
    }

    fn read_long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().enumerate().take(10) {
            if index == 9 && *byte > 1 {
                break; // more than 64 bits
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(self.malformed("number that does not end"))
    }

    #[inline]
    fn read_array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.malformed("number cut short"))?;
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    fn read_length_delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.read_varint()?).unwrap_or(usize::MAX);
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.malformed("field longer than its message"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn skip_group(&mut self, number: u32, depth: usize) -> Result<(), Malformed> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.malformed("groups nested too deeply"));
        };
        loop {
            let (inner, wire_type) = self.read_key()?;
            match wire_type {
                0 => drop(self.read_varint()?),
                1 => drop(self.read_array::<8>()?),
                2 => drop(self.read_length_delimited()?),
                3 => self.skip_group(inner, depth)?,
                4 if inner == number => return Ok(()),
                4 => return Err(self.malformed("end of another group")),
                5 => drop(self.read_array::<4>()?),
                _ => return Err(self.malformed("unknown wire type")),
            }
        }
    }

    /// Where the rest that is not yet read begins in the batch.
    #[inline]
    pub fn offset(&self) -> usize {
        self.message.offset + self.message.bytes.len() - self.rest.len()
    }

    fn malformed(&self, reason: &'static str) -> Malformed {
        Malformed { offset: self.offset(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
        Message::new(bytes, 0).fields().collect()
    }

    /// Scenario: one field of each wire type. Guarantee: numbers, values and places come out.
    #[test]
    fn every_wire_type_is_read() {
        let bytes = [
            0x08, 0x96, 0x01, // 1: varint 150
            0x11, 1, 0, 0, 0, 0, 0, 0, 0, // 2: fixed64 1
            0x1a, 2, b'a', b'b', // 3: bytes
            0x23, 0x28, 0x05, 0x24, // 4: group holding 5: varint
            0x35, 9, 0, 0, 0, // 6: fixed32
        ];
        let fields = fields(&bytes).unwrap();
        assert_eq!(fields.iter().map(|f| f.number).collect::<Vec<_>>(), [1, 2, 3, 4, 6]);
        assert_eq!(fields[0].varint(), Ok(150));
        assert_eq!(fields[1].fixed64(), Ok(1));
        let text = fields[2].message().unwrap();
        assert_eq!((text.bytes(), text.span()), (&b"ab"[..], Span { offset: 14, length: 2 }));
        assert!(fields[3].varint().is_err() && fields[4].fixed64().is_err());
    }

    /// Scenario: the bytes are cut anywhere. Guarantee: an error unless the cut is between fields.
    #[test]
    fn cut_messages_are_errors() {
        let bytes =
            [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, b'a', b'b', 0x23, 0x28, 0x05, 0x24];
        for cut in 0..bytes.len() {
            assert_eq!(fields(&bytes[..cut]).is_ok(), [0, 3, 12, 16].contains(&cut), "cut at {cut}");
        }
    }

    /// Scenario: forms that protobuf forbids. Guarantee: each is an error, none a panic.
    #[test]
    fn forbidden_forms_are_errors() {
        let forbidden: [&[u8]; 7] = [
            &[0x00],                                                          // field number 0
            &[0x0c],                                                          // end of no group
            &[0x0f],                                                          // wire type 7
            &[0x0b, 0x14],                                                    // group 1 ended as group 2
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01],                            // field number beyond 32 bits
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], // 65-bit number
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], // length of 2^64 - 1
        ];
        for bytes in forbidden {
            assert!(fields(bytes).is_err(), "{bytes:x?}");
        }
    }

    /// Scenario: groups nested up to the limit and one deeper. Guarantee: read, then refused.
    #[test]
    fn group_depth_is_bounded() {
        let nested = |depth: usize| [vec![0x0b; depth], vec![0x0c; depth]].concat();
        assert!(fields(&nested(MAX_GROUP_DEPTH - 1)).is_ok());
        assert!(fields(&nested(MAX_GROUP_DEPTH)).is_ok());
        assert!(fields(&nested(MAX_GROUP_DEPTH + 1)).is_err());
        assert!(fields(&vec![0x0b; 10_000_000]).is_err());
    }

    /// Scenario: repeated numbers one by one, packed, packed and cut short.
    /// Guarantee: the first two forms mean the same, the third is an error.
    #[test]
    fn repeated_numbers_are_read_in_both_forms() {
        fn read(bytes: &[u8], varints: bool) -> Result<Vec<u64>, Malformed> {
            let mut values = Vec::new();
            for field in Message::new(bytes, 0).fields() {
                let field = field?;
                match varints {
                    true => field.each_varint(|value| values.push(value))?,
                    false => field.each_fixed64(|value| values.push(value))?,
                }
            }
            Ok(values)
        }
        assert_eq!(read(&[0x08, 0x96, 0x01, 0x0a, 3, 7, 0x80, 0x01, 0x0a, 0], true), Ok(vec![150, 7, 128]));
        let fixed = [&[0x09_u8][..], &5_u64.to_le_bytes(), &[0x0a, 8], &6_u64.to_le_bytes()].concat();
        assert_eq!(read(&fixed, false), Ok(vec![5, 6]));
        let place = |offset, reason| Err(Malformed { offset, reason });
        assert_eq!(read(&[0x0a, 2, 7, 0x80], true), place(3, "number that does not end"));
        assert_eq!(read(&[0x0a, 7, 0, 0, 0, 0, 0, 0, 0], false), place(2, "packed numbers cut short"));
        assert!(read(&fixed, true).is_err() && read(&[0x08, 1], false).is_err());
    }

    /// Scenario: signed 32-bit numbers, and one with more bits than it should have.
    /// Guarantee: read as protobuf writes them; what is over 32 bits is cut off.
    #[test]
    fn signed_numbers_are_read() {
        for (wire, value) in [(0, 0), (1, -1), (2, 1), (0xffff_ffff, i32::MIN), (0xffff_fffe, i32::MAX)] {
            for wire in [wire, wire | 0xff << 40] {
                let mut bytes = Vec::new();
                crate::write::varint(&mut bytes, 1, wire);
                assert_eq!(fields(&bytes).unwrap()[0].sint32(), Ok(value));
            }
        }
    }

    /// Scenario: an embedded message in two pieces. Guarantee: their concatenation, from the place asked.
    #[test]
    fn pieces_are_joined() {
        let bytes = [0x0a, 1, b'a', 0x12, 1, b'x', 0x0a, 1, b'b'];
        let message = Message::new(&bytes, 100);
        assert_eq!(message.merged(1, 0).unwrap().as_ref(), b"ab");
        assert_eq!(message.merged(1, 105).unwrap().as_ref(), b"b");
        assert!(matches!(message.merged(2, 0), Ok(Cow::Borrowed(b"x"))));
        assert_eq!(message.merged(3, 0).unwrap().as_ref(), b"");
    }
}
