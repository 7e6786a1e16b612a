//! What the fuzz targets check, as ordinary functions.
//!
//! A target takes any bytes and panics where a promise is broken. libFuzzer searches for such bytes
//! (`fuzz_targets/`, feature `libfuzzer`); `cargo test` runs the committed corpora and some thousand
//! changed copies of them through the same functions.

mod bytes;
mod distribution;
mod engine;
mod flatten;
pub mod ledger;
pub mod mutation;
mod prices;
mod through;

pub use distribution::distribution;
pub use engine::engine;
pub use flatten::flatten;
pub use ledger::ledger_blob;
pub use prices::price_file;

use tokenledger_ffi::flat::FlatBatch;
use tokenledger_otlp::ByteView;
use tokenledger_otlp::oracle::{compare, show};

/// Reads `data` as a flat buffer, as it is and with a header that fits it, and takes it through an engine.
///
/// Promises: no panic; a buffer is an error or yields one verdict and one outcome per point;
/// a refused buffer changes nothing; what comes out at a tick is valid OTLP.
pub fn flat_buffer(data: &[u8]) {
    for bytes in [data.to_vec(), flatten::repaired(data)] {
        let Ok(batch) = FlatBatch::parse(&bytes) else { continue };
        let shown = show(&batch);
        through::engine(&batch, batch.now(), shown.as_deref().ok());
    }
}

/// Reads `data` as an encoded OTLP metrics request.
///
/// Promises: no panic; whatever prost accepts, the byte view accepts and shows alike; the same points
/// through a flat buffer are the same; and those of [`flat_buffer`].
pub fn otlp_bytes(data: &[u8]) {
    let agreement = compare(data);
    assert!(agreement.is_ok(), "{agreement:?}");
    let Ok(view) = ByteView::new(data) else { return };
    let shown = show(&view);
    if let Ok(shown) = &shown {
        let flat = flatten(&view, through::NOW);
        let batch = FlatBatch::parse(&flat);
        assert_eq!(batch.and_then(|batch| show(&batch)).as_ref(), Ok(shown), "through a flat buffer");
    }
    through::engine(&view, through::NOW, shown.as_deref().ok());
}
