//! Fuzzes the engine: see [`tokenledger_fuzz::engine`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenledger_fuzz::engine(data));
