//! `eventring::broadcast` is a swap-in for `tokio::sync::broadcast`: one suite of behaviour tests,
//! compiled against the one and against the other. What is different on purpose is in `ours.rs`.
#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;
mod ours;
mod support;

mod against_tokio {
    use tokio::sync::broadcast;

    include!("suite.rs");
}

mod against_eventring {
    use eventring::broadcast;

    include!("suite.rs");
}
