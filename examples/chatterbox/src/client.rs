//! The client's end of the wire.

use crate::proto::chatterbox_client::ChatterboxClient;
use crate::proto::{Empty, Event, Send};
use crate::server::MAX_MESSAGE;
use crate::terminal::Terminal;
use crate::view::View;
use eventring::{EventBus, WaitStrategy};
use prost::Message;
use std::error::Error;
use std::io;
use std::time::Duration;
use tonic::transport::{self, Channel, Endpoint};
use tonic::{Status, Streaming};

/// What the server is called by, with or without `http://`.
pub fn endpoint(server: &str) -> Result<Endpoint, transport::Error> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let url = match server.contains("://") {
        true => server.to_owned(),
        false => format!("http://{server}"),
    };
    Ok(Endpoint::from_shared(url)?
        .connect_timeout(PATIENCE)
        .http2_keep_alive_interval(PATIENCE)
        .keep_alive_timeout(PATIENCE))
}

pub async fn connect(endpoint: &Endpoint) -> Result<Channel, Status> {
    endpoint.connect().await.map_err(|error| {
        Status::unavailable(format!(
            "cannot connect to {}: {}",
            endpoint.uri(),
            cause(&error)
        ))
    })
}

/// Joins, and returns the bus by which one speaks and the events. Closing or dropping the bus
/// leaves; the events end with one's own LEAVE then.
///
/// The bus's receiver is handed to tonic as the request stream. It gates: one who speaks faster
/// than the server listens has to wait.
pub async fn join(
    channel: Channel,
    name: &str,
) -> Result<(EventBus<Send>, Streaming<Event>), Status> {
    let voice = EventBus::with_strategy(16, WaitStrategy::Block);
    let requests = voice.subscribe();
    let joined = voice.try_publish(Send::join(name));
    joined.expect("there is room for the first message");
    let events = ChatterboxClient::new(channel).chat(requests).await?;
    Ok((voice, events.into_inner()))
}

pub async fn listen(endpoint: &Endpoint) -> Result<Streaming<Event>, Status> {
    let channel = connect(endpoint).await?;
    let events = ChatterboxClient::new(channel).monitor(Empty {}).await?;
    Ok(events.into_inner())
}

/// Says what is typed and shows what happens, until either side ends it.
pub async fn talk(
    terminal: &mut Terminal,
    voice: EventBus<Send>,
    mut events: Streaming<Event>,
) -> Result<(), Box<dyn Error>> {
    let mut view = View::default();
    // What was typed and not taken by the bus yet: at most one line.
    let mut unsent = Vec::new();
    loop {
        tokio::select! {
            line = terminal.line(), if unsent.is_empty() && !voice.is_closed() => match line? {
                Some(line) => unsent.extend(message(terminal, line)?),
                None => {
                    voice.close();
                    terminal.release()?;
                }
            },
            sent = voice.publish_many(&mut unsent), if !unsent.is_empty() => sent?,
            event = events.message() => match event.map_err(broken_off)? {
                Some(event) => {
                    if let Some(line) = view.line(event) {
                        terminal.show(&line)?;
                    }
                }
                None => break,
            },
        }
    }
    terminal.release()?;
    if !voice.is_closed() {
        terminal.show("-- the server has closed the chat")?;
    }
    Ok(())
}

/// A typed line as a message, if there is something to say and the server would take it.
fn message(terminal: &mut Terminal, line: String) -> io::Result<Option<Send>> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let message = Send::say(line);
    let length = message.encoded_len();
    if length > MAX_MESSAGE {
        terminal.show(&format!(
            "-- not sent: {length} bytes are more than a message may have, {MAX_MESSAGE}"
        ))?;
        return Ok(None);
    }
    Ok(Some(message))
}

/// A status as an error for people.
pub fn told(status: Status) -> String {
    match status.message() {
        "" => status.code().to_string(),
        message => message.to_owned(),
    }
}

fn broken_off(status: Status) -> String {
    format!("the chat has broken off: {}", told(status))
}

/// What is at the bottom of an error: tonic's own words are just "transport error".
fn cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}
