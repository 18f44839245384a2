//! The program: see `--help`.

use clap::Parser;
use peak_alloc::PeakAlloc;
use rooms::{load, rooms, serve, sweep, tell};
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A chat with rooms, in a browser
#[derive(Parser)]
struct Args {
    /// The address to serve on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3001")]
    listen: SocketAddr,

    /// How many messages a room keeps for those who come
    #[arg(long, value_name = "MESSAGES", default_value_t = 16)]
    history: usize,

    /// How many seconds a room stays when all have left
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    linger: u64,

    /// Opens N rooms with somebody in each, speaks in them, and prints memory and events a second
    #[arg(long, value_name = "N")]
    load: Option<usize>,

    /// For how long it does that
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "load")]
    seconds: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let linger = Duration::from_secs(args.linger);
    let rooms = rooms(args.history, linger)?;
    if let Some(count) = args.load {
        let time = Duration::from_secs(args.seconds);
        println!(
            "{}",
            load::run(rooms, count, time, || MEMORY.current_usage()).await
        );
        return Ok(());
    }
    let listener = TcpListener::bind(args.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    tokio::spawn(tell(rooms.clone()));
    tokio::spawn(sweep(rooms.clone(), linger.max(Duration::from_secs(1))));
    let interrupted = async {
        // Without signals, it has to be killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(serve(listener, rooms, interrupted).await?)
}
