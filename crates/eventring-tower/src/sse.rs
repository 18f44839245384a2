//! A bus as server-sent events.

use crate::updates::{Update, Updates};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_core::Stream;
use futures_util::StreamExt;

/// The events of a bus as server-sent events, by axum. `id:` is the event's number, so that a browser that comes back
/// says where it was ([`LastEventId`](crate::LastEventId)); `encode` makes the rest, and must set no `id`. Besides
/// there are, without being asked for:
///
/// * `event: gap` with `{"missed":…,"last":…}`, with the `id` of the last one missed: who comes back after it is not
///   told again;
/// * `event: restart` with `{}`: [`Update::Restart`];
/// * a comment every 15 seconds in which nothing else was sent, to keep the connection, and see whether it is there.
///
/// It ends with the bus: after [`close`](eventring::EventBus::close), when everything was sent.
///
/// ```
/// use axum::{Router, response::{IntoResponse, sse::Event}, routing::get};
/// use eventring::{EventBus, Start};
/// use eventring_tower::{LastEventId, Updates, sse};
///
/// let bus = EventBus::<String>::builder().history(1024).build().unwrap();
/// let events = move |LastEventId(last): LastEventId| async move {
///     let receive = |start| bus.subscribe_lossy_from(start);
///     let updates = Updates::resume(last, Start::Last(100), receive);
///     sse(updates, |_number, event| Ok(Event::default().data(event)))
/// };
/// let app: Router = Router::new().route("/events", get(events));
/// # let _ = app;
/// ```
pub fn sse<E, U, F>(
    updates: U,
    mut encode: F,
) -> Sse<impl Stream<Item = Result<Event, axum::Error>> + Send + 'static + use<E, U, F>>
where
    U: Into<Updates<E>>,
    E: Clone + Send + Sync + 'static,
    F: FnMut(u64, &E) -> Result<Event, axum::Error> + Send + 'static,
{
    let events = updates.into().map(move |update| match update {
        Update::Event(number, event) => Ok(encode(number, &event)?.id(number.to_string())),
        Update::Gap { missed, last } => Ok(Event::default()
            .event("gap")
            .id(last.to_string())
            .data(format!(r#"{{"missed":{missed},"last":{last}}}"#))),
        Update::Restart => Ok(Event::default().event("restart").data("{}")),
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
