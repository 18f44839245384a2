//! The log, on real files.

mod attach;
mod chain;
mod common;
mod subscribe;
mod uncertain;
