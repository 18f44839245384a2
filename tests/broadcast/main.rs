//! `eventring::broadcast` is a swap-in for `tokio::sync::broadcast`: one suite of behaviour tests,
//! compiled against the one and against the other. What is different on purpose is in `ours.rs`.
//! In the suite numbers are those of the behaviours that a ring easily gets wrong; `#` are tokio's
//! own issues.
#![cfg(not(eventring_loom))]

#[path = "../common/mod.rs"]
mod common;
mod ours;
mod support;

macro_rules! suite {
    ($against:ident: $($broadcast:tt)+) => {
        mod $against {
            suite!(file items: $($broadcast)+);
            suite!(file receive: $($broadcast)+);
            suite!(file close: $($broadcast)+);
            suite!(file wait: $($broadcast)+);
            suite!(file values: $($broadcast)+);
            suite!(file programs: $($broadcast)+);
        }
    };
    (file $name:ident: $($broadcast:tt)+) => {
        mod $name {
            use $($broadcast)+;

            include!(concat!("suite/", stringify!($name), ".rs"));
        }
    };
}

suite!(against_tokio: tokio::sync::broadcast);
suite!(against_eventring: eventring::broadcast);
