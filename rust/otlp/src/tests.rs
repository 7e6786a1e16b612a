//! Tests that need more than one module: the byte view and emission against prost.

mod agreement;
mod captures;
mod emission;
mod generate;
mod kinds;
mod rewire;
