//! What a Prometheus reader can tell apart (T0): label names and values as the exporters write them.
//!
//! Only equality matters here: two attribute sets that an exporter turns into the same labels get the
//! same sum. Sources: label names as in prometheus/otlptranslator v1.0.0 (runs of invalid characters
//! become one underscore); values as the collector's `Value.AsString`; labels without text are absent;
//! attributes that become one label are joined with `;` in the order of their keys.

use crate::attribute::{self, Attribute, ValueType};
use crate::identity::{AttributeSum, IdentityKey};

/// The labels of one point, scope or resource, gathered attribute by attribute.
#[derive(Debug, Default)]
pub(crate) struct LabelSet {
    /// Label name, original key, text.
    labels: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
}

impl LabelSet {
    /// Adds an attribute with whatever value.
    pub fn add(&mut self, attribute: &Attribute<'_>) {
        let mut value = Vec::new();
        write_text(attribute.value_type, attribute.value, &mut value);
        self.add_text(attribute.key, &value);
    }

    /// Adds an attribute with the text `value`.
    pub fn add_text(&mut self, key: &[u8], value: &[u8]) {
        if !value.is_empty() {
            self.labels.push((name(key), key.to_vec(), value.to_vec()));
        }
    }

    /// The order-independent sum of the labels.
    pub fn sum(mut self, key: &IdentityKey) -> AttributeSum {
        self.labels.sort();
        let mut sum = AttributeSum::default();
        let mut record = Vec::new();
        for labels in self.labels.chunk_by(|a, b| a.0 == b.0) {
            let texts: Vec<&[u8]> = labels.iter().map(|(_, _, text)| text.as_slice()).collect();
            record.clear();
            if let Some((name, _, _)) = labels.first()
                && attribute::push(&mut record, name, ValueType::String, &texts.join(&b';'))
            {
                sum.add(key.attribute(&record));
            }
        }
        sum
    }
}

/// A label or metric name as far as it tells names apart: runs of other characters than letters and
/// digits are one underscore.
pub(crate) fn name(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_alphanumeric() {
            out.push(*byte);
        } else if out.last() != Some(&b'_') {
            out.push(b'_');
        }
    }
    out
}

/// `job` as exporters make it: namespace and name with a slash; empty without a name.
pub(crate) fn job(namespace: &[u8], name: &[u8]) -> Vec<u8> {
    if namespace.is_empty() || name.is_empty() { name.to_vec() } else { [namespace, b"/", name].concat() }
}

/// The text of an attribute's value.
pub(crate) fn write_text(value_type: ValueType, value: &[u8], out: &mut Vec<u8>) {
    match value_type {
        ValueType::Empty => {}
        ValueType::String => out.extend_from_slice(value),
        ValueType::Bool => out.extend_from_slice(if value == [1] { b"true" } else { b"false" }),
        ValueType::Int => {
            out.extend_from_slice(fixed(value).map_or(0, i64::from_ne_bytes).to_string().as_bytes())
        }
        ValueType::Double => write_double(fixed(value).map_or(0.0, f64::from_ne_bytes), out),
        // Rendered as JSON and base64 by exporters; the record tells them apart as well.
        ValueType::Bytes | ValueType::Array | ValueType::Map => {
            out.push(value_type as u8);
            out.extend_from_slice(value);
        }
    }
}

/// As Go's JSON encoder writes floats: plain between 1e-6 and 1e21, else with an exponent.
fn write_double(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    let text = if value == 0.0 || (1e-6..1e21).contains(&size) || !value.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}").replace("e", "e+").replace("e+-", "e-")
    };
    out.extend_from_slice(text.as_bytes());
}

fn fixed(value: &[u8]) -> Option<[u8; 8]> {
    value.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IdentityKey {
        IdentityKey::new([7; crate::identity::SECRET_BYTES])
    }

    fn sum(attributes: &[(&str, ValueType, &[u8])]) -> AttributeSum {
        let mut set = LabelSet::default();
        for (key, value_type, value) in attributes {
            set.add(&Attribute { key: key.as_bytes(), value_type: *value_type, value });
        }
        set.sum(&key())
    }

    /// Scenario: keys and values that an exporter writes alike. Guarantee: one label set.
    #[test]
    fn what_looks_alike_is_alike() {
        let text = sum(&[("session.id", ValueType::String, b"1")]);
        assert_eq!(text, sum(&[("session_id", ValueType::Int, &1_i64.to_ne_bytes())]));
        assert_eq!(text, sum(&[("session-id", ValueType::Double, &1_f64.to_ne_bytes())]));
        assert_eq!(text, sum(&[("session.id", ValueType::String, b"1"), ("empty", ValueType::String, b"")]));
        assert_ne!(text, sum(&[("session.id", ValueType::String, b"2")]));
        assert_ne!(text, sum(&[("session.idx", ValueType::String, b"1")]));
    }

    /// Scenario: two keys that become one label, in both orders. Guarantee: their values are joined in
    /// the order of the keys, as exporters do.
    #[test]
    fn colliding_keys_are_joined() {
        let joined = sum(&[("a.b", ValueType::String, b"x"), ("a_b", ValueType::String, b"y")]);
        assert_eq!(joined, sum(&[("a_b", ValueType::String, b"y"), ("a.b", ValueType::String, b"x")]));
        assert_eq!(joined, sum(&[("a-b", ValueType::String, b"x;y")]));
        assert_ne!(joined, sum(&[("a.b", ValueType::String, b"y"), ("a_b", ValueType::String, b"x")]));
    }

    /// Scenario: floats of all sizes. Guarantee: spelled as Go's JSON encoder does.
    #[test]
    fn floats_are_spelled_as_go_does() {
        let text = |value: f64| {
            let mut out = Vec::new();
            write_double(value, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(0.5), "0.5");
        assert_eq!(text(1e21), "1e+21");
        assert_eq!(text(1.5e-7), "1.5e-7"); // Go cleans e-07 up to e-7
        assert_eq!(text(100.0), "100");
    }
}
