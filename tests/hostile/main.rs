//! Hostile users: events, closures and wakers that panic or call back, futures and receivers that
//! are forgotten; and that no value is dropped twice, late or never.
#![cfg(not(eventring_loom))]

#[path = "../common/mod.rs"]
mod common;

mod broadcast;
mod callbacks;
mod committing;
mod drops;
mod forgotten;
mod killed;
mod moved;
mod panics;
mod wakers;
