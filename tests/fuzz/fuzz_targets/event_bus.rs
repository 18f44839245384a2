//! Scripts against the specification of `EventBus`: see `tests/oracle/bus`.
#![no_main]

#[path = "../../oracle/bus/mod.rs"]
mod bus;
#[path = "../../oracle/support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|script: bus::script::Script| bus::check(&script));
