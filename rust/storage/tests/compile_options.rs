//! How SQLite was built: `.cargo/config.toml` says it, and nothing else notices if it is not heard.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use rusqlite::Connection;

/// Scenario: SQLite as it is linked into this program says how it was built.
/// Guarantee: no code can be loaded at run time (so it goes into a static binary), no mutex is taken for each call,
/// nothing temporary goes to the disk, no memory mapping turns an error of the disk into a signal.
#[test]
fn sqlite_is_built_as_configured() {
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare("PRAGMA compile_options").unwrap();
    let options: BTreeSet<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();

    for wanted in [
        "OMIT_LOAD_EXTENSION",
        "THREADSAFE=2",
        "TEMP_STORE=3",
        "MAX_MMAP_SIZE=0",
        "DEFAULT_MEMSTATUS=0",
        "DQS=0",
        "OMIT_DEPRECATED",
        "OMIT_SHARED_CACHE",
    ] {
        assert!(options.contains(wanted), "{wanted} is missing in {options:?}");
    }
    for unwanted in ["ENABLE_FTS3", "ENABLE_FTS5", "ENABLE_RTREE", "ENABLE_STAT4", "SOUNDEX", "USE_URI"] {
        assert!(!options.contains(unwanted), "{unwanted} is in {options:?}");
    }
}
