//! Resources, scopes and metrics of a request, in the order of the wire.

use tokenledger::batch::{Malformed, MetricKind, MetricRef, ResourceRef, ScopeRef, Temporality, Visitor};

use super::point;
use crate::field::{data, metric, resource_metrics, scope, scope_metrics, temporality};
use crate::wire::{Field, Message};

/// Shows a `ResourceMetrics` with everything in it.
pub(super) fn resource(message: Message<'_>, visitor: &mut impl Visitor) -> Result<(), Malformed> {
    let mut shown = ResourceRef { attributes: message.span(), ..ResourceRef::default() };
    for field in message.fields() {
        let field = field?;
        if field.number == resource_metrics::SCHEMA_URL {
            shown.schema_url = field.message()?.span();
        }
    }
    visitor.resource(shown)?;
    for field in message.fields() {
        let field = field?;
        if field.number == resource_metrics::SCOPE_METRICS {
            scope(field.message()?, visitor)?;
        }
    }
    Ok(())
}

fn scope(message: Message<'_>, visitor: &mut impl Visitor) -> Result<(), Malformed> {
    let mut shown = ScopeRef { attributes: message.span(), ..ScopeRef::default() };
    for field in message.fields() {
        let field = field?;
        match field.number {
            scope_metrics::SCOPE => read_scope(field.message()?, &mut shown)?,
            scope_metrics::SCHEMA_URL => shown.schema_url = field.message()?.span(),
            _ => {}
        }
    }
    visitor.scope(shown)?;
    for field in message.fields() {
        let field = field?;
        if field.number == scope_metrics::METRICS {
            metric(field.message()?, visitor)?;
        }
    }
    Ok(())
}

fn read_scope(message: Message<'_>, shown: &mut ScopeRef) -> Result<(), Malformed> {
    for field in message.fields() {
        let field = field?;
        match field.number {
            scope::NAME => shown.name = field.message()?.span(),
            scope::VERSION => shown.version = field.message()?.span(),
            _ => {}
        }
    }
    Ok(())
}

fn metric(message: Message<'_>, visitor: &mut impl Visitor) -> Result<(), Malformed> {
    let mut shown = MetricRef::default();
    // The alternative of the oneof that is left when all were read, and where it begins.
    let mut content: Option<(u32, usize)> = None;
    for field in message.fields() {
        let field = field?;
        match field.number {
            metric::NAME => shown.name = field.message()?.span(),
            metric::DESCRIPTION => shown.description = field.message()?.span(),
            metric::UNIT => shown.unit = field.message()?.span(),
            number @ (metric::GAUGE
            | metric::SUM
            | metric::HISTOGRAM
            | metric::EXPONENTIAL_HISTOGRAM
            | metric::SUMMARY)
                if content.is_none_or(|(before, _)| before != number) =>
            {
                content = Some((number, field.offset));
            }
            _ => {}
        }
    }
    let Some((number, from)) = content else { return Ok(()) };
    let Some(kind) = kind(number) else { return Ok(()) };
    shown.kind = kind;
    let content = Content { message, number, from };
    if !read_settings(&content, &mut shown)? {
        return Ok(());
    }
    visitor.metric(shown)?;
    content.for_each_field(|field| {
        if field.number == data::DATA_POINTS {
            visitor.point(point::read(field.message()?, kind)?)?;
        }
        Ok(())
    })
}

/// The kind of metric whose content is in that field of `Metric`; `None` for summaries.
fn kind(number: u32) -> Option<MetricKind> {
    Some(match number {
        metric::SUM => MetricKind::Sum,
        metric::GAUGE => MetricKind::Gauge,
        metric::HISTOGRAM => MetricKind::ExplicitHistogram,
        metric::EXPONENTIAL_HISTOGRAM => MetricKind::ExponentialHistogram,
        _ => return None,
    })
}

/// Reads what stands beside the points; false where the temporality is neither delta nor cumulative.
fn read_settings(content: &Content<'_>, shown: &mut MetricRef) -> Result<bool, Malformed> {
    let (mut code, mut monotonic) = (0, false);
    content.for_each_field(|field| {
        match (field.number, shown.kind) {
            (_, MetricKind::Gauge) => {} // has points only
            // Enumerations are 32 bits wide; protobuf cuts off what is more.
            (data::AGGREGATION_TEMPORALITY, _) => code = field.varint()? as i32,
            (data::IS_MONOTONIC, MetricKind::Sum) => monotonic = field.varint()? != 0,
            _ => {}
        }
        Ok(())
    })?;
    shown.monotonic = monotonic || shown.kind.is_histogram();
    shown.temporality = match (shown.kind, code) {
        (MetricKind::Gauge, _) | (_, temporality::DELTA) => Temporality::Delta,
        (_, temporality::CUMULATIVE) => Temporality::Cumulative,
        _ => return Ok(false),
    };
    Ok(true)
}

/// A `Gauge`, `Sum` or histogram: all pieces of the metric's field `number` from `from` on.
struct Content<'a> {
    message: Message<'a>,
    number: u32,
    from: usize,
}

impl<'a> Content<'a> {
    fn for_each_field(
        &self,
        mut each: impl FnMut(Field<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        for piece in self.message.fields() {
            let piece = piece?;
            if piece.number == self.number && piece.offset >= self.from {
                for field in piece.message()?.fields() {
                    each(field?)?;
                }
            }
        }
        Ok(())
    }
}
