//! Any batch as a flat buffer: seeds for the corpus, and a second way for the same points.

use tokenledger::attribute::{self, SHARED, SHARED_BYTES};
use tokenledger::batch::{Batch, MetricRef, PointRef, PointValue, ResourceRef, ScopeRef, Span, Visitor};
use tokenledger::{Malformed, Now, Number};
use tokenledger_ffi::layout::{
    ALIGNMENT, BatchHeader, LAYOUT_VERSION, MAGIC, MetricRecord, PointRecord, ResourceRecord, ScopeRecord,
    TAG_METRIC, TAG_POINT, TAG_RESOURCE, TAG_SCOPE,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What the Go side would write for `batch`, as far as `batch` can be read.
pub fn flatten(batch: &impl Batch, now: Now) -> Vec<u8> {
    let header = BatchHeader {
        magic: MAGIC,
        layout_version: LAYOUT_VERSION,
        wall_unix_nano: now.wall_unix_nano,
        monotonic_nano: now.monotonic_nano,
        ..BatchHeader::default()
    };
    let mut writer = Writer { batch, bytes: Vec::new(), first: (0, Vec::new()) };
    let metadata = records(|each| batch.metadata(each)).unwrap_or_default();
    writer.record(&BatchHeader { metadata_bytes: metadata.len() as u32, ..header }, &[&metadata]);
    // A batch that breaks off is written up to there: a seed need not be valid.
    let _ = batch.visit(&mut writer);
    repaired(&writer.bytes)
}

/// `data` with a header that a reader takes: magic number, version, length and number of points.
pub fn repaired(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    bytes.resize(bytes.len().max(size_of::<BatchHeader>()), 0);
    let total_bytes = bytes.len() as u64;
    if let Ok((header, _)) = BatchHeader::mut_from_prefix(&mut bytes) {
        header.magic = MAGIC;
        header.layout_version = LAYOUT_VERSION;
        header.total_bytes = total_bytes;
    }
    // The reader tells the right number of points by refusing each wrong one, so it is counted.
    let points = count_points(&bytes);
    if let Ok((header, _)) = BatchHeader::mut_from_prefix(&mut bytes) {
        header.point_count = points;
    }
    bytes
}

fn count_points(bytes: &[u8]) -> u32 {
    let mut counter = Counter(0);
    if let Ok(batch) = tokenledger_ffi::flat::FlatBatch::parse(bytes) {
        let _ = batch.visit(&mut counter);
    }
    counter.0
}

struct Counter(u32);

impl Visitor for Counter {
    fn resource(&mut self, _: ResourceRef) -> Result<(), Malformed> {
        Ok(())
    }

    fn scope(&mut self, _: ScopeRef) -> Result<(), Malformed> {
        Ok(())
    }

    fn metric(&mut self, _: MetricRef) -> Result<(), Malformed> {
        Ok(())
    }

    fn point(&mut self, _: PointRef) -> Result<(), Malformed> {
        self.0 += 1;
        Ok(())
    }
}

struct Writer<'a, B> {
    batch: &'a B,
    bytes: Vec<u8>,
    /// The attributes that later points share, and where they stand.
    first: (usize, Vec<u8>),
}

fn records(read: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), Malformed>) -> Result<Vec<u8>, Malformed> {
    let mut records = Vec::new();
    read(&mut |record| records.extend_from_slice(record))?;
    Ok(records)
}

