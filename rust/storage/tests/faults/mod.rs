//! A disk that loses its power or refuses to write, a program that writes a ledger to it, and the truth about what it
//! wrote.

pub mod disk;
pub mod model;
pub mod writer;
