//! The line between the browser and the server, which can stall, and break.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy)]
struct Line {
    server: SocketAddr,
    /// Nothing passes from the server to the browser.
    stalled: bool,
    /// Connections that were made in another age are broken.
    age: u64,
}

pub struct Proxy {
    pub address: SocketAddr,
    line: watch::Sender<Line>,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> Self {
        let line = watch::Sender::new(Line {
            server,
            stalled: false,
            age: 0,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = line.subscribe();
        tokio::spawn(async move {
            loop {
                let (browser, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(browser, seen.clone()));
            }
        });
        Self { address, line }
    }

    pub fn stall(&self) {
        self.line.send_modify(|line| line.stalled = true);
    }

    pub fn go_on(&self) {
        self.line.send_modify(|line| line.stalled = false);
    }

    /// Breaks every connection. The next ones lead to this server.
    pub fn break_off(&self, server: SocketAddr) {
        self.line.send_modify(|line| {
            line.server = server;
            line.age += 1;
        });
    }
}

/// One connection, until either side or the line ends it.
async fn connect(browser: TcpStream, mut line: watch::Receiver<Line>) {
    // A browser that calls while the line is stalled waits, and does not reach the server yet.
    let Ok(Line { server, age, .. }) = line.wait_for(|line| !line.stalled).await.map(|line| *line)
    else {
        return;
    };
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_browser, to_browser) = browser.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = carry(from_browser, to_server, None) => {}
        () = carry(from_server, to_browser, Some(line.clone())) => {}
        _ = line.wait_for(|line| line.age != age) => {}
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: Option<watch::Receiver<Line>>,
) {
    let mut buffer = [0; 4096];
    loop {
        if let Some(line) = &mut line
            && line.wait_for(|line| !line.stalled).await.is_err()
        {
            return;
        }
        match from.read(&mut buffer).await {
            Err(_) | Ok(0) => return,
            Ok(read) => {
                if to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
