//! A key-value store over REST whose every request is audited through one bus: without loss to
//! SQLite, and to a live page that never slows the server.
//!
//! ```text
//!                      ┌──────────── AuditLayer ────────────┐
//!  request ──► permit ──► handler ──► publish ──► answer     │
//!              ▲       └─────────────────│──────────────────┘
//!              │                         ▼
//!              │                     Block bus ──► viewers (lossy)  ──► /events ──► page
//!              │                         │
//!              └── commit ◄── SQLite ◄── sink (committing, in batches)
//!                               │
//!                               └──► relay (--nats) ──► JetStream
//! ```

mod api;
mod args;
mod audit;
mod event;
mod layer;
mod marks;
mod nats;
mod page;
mod problem;
mod prometheus;
mod request;
mod server;
mod shutdown;
mod sse;
mod stats;
mod stored;

use clap::Parser;
use std::io;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match server::run(args::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("audit-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
