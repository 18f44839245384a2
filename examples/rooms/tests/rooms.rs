//! Real servers on free ports, and the program itself.

use eventsource_stream::{Event, Eventsource};
use futures::{Stream, StreamExt};
use reqwest::{Client, Response};
use rooms::{Rooms, rooms, serve};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const HOUR: Duration = Duration::from_secs(3600);

struct Server {
    url: String,
    rooms: Rooms,
    client: Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(linger: Duration) -> Self {
        let rooms = rooms(4, linger).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap() };
        Self {
            url,
            serving: tokio::spawn(serve(listener, rooms.clone(), stopped)),
            rooms,
            client: Client::new(),
            stop,
        }
    }

    async fn enter(&self, room: &str) -> impl Stream<Item = Event> + Unpin + use<> {
        events(self.client.get(self.events(room)).send().await.unwrap())
    }

    fn events(&self, room: &str) -> String {
        format!("{}/rooms/{room}/events", self.url)
    }

    async fn post(&self, room: &str, message: Value) -> Response {
        let url = format!("{}/rooms/{room}", self.url);
        self.client.post(url).json(&message).send().await.unwrap()
    }

    /// The message's number.
    async fn say(&self, room: &str, text: &str) -> Option<u64> {
        let said = self
            .post(room, json!({ "from": "ann", "text": text }))
            .await;
        assert_eq!(said.status(), 200);
        said.json::<Value>().await.unwrap()["number"].as_u64()
    }

    async fn list(&self) -> Value {
        let list = self.client.get(format!("{}/rooms", self.url)).send().await;
        list.unwrap().json().await.unwrap()
    }

    /// Comes back when the server has seen that everybody left.
    async fn until_deserted(&self, room: &str) {
        let bus = self.rooms.get(room).unwrap();
        bus.deserted().await;
    }
}

fn events(response: Response) -> impl Stream<Item = Event> + Unpin + use<> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = response.bytes_stream().eventsource();
    Box::pin(events.map(|event| event.expect("the connection holds")))
}

async fn text(events: &mut (impl Stream<Item = Event> + Unpin)) -> (u64, String) {
    let event = events.next().await.expect("there is one more");
    let message: Value = serde_json::from_str(&event.data).unwrap();
    let text = message["text"].as_str().unwrap();
    (event.id.parse().unwrap(), text.to_owned())
}

/// Runs the test, and fails if it hangs. Not a measure of anything.
async fn watched(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(300), test)
        .await
        .expect("the test hangs");
}

#[tokio::test]
async fn who_is_in_a_room_hears_what_is_said_there() {
    watched(async {
        let server = Server::start(HOUR).await;
        let (mut ann, mut bob) = (server.enter("lobby").await, server.enter("lobby").await);
        let mut eve = server.enter("kitchen").await;
        assert_eq!(server.say("lobby", "hello").await, Some(0));
        assert_eq!(server.say("kitchen", "tea?").await, Some(0));
        assert_eq!(server.say("lobby", "bye").await, Some(1));
        for member in [&mut ann, &mut bob] {
            assert_eq!(text(member).await, (0, "hello".to_owned()));
            assert_eq!(text(member).await, (1, "bye".to_owned()));
        }
        assert_eq!(text(&mut eve).await, (0, "tea?".to_owned()));
        let expected = json!([
            { "room": "kitchen", "members": 1, "messages": 1 },
            { "room": "lobby", "members": 2, "messages": 2 },
        ]);
        assert_eq!(server.list().await, expected);
    })
    .await;
}

#[tokio::test]
async fn nobody_hears_what_is_said_in_an_empty_room() {
    watched(async {
        let server = Server::start(Duration::ZERO).await;
        assert_eq!(server.say("lobby", "anybody?").await, None);
        let ann = server.enter("lobby").await;
        let bus = server.rooms.get("lobby").unwrap();
        drop(ann);
        bus.deserted().await;
        // The receiver goes before its topic does.
        while !server.rooms.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.list().await, json!([]));
        assert_eq!(server.say("lobby", "still nobody?").await, None);
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_hears_what_was_said_meanwhile() {
    watched(async {
        let server = Server::start(HOUR).await;
        let mut ann = server.enter("lobby").await;
        server.say("lobby", "one").await;
        assert_eq!(text(&mut ann).await.0, 0);
        drop(ann);
        server.until_deserted("lobby").await;
        assert_eq!(server.say("lobby", "two").await, Some(1));
        let request = server.client.get(server.events("lobby"));
        let request = request.header("last-event-id", "0");
        let mut back = events(request.send().await.unwrap());
        assert_eq!(text(&mut back).await, (1, "two".to_owned()));
        // Who was never there gets the history.
        let mut bob = server.enter("lobby").await;
        assert_eq!(text(&mut bob).await, (0, "one".to_owned()));
        for number in 2..9 {
            assert_eq!(server.say("lobby", "more").await, Some(number));
        }
        let mut late = server.enter("lobby").await;
        assert_eq!(text(&mut late).await.0, 5);
    })
    .await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    watched(async {
        let server = Server::start(HOUR).await;
        let long = "x".repeat(65);
        let good = json!({ "from": "ann", "text": "hello" });
        assert_eq!(server.post(&long, good.clone()).await.status(), 400);
        assert_eq!(
            server.post("lobby", json!({ "from": 7 })).await.status(),
            422
        );
        let large = json!({ "from": "ann", "text": "x".repeat(5000) });
        assert_eq!(server.post("lobby", large).await.status(), 413);
        let entered = server.client.get(server.events(&long)).send().await;
        assert_eq!(entered.unwrap().status(), 400);
        let request = server.client.get(server.events("lobby"));
        let entered = request.header("last-event-id", "seven").send().await;
        assert_eq!(entered.unwrap().status(), 400);
        assert!(server.rooms.is_empty());
        let page = server.client.get(&server.url).send().await.unwrap();
        assert!(page.text().await.unwrap().contains("<title>Rooms</title>"));
    })
    .await;
}

#[tokio::test]
async fn stopping_ends_the_streams_after_what_was_said() {
    watched(async {
        let server = Server::start(HOUR).await;
        let mut ann = server.enter("lobby").await;
        server.say("lobby", "last").await;
        server.stop.send(()).unwrap();
        assert_eq!(text(&mut ann).await, (0, "last".to_owned()));
        assert!(ann.next().await.is_none());
        server.serving.await.unwrap().unwrap();
    })
    .await;
}

/// A room whose time is up is swept by the clock.
#[tokio::test]
async fn rooms_go_by_themselves() {
    watched(async {
        let rooms = rooms(4, Duration::from_millis(1)).unwrap();
        drop(rooms.subscribe("lobby"));
        let sweeping = tokio::spawn(rooms::sweep(rooms.clone(), Duration::from_millis(1)));
        while !rooms.is_empty() {
            sleep(Duration::from_millis(1)).await; // Between two looks at another task.
        }
        sweeping.abort();
    })
    .await;
}

#[test]
fn the_program_serves_and_loads() {
    let program = || Command::new(env!("CARGO_BIN_EXE_rooms"));
    let serving = program()
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn();
    let mut serving = serving.unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(serving.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");

    let load = program().args(["--load", "100", "--seconds", "0"]).output();
    let load = String::from_utf8(load.unwrap().stdout).unwrap();
    assert!(load.starts_with("100 rooms, "), "{load}");
    assert!(load.contains("100 events published"), "{load}");
    assert!(load.contains("100 received"), "{load}");
}
