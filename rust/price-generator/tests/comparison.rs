//! The comparison with other tools, from their committed results.

use std::path::PathBuf;
use std::process::Command;

/// Scenario: docs/price-comparison.md is made anew from what LiteLLM and ccusage said, and from the table.
/// Guarantee: every difference has a class, and the page is the committed one.
#[test]
fn every_difference_is_explained() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let run = Command::new(env!("CARGO_BIN_EXE_compare-prices"))
        .args(["page", "--check", "--root"])
        .arg(&root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let page = std::fs::read_to_string(root.join("docs/price-comparison.md")).unwrap();
    assert!(page.contains("LiteLLM 1.") && page.contains("ccusage 20."), "both tools took part");
}
