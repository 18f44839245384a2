//! What is stored, then what comes: one stream.
//!
//! A lossy receiver tells of each gap in its place: what was before the ring begins, or when it was lapped. It
//! is read from the disk, a page at a time. It is there, or comes to be: an event keeps its place in the ring
//! until it is stored.

use crate::encoding::Encoding;
use crate::error::Error;
use crate::log::{Log, Shared};
use crate::store::sqlite::Sqlite;
use crate::store::{Entry, Store};
use blocking::unblock;
use eventring::stream::WithLag;
use eventring::{EventBus, Lagged, Start, Watermark};
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

impl<C: Encoding, S: Store> Log<C, S>
where
    C::Event: Clone + Send + Sync + 'static,
{
    /// The events of the log from `start` on, then those of the bus as they are published: one stream of
    /// numbers and events, without a gap, none twice. It never holds the bus up; if it is slow, so that the ring
    /// laps it, it goes back to the disk.
    ///
    /// It may see events that are not on disk yet, and that a crash of the machine or process could take away
    /// again, so that others get their numbers: [`subscribe_stored`](Self::subscribe_stored) does not.
    ///
    /// [`Start::Oldest`] is the oldest event of the log; [`Start::Last`] counts back from the bus's next event.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the log cannot be read.
    ///
    /// # Panics
    ///
    /// If the bus is not that which the log is [attached](Self::attach) to.
    ///
    /// ```
    /// use eventring::Start;
    /// use futures::StreamExt;
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::with_strategy(2, WaitStrategy::Block);
    /// let attached = log.attach(&bus).unwrap();
    /// for event in 0..5 {
    ///     bus.publish(vec![event]).await.unwrap();
    /// }
    /// let mut events = log.subscribe(&bus, Start::Oldest).unwrap();
    /// bus.publish(vec![5]).await.unwrap();
    /// for expected in 0..6 {
    ///     let (sequence, event) = events.next().await.unwrap().unwrap();
    ///     assert_eq!((sequence, event), (expected, vec![expected as u8]));
    /// }
    /// # });
    /// ```
    #[track_caller]
    pub fn subscribe(
        &self,
        bus: &EventBus<C::Event>,
        start: Start,
    ) -> Result<Subscription<C, S>, Error> {
        let watermark = self.watermark_of(bus);
        self.subscribe_at(bus, start, bus.stats().next_sequence, watermark, false)
    }

    /// As [`subscribe`](Self::subscribe), behind the disk: events come when they are stored, so that who sees one
    /// will see it again after any crash. [`Start::Last`] counts back from the last event that is stored.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// ```
    /// use eventring::Start;
    /// use futures::StreamExt;
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    ///
    /// # tokio_test::block_on(async {
    /// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// let attached = log.attach(&bus).unwrap();
    /// let mut events = log.subscribe_stored(&bus, Start::Next).unwrap();
    /// bus.publish(b"event".into()).await.unwrap();
    /// let (sequence, _event) = events.next().await.unwrap().unwrap();
    /// assert!(sequence < log.next());
    /// # });
    /// ```
    #[track_caller]
    pub fn subscribe_stored(
        &self,
        bus: &EventBus<C::Event>,
        start: Start,
    ) -> Result<Subscription<C, S>, Error> {
        let watermark = self.watermark_of(bus);
        let next = watermark.get();
        self.subscribe_at(bus, start, next, watermark, true)
    }

    #[track_caller]
    fn watermark_of(&self, bus: &EventBus<C::Event>) -> Watermark<C::Event> {
        let attachment = self.shared.attachment();
        let own = attachment.as_ref().filter(|own| own.is_of(bus));
        own.expect("the log is not attached to this bus")
            .watermark
            .clone()
    }

    fn subscribe_at(
        &self,
        bus: &EventBus<C::Event>,
        start: Start,
        next: u64,
        watermark: Watermark<C::Event>,
        stored: bool,
    ) -> Result<Subscription<C, S>, Error> {
        let first = self.extent()?.anchor.next;
        let position = match start {
            Start::Next => next,
            Start::Oldest => first,
            Start::Last(events) => next.saturating_sub(events),
            Start::Sequence(sequence) => sequence.min(next),
        };
        let position = position.max(first);
        let live = bus.receiver().name("log subscriber").lossy();
        let live = live.start(Start::Sequence(position));
        let live = match stored {
            true => live.behind(&watermark),
            false => live,
        };
        Ok(Subscription {
            shared: Arc::clone(&self.shared),
            live: live.build().with_lag(),
            watermark,
            position,
            page: Vec::new().into_iter(),
            reading: None,
        })
    }
}

