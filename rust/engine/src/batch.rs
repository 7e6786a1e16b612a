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

/// What kind of metric the points belong to. Summaries are never shown to the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum MetricKind {
    /// A sum, monotonic or not.
    #[default]
    Sum = 1,
    /// A gauge; only shown where a rule may remove attributes (T4).
    Gauge = 2,
    /// A histogram with explicit bounds (D12).
    ExplicitHistogram = 3,
    /// A histogram with exponential buckets (D13).
    ExponentialHistogram = 4,
}

impl MetricKind {
    /// The kind of that number, as [`MetricKind`] numbers them.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Sum,
            2 => Self::Gauge,
            3 => Self::ExplicitHistogram,
            4 => Self::ExponentialHistogram,
            _ => return None,
        })
    }

    /// Whether its points carry a distribution and not a number.
    pub fn is_histogram(self) -> bool {
        matches!(self, Self::ExplicitHistogram | Self::ExponentialHistogram)
    }
}

/// Whether a point says what was added since the last one, or since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Temporality {
    /// The increase of one window. Gauges, which have no temporality, carry this one too.
    #[default]
    Delta = 1,
    /// The total since the point's start (T3).
    Cumulative = 2,
}

/// A metric as it stands in the batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricRef {
    /// UTF-8 text.
    pub name: Span,
    /// UTF-8 text.
    pub unit: Span,
    /// UTF-8 text; not part of the identity.
    pub description: Span,
    /// What its points are.
    pub kind: MetricKind,
    /// Not part of the identity.
    pub temporality: Temporality,
    /// Whether the sum may only grow; true for histograms, false for gauges.
    pub monotonic: bool,
}

/// The value of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointValue {
    /// Of a sum or gauge.
    Number(Number),
    /// Of a histogram; to be read with [`Batch::distribution`].
    Distribution(Span),
}

/// One data point.
#[derive(Clone, Copy, Debug)]
pub struct PointRef {
    /// To be read with [`Batch::point_attributes`].
    pub attributes: Span,
    /// Start of the window in Unix nanoseconds, 0 = unknown.
    pub start_unix_nano: u64,
    /// End of the window in Unix nanoseconds, 0 = unknown.
    pub time_unix_nano: u64,
    /// The increment, or with [`Temporality::Cumulative`] the total.
    pub value: PointValue,
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
    /// A metric of the last scope; the following points belong to it.
    fn metric(&mut self, metric: MetricRef) -> Result<(), Malformed>;
    /// A point of the last metric.
    fn point(&mut self, point: PointRef) -> Result<(), Malformed>;
}

/// One incoming batch of metrics.
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
    /// Splits the attributes of a point, by [`PointRef::attributes`], into those that it shares with an
    /// earlier point and its own, which come after them. Each part can be read with
    /// [`Self::point_attributes`].
    fn split_attributes(&self, span: Span) -> Result<(Span, Span), Malformed> {
        Ok((Span::default(), span))
    }
    /// The attributes of a point, by [`PointRef::attributes`].
    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed>;
    /// Appends the histogram of a point, by [`PointValue::Distribution`], to `words` in the format of
    /// [`crate::distribution`]. Whether the words make sense is for the engine to check.
    fn distribution(&self, span: Span, words: &mut Vec<u64>) -> Result<(), Malformed>;
    /// The client metadata that the batch arrived with, as attribute records (`metadata_keys`).
    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed>;
}
