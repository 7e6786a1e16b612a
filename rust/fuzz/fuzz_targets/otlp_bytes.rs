//! Fuzzes the byte view of OTLP: see [`tokenledger_fuzz::otlp_bytes`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenledger_fuzz::otlp_bytes(data));
