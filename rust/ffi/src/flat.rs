//! Reads the flat buffer of the boundary as an engine batch. Safe code: a malformed buffer is an
//! error with its place, never undefined behaviour.

use tokenledger::attribute;
use tokenledger::batch::{
    Batch, MetricKind, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Temporality, Visitor,
};
use tokenledger::{Malformed, Now, Number};
use zerocopy::FromBytes;

use crate::layout::{
    ALIGNMENT, BatchHeader, LAYOUT_VERSION, MAGIC, MetricRecord, PointRecord, ResourceRecord, ScopeRecord,
    TAG_METRIC, TAG_POINT, TAG_RESOURCE, TAG_SCOPE,
};

/// A buffer whose header has been checked.
#[derive(Clone, Copy, Debug)]
pub struct FlatBatch<'a> {
    bytes: &'a [u8],
    header: BatchHeader,
    metadata: Span,
    /// Where the first record begins.
    records: usize,
}

impl<'a> FlatBatch<'a> {
    /// Checks the header; records are checked as they are visited.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, _) = BatchHeader::read_from_prefix(bytes)
            .map_err(|_| malformed(0, "buffer is shorter than its header"))?;
        if header.magic != MAGIC {
            return Err(malformed(0, "buffer does not begin with the magic number"));
        }
        if header.layout_version != LAYOUT_VERSION {
            return Err(malformed(4, "buffer has another layout version"));
        }
        if header.total_bytes != bytes.len() as u64 || u32::try_from(bytes.len()).is_err() {
            return Err(malformed(8, "buffer length differs from its header, or is over 4 GiB"));
        }
        let mut cursor = Cursor { bytes, offset: size_of::<BatchHeader>() };
        let metadata = cursor.text(header.metadata_bytes)?;
        cursor.align();
        Ok(Self { bytes, header, metadata, records: cursor.offset })
    }

    /// The clocks as the caller read them.
    pub fn now(&self) -> Now {
        Now { wall_unix_nano: self.header.wall_unix_nano, monotonic_nano: self.header.monotonic_nano }
    }

    fn records_in(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
    }
}

