//! The command line.

use async_nats::ServerAddr;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A key-value store over REST whose every request is audited: to SQLite, and to a live page
#[derive(Parser)]
pub struct Args {
    /// The address to serve on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// The SQLite file that the audit is stored in; it is created, or carried on
    #[arg(long, value_name = "FILE", default_value = "audit.db")]
    pub database: PathBuf,

    /// How many requests may be in flight or not yet stored at a time; also how far back the
    /// live page can resume
    #[arg(long, value_name = "EVENTS", default_value_t = 4096)]
    pub capacity: usize,

    /// How long a request waits when the audit is full, before it is refused
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub max_wait: Duration,

    /// How long a request may take, its body included
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub request_timeout: Duration,

    /// How long a shutdown may take before what is not stored is given up
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub shutdown_timeout: Duration,

    /// Answer a request only when its event is on disk
    #[arg(long)]
    pub durable: bool,

    /// Send what is stored on to this NATS server, which has JetStream: to the stream AUDIT
    #[arg(long, value_name = "URL")]
    pub nats: Option<ServerAddr>,

    /// The name that the stream has for this database: no other one may send by it
    #[arg(
        long,
        value_name = "NAME",
        default_value = "audit-server",
        requires = "nats"
    )]
    pub nats_source: String,

    /// Do not audit: to measure what auditing costs
    #[arg(long, conflicts_with = "durable")]
    pub no_audit: bool,
}
