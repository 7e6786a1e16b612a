//! Runs the writer on a disk that fails (`disk.c`).

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tokenledger_storage::Sync;

use super::writer::{self, Notes};

/// The test that is the writer; it does nothing but [`writer::run`].
pub const WRITER: &str = "writer";

/// What happens to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its power goes at an operation; the seed decides what had reached the disk.
    PowerLoss {
        /// Counted from 1; later than the last one means at the end of the program.
        at: u64,
        /// Any number.
        seed: u64,
    },
    /// Operations fail.
    Errors {
        /// The first one, counted from 1; 0 means none.
        at: u64,
        /// How many.
        count: u64,
        /// The error number of the system.
        errno: i32,
    },
}

/// What the writer has to do.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// The mode.
    pub sync: Sync,
    /// Whether the caretaker works at the same time.
    pub beside: bool,
    /// The number of the run.
    pub run: u64,
    /// The number of the first change.
    pub first: u64,
    /// The number after that of the last change.
    pub end: u64,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// What the writer noted.
    pub notes: Notes,
    /// Whether the power went before its end.
    pub cut_short: bool,
    /// Operations on the disk; 0 if it was cut short.
    pub operations: u64,
}

/// Runs the writer in `directory`. What a disk without power has is written to `outcome`.
pub fn run(directory: &Path, outcome: Option<&Path>, work: Work, fault: Fault) -> Run {
    let beside = tempfile::tempdir().unwrap();
    let (notes, count) = (beside.path().join("notes"), beside.path().join("count"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([WRITER, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("LD_PRELOAD", shim())
        .env("DISK_DIR", directory.canonicalize().unwrap())
        .env("DISK_COUNT", &count)
        .env(writer::DIRECTORY, directory.canonicalize().unwrap())
        .env(writer::NOTES, &notes)
        .env(writer::SYNC, serde_json::to_string(&work.sync).unwrap())
        .env(writer::RUN, work.run.to_string())
        .env(writer::FIRST, work.first.to_string())
        .env(writer::END, work.end.to_string());
    if work.beside {
        command.env(writer::BESIDE, "1");
    }
    if let Some(outcome) = outcome {
        command.env("DISK_OUT", outcome);
    }
    match fault {
        Fault::PowerLoss { at, seed } => {
            command.env("DISK_CRASH_AT", at.to_string()).env("DISK_SEED", seed.to_string());
        }
        Fault::Errors { at, count, errno } => {
            command
                .env("DISK_FAIL_AT", at.to_string())
                .env("DISK_FAIL_COUNT", count.to_string())
                .env("DISK_FAIL_ERRNO", errno.to_string());
        }
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    const SIGKILL: i32 = 9;
    let cut_short = status.signal() == Some(SIGKILL) && matches!(fault, Fault::PowerLoss { .. });
    assert!(
        cut_short || status.success(),
        "{fault:?}: {status}\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    let operations = fs::read_to_string(&count).map_or(0, |text| text.trim().parse().unwrap());
    assert!(cut_short || operations > 0, "the shim saw nothing: is the test linked dynamically?");
    Run { notes: writer::notes(&notes), cut_short, operations }
}

/// Compiles `disk.c` once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/disk.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}.so", std::process::id()));
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let status = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
            .args([&library, &source])
            .status()
            .unwrap_or_else(|error| panic!("a C compiler is needed: {compiler}: {error}"));
        assert!(status.success(), "{compiler}: {status}");
        library
    })
}
