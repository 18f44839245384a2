//! Channels by key: `eventring::Topics`, and what people write instead.

use crate::payload::Payload;
use crate::tally::Tally;
use dashmap::DashMap;
use eventring::{EventBus, Receiver, Topic, Topics, WaitStrategy};
use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

/// Each topic holds so many events.
pub(crate) const CAPACITY: usize = 16;

/// A map from keys to channels. All hash with `std`'s hasher.
pub(crate) trait Keyed<E> {
    const PEER: &'static str;
    /// Whether all receivers look at every event.
    const FILTERS: bool = false;
    type Receiver;

    fn open() -> Self;

    /// A key that somebody is interested in, though nobody may receive it any more.
    fn know(&self, key: &str);

    fn subscribe(&self, key: &str) -> Self::Receiver;

    /// Whether somebody may receive it.
    fn publish(&self, key: &str, event: E) -> bool;

    /// Receives what is there for this receiver.
    fn drain(receiver: &mut Self::Receiver, tally: &mut Tally);
}

impl<E: Payload> Keyed<E> for Topics<String, E> {
    const PEER: &'static str = "eventring";
    type Receiver = Topic<String, E>;

    fn open() -> Self {
        Topics::new(CAPACITY)
    }

    fn know(&self, key: &str) {
        drop(Topics::subscribe(self, key));
    }

    fn subscribe(&self, key: &str) -> Self::Receiver {
        Topics::subscribe(self, key)
    }

    #[inline]
    fn publish(&self, key: &str, event: E) -> bool {
        matches!(self.try_publish(key, event), Ok(Some(_)))
    }

    #[inline]
    fn drain(receiver: &mut Self::Receiver, tally: &mut Tally) {
        while let Ok(event) = receiver.try_recv() {
            tally.take(event);
        }
        tally.missed = receiver.missed();
    }
}

/// The senders stay in the map when their receivers go, as nearly everybody leaves them there.
pub(crate) struct Locked<E>(RwLock<HashMap<String, broadcast::Sender<E>>>);

impl<E: Payload> Keyed<E> for Locked<E> {
    const PEER: &'static str = "tokio-rwlock";
    type Receiver = broadcast::Receiver<E>;

    fn open() -> Self {
        Self(RwLock::default())
    }

    fn know(&self, key: &str) {
        drop(self.subscribe(key));
    }

    fn subscribe(&self, key: &str) -> Self::Receiver {
        if let Some(sender) = self.0.read().expect("no panics").get(key) {
            return sender.subscribe();
        }
        let mut map = self.0.write().expect("no panics");
        let sender = map.entry(key.to_owned());
        sender
            .or_insert_with(|| broadcast::Sender::new(CAPACITY))
            .subscribe()
    }

    #[inline]
    fn publish(&self, key: &str, event: E) -> bool {
        let map = self.0.read().expect("no panics");
        map.get(key)
            .is_some_and(|sender| sender.send(event).is_ok())
    }

    #[inline]
    fn drain(receiver: &mut Self::Receiver, tally: &mut Tally) {
        drain_tokio(receiver, tally, || ());
    }
}

/// As [`Locked`], but that each receiver has a word where others could see how far it is and take it off,
/// as is needed of those who may hold a publisher back: what just that word takes.
pub(crate) struct Cursored<E>(Locked<E>);

pub(crate) struct WithCursor<E> {
    receiver: broadcast::Receiver<E>,
    cursor: Box<Cursor>,
}

/// Its word is in no line with that of another one.
#[derive(Default)]
#[repr(C)]
struct Cursor {
    _before: [u64; 8],
    word: AtomicU64,
    _behind: [u64; 7],
}

impl Cursor {
    /// Pinned while an event is received, and moved on.
    #[inline]
    fn advance(&self) {
        let at = self.word.load(Ordering::Relaxed);
        let pinned = self
            .word
            .compare_exchange(at, at | 1, Ordering::Relaxed, Ordering::Relaxed);
        assert!(pinned.is_ok(), "nobody takes it off");
        self.word.store(at + 2, Ordering::Release);
    }
}

