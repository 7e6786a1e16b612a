//! Usage files as collectors write them and as people read them.

mod docs;
mod export;
mod faults;
mod store;
mod support;
