//! Fuzzes price files and names of models: see [`tokenledger_fuzz::price_file`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenledger_fuzz::price_file(data));
