//! What the engine reads: one incoming batch, however it is encoded.
//!
//! The flat buffer of the C boundary and the byte view of OTLP both implement [`Batch`], so points
//! reach the engine without conversion. A batch is one contiguous run of bytes; whatever the engine
//! may need again later (attributes and names of a stream it has never seen) is named by a [`Span`]
//! of these bytes, so that the engine's scratch memory can be reused without lifetimes.

use crate::number::Number;

/// A range of a batch's bytes. Only meaningful for the batch that handed it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte, counted from the start of the batch.
    pub offset: u32,
    /// Number of bytes.
    pub length: u32,
}

/// A resource as it stands in the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceRef {
    /// To be read with [`Batch::resource_attributes`].
    pub attributes: Span,
    /// UTF-8 text; not part of the identity.
    pub schema_url: Span,
}

/// An instrumentation scope as it stands in the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeRef {
    /// UTF-8 text.
    pub name: Span,
    /// UTF-8 text.
    pub version: Span,
    /// To be read with [`Batch::scope_attributes`].
    pub attributes: Span,
    /// UTF-8 text; not part of the identity.
    pub schema_url: Span,
}

/// A delta sum as it stands in the batch. Metrics of other kinds are not shown to the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricRef {
    /// UTF-8 text.
    pub name: Span,
    /// UTF-8 text.
    pub unit: Span,
    /// UTF-8 text; not part of the identity.
    pub description: Span,
    /// Whether the sum may only grow.
    pub monotonic: bool,
}

/// One data point of a delta sum.
#[derive(Clone, Copy, Debug)]
pub struct PointRef {
    /// To be read with [`Batch::point_attributes`].
    pub attributes: Span,
    /// Start of the window in Unix nanoseconds, 0 = unknown.
    pub start_unix_nano: u64,
    /// End of the window in Unix nanoseconds, 0 = unknown.
    pub time_unix_nano: u64,
    /// The increment.
    pub value: Number,
    /// The flag `NO_RECORDED_VALUE` of OTLP: the point carries no value (D9).
    pub no_recorded_value: bool,
}

/// A batch whose bytes do not follow their own format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed batch at byte {offset}: {reason}")]
pub struct Malformed {
    /// Where reading stopped.
    pub offset: usize,
    /// What was expected there.
    pub reason: &'static str,
}

/// Receives a batch element by element, parents before children, in the order of the batch.
pub trait Visitor {
    /// A resource; the following scopes belong to it.
    fn resource(&mut self, resource: ResourceRef) -> Result<(), Malformed>;
    /// A scope of the last resource; the following metrics belong to it.
    fn scope(&mut self, scope: ScopeRef) -> Result<(), Malformed>;
    /// A delta sum of the last scope; the following points belong to it.
    fn metric(&mut self, metric: MetricRef) -> Result<(), Malformed>;
    /// A point of the last metric.
    fn point(&mut self, point: PointRef) -> Result<(), Malformed>;
}

/// One incoming batch of delta sums.
///
/// Attribute functions call `each` once per attribute with its canonical record
/// (see [`crate::attribute`]), so that identities agree whatever door a point came through.
pub trait Batch {
    /// Shows every element to `visitor`. The number of `point` calls fixes the number of verdicts.
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed>;
    /// The bytes of a span; empty where the span does not lie inside the batch.
    fn bytes(&self, span: Span) -> &[u8];
    /// The attributes of a resource, by [`ResourceRef::attributes`].
    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed>;
    /// The attributes of a scope, by [`ScopeRef::attributes`].
    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed>;
    /// The attributes of a point, by [`PointRef::attributes`].
    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed>;
    /// The client metadata that the batch arrived with, as attribute records (`metadata_keys`).
    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed>;
}
