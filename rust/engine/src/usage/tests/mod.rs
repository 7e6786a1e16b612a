//! The book as a whole.

mod book;
mod keeper;
mod model;
mod segment;
mod support;
