//! Trimming (T0–T2): streams that become equal add up; what goes out is spelled in one way.
#![allow(clippy::unwrap_used)]

#[path = "../support/world/mod.rs"]
mod world;

mod gauges;
mod histograms;
mod review;
mod trimmed_totals;
