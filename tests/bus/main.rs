//! The native API, method by method, on one thread wherever that is enough.
#![cfg(not(eventring_loom))]

#[path = "../common/mod.rs"]
mod common;

mod attendance;
mod behind;
mod build;
mod close;
mod committing;
mod drained;
mod evict;
mod numbers;
mod publish;
mod publish_many;
mod receive;
mod receive_many;
mod receivers;
mod reserve;
mod room;
mod sink;
mod streams;
mod subscribe;
mod traits;
mod typed;
mod watermark;
