//! The waiting side: owned, and a stream.

mod many;
mod rest;
mod step;
mod stream;

pub(crate) use step::Step;
pub use stream::WithLag;

use crate::error::{End, OpenError, TryRecvError};
use crate::event::{Event, EventRef, Head};
use crate::event_ring::{EventRing, clamped};
use crate::waiting::{LOOK_FOR_WRITER, Wait, Waiting};
use eventring::Start;
use rest::Rest;
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// What a receiver does when nobody writes the ring any more, and it has read what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnWriterGone {
    /// Wait for the next writer.
    #[default]
    Wait,
    /// End once, with [`End::WriterGone`]; whoever receives again waits for the next writer.
    Tell,
    /// End.
    End,
}

/// Which events are wanted.
type Filter = Box<dyn FnMut(&Head) -> bool + Send>;

/// After so many events in a row a task gives others a chance.
const TURN: u32 = 128;

/// Gets the events of a ring, waiting for them if need be. It is a
/// [`Stream`](futures_core::Stream) of [`Event`]s.
///
/// One that was lapped goes on with the oldest event that is retained, and counts what it
/// [`missed`](Self::missed); [`with_lag`](Self::with_lag) tells of each gap in its place. It survives
/// its writer: what the next one publishes comes next.
///
/// ```
/// # tokio_test::block_on(async {
/// use eventring::Start;
/// use eventring_shm::{EventRing, Kind};
///
/// let ring = EventRing::builder().memfd("ring")?;
/// let mut receiver = ring.subscribe(Start::Oldest);
/// let mut publisher = ring.publisher()?;
/// publisher.publish(Kind(3), b"event")?;
/// publisher.close();
/// assert_eq!(receiver.recv().await.unwrap().payload, b"event");
/// assert_eq!(receiver.recv().await, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Receiver {
    ring: EventRing,
    position: u64,
    missed: u64,
    /// To go on so many events after the oldest one.
    margin: u64,
    on_writer_gone: OnWriterGone,
    /// The writer whose end was told of.
    told_epoch: Option<u64>,
    end: Option<End>,
    poll_interval: Duration,
    rest: Rest,
    filter: Option<Filter>,
    /// The payload of the event that was received last.
    buffer: Vec<u8>,
    key: u64,
    /// How many events came in a row.
    turn: u32,
}

impl Receiver {
    pub(crate) fn new(ring: EventRing, start: Start) -> Self {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let position = clamped(ring.position(start));
        Self {
            ring,
            position,
            missed: 0,
            margin: 0,
            on_writer_gone: OnWriterGone::default(),
            told_epoch: None,
            end: None,
            poll_interval: Duration::from_millis(1),
            rest: Rest::default(),
            filter: None,
            buffer: Vec::new(),
            key: KEYS.fetch_add(1, Ordering::Relaxed),
            turn: 0,
        }
    }

    /// Receives only what the closure says yes to: it sees events before their payloads are copied.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use eventring::Start;
    /// use eventring_shm::{EventRing, Kind};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut trades = ring.subscribe(Start::Oldest).filter(|event| event.kind == Kind(2));
    /// ring.publisher()?.publish_many([(Kind(1), "order"), (Kind(2), "trade")])?;
    /// assert_eq!(trades.recv().await.unwrap().payload, b"trade");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use = "it filters only what this receiver receives"]
    pub fn filter(mut self, filter: impl FnMut(&Head) -> bool + Send + 'static) -> Self {
        self.filter = Some(Box::new(filter));
        self
    }

    /// After a gap, go on so many events after the oldest that is retained (but not beyond the next
    /// one to be published): who just keeps up is not lapped again at once. 0 if not said.
    #[must_use = "it changes only this receiver"]
    pub fn margin(mut self, events: u64) -> Self {
        self.margin = events;
        self
    }

    /// What to do when nobody writes the ring any more. To wait if not said. That is looked for once
    /// a second while it waits.
    #[must_use = "it changes only this receiver"]
    pub fn on_writer_gone(mut self, then: OnWriterGone) -> Self {
        self.on_writer_gone = then;
        self
    }

