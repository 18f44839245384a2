//! The real server as a process of its own, and what it leaves in its table.
#![allow(dead_code, unused_imports)] // Each test crate uses a part of it.

mod home;
mod view;

pub use home::Home;
pub use view::{Mark, Seen, View};

use reqwest::{Client, Method, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Runs the test, and fails if it hangs. Not a measure of anything.
pub async fn watched<T>(test: impl Future<Output = T>) -> T {
    const LIMIT: Duration = Duration::from_secs(300);
    timeout(LIMIT, test).await.expect("the test hangs")
}

/// Comes back when the question is answered with something.
pub async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        sleep(Duration::from_millis(5)).await; // Between two looks at another process.
    }
}

/// An event as it is in the table, or as a client knows it from its answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub sequence: u64,
    pub request_id: String,
    pub actor: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub bytes: u64,
}

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    stderr: Option<thread::JoinHandle<String>>,
    client: Client,
}

impl Server {
    /// Starts it, and waits until it serves.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = collect(child.stderr.take().unwrap());
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.strip_prefix("listening on http://") else {
            child.wait().unwrap();
            panic!("the server did not start: {}", stderr.join().unwrap());
        };
        let (address, _) = address.split_once(';').unwrap();
        Self {
            child,
            address: address.parse().unwrap(),
            stderr: Some(stderr),
            client: Client::new(),
        }
    }

    pub fn url(&self, path: impl Display) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// One request to the API; `None` if it was not answered.
    pub async fn call(&self, actor: &str, method: Method, path: &str) -> Option<Answer> {
        let request = self.client.request(method.clone(), self.url(path));
        let request = request.header("x-actor", actor);
        let request = match method {
            Method::PUT => request.json(&json!({ "by": actor })),
            _ => request,
        };
        let response = request.send().await.ok()?;
        let header = |name| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let request_id = header("x-request-id").unwrap();
        let sequence = header("x-audit-sequence").map(|number| number.parse().unwrap());
        let body = response.bytes().await.ok()?;
        Some(Answer {
            row: sequence.map(|sequence| Row {
                sequence,
                request_id,
                actor: actor.to_owned(),
                method: method.to_string(),
                path: path.to_owned(),
                status,
                bytes: body.len() as u64,
            }),
            status,
            body: String::from_utf8(body.to_vec()).unwrap(),
        })
    }

    /// As [`call`](Self::call), for a request that has to be answered.
    pub async fn put(&self, key: impl Display) -> Answer {
        let path = format!("/api/items/{key}");
        let answer = self.call("test", Method::PUT, &path).await;
        answer.expect("an answer")
    }

    /// Sends a request, and comes back while it waits for room in the audit.
    pub async fn put_waiting(self: &Arc<Self>, key: &'static str) -> JoinHandle<Answer> {
        let server = Arc::clone(self);
        let request = tokio::spawn(async move { server.put(key).await });
        self.until(|stats| stats["ring"]["in_flight"] == 1).await;
        request
    }

    pub async fn stats(&self) -> Value {
        self.get("/stats").await.json().await.unwrap()
    }

    /// Waits until the statistics are as they should be.
    pub async fn until(&self, hold: impl Fn(&Value) -> bool) -> Value {
        until(async || Some(self.stats().await).filter(&hold)).await
    }

    pub async fn until_stored(&self) {
        self.until(|stats| stats["stored"] == stats["published"])
            .await;
    }

    /// Looks at the audit as a browser does.
    pub async fn view(&self, last_event_id: Option<u64>) -> View {
        let mut request = self.client.get(self.url("/events"));
        if let Some(last) = last_event_id {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        View::new(response)
    }

    /// Asks for the events, and never reads them.
    pub async fn stall(&self) -> TcpStream {
        let mut stalled = TcpStream::connect(self.address).await.unwrap();
        let request = b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n";
        stalled.write_all(request).await.unwrap();
        stalled
    }

    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// While others still use it.
    pub fn kill_now(&self) {
        kill_process(self.pid(), Signal::KILL).unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end: the exit code, and all it has said.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = until(async || self.child.try_wait().unwrap()).await;
        (status.code(), self.stderr.take().unwrap().join().unwrap())
    }

    pub async fn stop(self) {
        self.terminate();
        let (code, said) = self.ended().await;
        assert_eq!(code, Some(0), "{said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut stderr: ChildStderr) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        eprint!("{text}");
        text
    })
}

/// What a client knows of its request. Without a row it was not audited.
#[derive(Debug)]
pub struct Answer {
    pub row: Option<Row>,
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn row(self) -> Row {
        self.row.expect("an audited answer")
    }
}

/// The viewers in the statistics, in the order in which they came.
pub fn viewers(stats: &Value) -> Vec<&Value> {
    let receivers = stats["receivers"].as_array().unwrap().iter();
    receivers.filter(|one| one["name"] == "viewer").collect()
}

pub fn sequences(rows: &[Row]) -> Vec<u64> {
    rows.iter().map(|row| row.sequence).collect()
}
