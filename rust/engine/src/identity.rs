//! Who a data point belongs to: 128-bit keyed identities of streams and requests (design §4).
//!
//! An attribute set is hashed as the sum of its records' hashes: order does not matter, nothing is
//! sorted and nothing is allocated. The hash is XXH3-128 with a random secret per ledger, so a
//! client cannot compute collisions, and it is the same in every version of this library.
//! Part of a stream's identity: client metadata, resource and scope attributes, scope name and
//! version, metric name, unit, kind and monotonicity, point attributes. Not part: descriptions,
//! schema URLs, int or double, temporality.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128_with_secret;

/// Bytes of secret that XXH3 makes use of.
pub const SECRET_BYTES: usize = 192;

/// A 128-bit keyed hash. Two different inputs share one with a chance of about 2⁻¹²⁸ per pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Identity(pub u128);

impl Identity {
    /// The number of `shards` (a power of two) that it falls into.
    #[inline]
    pub fn shard(self, shards: usize) -> usize {
        // The table inside the shard uses other bits: see `table_hash`.
        (self.0 as usize) & (shards - 1)
    }

    /// The 64 bits for a hash table inside a shard.
    #[inline]
    pub fn table_hash(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The order-independent hash of an attribute list, built record by record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeSum(pub u128);

impl AttributeSum {
    /// Adds one attribute by its record's identity ([`IdentityKey::attribute`]).
    ///
    /// A sum, not an exclusive or: an attribute given twice does not cancel itself out.
    #[inline]
    pub fn add(&mut self, record: Identity) {
        self.0 = self.0.wrapping_add(record.0);
    }
}

/// The random secret of one ledger.
#[derive(Clone)]
pub struct IdentityKey {
    secret: Box<[u8; SECRET_BYTES]>,
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(secret)")
    }
}

impl IdentityKey {
    /// A key from random bytes; the caller brings them so that the engine needs no source of its own.
    pub fn new(secret: [u8; SECRET_BYTES]) -> Self {
        Self { secret: Box::new(secret) }
    }

    /// The random bytes, for the ledger that they belong to.
    pub(crate) fn secret(&self) -> [u8; SECRET_BYTES] {
        *self.secret
    }

    /// The identity of one attribute record.
    #[inline]
    pub fn attribute(&self, record: &[u8]) -> Identity {
        self.hash(record)
    }

    /// The identity of any other run of bytes.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> Identity {
        Identity(xxh3_128_with_secret(bytes, self.secret.as_slice()))
    }

    /// The identity of a list of parts; each part's length counts, so their borders matter.
    pub fn parts(&self, scratch: &mut Vec<u8>, numbers: &[u128], texts: &[&[u8]]) -> Identity {
        scratch.clear();
        for number in numbers {
            scratch.extend_from_slice(&number.to_le_bytes());
        }
        for text in texts {
            scratch.extend_from_slice(&(text.len() as u64).to_le_bytes());
            scratch.extend_from_slice(text);
        }
        self.hash(scratch)
    }

    /// A stream: the metric (with everything above it) and the point's attributes.
    #[inline]
    pub fn stream(&self, metric: Identity, attributes: AttributeSum) -> Identity {
        let mut bytes = [0_u8; 32];
        bytes[..16].copy_from_slice(&metric.0.to_le_bytes());
        bytes[16..].copy_from_slice(&attributes.0.to_le_bytes());
        self.hash(&bytes)
    }

    /// A window: one stream's point with its start, time and value (D3b).
    #[inline]
    pub fn window(&self, stream: Identity, start: u64, time: u64, value_bits: u64) -> Identity {
        let mut bytes = [0_u8; 40];
        bytes[..16].copy_from_slice(&stream.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&start.to_le_bytes());
        bytes[24..32].copy_from_slice(&time.to_le_bytes());
        bytes[32..].copy_from_slice(&value_bits.to_le_bytes());
        self.hash(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{self, ValueType};
    use proptest::prelude::*;

    fn key() -> IdentityKey {
        IdentityKey::new(std::array::from_fn(|i| (i * 37 + 11) as u8))
    }

    fn record(name: &str, value_type: ValueType, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(attribute::push(&mut out, name.as_bytes(), value_type, value));
        out
    }

    /// Scenario: the text "1" and the integer 1. Guarantee: different identities.
    #[test]
    fn value_type_counts() {
        let text = record("a", ValueType::String, b"1");
        let int = record("a", ValueType::Int, &1_i64.to_ne_bytes());
        assert_ne!(key().attribute(&text), key().attribute(&int));
    }

    /// Scenario: key/value borders are moved ("ab"="c", "a"="bc"). Guarantee: different identities.
    #[test]
    fn borders_count() {
        let one = record("ab", ValueType::String, b"c");
        let two = record("a", ValueType::String, b"bc");
        assert_ne!(key().attribute(&one), key().attribute(&two));
        let mut scratch = Vec::new();
        assert_ne!(
            key().parts(&mut scratch, &[], &[b"ab", b"c"]),
            key().parts(&mut scratch, &[], &[b"a", b"bc"])
        );
    }

    /// Scenario: one input, two ledgers. Guarantee: identities cannot be predicted across ledgers.
    #[test]
    fn the_secret_matters() {
        let other = IdentityKey::new(std::array::from_fn(|i| (i * 41 + 5) as u8));
        for length in [0_usize, 1, 8, 16, 17, 100, 200, 1000] {
            let bytes = vec![7_u8; length];
            assert_ne!(key().hash(&bytes), other.hash(&bytes), "length {length}");
        }
    }

    proptest! {
        /// Scenario: attributes in any order. Guarantee: one identity; leaving one out changes it.
        #[test]
        fn attribute_order_does_not_matter(
            values in prop::collection::vec(("[a-z]{1,8}", "[a-z0-9-]{0,40}"), 1..12),
            seed in any::<u64>(),
        ) {
            let records: Vec<_> =
                values.iter().map(|(k, v)| record(k, ValueType::String, v.as_bytes())).collect();
            let mut shuffled = records.clone();
            let mut state = seed | 1;
            for i in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                shuffled.swap(i, (state >> 33) as usize % (i + 1));
            }
            let sum = |records: &[Vec<u8>]| {
                let mut sum = AttributeSum::default();
                records.iter().for_each(|r| sum.add(key().attribute(r)));
                sum
            };
            prop_assert_eq!(sum(&records), sum(&shuffled));
            prop_assert_ne!(sum(&records), sum(&records[1..]));
        }
    }
}
