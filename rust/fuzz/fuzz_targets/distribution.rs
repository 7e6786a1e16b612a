//! Fuzzes histograms: see [`tokenledger_fuzz::distribution`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenledger_fuzz::distribution(data));
