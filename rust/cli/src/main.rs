//! `tokenledger`: is the collector well, does data arrive, do the totals agree with the truth.
#![forbid(unsafe_code)]

mod demo;
mod exit;
mod health;
mod http;
mod ledger;
mod output;
mod page;
mod price;
mod replay;
mod settings;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, feeds and demonstrates a Tokenledger collector.
#[derive(Debug, Parser)]
#[command(name = "tokenledger", version, propagate_version = true, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Health(health::Health),
    Replay(replay::Replay),
    Demo(demo::Demo),
    Ledger(ledger::Ledger),
    Price(price::Price),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Health(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Ledger(command) => command.run(),
        Command::Price(command) => command.run(),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::error(&*error);
            exit::Exit::Impossible.into()
        }
    }
}