impl Batch for FlatBatch<'_> {
    fn visit(&self, visitor: &mut impl Visitor) -> Result<(), Malformed> {
        let mut cursor = Cursor { bytes: self.bytes, offset: self.records };
        let mut depth = 0;
        let mut points = 0_u32;
        let mut kind = MetricKind::default();
        while let Some(tag) = self.bytes.get(cursor.offset) {
            // Parents come first: a scope needs a resource, a metric a scope, a point a metric.
            if *tag > depth + 1 || *tag == 0 {
                return Err(malformed(cursor.offset, "record without its parent, or of unknown kind"));
            }
            depth = *tag;
            match *tag {
                TAG_POINT => {
                    points += 1;
                    visitor.point(cursor.point(kind)?)?;
                    depth = TAG_METRIC;
                }
                TAG_METRIC => {
                    let metric = cursor.metric()?;
                    kind = metric.kind;
                    visitor.metric(metric)?;
                }
                TAG_SCOPE => visitor.scope(cursor.scope()?)?,
                TAG_RESOURCE => visitor.resource(cursor.resource()?)?,
                _ => return Err(malformed(cursor.offset, "record of unknown kind")),
            }
            cursor.align();
        }
        if points != self.header.point_count {
            return Err(malformed(cursor.offset, "number of points differs from the header"));
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let begin = span.offset as usize;
        self.bytes.get(begin..begin + span.length as usize).unwrap_or_default()
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records_in(span, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records_in(span, each)
    }

    #[inline]
    fn split_attributes(&self, span: Span) -> Result<(Span, Span), Malformed> {
        let Some((offset, length)) = attribute::shared(self.bytes(span)) else {
            return Ok((Span::default(), span));
        };
        if u64::from(offset) + u64::from(length) > u64::from(span.offset) {
            return Err(malformed(span.offset as usize, "shared attributes do not stand before their point"));
        }
        let marker = attribute::SHARED_BYTES as u32;
        let own = Span { offset: span.offset + marker, length: span.length - marker };
        Ok((Span { offset, length }, own))
    }

    #[inline]
    fn point_attributes(&self, span: Span, mut each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        let (shared, own) = self.split_attributes(span)?;
        self.records_in(shared, &mut each)?;
        self.records_in(own, each)
    }

    fn distribution(&self, span: Span, words: &mut Vec<u64>) -> Result<(), Malformed> {
        // A span holds whole words: `Cursor::words` made it.
        let (whole, _) = self.bytes(span).as_chunks();
        words.extend(whole.iter().map(|word| u64::from_ne_bytes(*word)));
        Ok(())
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records_in(self.metadata, each)
    }
}

fn malformed(offset: usize, reason: &'static str) -> Malformed {
    Malformed { offset, reason }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Cursor<'_> {
    fn resource(&mut self) -> Result<ResourceRef, Malformed> {
        let record: ResourceRecord = self.record()?;
        Ok(ResourceRef {
            attributes: self.text(record.attribute_bytes)?,
            schema_url: self.text(record.schema_url_bytes)?,
        })
    }

    fn scope(&mut self) -> Result<ScopeRef, Malformed> {
        let record: ScopeRecord = self.record()?;
        let attributes = self.text(record.attribute_bytes)?;
        let name = self.text(record.name_bytes)?;
        let version = self.text(record.version_bytes)?;
        Ok(ScopeRef { name, version, attributes, schema_url: self.text(record.schema_url_bytes)? })
    }

    fn metric(&mut self) -> Result<MetricRef, Malformed> {
        let begin = self.offset;
        let record: MetricRecord = self.record()?;
        let kind = MetricKind::from_code(record.kind);
        let kind = kind.ok_or_else(|| malformed(begin, "metric of unknown kind"))?;
        let temporality = match record.temporality {
            code if code == Temporality::Delta as u8 => Temporality::Delta,
            code if code == Temporality::Cumulative as u8 && kind != MetricKind::Gauge => {
                Temporality::Cumulative
            }
            _ => return Err(malformed(begin, "metric of unknown temporality")),
        };
        let monotonic = match kind {
            MetricKind::Sum => record.monotonic != 0,
            MetricKind::Gauge => false,
            MetricKind::ExplicitHistogram | MetricKind::ExponentialHistogram => true,
        };
        let name = self.text(record.name_bytes)?;
        let unit = self.text(record.unit_bytes)?;
        let description = self.text(record.description_bytes)?;
        Ok(MetricRef { name, unit, description, kind, temporality, monotonic })
    }

    #[inline]
    fn point(&mut self, kind: MetricKind) -> Result<PointRef, Malformed> {
        let record: PointRecord = self.record()?;
        let attributes = self.text(record.attribute_bytes)?;
        let value = match (kind.is_histogram(), record.is_double) {
            (true, _) => PointValue::Distribution(self.words(record.value_bits)?),
            (false, 0) => PointValue::Number(Number::Int(record.value_bits as i64)),
            (false, _) => PointValue::Number(Number::Double(f64::from_bits(record.value_bits))),
        };
        Ok(PointRef {
            attributes,
            start_unix_nano: record.start_unix_nano,
            time_unix_nano: record.time_unix_nano,
            value,
            no_recorded_value: record.no_recorded_value != 0,
        })
    }

    /// So many words, from the next multiple of 8 bytes on.
    fn words(&mut self, count: u64) -> Result<Span, Malformed> {
        if count == 0 {
            return self.text(0); // a point without value (D9) may be the last, with no padding behind it
        }
        self.align();
        // The buffer is at most 4 GiB long, so a count that fits it makes a length that fits 32 bits.
        let room = self.bytes.len().saturating_sub(self.offset) / size_of::<u64>();
        match usize::try_from(count) {
            Ok(count) if count <= room => self.text((count * size_of::<u64>()) as u32),
            _ => Err(malformed(self.offset, "distribution words run past the buffer")),
        }
    }

    #[inline]
    fn record<T: FromBytes>(&mut self) -> Result<T, Malformed> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let (record, _) =
            T::read_from_prefix(rest).map_err(|_| malformed(self.offset, "record runs past the buffer"))?;
        self.offset += size_of::<T>();
        Ok(record)
    }

    #[inline]
    fn text(&mut self, length: u32) -> Result<Span, Malformed> {
        let end = self.offset + length as usize;
        if end > self.bytes.len() {
            return Err(malformed(self.offset, "text runs past the buffer"));
        }
        let span = Span { offset: self.offset as u32, length };
        self.offset = end;
        Ok(span)
    }

    #[inline]
    fn align(&mut self) {
        self.offset = self.offset.next_multiple_of(ALIGNMENT);
    }
}
