//! The book as a whole.

mod book;
mod model;
mod segment;
mod support;
