//! Fuzzes stored bytes: see [`tokenledger_fuzz::ledger_blob`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tokenledger_fuzz::ledger_blob(data));
