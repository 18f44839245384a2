//! The live page in a real browser. Without one on this machine the tests say that they skipped;
//! with `AUDIT_SERVER_BROWSER=required` they fail then.
#![cfg(unix)]

mod browser;
#[path = "../common/mod.rs"]
mod common;
mod proxy;

mod look;
mod page;
