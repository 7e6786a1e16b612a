//! What the engine says of a blob's frame.

use tokenledger::ledger::check_blob;

/// Says what is wrong with a blob.
pub fn check(blob: &[u8]) -> Result<(), String> {
    check_blob(blob).map_err(|damage| damage.to_string())
}
