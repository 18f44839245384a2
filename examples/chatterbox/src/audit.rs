//! A room whose events are stored too: `--audit FILE`.

use crate::proto::Event;
use crate::room::Room;
use eventring::{EventBus, WaitStrategy};
use eventring_log::{Attached, BoxError, Encoding, Log, Options};
use prost::Message;
use std::error::Error;
use std::path::Path;

/// Events as they are sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protobuf;

impl Encoding for Protobuf {
    type Event = Event;

    fn encode(&self, event: &Event) -> Result<Vec<u8>, BoxError> {
        Ok(event.encode_to_vec())
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<Event, BoxError> {
        Ok(Event::decode(&bytes[..])?)
    }
}

/// A room that goes on with the numbers of this log, and the sink that stores what happens there, with hashes. The
/// sink ends when the room is closed and everything is stored.
pub fn audited(
    path: impl AsRef<Path>,
    capacity: usize,
) -> Result<(Room, Attached<Event>), Box<dyn Error>> {
    let options = Options::new().chained();
    let options = options.on_trouble(|trouble| eprintln!("audit: {trouble}"));
    let log = Log::<Protobuf>::open(path, options)?;
    let bus = EventBus::builder()
        .capacity(capacity)
        .strategy(WaitStrategy::Block)
        .first(log.next())
        .build()?;
    let attached = log.attach(&bus)?;
    Ok((Room::on(bus), attached))
}
