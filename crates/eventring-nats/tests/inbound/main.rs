//! From a stream into a bus, over real servers.

mod ends;
mod faults;
mod order;
mod processes;
#[path = "../server/mod.rs"]
mod server;
mod sinks;
mod support;
#[cfg(feature = "metrics")]
mod told;
