//! The accounts on real threads: for every receiver, what it received and what it missed add up to
//! what was published; each publisher's events come in order; gating receivers lose nothing; no
//! value is dropped twice or never; nobody sleeps for ever.
#![cfg(not(eventring_loom))]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/seen.rs"]
mod seen;
#[path = "../common/ways.rs"]
mod ways;

mod accounts;
mod changes;
mod handshakes;
