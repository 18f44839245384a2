//! A chat with rooms over server-sent events. A room is a topic: it comes with the first one who enters, and goes
//! some time after the last one has left, so that who comes back finds what was said meanwhile.

mod api;
pub mod load;

pub use api::serve;

use eventring::topics::Change;
use eventring::{BuildError, Topics};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;

/// A message is encoded once, for all who receive it.
pub type Rooms = Topics<String, Arc<str>>;

/// Rooms that keep their newest messages for those who come, and themselves for those who come back.
pub fn rooms(history: usize, linger: Duration) -> Result<Rooms, BuildError> {
    let builder = Rooms::builder().capacity(history.next_power_of_two());
    builder.history(history).linger(linger).build()
}

/// Tells which rooms come and go: what feeds a room would be started and stopped here.
pub async fn tell(rooms: Rooms) {
    let mut changes = rooms.changes();
    drop(rooms);
    while let Some(change) = changes.next().await {
        match change {
            Change::Opened(room) => eprintln!("{room}: opened"),
            Change::Vacated(room) => eprintln!("{room}: gone"),
        }
    }
}

/// Lets go of rooms whose time is up, also when nobody comes or leaves.
pub async fn sweep(rooms: Rooms, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        rooms.sweep();
    }
}
