//! Usage files as collectors write them and as people read them.

mod docs;
mod export;
mod faults;
mod priced;
mod store;
mod support;
