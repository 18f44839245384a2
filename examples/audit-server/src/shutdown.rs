//! Ending in the right order: nothing that was published is lost, and nothing hangs.

use crate::audit::Audit;
use crate::event::AuditEvent;
use eventring_log::Attached;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long connections may take to end once there is nothing more to send: a stalled browser
/// does not read the end either.
const LINGER: Duration = Duration::from_secs(1);

/// Ctrl-C or SIGTERM, from the moment when this is made.
#[cfg(unix)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(windows)]
pub struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    pub fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    pub async fn next(&mut self) -> &'static str {
        self.0.recv().await;
        "Ctrl-C"
    }
}

/// Whoever sends a second signal does not want to wait.
pub async fn exit_at_next(mut signals: Signals) {
    signals.next().await;
    tracing::warn!("a second signal: what is not stored is lost");
    std::process::exit(1);
}

/// What has to be ended.
pub struct Running {
    pub audit: Arc<Audit>,
    /// Stops accepting connections, and requests on those there are.
    pub stop: CancellationToken,
    pub serving: JoinHandle<std::io::Result<()>>,
    /// What stores the events.
    pub attached: Arc<Attached<Arc<AuditEvent>>>,
}

impl Running {
    /// Returns how many events are lost.
    pub async fn shut_down(self, limit: Duration) -> u64 {
        let deadline = Instant::now() + limit;
        self.stop.cancel();
        // Requests get half of the time; the rest is for the database.
        let gate = &self.audit.gate;
        if timeout(limit / 2, gate.finish()).await.is_err() {
            gate.abort();
            gate.finish().await;
        }
        // Only now: every request that has room has published. Viewers get what is in the
        // ring, then their streams end, without which the server would wait for them for ever.
        self.audit.bus.close();
        // What is not stored by then is counted below.
        let _ = timeout_at(deadline, self.attached.ended()).await;
        if timeout(LINGER, self.serving).await.is_err() {
            tracing::info!("some connections did not end by themselves");
        }
        self.audit.bus.stats().next_sequence - self.audit.stored.get()
    }
}
