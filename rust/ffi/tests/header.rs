//! The committed C header is what cbindgen makes of the sources today.
//!
//! `TL_UPDATE_HEADER=1 cargo test -p tokenledger-ffi --test header` writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

/// Scenario: the header is made again. Guarantee: nobody changed the boundary without its header.
#[test]
fn committed_header_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::generate_with_config(root, config).expect("cbindgen reads the sources");
    let mut made = Vec::new();
    bindings.write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = root.join("include/tokenledger.h");
    if std::env::var_os("TL_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).expect("write the header");
    }
    let committed = std::fs::read_to_string(&path).expect("include/tokenledger.h");
    assert!(
        committed == made,
        "include/tokenledger.h is out of date: run with TL_UPDATE_HEADER=1 and commit it"
    );
}
