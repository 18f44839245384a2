//! Scripts against `tokio::sync::broadcast`: see `tests/oracle/broadcast`.
#![no_main]

#[path = "../../oracle/broadcast/mod.rs"]
mod broadcast;
#[path = "../../oracle/support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|script: broadcast::script::Script| broadcast::check(&script));
