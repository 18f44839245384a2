//! The relay out, against real servers. The oracle: the stream, read back, is the bus's sequence, each event
//! once, in order.

mod basics;
mod cluster;
mod faults;
mod processes;
mod proxy;
mod rejections;
#[path = "../server/mod.rs"]
mod server;
mod support;
