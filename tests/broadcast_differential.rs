//! `eventring::broadcast` and `tokio::sync::broadcast` do the same, whatever the script.
//!
//! proptest draws a script of operations (send, subscribe, resubscribe, receive by every method,
//! drop any handle, weak handles, poll with one of several wakers, close by dropping), which is
//! run against both. After every operation the results, the error texts, all lengths and counts,
//! which wakers were woken and which values were dropped, in which order, must be the same. A script that fails is shrunk and
//! printed, and its seed is kept in `tests/broadcast_differential.seeds`, to be run first ever after.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test broadcast_differential` looks further;
//! `.ci/fuzz` lets a fuzzer write the scripts, and what it has found is run here too.
#![cfg(not(eventring_loom))]

#[path = "oracle/broadcast/mod.rs"]
mod broadcast;
#[path = "oracle/drawn.rs"]
mod drawn;
#[path = "oracle/support.rs"]
mod support;

use broadcast::script::{Capacity, Script};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(drawn::config("tests/broadcast_differential.seeds"))]

    /// Values that are counted while they live.
    #[test]
    fn counted_values(
        capacity in drawn::decoded::<Capacity>(),
        steps in vec(drawn::decoded(), 0..60),
    ) {
        broadcast::check(&Script { capacity, plain: false, steps });
    }

    /// Values that need no drop.
    #[test]
    fn plain_values(
        capacity in drawn::decoded::<Capacity>(),
        steps in vec(drawn::decoded(), 0..60),
    ) {
        broadcast::check(&Script { capacity, plain: true, steps });
    }
}

#[test]
#[cfg_attr(miri, ignore = "there is no file system")]
fn scripts_of_the_fuzzer() {
    drawn::replay("broadcast", broadcast::check);
}
