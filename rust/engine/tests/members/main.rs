//! Cumulative input (T3, D14).
#![allow(clippy::unwrap_used)]

#[path = "../support/world/mod.rs"]
mod world;

mod against_a_model;
mod passing_on;
mod review;
