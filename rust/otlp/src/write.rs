//! The protobuf wire format, written in one pass.

/// Appends a varint field (`bool`, `int64`, `uint32`, enumeration).
pub(crate) fn varint(out: &mut Vec<u8>, number: u32, value: u64) {
    push_varint(out, u64::from(number) << 3);
    push_varint(out, value);
}

/// Appends a `fixed64`, `sfixed64` or `double` field by its 64 bits.
pub(crate) fn fixed64(out: &mut Vec<u8>, number: u32, bits: u64) {
    push_varint(out, u64::from(number) << 3 | 1);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Appends a `sint32` field, which stands on the wire as 0, -1, 1, -2 …
pub(crate) fn sint32(out: &mut Vec<u8>, number: u32, value: i32) {
    let zigzag = value << 1 ^ value >> 31;
    varint(out, number, u64::from(zigzag as u32));
}

/// Appends a repeated `fixed64` or `double` field, packed, unless there are no values.
pub(crate) fn packed_fixed64(out: &mut Vec<u8>, number: u32, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() > 0 {
        push_varint(out, u64::from(number) << 3 | 2);
        push_varint(out, (values.len() * size_of::<u64>()) as u64);
        values.for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }
}

/// Appends a repeated varint field, packed, unless there are no values.
pub(crate) fn packed_varints(out: &mut Vec<u8>, number: u32, values: &[u64]) {
    if !values.is_empty() {
        message(out, number, |out| values.iter().for_each(|value| push_varint(out, *value)));
    }
}

/// Appends a `string` or `bytes` field.
pub(crate) fn bytes(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    push_varint(out, u64::from(number) << 3 | 2);
    push_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Appends a `string` field unless it is empty, which is how proto3 writes a default.
pub(crate) fn text(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    if !content.is_empty() {
        bytes(out, number, content);
    }
}

/// Appends an embedded message, whose content `fill` appends.
///
/// The length stands before the content and is known after it, so longer content moves up by the
/// bytes that its length needs: cheaper than to compute each size first.
pub(crate) fn message(out: &mut Vec<u8>, number: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    push_varint(out, u64::from(number) << 3 | 2);
    let begin = out.len();
    fill(out);
    let end = out.len();
    push_varint(out, (end - begin) as u64);
    out[begin..].rotate_left(end - begin);
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    /// Scenario: repeated and signed numbers, small and large, and none at all.
    /// Guarantee: they read back unchanged; no values are no field.
    #[test]
    fn numbers_read_back() {
        let values = [0, 1, 127, 128, u64::MAX];
        for signed in [0, 1, -1, i32::MAX, i32::MIN] {
            let mut out = Vec::new();
            sint32(&mut out, 1, signed);
            packed_fixed64(&mut out, 2, values.into_iter());
            packed_varints(&mut out, 3, &values);
            packed_fixed64(&mut out, 4, [].into_iter());
            packed_varints(&mut out, 5, &[]);
            let fields: Vec<_> = Message::new(&out, 0).fields().collect::<Result<_, _>>().unwrap();
            let (mut fixed, mut varints) = (Vec::new(), Vec::new());
            fields[1].each_fixed64(|value| fixed.push(value)).unwrap();
            fields[2].each_varint(|value| varints.push(value)).unwrap();
            assert_eq!(fields.len(), 3);
            assert_eq!(fields[0].sint32(), Ok(signed));
            assert_eq!((&fixed[..], &varints[..]), (&values[..], &values[..]));
        }
    }

    /// Scenario: messages around the lengths where the length itself grows.
    /// Guarantee: they read back unchanged.
    #[test]
    fn embedded_messages_read_back() {
        for length in [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385, 3_000_000] {
            let content = vec![b'x'; length];
            let mut out = Vec::new();
            varint(&mut out, 15, u64::MAX);
            message(&mut out, 16, |out| {
                text(out, 1, b"");
                text(out, 2, &content);
                fixed64(out, 3, 7);
            });
            let fields: Vec<_> = Message::new(&out, 0).fields().collect::<Result<_, _>>().unwrap();
            assert_eq!((fields[0].number, fields[0].varint()), (15, Ok(u64::MAX)));
            let inner: Vec<_> = fields[1].message().unwrap().fields().collect::<Result<_, _>>().unwrap();
            let (last, before) = inner.split_last().unwrap();
            assert_eq!((last.number, last.fixed64()), (3, Ok(7)));
            assert_eq!(before.len(), usize::from(length > 0), "empty text is not written");
            for field in before {
                assert_eq!(field.message().unwrap().bytes(), content);
            }
        }
    }
}
