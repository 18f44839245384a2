//! Listening without taking part, for as long as it takes.

use crate::client::told;
use crate::proto::Event;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{Stream, StreamExt};
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use tokio::time::sleep;
use tonic::Status;

/// What a monitor has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    Event(Event),
    /// It has lost the server, or has not found it, and tries again after this time.
    Lost {
        why: String,
        retry_in: Duration,
    },
}

/// From an eighth of a second on, doubling up to half a minute, for ever. Each wait takes up to twice as long, at
/// random, so that the monitors of a server that comes back do not all come at once.
pub fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(125))
        .with_max_delay(Duration::from_secs(30))
        .with_jitter()
        .without_max_times()
}

/// Connects, tells of what happens, and connects again when that ends. The waiting times start
/// over as soon as an event has come.
///
/// After a reconnection it is told anew who is there; what happened in between it has missed.
pub async fn monitor<C, S>(
    mut connect: impl FnMut() -> C,
    backoff: &ExponentialBuilder,
    mut tell: impl FnMut(Update) -> io::Result<()>,
) -> io::Result<Infallible>
where
    C: Future<Output = Result<S, Status>>,
    S: Stream<Item = Result<Event, Status>> + Unpin,
{
    let mut delays = backoff.build();
    loop {
        let lost = match connect().await {
            Ok(mut events) => loop {
                match events.next().await {
                    Some(Ok(event)) => {
                        delays = backoff.build();
                        tell(Update::Event(event))?;
                    }
                    Some(Err(status)) => break status,
                    None => break Status::unavailable("the server has ended the stream"),
                }
            },
            Err(status) => status,
        };
        let retry_in = delays.next().expect("a backoff without an end");
        tell(Update::Lost {
            why: told(lost),
            retry_in,
        })?;
        sleep(retry_in).await;
    }
}
