//! Reading back what [`super::effects`] wrote. Nothing here trusts a byte: a checksum tells damage from
//! what was written, not a clever stranger from us.

use crate::batch::MetricKind;
use crate::identity::Identity;
use crate::ledger::blob::Damage;
use crate::ledger::bytes::Reader;
use crate::ledger::effects::{HAS_SEEN, HAS_WORDS, WINDOWS, kind};
use crate::source::SourceImage;
use crate::stream::StreamImage;

/// One record.
#[derive(Debug)]
pub(crate) enum Effect<'a> {
    Resource { attributes: &'a [u8], schema_url: &'a [u8], metadata: &'a [u8] },
    Scope { resource: u32, name: &'a [u8], version: &'a [u8], attributes: &'a [u8], schema_url: &'a [u8] },
    Metric(MetricText<'a>),
    Attribute(&'a [u8]),
    Stream { identity: Identity, metric: u32, flags: u16, spelling: u64, attributes: Numbers<'a> },
    StreamValue { identity: Identity, image: StreamImage, more: More },
    StreamGone { identity: Identity, floor_milli: u64 },
    Source { identity: Identity, metric: u32 },
    SourceValue { identity: Identity, image: SourceImage, more: More },
    SourceGone { identity: Identity, forgotten_unix_nano: u64 },
    Request { digest: Identity, monotonic_nano: u64 },
    Admitted { limit: u64, value: u64 },
    Usage(&'a [u8]),
    Answered,
    Refused { digest: Identity, monotonic_nano: u64 },
    Recognised { digest: Identity },
    Floor { milli: u64 },
    Sequence(u64),
}

/// Numbers of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.chunks_exact(4).map(four_bytes)
    }
}

/// A metric's own text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetricText<'a> {
    pub scope: u32,
    pub name: &'a [u8],
    pub unit: &'a [u8],
    pub description: &'a [u8],
    pub kind: MetricKind,
    pub monotonic: bool,
}

/// What goes with a value.
#[derive(Debug, Default)]
pub(crate) struct More {
    /// Windows, the newest first; 0 where there is none.
    pub windows: [u64; 4],
    /// Of a histogram.
    pub words: Vec<u64>,
    /// As the clock of the process that wrote it had it.
    pub seen_second: Option<u32>,
}

/// The segments of a blob's content: part numbers and records.
pub(crate) fn segments(content: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), Damage>> {
    let mut reader = Reader::new(content);
    std::iter::from_fn(move || {
        (!reader.is_empty()).then(|| {
            let segment = reader.u32().and_then(|number| Ok((number, reader.text()?)));
            if segment.is_err() {
                reader = Reader::new(&[]);
            }
            segment
        })
    })
}

/// Calls `each` with every record of a segment.
pub(crate) fn read<'a>(
    records: &'a [u8],
    mut each: impl FnMut(Effect<'a>) -> Result<(), Damage>,
) -> Result<(), Damage> {
    let mut reader = Reader::new(records);
    while !reader.is_empty() {
        each(effect(&mut reader)?)?;
    }
    Ok(())
}

fn effect<'a>(reader: &mut Reader<'a>) -> Result<Effect<'a>, Damage> {
    Ok(match reader.u8()? {
        kind::RESOURCE => Effect::Resource {
            attributes: reader.text()?,
            schema_url: reader.text()?,
            metadata: reader.text()?,
        },
        kind::SCOPE => Effect::Scope {
            resource: reader.u32()?,
            name: reader.text()?,
            version: reader.text()?,
            attributes: reader.text()?,
            schema_url: reader.text()?,
        },
        kind::METRIC => Effect::Metric(metric(reader)?),
        kind::ATTRIBUTE => Effect::Attribute(reader.text()?),
        kind::STREAM => {
            let (identity, metric) = (identity(reader)?, reader.u32()?);
            let (flags, spelling) = (reader.u16()?, reader.u64()?);
            let count = reader.u32()?;
            // Four bytes each: a wrong count cannot make this large.
            let numbers = reader.take((count as usize).saturating_mul(4))?;
            Effect::Stream { identity, metric, flags, spelling, attributes: Numbers(numbers) }
        }
        kind::STREAM_VALUE => stream_value(reader)?,
        kind::STREAM_GONE => Effect::StreamGone { identity: identity(reader)?, floor_milli: reader.u64()? },
        kind::SOURCE => Effect::Source { identity: identity(reader)?, metric: reader.u32()? },
        kind::SOURCE_VALUE => source_value(reader)?,
        kind::SOURCE_GONE => {
            Effect::SourceGone { identity: identity(reader)?, forgotten_unix_nano: reader.u64()? }
        }
        kind::REQUEST => Effect::Request { digest: identity(reader)?, monotonic_nano: reader.u64()? },
        kind::ADMITTED => Effect::Admitted { limit: reader.u64()?, value: reader.u64()? },
        kind::USAGE => Effect::Usage(reader.text()?),
        kind::ANSWERED => Effect::Answered,
        kind::REFUSED => Effect::Refused { digest: identity(reader)?, monotonic_nano: reader.u64()? },
        kind::RECOGNISED => Effect::Recognised { digest: identity(reader)? },
        kind::FLOOR => Effect::Floor { milli: reader.u64()? },
        kind::SEQUENCE => Effect::Sequence(reader.u64()?),
        _ => return Err(reader.damage()),
    })
}

fn metric<'a>(reader: &mut Reader<'a>) -> Result<MetricText<'a>, Damage> {
    let (scope, name, unit, description) = (reader.u32()?, reader.text()?, reader.text()?, reader.text()?);
    let kind = MetricKind::from_code(reader.u8()?).ok_or_else(|| reader.damage())?;
    Ok(MetricText { scope, name, unit, description, kind, monotonic: reader.u8()? != 0 })
}

fn stream_value<'a>(reader: &mut Reader<'a>) -> Result<Effect<'a>, Damage> {
    let identity = identity(reader)?;
    let mut image = StreamImage {
        flags: reader.u16()?,
        start_unix_nano: reader.u64()?,
        latest_output_milli: reader.u64()?,
        sum: [reader.u64()?, 0],
        ..StreamImage::default()
    };
    if image.is_double() {
        image.sum[1] = reader.u64()?;
    }
    Ok(Effect::StreamValue { identity, image, more: more(reader)? })
}

fn source_value<'a>(reader: &mut Reader<'a>) -> Result<Effect<'a>, Damage> {
    let identity = identity(reader)?;
    let mut image = SourceImage { flags: reader.u8()?, latest_end_second: reader.u32()?, memory: [0; 4] };
    if image.is_member() {
        for word in &mut image.memory[..3] {
            *word = reader.u64()?;
        }
        image.memory[3] = u64::from(reader.u8()?);
    }
    Ok(Effect::SourceValue { identity, image, more: more(reader)? })
}

fn more(reader: &mut Reader<'_>) -> Result<More, Damage> {
    let what = reader.u8()?;
    let mut more = More::default();
    if what & HAS_SEEN != 0 {
        more.seen_second = Some(reader.u32()?);
    }
    let count = usize::from(what & WINDOWS);
    for window in more.windows.get_mut(..count).ok_or_else(|| reader.damage())? {
        *window = reader.u64()?;
    }
    if what & HAS_WORDS != 0 {
        let count = reader.u32()?;
        let words = reader.take((count as usize).saturating_mul(8))?;
        more.words = words.chunks_exact(8).map(eight_bytes).collect();
    }
    Ok(more)
}

fn identity(reader: &mut Reader<'_>) -> Result<Identity, Damage> {
    reader.u128().map(Identity)
}

fn four_bytes(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn eight_bytes(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}
