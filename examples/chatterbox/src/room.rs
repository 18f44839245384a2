//! Who is in, and the bus that tells everybody.

use crate::events::Events;
use crate::proto::Event;
use eventring::{BuildError, EventBus, Receiver, Stats};
use futures::StreamExt;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use tonic::Status;

/// A chat room. Clones are handles of the same one.
///
/// JOIN and LEAVE are published under the lock of the member list. So a receiver that subscribes
/// under this lock starts exactly where the list ends: no gap, no duplicate. CHAT does not change
/// the list and takes no lock.
#[derive(Clone, Debug)]
pub struct Room {
    /// Who listens is lossy, and holds up nobody who speaks. Only an audit does, once it is a whole ring behind.
    bus: EventBus<Event>,
    members: Arc<Mutex<BTreeSet<String>>>,
}

impl Room {
    /// `capacity` is how many events a client may be behind before it misses some.
    pub fn new(capacity: usize) -> Result<Self, BuildError> {
        Ok(Self::on(EventBus::builder().capacity(capacity).build()?))
    }

    /// A room whose events go through this bus, on which others may listen, too.
    pub fn on(bus: EventBus<Event>) -> Self {
        Self {
            bus,
            members: Arc::default(),
        }
    }

    /// A new member, who is sent its own JOIN first of what happens.
    pub fn join(&self, name: &str) -> Result<(Member, Events), Status> {
        check_name(name)?;
        let mut members = self.members();
        if members.contains(name) {
            return Err(Status::already_exists(format!(
                "the name {name:?} is taken: choose another"
            )));
        }
        let (present, live) = self.snapshot_of(&members);
        self.publish(Event::join(name))?;
        members.insert(name.to_owned());
        let member = Member {
            room: self.clone(),
            name: name.to_owned(),
            has_left: false,
        };
        Ok((member, Events::new(self.clone(), present, live)))
    }

    /// What happens, without taking part.
    pub fn listen(&self) -> Result<Events, Status> {
        if self.bus.is_closed() {
            return Err(closed());
        }
        let (present, live) = self.snapshot();
        Ok(Events::new(self.clone(), present, live))
    }

    /// A JOIN for each member present and INITIALIZED, and a receiver of all that happens after.
    pub(crate) fn snapshot(&self) -> (Vec<Event>, Receiver<Event>) {
        self.snapshot_of(&self.members())
    }

    fn snapshot_of(&self, members: &BTreeSet<String>) -> (Vec<Event>, Receiver<Event>) {
        let joins = members.iter().map(|name| Event::join(name));
        let present = joins.chain([Event::initialized()]).collect();
        (present, self.bus.subscribe_lossy())
    }

    /// Ends every stream, after what was said so far. Nobody can join any more.
    pub fn close(&self) {
        self.bus.close();
    }

    /// Resolves once the room is closed.
    pub async fn closed(&self) {
        let mut end = self.bus.subscribe_lossy().filter_map_ref(|_| None::<()>);
        end.next().await;
    }

    pub fn stats(&self) -> Stats {
        self.bus.stats()
    }

    /// Its sequence number. The bus waits only for an audit that is a whole ring behind: nothing happens here
    /// that is not audited, and so this fails only if the bus is closed.
    fn publish(&self, event: Event) -> Result<u64, Status> {
        self.bus.publish_blocking(event).map_err(|_| closed())
    }

    fn members(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.members.lock().expect("nothing panics under this lock")
    }
}

/// Somebody who is in the room, until this is dropped, for whatever reason.
#[derive(Debug)]
pub struct Member {
    room: Room,
    name: String,
    has_left: bool,
}

impl Member {
    pub fn say(&self, text: String) -> Result<u64, Status> {
        self.room.publish(Event::chat(&self.name, text))
    }

    /// The sequence number of its LEAVE.
    pub fn leave(mut self) -> Result<u64, Status> {
        self.go()
    }

    fn go(&mut self) -> Result<u64, Status> {
        self.has_left = true;
        let mut members = self.room.members();
        members.remove(&self.name);
        self.room.publish(Event::leave(&self.name))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.has_left {
            // Once the room is closed, nobody is told who leaves.
            let _ = self.go();
        }
    }
}

fn closed() -> Status {
    Status::unavailable("the server is shutting down")
}

/// Names go to terminals and stand before a colon there.
fn check_name(name: &str) -> Result<(), Status> {
    const MAX: usize = 32;
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=MAX).contains(&name.chars().count()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{name:?} is not a name: it takes 1 to {MAX} letters, digits, '-', '_' or '.'"
    )))
}
