//! Stored texts, shown as a batch without points, so that they get the identities that a batch's texts get.

use crate::attribute;
use crate::batch::{Batch, Malformed, Span, Visitor};

/// Texts one after the other.
#[derive(Debug, Default)]
pub(crate) struct TextBatch {
    bytes: Vec<u8>,
    metadata: Place,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    offset: u32,
    length: u32,
}

impl Place {
    pub fn span(self) -> Span {
        Span { offset: self.offset, length: self.length }
    }
}

impl TextBatch {
    pub fn push(&mut self, text: &[u8]) -> Place {
        let place = Place { offset: self.bytes.len() as u32, length: text.len() as u32 };
        self.bytes.extend_from_slice(text);
        place
    }

    /// The client metadata of what is asked next.
    pub fn set_metadata(&mut self, metadata: Place) {
        self.metadata = metadata;
    }

    /// What stands in it now.
    pub fn mark(&self) -> usize {
        self.bytes.len()
    }

    /// Takes away what came after the mark.
    pub fn truncate(&mut self, mark: usize) {
        self.bytes.truncate(mark);
    }

    fn records(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        attribute::for_each(self.bytes(span), span.offset as usize, each)
    }
}

impl Batch for TextBatch {
    fn visit(&self, _: &mut impl Visitor) -> Result<(), Malformed> {
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        self.bytes
            .get(span.offset as usize..)
            .and_then(|rest| rest.get(..span.length as usize))
            .unwrap_or(&[])
    }

    fn resource_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(span, each)
    }

    fn scope_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(span, each)
    }

    fn point_attributes(&self, span: Span, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(span, each)
    }

    fn distribution(&self, _: Span, _: &mut Vec<u64>) -> Result<(), Malformed> {
        Ok(())
    }

    fn metadata(&self, each: impl FnMut(&[u8])) -> Result<(), Malformed> {
        self.records(self.metadata.span(), each)
    }
}
