//! From a stream into a bus, over real servers.

#[cfg(feature = "metrics")]
mod counted;
mod ends;
mod faults;
mod order;
mod processes;
#[path = "../server/mod.rs"]
mod server;
mod sinks;
mod support;
