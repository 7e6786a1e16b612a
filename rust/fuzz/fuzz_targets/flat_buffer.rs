//! Fuzzes the flat buffer: see [`tokenledger_fuzz::flat_buffer`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenledger_fuzz::flat_buffer(data));
