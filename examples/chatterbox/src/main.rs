//! `chatterbox server`, `chatterbox client NAME`, `chatterbox monitor`

use chatterbox::audit::audited;
use chatterbox::client::{self, connect, endpoint, join, listen, talk};
use chatterbox::monitor::{Update, backoff, monitor};
use chatterbox::room::Room;
use chatterbox::server::{Ended, Settings, serve};
use chatterbox::terminal::Terminal;
use chatterbox::view::View;
use clap::{Parser, Subcommand};
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A chat over gRPC.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the room until Ctrl-C or SIGTERM
    Server {
        /// Where to listen
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
        listen: SocketAddr,

        /// How many events a client may be behind before it misses some
        #[arg(long, value_name = "EVENTS", default_value_t = 1024)]
        capacity: usize,

        /// Store what happens in this file too, of `eventring-log`
        #[arg(long, value_name = "FILE")]
        audit: Option<PathBuf>,
    },
    /// Take part: say what is typed, until Ctrl-D or Ctrl-C
    Client {
        /// What to be called: letters, digits, '-', '_' or '.'
        name: String,

        #[command(flatten)]
        target: Target,
    },
    /// Listen without taking part, and reconnect when the server goes
    Monitor {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(clap::Args)]
struct Target {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run(args.command));
        // Does not wait for a thread that is reading stdin.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Server {
            listen,
            capacity,
            audit,
        } => run_server(listen, capacity, audit).await,
        Command::Client { name, target } => {
            let endpoint = target.endpoint()?;
            let channel = connect(&endpoint).await.map_err(client::told)?;
            let (voice, events) = join(channel, &name).await.map_err(client::told)?;
            let mut terminal = Terminal::new()?;
            let result = talk(&mut terminal, voice, events).await;
            terminal.release()?;
            result
        }
        Command::Monitor { target } => {
            let endpoint = target.endpoint()?;
            let mut view = View::default();
            let connect = || listen(&endpoint);
            match monitor(connect, &backoff(), |update| print(&mut view, update)).await? {}
        }
    }
}

async fn run_server(
    listen: SocketAddr,
    capacity: usize,
    audit: Option<PathBuf>,
) -> Result<(), Box<dyn Error>> {
    let (room, audit) = match audit {
        Some(path) => {
            let audited = audited(&path, capacity);
            let audited = audited.map_err(|error| format!("--audit {}: {error}", path.display()));
            let (room, audit) = audited?;
            (room, Some(audit))
        }
        None => {
            let room = Room::new(capacity);
            let room = room.map_err(|error| format!("--capacity {capacity}: {error}"))?;
            (room, None)
        }
    };
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen}: {error}; choose another address with --listen")
    })?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    let settings = Settings::default();
    let grace = settings.grace;
    let ended = serve(listener, room.clone(), settings, stop_signal()?).await?;
    if let Some(audit) = audit {
        let stored = timeout(grace, audit.ended()).await;
        stored.map_err(|_| "the audit is not stored to its end")?;
    }
    let stats = room.stats();
    writeln!(
        io::stdout(),
        "{} events, {} missed by slow clients{}",
        stats.published,
        stats.missed,
        match ended {
            Ended::Gracefully => "",
            Ended::CutOff => "; cut off those who did not read on",
        }
    )?;
    Ok(())
}

/// Resolves at Ctrl-C, or SIGTERM.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<()>();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
    })
}

fn print(view: &mut View, update: Update) -> io::Result<()> {
    let line = match update {
        Update::Event(event) => view.line(event),
        Update::Lost { why, retry_in } => {
            *view = View::default();
            Some(format!("-- {why}; trying again in {retry_in:.1?}"))
        }
    };
    line.map_or(Ok(()), |line| writeln!(io::stdout(), "{line}"))
}

impl Target {
    fn endpoint(&self) -> Result<tonic::transport::Endpoint, String> {
        let server = &self.server;
        endpoint(server).map_err(|_| {
            format!("--server {server}: not an address; it takes HOST:PORT or http://HOST:PORT")
        })
    }
}

/// Whoever reads what this prints has enough of it.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
