//! Numbers and texts in stored bytes: written without checks, read with all of them.

use crate::ledger::blob::Damage;

/// Appends a text with its length.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

/// Reads a run of bytes from its beginning; whatever does not fit is damage, never a panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// That what was just read makes no sense.
    pub fn damage(&self) -> Damage {
        Damage::Content(self.length - self.rest.len())
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.damage())?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        self.take(N)?.try_into().map_err(|_| self.damage())
    }

    pub fn u8(&mut self) -> Result<u8, Damage> {
        self.array().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, Damage> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn u128(&mut self) -> Result<u128, Damage> {
        self.array().map(u128::from_le_bytes)
    }

    /// A text with its length.
    pub fn text(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.u32()?;
        self.take(length as usize)
    }
}
