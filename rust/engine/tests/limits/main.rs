//! Limits that hold (T5): `max_streams`, the byte budget, eviction, overflow, and the way back.
#![allow(clippy::unwrap_used)]

#[path = "../support/world/mod.rs"]
mod world;

mod examples;
mod floods;
mod review;
mod threads;
