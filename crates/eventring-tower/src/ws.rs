//! A bus over a WebSocket.

use crate::updates::{Update, Updates};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

/// As for server-sent events.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Sends the events of a bus over a WebSocket of axum's, until the client goes or the bus ends. `encode` makes the
/// message of an event, with its number in it if clients are to go on where they were
/// ([`LastEventId`](crate::LastEventId): browsers say it in the query). Besides there are the texts
/// `{"gap":{"missed":…,"last":…}}` and `{"restart":{}}`, and a ping every 15 seconds: a client that has not answered
/// one when the next is due, or takes nothing in for as long, is taken for gone. What a client says is not listened to.
///
/// When the bus is closed, and everything was sent, it says goodbye (close code 1001: the server goes away).
///
/// # Errors
///
/// If the connection broke, or the client is taken for gone.
///
/// # Cancel safety
///
/// Dropped, it drops the connection.
///
/// ```
/// use axum::{Router, extract::ws::{Message, WebSocketUpgrade}, routing::any};
/// use eventring::{EventBus, Start};
/// use eventring_tower::{LastEventId, Updates, forward};
///
/// let bus = EventBus::<String>::builder().history(1024).build().unwrap();
/// let events = move |LastEventId(last): LastEventId, upgrade: WebSocketUpgrade| async move {
///     let receive = |start| bus.subscribe_lossy_from(start);
///     let updates = Updates::resume(last, Start::Last(100), receive);
///     upgrade.on_upgrade(|socket| async {
///         let message = |number, event: &String| Message::from(format!("{number} {event}"));
///         let _ = forward(socket, updates, message).await; // why it ended is nobody's concern
///     })
/// };
/// let app: Router = Router::new().route("/events", any(events));
/// # let _ = app;
/// ```
pub async fn forward<E, F>(
    mut socket: WebSocket,
    updates: impl Into<Updates<E>>,
    mut encode: F,
) -> Result<(), axum::Error>
where
    E: Clone,
    F: FnMut(u64, &E) -> Message,
{
    let mut updates = updates.into();
    let mut ticks = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answered = true;
    loop {
        let message = tokio::select! {
            update = updates.next() => match update {
                Some(Update::Event(number, event)) => encode(number, &event),
                Some(Update::Gap { missed, last }) => {
                    Message::from(format!(r#"{{"gap":{{"missed":{missed},"last":{last}}}}}"#))
                }
                Some(Update::Restart) => Message::from(r#"{"restart":{}}"#),
                None => break,
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Pong(_))) => {
                    answered = true;
                    continue;
                }
                Some(Ok(_)) => continue,
                // It has said goodbye, which is answered below.
                None => return Ok(()),
                Some(Err(error)) => return Err(error),
            },
            _ = ticks.tick() => match std::mem::take(&mut answered) {
                true => Message::Ping(Bytes::new()),
                false => return Err(axum::Error::new("the client does not answer")),
            },
        };
        send(&mut socket, message).await?;
    }
    let goodbye = CloseFrame {
        code: close_code::AWAY,
        reason: Utf8Bytes::from_static("the events have ended"),
    };
    send(&mut socket, Message::Close(Some(goodbye))).await?;
    // Until it has answered, or is gone: closing first can take from it what was sent last.
    let answer = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = timeout(KEEP_ALIVE, answer).await;
    Ok(())
}

/// Sends it, to a client that reads.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), axum::Error> {
    let sent = timeout(KEEP_ALIVE, socket.send(message)).await;
    sent.map_err(|_| axum::Error::new("the client does not read"))?
}
