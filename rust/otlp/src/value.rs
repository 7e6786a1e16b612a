//! `KeyValue` and `AnyValue` to the canonical attribute record (see [`tokenledger::attribute`]).

use std::borrow::Cow;

use tokenledger::attribute::{self, MAX_DEPTH, ValueType};
use tokenledger::batch::Malformed;

use crate::field::{LIST_VALUES, any_value, key_value};
use crate::wire::Message;

/// Appends the record of the attribute `key_value` to `out`.
pub(crate) fn push_attribute(out: &mut Vec<u8>, key_value: Message<'_>) -> Result<(), Malformed> {
    push_key_value(out, key_value, MAX_DEPTH)
}

/// `depth`: how many arrays and maps may still stand around a value.
fn push_key_value(out: &mut Vec<u8>, message: Message<'_>, depth: usize) -> Result<(), Malformed> {
    let (key, value) = key_and_value(message)?;
    push_value(out, key, Message::new(&value, message.span().offset as usize), depth)
}

/// The key (the last one given) and the `AnyValue` (all pieces given).
fn key_and_value<'a>(message: Message<'a>) -> Result<(&'a [u8], Cow<'a, [u8]>), Malformed> {
    let mut key: &[u8] = &[];
    let mut value: Option<&[u8]> = None;
    for field in message.fields() {
        let field = field?;
        match field.number {
            key_value::KEY => key = field.message()?.bytes(),
            // In pieces: legal, and so rare that starting over does not matter.
            key_value::VALUE if value.is_some() => {
                return Ok((last_key(message)?, message.merged(key_value::VALUE, 0)?));
            }
            key_value::VALUE => value = Some(field.message()?.bytes()),
            _ => {}
        }
    }
    Ok((key, Cow::Borrowed(value.unwrap_or_default())))
}

fn last_key<'a>(message: Message<'a>) -> Result<&'a [u8], Malformed> {
    let mut key: &[u8] = &[];
    for field in message.fields() {
        let field = field?;
        if field.number == key_value::KEY {
            key = field.message()?.bytes();
        }
    }
    Ok(key)
}

/// What the oneof of an `AnyValue` holds in the end.
enum Content<'a> {
    Empty,
    Text(ValueType, &'a [u8]),
    Bool(bool),
    /// Int or double, with the eight bytes of its record.
    Number(ValueType, [u8; 8]),
    /// Array or map with its field number; pieces before the place do not count.
    List(ValueType, u32, usize),
}

fn push_value(out: &mut Vec<u8>, key: &[u8], any: Message<'_>, depth: usize) -> Result<(), Malformed> {
    let offset = any.span().offset as usize;
    let written = match content(any)? {
        Content::Empty => attribute::push(out, key, ValueType::Empty, &[]),
        Content::Text(value_type, text) => attribute::push(out, key, value_type, text),
        Content::Bool(value) => attribute::push(out, key, ValueType::Bool, &[u8::from(value)]),
        Content::Number(value_type, bytes) => attribute::push(out, key, value_type, &bytes),
        Content::List(..) if depth == 0 => attribute::push(out, key, ValueType::Empty, &[]),
        Content::List(value_type, number, from) => {
            let list = any.merged(number, from)?;
            let list = Message::new(&list, from);
            let mut result = Ok(());
            let written = attribute::push_nested(out, key, value_type, |out| {
                result = match value_type {
                    ValueType::Map => push_map(out, list, depth - 1),
                    _ => push_array(out, list, depth - 1),
                };
            });
            result?;
            written
        }
    };
    if written { Ok(()) } else { Err(Malformed { offset, reason: "attribute too long" }) }
}

/// The last alternative given counts; an array or map given several times in a row is one, in pieces.
fn content<'a>(any: Message<'a>) -> Result<Content<'a>, Malformed> {
    let mut content = Content::Empty;
    for field in any.fields() {
        let field = field?;
        content = match field.number {
            any_value::STRING => Content::Text(ValueType::String, field.message()?.bytes()),
            any_value::BYTES => Content::Text(ValueType::Bytes, field.message()?.bytes()),
            any_value::BOOL => Content::Bool(field.varint()? != 0),
            any_value::INT => Content::Number(ValueType::Int, field.varint()?.to_ne_bytes()),
            any_value::DOUBLE => Content::Number(ValueType::Double, field.fixed64()?.to_ne_bytes()),
            number @ (any_value::ARRAY | any_value::KEY_VALUE_LIST) => {
                let value_type = if number == any_value::ARRAY { ValueType::Array } else { ValueType::Map };
                let from = field.message()?.span().offset as usize;
                match content {
                    Content::List(current, ..) if current == value_type => content,
                    _ => Content::List(value_type, number, from),
                }
            }
            any_value::STRING_INDEX => {
                field.varint()?;
                Content::Empty
            }
            _ => content,
        };
    }
    Ok(content)
}

fn push_array(out: &mut Vec<u8>, list: Message<'_>, depth: usize) -> Result<(), Malformed> {
    for field in list.fields() {
        let field = field?;
        if field.number == LIST_VALUES {
            push_value(out, &[], field.message()?, depth)?;
        }
    }
    Ok(())
}

/// Entries sorted by key; equal keys stay in order.
fn push_map(out: &mut Vec<u8>, list: Message<'_>, depth: usize) -> Result<(), Malformed> {
    let mut entries = Vec::new();
    for field in list.fields() {
        let field = field?;
        if field.number == LIST_VALUES {
            let entry = field.message()?;
            let (key, value) = key_and_value(entry)?;
            entries.push((key, value, entry.span().offset as usize));
        }
    }
    entries.sort_by_key(|(key, ..)| *key);
    for (key, value, offset) in entries {
        push_value(out, key, Message::new(&value, offset), depth)?;
    }
    Ok(())
}
