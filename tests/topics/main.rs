//! [`Topics`](eventring::Topics): a bus for each key in use.
#![cfg(not(eventring_loom))]

#[path = "../common/mod.rs"]
mod common;

mod all;
mod collisions;
mod hostile;
mod life;
mod linger;
mod model;
mod publish;
mod threads;
mod traits;
