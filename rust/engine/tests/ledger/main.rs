//! The ledger (design §5): what was acknowledged survives any crash, once, and readers never notice a restart.
#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

#[path = "../support/world/mod.rs"]
mod world;

mod clients;
mod computed;
mod cuts;
mod damage;
mod distributions;
mod faults;
mod memory;

mod computed_histories;
mod random_histories;
mod restarts;
mod settings;
mod station;
mod unanswered;
