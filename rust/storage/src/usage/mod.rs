//! Usage for reports: `usage.db`, one SQLite file in each ledger's directory.
//!
//! The collector writes it ([`SqliteUsage`]); anybody may read it meanwhile, with `sqlite3` and the
//! views of `docs/usage.md` or through [`export`].

pub mod export;

mod aside;
mod calendar;
mod decimal;
mod migrate;
mod open;
mod priced;
mod read;
mod schema;
mod sheet;
mod store;
#[cfg(test)]
mod tests;

pub use open::{OpenedUsage, open};
pub use store::SqliteUsage;

/// The file's name, in the ledger's directory.
pub const FILE_NAME: &str = "usage.db";
