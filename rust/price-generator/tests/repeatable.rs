//! The committed table is what its sources and its overlay give.

use std::path::PathBuf;
use std::process::Command;

/// Scenario: the sources are present, and the generator runs on the committed state, once for the table and once
/// for the names. Guarantee: it would change nothing. The sources are not part of the repository; without them this
/// cannot be tested, and the test says so.
#[test]
fn running_on_the_committed_state_changes_nothing() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources =
        std::env::var_os("PRICE_SOURCES").map_or_else(|| root.join("../shared/data/prices"), PathBuf::from);
    if !sources.join("litellm").is_dir() {
        eprintln!(
            "not run: {} is missing; PRICE_SOURCES names the folder of docs/prices.md",
            sources.display()
        );
        return;
    }
    for further in [&["--check"][..], &["--check", "--names"]] {
        let run = Command::new(env!("CARGO_BIN_EXE_price-generator"))
            .arg("--sources")
            .arg(&sources)
            .arg("--root")
            .arg(&root)
            .args(further)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "run `make prices` and commit what it writes:\n{said}");
        assert!(said.contains("unchanged") && !said.contains("would change"), "{said}");
    }
}

/// Scenario: the folder of the sources is not there.
/// Guarantee: an error that names the folder and the upstream files, and no file is touched.
#[test]
fn missing_sources_are_named() {
    let run = Command::new(env!("CARGO_BIN_EXE_price-generator"))
        .args(["--sources", "/nowhere", "--root", "/nowhere"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success());
    assert!(
        said.contains("/nowhere has no price tables") && said.contains("pydantic/genai-prices"),
        "{said}"
    );
}
