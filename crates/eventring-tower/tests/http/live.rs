//! A bus as server-sent events, and over a WebSocket.

use crate::{serve, watched};
use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::sse::Event;
use axum::routing;
use eventring::{EventBus, Receiver, Start};
use eventring_tower::{LastEventId, Updates, forward, sse};
use futures::StreamExt;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Numbers from 100 on, of which the ring keeps four.
fn bus() -> EventBus<u64> {
    let builder = EventBus::builder().capacity(4).history(4).first(100);
    builder.build().unwrap()
}

fn publish(bus: &EventBus<u64>, events: std::ops::Range<u64>) {
    for event in events {
        bus.try_publish(event).unwrap();
    }
}

async fn setup(bus: &EventBus<u64>) -> SocketAddr {
    let bus = bus.clone();
    let receive = move |start| -> Receiver<u64> { bus.subscribe_lossy_from(start) };
    let updates = move |last| Updates::resume(last, Start::Last(2), &receive);
    let again = updates.clone();
    let events = async move |LastEventId(last): LastEventId| {
        sse(updates(last), |_, event| {
            Ok(Event::default().data(event.to_string()))
        })
    };
    let socket = async move |LastEventId(last): LastEventId, upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(move |socket| async move {
            let message = |number, event: &u64| Message::from(format!("{number}: {event}"));
            forward(socket, again(last), message).await.unwrap();
        })
    };
    let app = Router::new()
        .route("/events", routing::get(events))
        .route("/socket", routing::any(socket));
    serve(app).await
}

/// All that is sent until the end, which the bus's is.
async fn read(address: SocketAddr, last: Option<u64>, bus: &EventBus<u64>) -> String {
    let mut request = reqwest::Client::new().get(format!("http://{address}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    bus.close();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn one_who_comes_anew() {
    watched(async {
        let bus = bus();
        publish(&bus, 0..3);
        let text = read(setup(&bus).await, None, &bus).await;
        assert_eq!(text, "data: 1\nid: 101\n\ndata: 2\nid: 102\n\n");
    })
    .await;
}

#[tokio::test]
async fn one_who_comes_back() {
    watched(async {
        let bus = bus();
        publish(&bus, 0..3);
        let text = read(setup(&bus).await, Some(101), &bus).await;
        assert_eq!(text, "data: 2\nid: 102\n\n");
    })
    .await;
}

#[tokio::test]
async fn one_who_comes_back_late_is_told_of_the_gap() {
    watched(async {
        let bus = bus();
        publish(&bus, 0..8);
        let text = read(setup(&bus).await, Some(101), &bus).await;
        let gap = "event: gap\nid: 103\ndata: {\"missed\":2,\"last\":103}\n\n";
        assert!(
            text.starts_with(&format!("{gap}data: 4\nid: 104\n\n")),
            "{text}"
        );
        assert!(text.ends_with("data: 7\nid: 107\n\n"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn one_who_has_seen_what_never_was() {
    watched(async {
        for ahead in [103, 104, 999, u64::MAX] {
            let bus = bus();
            publish(&bus, 0..3);
            let text = read(setup(&bus).await, Some(ahead), &bus).await;
            let restart = "event: restart\ndata: {}\n\n";
            assert_eq!(
                text,
                format!("{restart}data: 1\nid: 101\n\ndata: 2\nid: 102\n\n")
            );
        }
    })
    .await;
}

#[tokio::test]
async fn one_who_does_not_say_where() {
    watched(async {
        let address = setup(&bus()).await;
        for id in ["", "abc", "-1", "1.5", "18446744073709551616", "\u{e9}"] {
            let request = reqwest::Client::new().get(format!("http://{address}/events"));
            let answer = request.header("last-event-id", id).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{id:?}");
            let text = answer.text().await.unwrap();
            assert_eq!(
                text,
                r#"{"error":"Last-Event-ID must be the number of an event"}"#
            );
        }
    })
    .await;
}

async fn connect(address: SocketAddr, query: &str) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/socket{query}");
    client_async(url, stream).await.unwrap().0
}

/// What is said in words until the end, and the code of the goodbye.
async fn hear(mut socket: WebSocketStream<TcpStream>) -> (Vec<String>, u16) {
    let mut heard = Vec::new();
    loop {
        match socket.next().await.unwrap().unwrap() {
            tungstenite::Message::Text(text) => heard.push(text.to_string()),
            tungstenite::Message::Close(frame) => return (heard, frame.unwrap().code.into()),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn over_a_socket() {
    watched(async {
        let bus = bus();
        publish(&bus, 0..8);
        let address = setup(&bus).await;
        let anew = connect(address, "").await;
        let back = connect(address, "?x=1&last-event-id=106").await;
        let late = connect(address, "?last-event-id=102").await;
        let ahead = connect(address, "?last-event-id=108").await;
        bus.close();
        let away = 1001;
        let recent = ["106: 6", "107: 7"];
        assert_eq!(hear(anew).await, (recent.map(Into::into).into(), away));
        assert_eq!(hear(back).await, (vec!["107: 7".to_owned()], away));
        let (heard, _) = hear(late).await;
        assert_eq!(heard[0], r#"{"gap":{"missed":1,"last":103}}"#);
        assert_eq!(heard[1..], ["104: 4", "105: 5", "106: 6", "107: 7"]);
        let (heard, _) = hear(ahead).await;
        assert_eq!(heard[0], r#"{"restart":{}}"#);
        assert_eq!(heard[1..], recent);
    })
    .await;
}

/// Its receiver is gone with the client, too.
#[tokio::test]
async fn a_client_that_leaves() {
    watched(async {
        let bus = bus();
        let address = setup(&bus).await;
        let mut socket = connect(address, "").await;
        publish(&bus, 0..1);
        assert_eq!(
            socket.next().await.unwrap().unwrap().into_text().unwrap(),
            "100: 0"
        );
        socket.close(None).await.unwrap();
        bus.deserted().await;
    })
    .await;
}
