//! The chat over HTTP.

use crate::Rooms;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{Html, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use eventring::Start;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until `stop` resolves; then everybody gets what was said, and their streams end.
pub async fn serve(
    listener: TcpListener,
    rooms: Rooms,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = Router::new()
        .route("/", get(Html(include_str!("page.html"))))
        .route("/rooms", get(list))
        .route("/rooms/{room}", post(say))
        .route("/rooms/{room}/events", get(enter))
        .layer(DefaultBodyLimit::max(4096))
        .with_state(rooms.clone());
    let closing = async move {
        stop.await;
        rooms.close();
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(closing)
        .await
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Message {
    from: String,
    text: String,
}

type Refused = (StatusCode, &'static str);

fn check(room: &str) -> Result<(), Refused> {
    let problem = "a room's name has 1 to 64 characters";
    let known = (1..=64).contains(&room.chars().count());
    known
        .then_some(())
        .ok_or((StatusCode::BAD_REQUEST, problem))
}

/// Who came by this request is in the room until its answer ends.
async fn enter(
    State(rooms): State<Rooms>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    check(&room)?;
    let start = match headers.get("last-event-id") {
        None => Start::Oldest,
        Some(id) => {
            let number = id.to_str().ok().and_then(|id| id.parse::<u64>().ok());
            let problem = (
                StatusCode::BAD_REQUEST,
                "Last-Event-ID is a message's number",
            );
            Start::Sequence(number.ok_or(problem)?.saturating_add(1))
        }
    };
    let messages = rooms.subscribe_from(&room, start).with_sequence();
    // Who reads the numbers sees what was missed.
    let encode = |(number, message): (u64, Arc<str>)| {
        Ok(Event::default().id(number.to_string()).data(&*message))
    };
    Ok(Sse::new(messages.map(encode)).keep_alive(KeepAlive::default()))
}

/// The message's number, or null if nobody is there, or was of late.
async fn say(
    State(rooms): State<Rooms>,
    Path(room): Path<String>,
    Json(message): Json<Message>,
) -> Result<Json<Value>, Refused> {
    check(&room)?;
    let message = serde_json::to_string(&message).expect("text is JSON");
    match rooms.publish(&room, message.into()).await {
        Ok(number) => Ok(Json(json!({ "number": number }))),
        Err(_) => Err((StatusCode::SERVICE_UNAVAILABLE, "the chat is closing")),
    }
}

async fn list(State(rooms): State<Rooms>) -> Json<Value> {
    let mut list = Vec::new();
    rooms.for_each(|room, bus| {
        let stats = bus.stats();
        list.push((room.clone(), stats.receivers, stats.published));
    });
    list.sort();
    let list = list.into_iter().map(|(room, members, messages)| {
        json!({ "room": room, "members": members, "messages": messages })
    });
    Json(list.collect())
}