    /// How often to look at a ring whose bell this process must not write, or that has none: 1 ms if
    /// not said. It is woken earlier when others are.
    #[must_use = "it changes only this receiver"]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Be woken at most once in this time, whatever is published: who just keeps up costs its writer a
    /// system call for each event else. What comes meanwhile is received when the time is over, or when
    /// it is looked for. Zero if not said.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use eventring::Start;
    /// use eventring_shm::{EventRing, Kind};
    /// use std::time::Duration;
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut receiver = ring.subscribe(Start::Next).wake_interval(Duration::from_millis(1));
    /// ring.publisher()?.publish(Kind(1), b"event")?;
    /// assert_eq!(receiver.recv().await.unwrap().payload, b"event");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use = "it changes only this receiver"]
    pub fn wake_interval(mut self, interval: Duration) -> Self {
        self.rest.interval = interval;
        self
    }

    /// Receives the next event. `None`: nothing will come any more; [`end`](Self::end) says why.
    ///
    /// # Panics
    ///
    /// If the system has no thread to wait with: one for all tasks of a process.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives the next event if it is there.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if it is not, [`TryRecvError::Closed`] if nothing will come any more.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use eventring::Start;
    /// use eventring_shm::{EventRing, TryRecvError};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut receiver = ring.subscribe(Start::Next);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_recv(&mut self) -> Result<Event, TryRecvError> {
        self.try_recv_with(|event| event.to_event())
    }

    /// As [`recv`](Self::recv), blocking the thread instead of the task: one hop less.
    pub fn recv_blocking(&mut self) -> Option<Event> {
        self.recv_with_blocking(|event| event.to_event())
    }

    /// As [`recv_blocking`](Self::recv_blocking), waiting for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if nothing came in time, [`TryRecvError::Closed`] if nothing will come
    /// any more.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Event, TryRecvError> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            match self.block(deadline) {
                Some(Step::Event(head)) => return Ok(self.event(head).to_event()),
                Some(Step::End(_)) => return Err(TryRecvError::Closed),
                Some(_) => {}
                None => return Err(TryRecvError::Empty),
            }
        }
    }

    /// Polls for the next event, for use in hand-written futures. If there is none, the waker of the
    /// last such call is woken when there is.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_with(cx, |event| event.to_event())
    }

    /// Receives the next event in the receiver's own buffer, without an allocation.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, nothing was received and the closure was not called.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use eventring::Start;
    /// use eventring_shm::{EventRing, Kind};
    ///
    /// let ring = EventRing::builder().memfd("ring")?;
    /// let mut receiver = ring.subscribe(Start::Oldest);
    /// ring.publisher()?.publish(Kind(1), b"event")?;
    /// assert_eq!(receiver.recv_with(|event| event.payload.len()).await, Some(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn recv_with<R>(&mut self, read: impl FnOnce(EventRef<'_>) -> R) -> Option<R> {
        let mut read = Some(read);
        poll_fn(|cx| self.poll_with(cx, |event| (read.take().expect("receives once"))(event))).await
    }

    /// The same if an event is there.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    pub fn try_recv_with<R>(
        &mut self,
        read: impl FnOnce(EventRef<'_>) -> R,
    ) -> Result<R, TryRecvError> {
        loop {
            match self.step() {
                Step::Event(head) => return Ok(read(self.event(head))),
                Step::End(_) => return Err(TryRecvError::Closed),
                Step::Empty => return Err(TryRecvError::Empty),
                Step::Lag(_) | Step::Skipped => {}
            }
        }
    }

    /// As [`recv_with`](Self::recv_with), blocking the thread instead of the task.
    pub fn recv_with_blocking<R>(&mut self, read: impl FnOnce(EventRef<'_>) -> R) -> Option<R> {
        loop {
            match self.block(None) {
                Some(Step::Event(head)) => return Some(read(self.event(head))),
                Some(Step::End(_)) => return None,
                _ => {}
            }
        }
    }

    /// A stream that tells of each gap, in its place.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use eventring::{Lagged, Start};
    /// use eventring_shm::{EventRing, Kind};
    /// use futures::StreamExt;
    ///
    /// let ring = EventRing::builder().descriptors(2).memfd("ring")?;
    /// let mut stream = ring.subscribe(Start::Oldest).with_lag();
    /// ring.publisher()?.publish_many([(Kind(1), "a"), (Kind(1), "b"), (Kind(1), "c")])?;
    /// assert_eq!(stream.next().await, Some(Err(Lagged(1))));
    /// assert_eq!(stream.next().await.unwrap().unwrap().payload, b"b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn with_lag(self) -> WithLag {
        WithLag::new(self)
    }

    /// Once another ring has taken the name of this one's: goes on with that one, from its start.
    /// Waits for it, if there is none of that name.
    ///
    /// # Errors
    ///
    /// If the ring has no name, or the new one cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has resolved, the receiver is as it was.
    pub async fn reattach(&mut self) -> Result<(), OpenError> {
        let path = self.ring.path().ok_or(OpenError::Replaced)?.to_owned();
        let ring = EventRing::wait_for(path).await?;
        self.attach(ring);
        Ok(())
    }

    /// As [`reattach`](Self::reattach), blocking the thread instead of the task.
    ///
    /// # Errors
    ///
    /// As [`reattach`](Self::reattach).
    pub fn reattach_blocking(&mut self) -> Result<(), OpenError> {
        let path = self.ring.path().ok_or(OpenError::Replaced)?.to_owned();
        let ring = EventRing::wait_for_blocking(path, None)?;
        self.attach(ring);
        Ok(())
    }

    fn attach(&mut self, ring: EventRing) {
        self.ring.inner().waiting.leave_for_good(self.key);
        self.position = ring.oldest();
        self.ring = ring;
        self.end = None;
        self.told_epoch = None;
    }

    /// Goes elsewhere in the ring. What is skipped by that does not count as missed.
    pub fn seek(&mut self, start: Start) {
        self.position = clamped(self.ring.position(start));
    }

    /// Why nothing comes any more, once that was told.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The sequence of the event that comes next.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many events it has missed so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// How many events are there to be received, or lost.
    pub fn len(&self) -> u64 {
        self.ring.tail().saturating_sub(self.position)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ring.
    pub fn event_ring(&self) -> &EventRing {
        &self.ring
    }

    /// The event that was just received.
    fn event(&self, head: Head) -> EventRef<'_> {
        head.with_payload(&self.buffer[..head.len])
    }

    pub(crate) fn poll_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(EventRef<'_>) -> R,
    ) -> Poll<Option<R>> {
        loop {
            match ready!(self.poll_step(cx)) {
                Step::Event(head) => return Poll::Ready(Some(read(self.event(head)))),
                Step::End(_) => return Poll::Ready(None),
                _ => {}
            }
        }
    }

    /// An event, a gap or the end: try, stand in the list, try again, wait.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.turn >= TURN {
            self.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.rest.is_awake();
        match self.step() {
            Step::Empty => {}
            Step::Skipped => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            step => {
                self.turn += 1;
                return Poll::Ready(step);
            }
        }
        let wait = Wait {
            key: self.key,
            watch_writer: self.watches_writer(),
            poll_interval: self.poll_interval,
            rests_until: self.rest.until(),
        };
        Waiting::stand(self.ring.inner(), wait, cx.waker());
        self.turn = 0;
        match self.step() {
            Step::Empty => {
                self.rest.falls_asleep(wait.rests_until.is_none());
                Poll::Pending
            }
            Step::Skipped => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            step => {
                self.ring.inner().waiting.leave(self.key);
                Poll::Ready(step)
            }
        }
    }

    /// The same for a thread, until `deadline`: `None` then.
    fn block(&mut self, deadline: Option<Instant>) -> Option<Step> {
        loop {
            match self.step() {
                Step::Empty => {}
                Step::Skipped => continue,
                step => return Some(step),
            }
            let rests_until = self.rest.until();
            let bell = &self.ring.inner().bell;
            let marked = bell.mark_unless(rests_until.is_some());
            let poll = (!bell.is_writable()).then_some(self.poll_interval);
            let look = self.watches_writer().then_some(LOOK_FOR_WRITER);
            match self.step() {
                Step::Empty => {}
                Step::Skipped => continue,
                step => return Some(step),
            }
            let rest = rests_until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = match deadline {
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => return None,
                },
                None => None,
            };
            let timeout = [poll, look, rest, left].into_iter().flatten().min();
            self.ring.inner().bell.sleep(marked, timeout);
            self.rest.falls_asleep(rests_until.is_none());
            self.rest.is_awake();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ring.inner().waiting.leave_for_good(self.key);
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("position", &self.position)
            .field("missed", &self.missed)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
