//! OTLP bytes to engine batches and back.
//!
//! [`ByteView`] shows an encoded `ExportMetricsServiceRequest` to the engine without decoding it
//! into objects; [`emission`] writes what the engine has to say at a tick as such requests. Both are
//! written by hand against the wire format, so nothing is copied that nobody asks for and text that
//! is not UTF-8 passes unchanged. A decoder through prost (feature `oracle`) checks them.
#![forbid(unsafe_code)]

pub mod emission;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;

mod field;
#[cfg(test)]
mod tests;
mod value;
mod view;
mod wire;
mod write;

pub use view::ByteView;
