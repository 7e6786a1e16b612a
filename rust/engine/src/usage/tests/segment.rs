//! Segments, sound and broken.

use proptest::prelude::*;

use super::support::{Key, NOW_HOUR, Totals, add_priced, add_to};
use crate::usage::{Measure, UsageBook, read_segment};

/// A segment of several users, sessions, measures and hours, with what is in it.
fn segment() -> (Vec<u8>, Totals) {
    let book = UsageBook::new(0);
    let mut truth = Totals::new();
    for source in 0..40 {
        let amounts = (i64::from(source) * 1000 + 1, (source % 5 > 1).then_some(i64::from(source) * 7));
        for (key, amount) in add_priced(&book, source, amounts, NOW_HOUR - source % 3) {
            add_to(&mut truth, key, amount);
        }
    }
    let mut out = b"before".to_vec();
    book.take_journal(&mut out).unwrap();
    (out.split_off(6), truth)
}

/// Scenario: a segment is read back. Guarantee: exactly what was added; each text stands in it once.
#[test]
fn a_segment_reads_back() {
    let (segment, truth) = segment();
    let mut read = Totals::new();
    for entry in read_segment(&segment).unwrap() {
        let key = (entry.unix_hour, entry.dimensions.user.clone(), entry.session.to_string(), entry.measure);
        add_to(&mut read, key, entry.amount);
    }
    assert_eq!(read, truth);
    let users = segment.windows(2).filter(|pair| pair[0] == b'u' && pair[1].is_ascii_digit()).count();
    assert_eq!(users, 3);
}

/// Scenario: a segment as software wrote it that computed no costs. Guarantee: it is read, byte by byte as its format
/// says, and the book counts it.
#[test]
fn segments_without_computed_costs_are_read() {
    let mut old = vec![1, 0]; // version; dimensions: agent, model, provider, user, …
    for text in ["codex", "gpt", "openai", "ann", "", "", "", ""] {
        old.push(text.len() as u8);
        old.extend_from_slice(text.as_bytes());
    }
    old.extend_from_slice(&[1, 0, 1, b's']); // holder of them, in session `s`
    old.extend_from_slice(&[2, 9]); // hour 9
    old.extend_from_slice(&[9, 0, 80]); // 40 input tokens, zigzag
    old.extend_from_slice(&[13, 0, 0x81, 0x01]); // reported: -65 units
    let mut store = super::support::Memory::default();
    let book = UsageBook::new(0);
    book.begin(1, Some(0));
    book.replay(1, &old).unwrap();
    book.flush(&mut store).unwrap();
    let key = |measure| -> Key { (9, "ann".to_owned(), "s".to_owned(), measure) };
    let expected = [(key(Measure::InputTokens), 40), (key(Measure::ReportedCost), -65)];
    assert_eq!(store.totals, expected.into());
}

/// Scenario: a segment is cut at every byte. Guarantee: what is left is a shorter segment or an error;
/// never a panic.
#[test]
fn a_cut_segment_is_no_harm() {
    let (segment, _) = segment();
    let whole = read_segment(&segment).unwrap();
    for cut in 0..segment.len() {
        match read_segment(&segment[..cut]) {
            Ok(entries) => assert_eq!(entries, whole[..entries.len()]),
            Err(error) => assert!(error.offset <= cut),
        }
    }
}

/// Scenario: a row with a broken segment at a start. Guarantee: an error, and nothing of it is counted.
#[test]
fn a_broken_segment_counts_nothing() {
    let (mut segment, _) = segment();
    segment.push(0xff);
    let book = UsageBook::new(0);
    book.begin(1, Some(0));
    assert_eq!(book.replay(1, &segment).unwrap_err().reason, "a known item");
    assert_eq!(book.pending(), 0);
    assert_eq!(read_segment(&[2]).unwrap_err().reason, "a known version");
}

proptest! {
    /// Scenario: any bytes, and sound segments with changed bytes. Guarantee: a result or an error, and
    /// never more entries than bytes.
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let (mut sound, _) = segment();
        for (index, byte) in &changes {
            let index = index.index(sound.len());
            sound[index] = *byte;
        }
        for candidate in [[&[1], &bytes[..]].concat(), bytes, sound] {
            if let Ok(entries) = read_segment(&candidate) {
                prop_assert!(entries.len() <= candidate.len());
            }
        }
    }
}
