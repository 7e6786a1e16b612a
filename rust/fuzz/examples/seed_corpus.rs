//! Writes the seeds of the corpora: `cargo run -p tokenledger-fuzz --example seed_corpus`.
//!
//! Seeds are the recorded metric requests (tests/data/captures), the same as flat buffers, and random
//! scripts for the engine. Files that fuzzing added beside them are left alone.

use std::error::Error;
use std::fs;
use std::path::Path;

use tokenledger::Now;
use tokenledger_fuzz::{flatten, mutation::Dice};
use tokenledger_otlp::ByteView;

const NOW: Now = Now { wall_unix_nano: 1_795_217_030_000_000_000, monotonic_nano: 3_600_000_000_000 };

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("corpus");
    for target in ["otlp_bytes", "flat_buffer", "engine"] {
        fs::create_dir_all(corpus.join(target))?;
    }
    for client in ["claude-code-2.1.197", "claude-code-2.1.329"] {
        let directory = here.join("../../tests/data/captures").join(client).join("two-sessions-protobuf");
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix("_v1_metrics.pb"))
            else {
                continue;
            };
            let bytes = fs::read(&path)?;
            let name = format!("{client}-{name}");
            fs::write(corpus.join("flat_buffer").join(&name), flatten(&ByteView::new(&bytes)?, NOW))?;
            fs::write(corpus.join("otlp_bytes").join(&name), bytes)?;
        }
    }
    // Every combination of settings, each with a script of its own.
    for settings in 0..32_u8 {
        let mut dice = Dice(u64::from(settings));
        let script: Vec<u8> = (0..400).map(|_| dice.below(256) as u8).collect();
        fs::write(
            corpus.join("engine").join(format!("settings-{settings:02}")),
            [&[settings], &script[..]].concat(),
        )?;
    }
    Ok(())
}
