//! `EventBus` does what its specification says, whatever the script.
//!
//! proptest draws a script of operations (publish and receive in every way, futures polled with
//! one of several wakers and cancelled, subscribe, drop any handle, close, user code that panics),
//! which is run on a bus and on `tests/oracle/bus/spec.rs`. After every operation the results, the
//! statistics, all positions and how often each waker was woken must be the same, and values live
//! as long as they have to. A script that fails is shrunk and printed, and its seed is kept in
//! `tests/bus_model.seeds`, to be run first ever after.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test bus_model` looks further; `.ci/fuzz` lets a
//! fuzzer write the scripts, and what it has found is run here too.
#![cfg(not(eventring_loom))]

#[path = "oracle/bus/mod.rs"]
mod bus;
#[path = "oracle/drawn.rs"]
mod drawn;
#[path = "oracle/support.rs"]
mod support;

use bus::script::{Script, Setup};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(drawn::config("tests/bus_model.seeds"))]

    /// Values that are counted while they live.
    #[test]
    fn counted_values(setup in drawn::decoded::<Setup>(), steps in vec(drawn::decoded(), 0..80)) {
        bus::check(&Script { setup, plain: false, steps });
    }

    /// Values that need no drop take a shorter way through the ring.
    #[test]
    fn plain_values(setup in drawn::decoded::<Setup>(), steps in vec(drawn::decoded(), 0..80)) {
        bus::check(&Script { setup, plain: true, steps });
    }
}

#[test]
#[cfg_attr(miri, ignore = "there is no file system")]
fn scripts_of_the_fuzzer() {
    drawn::replay("event_bus", bus::check);
}
