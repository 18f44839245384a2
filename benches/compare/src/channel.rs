//! What the scenarios ask of a channel. Each peer does it in its own best way.

use crate::payload::Payload;
use crate::tally::Tally;
use std::pin::Pin;

/// What a scenario needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) mode: Mode,
    /// How many events the channel holds: a power of two.
    pub(crate) capacity: usize,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    /// After how many events a sender that has to pace itself looks whether it may go on. None:
    /// the scenario never has more under way than the channel holds.
    pub(crate) pace: Option<usize>,
}

/// What happens to a receiver that falls behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// It holds the senders back.
    Lossless,
    /// It misses events, where the channel can do that.
    Lossy,
}

/// A peer: a kind of channel, and the way to use it.
pub(crate) trait Channel<E> {
    const PEER: &'static str;
    /// How many events a call sends or receives, at most.
    const BATCH: usize = 1;
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver>;
}

/// The ends of a channel.
pub(crate) struct Open<S, R> {
    pub(crate) senders: Vec<S>,
    pub(crate) receivers: Vec<R>,
    pub(crate) driver: Option<Driver>,
}

/// What has to run beside the tasks for events to get through.
pub(crate) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<S, R> Open<S, R> {
    /// The ends of a channel with one sender.
    pub(crate) fn into_single(mut self) -> (S, Vec<R>, Option<Driver>) {
        assert_eq!(self.senders.len(), 1, "one sender");
        (self.senders.remove(0), self.receivers, self.driver)
    }
}

/// Sending without waiting.
pub(crate) trait TrySend<E> {
    /// Sends what there is room for, from the front, and returns how many events that were.
    fn try_send(&mut self, events: &[E]) -> usize;
}

/// Receiving without waiting.
pub(crate) trait Drain<E> {
    /// One call: an event or a batch, or that some were missed. False: there is nothing.
    fn take_one(&mut self, tally: &mut Tally) -> bool;

    /// Receives what is there. The tally is a local meanwhile: through a reference it may have to be loaded
    /// and stored for each event, which takes as long as some channels do.
    #[inline]
    fn drain(&mut self, tally: &mut Tally) {
        let mut local = *tally;
        while self.take_one(&mut local) {}
        *tally = local;
    }

    /// Reads what is there in place, if the channel can do that.
    fn drain_in_place(&mut self, tally: &mut Tally) {
        self.drain(tally);
    }
}

/// Sending in a task.
pub(crate) trait SendAll<E> {
    /// Sends all, waiting for room.
    fn send_all(&mut self, events: &[E]) -> impl Future<Output = ()> + Send;
}

/// Receiving in a task.
pub(crate) trait Recv<E> {
    /// An event, the size of a batch, or why there is none.
    type Received: Send;

    /// Receives the next event or batch, or learns that it missed some: the peer's own future, since
    /// one around it would be measured too.
    fn recv(&mut self) -> impl Future<Output = Self::Received> + Send;

    /// Counts what that was. False: closed.
    fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool;
}

/// Sending in a task what is to be stored.
pub(crate) trait SendStored<E> {
    /// Sends all, and waits until all is stored, if the channel can tell.
    fn send_stored(&mut self, events: &[E]) -> impl Future<Output = ()> + Send;
}

/// Storing in a task.
pub(crate) trait Store<E> {
    /// Receives a batch, counts it, and says that it is stored, if the channel can tell. False: closed.
    fn store(&mut self, tally: &mut Tally) -> impl Future<Output = bool> + Send;
}

/// Receivers that come later.
pub(crate) trait Subscribe<R> {
    fn subscribe(&mut self) -> R;
}

/// Telling how many events there are that somebody has not received yet.
pub(crate) trait Unread {
    fn unread(&self) -> usize;
}

/// A channel with one handle at each end, and nothing around it.
pub(crate) trait Make<E>: Channel<E> {
    fn make(capacity: usize) -> (Self::Sender, Self::Receiver);
}

/// A channel for threads that do not wait.
pub(crate) trait Polled<E: Payload>:
    Channel<E, Sender: TrySend<E>, Receiver: Drain<E>>
{
}
impl<E: Payload, C: Channel<E, Sender: TrySend<E>, Receiver: Drain<E>>> Polled<E> for C {}

/// A channel whose senders and receivers are tasks.
pub(crate) trait Waited<E: Payload>:
    Channel<E, Sender: SendAll<E>, Receiver: Recv<E>>
{
}
impl<E: Payload, C: Channel<E, Sender: SendAll<E>, Receiver: Recv<E>>> Waited<E> for C {}

/// A channel whose receivers are tasks.
pub(crate) trait Awaited<E: Payload>:
    Channel<E, Sender: TrySend<E>, Receiver: Recv<E>>
{
}
impl<E: Payload, C: Channel<E, Sender: TrySend<E>, Receiver: Recv<E>>> Awaited<E> for C {}
