//! What a viewer is sent.

use super::Row;
use axum::body::Bytes;
use eventsource_stream::{Event, EventStream, EventStreamError, Eventsource};
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Response;
use serde::Deserialize;
use serde_json::Value;

/// The events as they come.
pub struct View {
    events: EventStream<BoxStream<'static, reqwest::Result<Bytes>>>,
    /// What was told so far of how much is stored.
    pub marks: Vec<Mark>,
}

/// Of which run, from which event on; the events before `next` are on disk.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Mark {
    pub run: String,
    pub first: u64,
    pub next: u64,
}

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
        Self {
            events: response.bytes_stream().boxed().eventsource(),
            marks: Vec::new(),
        }
    }

    /// The next one; `None` at the stream's end.
    pub async fn next(&mut self) -> Option<Seen> {
        let seen = self.seen().await?;
        Some(seen.expect("whole events"))
    }

    /// As [`next`](Self::next), of a server that may be killed: that is an end too.
    pub async fn until_broken(&mut self) -> Option<Seen> {
        self.seen().await?.ok()
    }

    async fn seen(&mut self) -> Option<Result<Seen, EventStreamError<reqwest::Error>>> {
        loop {
            let event = match self.events.next().await? {
                Ok(event) => event,
                Err(error) => return Some(Err(error)),
            };
            if event.event != "stored" {
                assert!(!self.marks.is_empty(), "the first one is a mark");
                return Some(Ok(Seen::new(event)));
            }
            self.marks.push(serde_json::from_str(&event.data).unwrap());
        }
    }

    /// Waits, with nothing else to see, until the events before this one are told to be stored.
    pub async fn until_stored(&mut self, next: u64) -> &Mark {
        while self.marks.last().is_none_or(|mark| mark.next < next) {
            let event = self.events.next().await.expect("a mark");
            let event = event.expect("whole events");
            assert_eq!(event.event, "stored");
            self.marks.push(serde_json::from_str(&event.data).unwrap());
        }
        self.marks.last().expect("it has come")
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
