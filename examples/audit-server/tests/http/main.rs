//! End to end, over real HTTP, against the program itself.
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod full;
mod kill;
mod observe;
mod pipeline;
mod resume;
mod shutdown;
mod startup;
mod stored;