impl<B: Batch> Writer<'_, B> {
    fn record(&mut self, record: &(impl IntoBytes + Immutable), texts: &[&[u8]]) {
        self.align();
        self.bytes.extend_from_slice(record.as_bytes());
        texts.iter().for_each(|text| self.bytes.extend_from_slice(text));
    }

    /// Attribute records of a point as they are written: with a record of type [`SHARED`] in the place of
    /// those that it begins with as an earlier point does. True if they are written in full.
    fn shared(&self, attributes: &[u8]) -> (Vec<u8>, bool) {
        let (offset, first) = &self.first;
        let (mut prefix, mut end) = (0, 0);
        let _ = attribute::for_each(attributes, 0, |record| {
            end += record.len();
            if first.get(..end) == attributes.get(..end) {
                prefix = end;
            }
        });
        if prefix < SHARED_BYTES || prefix < attributes.len() / 2 {
            return (attributes.to_vec(), true);
        }
        let numbers = [u32::from(SHARED), 8, *offset as u32, prefix as u32];
        let marker = numbers.iter().flat_map(|number| number.to_ne_bytes());
        (marker.chain(attributes[prefix..].iter().copied()).collect(), false)
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }

    fn text(&self, span: Span) -> Vec<u8> {
        self.batch.bytes(span).to_vec()
    }
}

impl<B: Batch> Visitor for Writer<'_, B> {
    fn resource(&mut self, resource: ResourceRef) -> Result<(), Malformed> {
        let attributes = records(|each| self.batch.resource_attributes(resource.attributes, each))?;
        let schema_url = self.text(resource.schema_url);
        let record = ResourceRecord {
            tag: TAG_RESOURCE,
            attribute_bytes: attributes.len() as u32,
            schema_url_bytes: schema_url.len() as u32,
            ..ResourceRecord::default()
        };
        self.record(&record, &[&attributes, &schema_url]);
        Ok(())
    }

    fn scope(&mut self, scope: ScopeRef) -> Result<(), Malformed> {
        let attributes = records(|each| self.batch.scope_attributes(scope.attributes, each))?;
        let texts = [scope.name, scope.version, scope.schema_url].map(|span| self.text(span));
        let [name, version, schema_url] = &texts;
        let record = ScopeRecord {
            tag: TAG_SCOPE,
            attribute_bytes: attributes.len() as u32,
            name_bytes: name.len() as u32,
            version_bytes: version.len() as u32,
            schema_url_bytes: schema_url.len() as u32,
            ..ScopeRecord::default()
        };
        self.record(&record, &[&attributes, name, version, schema_url]);
        Ok(())
    }

    fn metric(&mut self, metric: MetricRef) -> Result<(), Malformed> {
        let texts = [metric.name, metric.unit, metric.description].map(|span| self.text(span));
        let [name, unit, description] = &texts;
        let record = MetricRecord {
            tag: TAG_METRIC,
            monotonic: u8::from(metric.monotonic),
            kind: metric.kind as u8,
            temporality: metric.temporality as u8,
            name_bytes: name.len() as u32,
            unit_bytes: unit.len() as u32,
            description_bytes: description.len() as u32,
        };
        self.record(&record, &[name, unit, description]);
        Ok(())
    }

    fn point(&mut self, point: PointRef) -> Result<(), Malformed> {
        let attributes = records(|each| self.batch.point_attributes(point.attributes, each))?;
        let (attributes, in_full) = self.shared(&attributes);
        let mut words = Vec::new();
        let (is_double, value_bits) = match point.value {
            PointValue::Number(Number::Int(value)) => (0, value as u64),
            PointValue::Number(Number::Double(value)) => (1, value.to_bits()),
            PointValue::Distribution(span) => {
                self.batch.distribution(span, &mut words)?;
                (0, words.len() as u64)
            }
        };
        let record = PointRecord {
            tag: TAG_POINT,
            is_double,
            no_recorded_value: u8::from(point.no_recorded_value),
            reserved: 0,
            attribute_bytes: attributes.len() as u32,
            start_unix_nano: point.start_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value_bits,
        };
        self.record(&record, &[&attributes]);
        if in_full {
            self.first = (self.bytes.len() - attributes.len(), attributes);
        }
        if !words.is_empty() {
            self.align();
            words.iter().for_each(|word| self.bytes.extend_from_slice(&word.to_ne_bytes()));
        }
        Ok(())
    }
}