/// Stream of [`Log::subscribe`]: numbers and events, or what is wrong with the next one. Only `None` is the
/// end: the bus is closed and everything was received.
///
/// * [`Error::Decode`]: that event is left out.
/// * [`Error::Store`]: nothing is left out; polled again, it tries again.
/// * [`Error::Missing`]: events were trimmed before this stream came to them, or removed from the file; it goes
///   on with the first there is.
/// * [`Error::Lost`]: the sink died by a panic; it goes on with what the ring has.
///
/// The disk is read by threads of the crate `blocking`.
///
/// # Cancel safety
///
/// `next()` that is dropped before it has resolved has received nothing.
///
/// ```
/// # use eventring::{EventBus, Start, WaitStrategy};
/// # use eventring_log::{Log, Options, Raw};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("events.db");
/// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
/// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
/// # let attached = log.attach(&bus).unwrap();
/// use eventring_log::Subscription;
///
/// let events: Subscription<Raw> = log.subscribe(&bus, Start::Oldest).unwrap();
/// assert_eq!(events.position(), 0);
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Subscription<C: Encoding, S = Sqlite> {
    shared: Arc<Shared<C, S>>,
    live: WithLag<C::Event>,
    watermark: Watermark<C::Event>,
    position: u64,
    page: vec::IntoIter<Entry>,
    reading: Option<Reading>,
}

type Reading = Pin<Box<dyn Future<Output = Result<Vec<Entry>, Error>> + Send>>;

impl<C: Encoding, S: Store> Subscription<C, S>
where
    C::Event: Clone + Send + Sync + 'static,
{
    /// The number of the next event.
    ///
    /// ```
    /// # use eventring::{EventBus, Start, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// bus.publish_blocking(b"event".into()).unwrap();
    /// assert_eq!(log.subscribe(&bus, Start::Next).unwrap().position(), 1);
    /// ```
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Some of the entries of this range, once the first of them is there.
    fn read(&self, range: Range<u64>) -> Reading {
        let (shared, watermark) = (Arc::clone(&self.shared), self.watermark.clone());
        Box::pin(async move {
            let lost = Error::Lost {
                from: range.start,
                to: range.end,
            };
            watermark.reached(range.start).await.map_err(|_| lost)?;
            unblock(move || shared.read_page(range)).await
        })
    }

    /// Goes on at `to`: what is before that is not there.
    fn missing(&mut self, to: u64) -> Error {
        let from = std::mem::replace(&mut self.position, to);
        Error::Missing { from, to }
    }
}

impl<C: Encoding, S: Store> Stream for Subscription<C, S>
where
    C::Event: Clone + Send + Sync + 'static,
{
    type Item = Result<(u64, C::Event), Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(entry) = this.page.as_slice().first() {
                if entry.sequence > this.position {
                    return Poll::Ready(Some(Err(this.missing(entry.sequence))));
                }
                this.position += 1;
                let entry = this.page.next();
                return Poll::Ready(entry.map(|entry| this.shared.decode(entry)));
            }
            // Above the position only after a gap.
            let in_ring = this.live.get_ref().position();
            if let Some(reading) = &mut this.reading {
                let read = ready!(reading.as_mut().poll(cx));
                this.reading = None;
                match read {
                    Ok(page) if page.is_empty() => {
                        return Poll::Ready(Some(Err(this.missing(in_ring))));
                    }
                    Ok(page) => this.page = page.into_iter(),
                    Err(error) => {
                        if let Error::Lost { to, .. } = error {
                            this.position = to;
                        }
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                continue;
            }
            if this.position < in_ring {
                this.reading = Some(this.read(this.position..in_ring));
                continue;
            }
            match ready!(this.live.poll_recv(cx)) {
                Some(Ok(event)) => {
                    let sequence = this.position;
                    this.position += 1;
                    return Poll::Ready(Some(Ok((sequence, event))));
                }
                Some(Err(Lagged(_))) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<C: Encoding, S: Store> FusedStream for Subscription<C, S>
where
    C::Event: Clone + Send + Sync + 'static,
{
    fn is_terminated(&self) -> bool {
        let idle = self.page.len() == 0 && self.reading.is_none();
        idle && self.position >= self.live.get_ref().position() && self.live.is_terminated()
    }
}

// Nothing is pinned in place.
impl<C: Encoding, S> Unpin for Subscription<C, S> {}

impl<C: Encoding, S> fmt::Debug for Subscription<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("position", &self.position)
            .field("reading", &self.reading.is_some())
            .finish_non_exhaustive()
    }
}
