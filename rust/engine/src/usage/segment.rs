//! What a stretch of time added, as bytes that need nothing else to be read: for journal rows.
//!
//! ```text
//! u8      version, 1
//! items   until the end:
//!   0     dimensions: each text as its length and its bytes, in the order of `Dimensions`
//!   1     holder: number of its dimensions, length and bytes of its session
//!   2     hour, for the entries that follow
//!   8 + m entry of measure m: number of its holder, amount
//! ```
//!
//! Dimensions and holders are numbered from 0 in the order in which they stand. Numbers and lengths
//! are LEB128, amounts LEB128 of their zigzag form.

use std::sync::Arc;

use crate::usage::interner::Holder;
use crate::usage::{Dimensions, Measure, UsageEntry};

const VERSION: u8 = 1;
const DIMENSIONS: u8 = 0;
const HOLDER: u8 = 1;
const HOUR: u8 = 2;
const ENTRY: u8 = 8;

/// Writes one segment, entry by entry.
#[derive(Debug)]
pub(super) struct SegmentWriter<'a> {
    out: &'a mut Vec<u8>,
    /// The cut that the numbers in marks belong to.
    cut: u64,
    owners: u32,
    holders: u32,
    hour: Option<u32>,
}

impl<'a> SegmentWriter<'a> {
    /// Begins a segment at the end of `out`; `cut` is greater than that of any segment before.
    pub fn new(out: &'a mut Vec<u8>, cut: u64) -> Self {
        out.push(VERSION);
        Self { out, cut, owners: 0, holders: 0, hour: None }
    }

    /// Adds an entry, and before it whatever it refers to.
    #[inline]
    pub fn entry(&mut self, hour: u32, holder: &Holder, measure: Measure, amount: i64) {
        let number = match holder.mark.get(self.cut) {
            Some(number) => number,
            None => self.holder(holder),
        };
        if self.hour != Some(hour) {
            self.hour = Some(hour);
            self.out.push(HOUR);
            number_to(self.out, u64::from(hour));
        }
        self.out.push(ENTRY + measure as u8);
        number_to(self.out, u64::from(number));
        number_to(self.out, ((amount << 1) ^ (amount >> 63)) as u64);
    }

    fn holder(&mut self, holder: &Holder) -> u32 {
        let owner = match holder.owner.mark.get(self.cut) {
            Some(number) => number,
            None => {
                self.out.push(DIMENSIONS);
                holder.owner.dimensions.texts().iter().for_each(|text| text_to(self.out, text));
                holder.owner.mark.set(self.cut, self.owners);
                self.owners += 1;
                self.owners - 1
            }
        };
        self.out.push(HOLDER);
        number_to(self.out, u64::from(owner));
        text_to(self.out, &holder.session);
        holder.mark.set(self.cut, self.holders);
        self.holders += 1;
        self.holders - 1
    }
}

fn text_to(out: &mut Vec<u8>, text: &str) {
    number_to(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn number_to(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A segment that does not follow its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed usage segment at byte {offset}: {reason}")]
pub struct MalformedSegment {
    /// Where reading stopped.
    pub offset: usize,
    /// What was expected there.
    pub reason: &'static str,
}

/// Reads a segment whole. Takes at most some 30 bytes of memory for each of `segment`.
pub fn read_segment(segment: &[u8]) -> Result<Vec<UsageEntry>, MalformedSegment> {
    let mut reader = Reader { bytes: segment, offset: 0 };
    match reader.byte("a version")? {
        VERSION => {}
        _ => return Err(MalformedSegment { offset: 0, reason: "a known version" }),
    }
    let mut dimensions: Vec<Arc<Dimensions>> = Vec::new();
    let mut holders: Vec<(usize, Arc<str>)> = Vec::new();
    let mut hour = None;
    let mut entries = Vec::new();
    while reader.offset < segment.len() {
        let begin = reader.offset;
        let unknown = |reason| MalformedSegment { offset: begin, reason };
        match reader.byte("an item")? {
            DIMENSIONS => dimensions.push(Arc::new(reader.dimensions()?)),
            HOLDER => {
                let owner = reader.index(dimensions.len(), "dimensions that came before")?;
                holders.push((owner, Arc::from(reader.text()?)));
            }
            HOUR => {
                let number = reader.number()?;
                hour = Some(u32::try_from(number).map_err(|_| unknown("an hour of 32 bits"))?);
            }
            item => {
                let measure = item.checked_sub(ENTRY).and_then(|m| Measure::ALL.get(usize::from(m)));
                let measure = *measure.ok_or_else(|| unknown("a known item"))?;
                let unix_hour = hour.ok_or_else(|| unknown("an hour before the first entry"))?;
                let holder = reader.index(holders.len(), "a holder that came before")?;
                let amount = reader.number()?;
                let amount = (amount >> 1) as i64 ^ -((amount & 1) as i64);
                let (owner, session) = &holders[holder];
                let (dimensions, session) = (Arc::clone(&dimensions[*owner]), Arc::clone(session));
                entries.push(UsageEntry { unix_hour, dimensions, session, measure, amount });
            }
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self, reason: &'static str) -> Result<u8, MalformedSegment> {
        let byte = self.bytes.get(self.offset).copied();
        self.offset += 1;
        byte.ok_or(MalformedSegment { offset: self.bytes.len(), reason })
    }

    fn number(&mut self) -> Result<u64, MalformedSegment> {
        let begin = self.offset;
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte("a number")?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(MalformedSegment { offset: begin, reason: "a number of 64 bits" })
    }

    fn index(&mut self, length: usize, reason: &'static str) -> Result<usize, MalformedSegment> {
        let offset = self.offset;
        let index = usize::try_from(self.number()?).ok().filter(|index| *index < length);
        index.ok_or(MalformedSegment { offset, reason })
    }

    fn text(&mut self) -> Result<&'a str, MalformedSegment> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let offset = self.offset;
        let bytes = self.bytes.get(offset..).and_then(|rest| rest.get(..length));
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or(MalformedSegment { offset, reason: "a text" })?;
        self.offset += length;
        Ok(text)
    }

    fn dimensions(&mut self) -> Result<Dimensions, MalformedSegment> {
        let mut texts = <[String; Dimensions::COUNT]>::default();
        for text in &mut texts {
            *text = self.text()?.to_owned();
        }
        Ok(Dimensions::from_texts(texts))
    }
}
