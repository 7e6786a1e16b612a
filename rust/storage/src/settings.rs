//! What a user decides about the ledger.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Five minutes, in nanoseconds.
const FIVE_MINUTES_NANO: u64 = 5 * 60 * 1_000_000_000;

/// Where and how a ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The directory of this ledger alone; made if it does not exist.
    pub directory: PathBuf,
    /// What a write survives. Default: [`Sync::Process`].
    #[serde(default)]
    pub sync: Sync,
    /// A snapshot is made at least so often while anything changes, in nanoseconds. Default: 5 minutes.
    #[serde(default = "default_snapshot_interval")]
    pub snapshot_interval_nano: u64,
    /// Usage older than this is forgotten, in nanoseconds; 0, the default, means never.
    #[serde(default)]
    pub usage_retention_nano: u64,
    /// Whether usage is counted here. Default: true; false where another instance counts the same sources.
    #[serde(default = "default_usage")]
    pub usage: bool,
}

/// What a write survives when [`tokenledger::ledger::Storage::write`] has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sync {
    /// The end of the process, however it ends. A loss of power can take the last seconds, never the rest.
    #[default]
    Process,
    /// The loss of power too: each write waits for the disk.
    Disk,
    /// Like [`Sync::Process`], and the caretaker makes everything written so far safe from a loss of power each time
    /// so many nanoseconds have passed. It is called about once a second, so less than that makes no difference.
    #[serde(rename = "every_nano")]
    Every(u64),
}

impl Settings {
    /// The defaults, in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            sync: Sync::default(),
            snapshot_interval_nano: default_snapshot_interval(),
            usage_retention_nano: 0,
            usage: default_usage(),
        }
    }
}

fn default_snapshot_interval() -> u64 {
    FIVE_MINUTES_NANO
}

fn default_usage() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: settings with the directory only, with each mode, and with a misspelt field.
    /// Guarantee: defaults are the documented ones, each mode has its documented spelling, and a misspelt field is refused.
    #[test]
    fn settings_have_documented_defaults_and_spellings() {
        let least: Settings = serde_json::from_str(r#"{"directory":"/d"}"#).unwrap();
        assert_eq!(least, Settings::new("/d"));
        assert_eq!((least.sync, least.snapshot_interval_nano), (Sync::Process, 300_000_000_000));
        assert_eq!((least.usage_retention_nano, least.usage), (0, true));

        for (sync, text) in [
            (Sync::Process, r#""process""#),
            (Sync::Disk, r#""disk""#),
            (Sync::Every(1_000_000_000), r#"{"every_nano":1000000000}"#),
        ] {
            assert_eq!(serde_json::to_string(&sync).unwrap(), text);
            assert_eq!(serde_json::from_str::<Sync>(text).unwrap(), sync);
        }

        let misspelt = serde_json::from_str::<Settings>(r#"{"directory":"/d","snyc":"disk"}"#);
        assert!(misspelt.unwrap_err().to_string().contains("snyc"));
    }
}