impl<E: Payload> Keyed<E> for Cursored<E> {
    const PEER: &'static str = "tokio-cursors";
    type Receiver = WithCursor<E>;

    fn open() -> Self {
        Self(Locked::open())
    }

    fn know(&self, key: &str) {
        self.0.know(key);
    }

    fn subscribe(&self, key: &str) -> Self::Receiver {
        WithCursor {
            receiver: self.0.subscribe(key),
            cursor: Box::default(),
        }
    }

    #[inline]
    fn publish(&self, key: &str, event: E) -> bool {
        self.0.publish(key, event)
    }

    #[inline]
    fn drain(receiver: &mut Self::Receiver, tally: &mut Tally) {
        let WithCursor { receiver, cursor } = receiver;
        drain_tokio(receiver, tally, || cursor.advance());
    }
}

/// So do they here.
pub(crate) struct Dashed<E>(DashMap<String, broadcast::Sender<E>>);

impl<E: Payload> Keyed<E> for Dashed<E> {
    const PEER: &'static str = "tokio-dashmap";
    type Receiver = broadcast::Receiver<E>;

    fn open() -> Self {
        Self(DashMap::new())
    }

    fn know(&self, key: &str) {
        drop(self.subscribe(key));
    }

    fn subscribe(&self, key: &str) -> Self::Receiver {
        if let Some(sender) = self.0.get(key) {
            return sender.subscribe();
        }
        let sender = self.0.entry(key.to_owned());
        sender
            .or_insert_with(|| broadcast::Sender::new(CAPACITY))
            .subscribe()
    }

    #[inline]
    fn publish(&self, key: &str, event: E) -> bool {
        let sender = self.0.get(key);
        sender.is_some_and(|sender| sender.send(event).is_ok())
    }

    #[inline]
    fn drain(receiver: &mut Self::Receiver, tally: &mut Tally) {
        drain_tokio(receiver, tally, || ());
    }
}

#[inline]
fn drain_tokio<E: Payload>(
    receiver: &mut broadcast::Receiver<E>,
    tally: &mut Tally,
    received: impl Fn(),
) {
    loop {
        match receiver.try_recv() {
            Ok(event) => {
                received();
                tally.take(event);
            }
            Err(broadcast::error::TryRecvError::Lagged(missed)) => tally.missed += missed,
            Err(_) => break,
        }
    }
}

/// One bus for all keys: each receiver looks at every event, and takes those of its own.
pub(crate) struct Filtered<E>(EventBus<(String, E)>);

pub(crate) struct Filter<E> {
    key: String,
    receiver: Receiver<(String, E)>,
}

impl<E: Payload> Keyed<E> for Filtered<E> {
    const PEER: &'static str = "eventring-filters";
    const FILTERS: bool = true;
    type Receiver = Filter<E>;

    fn open() -> Self {
        Self(EventBus::with_strategy(CAPACITY, WaitStrategy::Overwrite))
    }

    fn know(&self, _: &str) {}

    fn subscribe(&self, key: &str) -> Self::Receiver {
        Filter {
            key: key.to_owned(),
            receiver: self.0.subscribe(),
        }
    }

    #[inline]
    fn publish(&self, key: &str, event: E) -> bool {
        self.0.try_publish((key.to_owned(), event)).is_ok() && self.0.receiver_count() > 0
    }

    #[inline]
    fn drain(receiver: &mut Self::Receiver, tally: &mut Tally) {
        let Filter { key, receiver } = receiver;
        let mut take = |(of, event): &(String, E)| {
            if of == key {
                tally.read(event);
            }
        };
        while receiver.try_recv_with(&mut take).is_ok() {}
        tally.missed = receiver.missed();
    }
}
