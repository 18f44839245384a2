//! A proxy that loses what the broker says.

use crate::support::PATIENCE;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Pass,
    /// What clients send arrives, but they hear nothing.
    Swallow,
    Cut,
}

pub(crate) struct Proxy {
    port: u16,
    mode: Arc<watch::Sender<Mode>>,
    /// Changes with what clients do not hear.
    swallowed: Arc<watch::Sender<()>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(watch::Sender::new(Mode::Pass));
        let swallowed = Arc::new(watch::Sender::new(()));
        let (modes, unheard) = (Arc::clone(&mode), Arc::clone(&swallowed));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if *modes.borrow() != Mode::Cut {
                    let unheard = Arc::clone(&unheard);
                    tokio::spawn(carry(client, to, modes.subscribe(), unheard));
                }
            }
        });
        Self {
            port,
            mode,
            swallowed,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// [`Mode::Swallow`]. Once it resolves, there is a message that a client has not heard.
    pub(crate) async fn swallow(&self) {
        let mut swallowed = self.swallowed.subscribe();
        self.set(Mode::Swallow);
        let unheard = timeout(PATIENCE, swallowed.changed()).await;
        unheard.expect("nobody is told anything").unwrap();
    }

    /// There are no connections any more, once it resolves, and none come until the mode is set again.
    pub(crate) async fn cut(&self) {
        self.set(Mode::Cut);
        self.mode.closed().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    client: TcpStream,
    to: u16,
    mut mode: watch::Receiver<Mode>,
    unheard: Arc<watch::Sender<()>>,
) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let modes = mode.clone();
    let back = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            let said = &buffer[..length];
            let mode = *modes.borrow();
            if mode == Mode::Pass && to_client.write_all(said).await.is_err() {
                return;
            }
            if mode == Mode::Swallow && said.windows(4).any(|word| word == b"MSG ") {
                unheard.send_replace(());
            }
        }
    };
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = back => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}
