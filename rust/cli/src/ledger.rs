//! `tokenledger ledger`: looking at ledgers, checking, backing up and bringing back.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::exit::{self, Ended, Exit};
use crate::output;

mod blob;
mod check;
mod export;
mod info;

use tokenledger_storage::care;

/// Looks at ledgers, checks them, backs them up and brings them back.
///
/// A directory is that of one ledger, or one above several (the collector's storage directory): then all of them are
/// meant. Everything but restore works while a collector is running.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells versions, sizes, numbers of rows, damage, and which process has the ledger.
    Info(Place),
    /// Checks pages, head and every blob; exit code 1 if anything is damaged.
    Check(Place),
    /// Copies ledgers and usage, consistent also while a collector is writing.
    Backup(Backup),
    /// Brings a backup back into a directory that no collector is using.
    Restore(Restore),
    Export(export::Export),
}

#[derive(Debug, Args)]
struct Place {
    /// The directory of a ledger, or one above several.
    directory: PathBuf,
    /// Answer with one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Backup {
    #[command(flatten)]
    place: Place,
    /// Where the backup goes: an empty directory, or one that does not exist.
    target: PathBuf,
}

#[derive(Debug, Args)]
struct Restore {
    /// The backup.
    backup: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Where there is a ledger, the backup takes its place; what was there is kept under another name.
    #[arg(long)]
    replace: bool,
}

impl Ledger {
    /// Does what the command says.
    pub fn run(self) -> Ended {
        match self.command {
            Command::Export(command) => command.run(),
            Command::Info(place) => info::run(&place.directory, place.json),
            Command::Check(place) => check::run(&place.directory, place.json),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
        }
    }
}

impl Backup {
    fn run(self) -> Ended {
        let manifest = care::backup(&self.place.directory, &self.target)?;
        if self.place.json {
            output::json(&manifest);
        } else {
            for file in &manifest.files {
                let path = self.target.join(&file.ledger).join(&file.name);
                output::line(&format!("{}: {}", path.display(), info::size(file.bytes)));
            }
        }
        Ok(Exit::Yes)
    }
}

impl Restore {
    fn run(self) -> Ended {
        let restored = care::restore(&self.backup, &self.place.directory, self.replace, &mut blob::check)?;
        if self.place.json {
            output::json(&restored);
        } else {
            for ledger in &restored.ledgers {
                output::line(&format!("{}: restored", ledger.display()));
            }
            for kept in &restored.kept {
                output::line(&format!("{}: what was there before", kept.display()));
            }
        }
        Ok(Exit::Yes)
    }
}
