//! What is written, what is lost and where that is told: with real files, a real stderr, and writers that are
//! slow or fail when the test says so.

mod common;
mod failing;
mod inside;
mod process;
mod random;
mod sinks;
mod slow;
