//! What a viewer is sent.

use super::Row;
use axum::body::Bytes;
use eventsource_stream::{Event, EventStream, Eventsource};
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Response;
use serde_json::Value;

/// The events as they come.
pub struct View(EventStream<BoxStream<'static, reqwest::Result<Bytes>>>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Event(Row),
    Gap { missed: u64, last: u64 },
    Restart,
}

impl Seen {
    fn new(event: Event) -> Self {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        let number = |name: &str| data[name].as_u64().unwrap();
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        match event.event.as_str() {
            "gap" => {
                assert_eq!(event.id, data["last"].to_string());
                Self::Gap {
                    missed: number("missed"),
                    last: number("last"),
                }
            }
            "restart" => Self::Restart,
            "message" => {
                assert_eq!(event.id, data["sequence"].to_string());
                Self::Event(Row {
                    sequence: number("sequence"),
                    request_id: text("request_id"),
                    actor: text("actor"),
                    method: text("method"),
                    path: text("path"),
                    status: number("status") as u16,
                    bytes: number("bytes"),
                })
            }
            other => panic!("an event of type {other}"),
        }
    }
}

impl View {
    pub fn new(response: Response) -> Self {
        Self(response.bytes_stream().boxed().eventsource())
    }

    /// The next one; `None` at the stream's end.
    pub async fn next(&mut self) -> Option<Seen> {
        let event = self.0.next().await?;
        Some(Seen::new(event.expect("whole events")))
    }

    pub async fn take(&mut self, count: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        for _ in 0..count {
            seen.push(self.next().await.expect("more events"));
        }
        seen
    }

    /// Everything up to the end.
    pub async fn rest(mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Some(update) = self.next().await {
            seen.push(update);
        }
        seen
    }
}
