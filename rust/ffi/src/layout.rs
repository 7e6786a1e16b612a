//! The layout of the flat buffer: one definition, in Rust; Go reads it through the C header.
//!
//! A buffer is a header followed by records in the order in which the caller walks its batch:
//! each resource, then its scopes, their metrics, their points. The text of a record follows it
//! directly, in the order of its length fields. Every record begins at a multiple of 8 bytes.
//! Integers are in native byte order: the buffer never leaves the process.
//!
//! Attribute lists are runs of the records that [`tokenledger::attribute`] describes.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First four bytes of a buffer.
pub const MAGIC: u32 = 0x544C_4232; // "TLB2"
/// Raised with every change of this file.
pub const LAYOUT_VERSION: u32 = 2;
/// Every record begins at a multiple of this many bytes.
pub const ALIGNMENT: usize = 8;

/// Tag of a [`ResourceRecord`].
pub const TAG_RESOURCE: u8 = 1;
/// Tag of a [`ScopeRecord`].
pub const TAG_SCOPE: u8 = 2;
/// Tag of a [`MetricRecord`].
pub const TAG_METRIC: u8 = 3;
/// Tag of a [`PointRecord`].
pub const TAG_POINT: u8 = 4;

/// Begins a buffer; the attribute records of the client metadata follow.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BatchHeader {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`LAYOUT_VERSION`].
    pub layout_version: u32,
    /// Length of the whole buffer in bytes.
    pub total_bytes: u64,
    /// The wall clock, Unix nanoseconds.
    pub wall_unix_nano: u64,
    /// The monotonic clock, nanoseconds since any fixed moment.
    pub monotonic_nano: u64,
    /// Number of point records.
    pub point_count: u32,
    /// Length of the metadata's attribute records.
    pub metadata_bytes: u32,
}

/// A resource; attribute records and schema URL follow.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ResourceRecord {
    /// [`TAG_RESOURCE`].
    pub tag: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// Length of the attribute records.
    pub attribute_bytes: u32,
    /// Length of the schema URL.
    pub schema_url_bytes: u32,
    /// Zero.
    pub padding: u32,
}

/// A scope of the last resource; attribute records, name, version and schema URL follow.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScopeRecord {
    /// [`TAG_SCOPE`].
    pub tag: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// Length of the attribute records.
    pub attribute_bytes: u32,
    /// Length of the name.
    pub name_bytes: u32,
    /// Length of the version.
    pub version_bytes: u32,
    /// Length of the schema URL.
    pub schema_url_bytes: u32,
    /// Zero.
    pub padding: u32,
}

/// A metric of the last scope; name, unit and description follow. Its kind is a
/// [`tokenledger::batch::MetricKind`], its temporality a [`tokenledger::batch::Temporality`].
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MetricRecord {
    /// [`TAG_METRIC`].
    pub tag: u8,
    /// 1 if the sum may only grow, else 0; 1 for histograms, 0 for gauges.
    pub monotonic: u8,
    /// 1 sum, 2 gauge, 3 explicit histogram, 4 exponential histogram.
    pub kind: u8,
    /// 1 delta, 2 cumulative; 1 for gauges.
    pub temporality: u8,
    /// Length of the name.
    pub name_bytes: u32,
    /// Length of the unit.
    pub unit_bytes: u32,
    /// Length of the description.
    pub description_bytes: u32,
}

/// A point of the last metric; its attribute records follow. Those of a histogram's point are
/// followed, at the next multiple of 8 bytes, by its distribution words ([`tokenledger::distribution`]).
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PointRecord {
    /// [`TAG_POINT`].
    pub tag: u8,
    /// 1 if the value is a double, 0 if it is an integer.
    pub is_double: u8,
    /// 1 if the point says that it carries no value (`NO_RECORDED_VALUE`).
    pub no_recorded_value: u8,
    /// Zero.
    pub reserved: u8,
    /// Length of the attribute records.
    pub attribute_bytes: u32,
    /// Start of the window, Unix nanoseconds, 0 = unknown.
    pub start_unix_nano: u64,
    /// End of the window, Unix nanoseconds, 0 = unknown.
    pub time_unix_nano: u64,
    /// Bits of an `i64` or an `f64`; for histograms the number of distribution words.
    pub value_bits: u64,
}
