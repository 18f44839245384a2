//! The sending side.

use super::channel::Channel;
use super::error::SendError;
use super::receiver::Receiver;
use crate::error::BuildError;
use crate::sync::{Arc, step};
use crate::wait::{List, Wait, Waiting, waiting_future};
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The sending half of [`channel`](super::channel()). Clones are handles of the same channel, which
/// closes for its receivers when the last one is dropped.
///
/// ```
/// use eventring::broadcast;
///
/// # tokio_test::block_on(async {
/// let (sender, mut receiver) = broadcast::channel(16);
/// sender.send("hello").unwrap();
/// assert_eq!(receiver.recv().await, Ok("hello"));
/// # });
/// ```
pub struct Sender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    /// A channel without a receiver yet: [`send`](Self::send) fails until there is one.
    ///
    /// # Panics
    ///
    /// As [`channel`](super::channel()).
    ///
    /// ```
    /// let sender = eventring::broadcast::Sender::new(16);
    /// assert!(sender.send("to nobody").is_err());
    /// let _receiver = sender.subscribe();
    /// assert_eq!(sender.send("to somebody").unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self::with_receivers(capacity, 0)
    }

    /// With one receiver.
    #[track_caller]
    pub(super) fn new_and_receiver(capacity: usize) -> (Self, Receiver<T>) {
        let sender = Self::with_receivers(capacity, 1);
        let receiver = Receiver::first(&sender.channel);
        (sender, receiver)
    }

    #[track_caller]
    fn with_receivers(capacity: usize, receivers: u64) -> Self {
        assert!(capacity > 0, "broadcast channel capacity cannot be zero");
        assert!(
            capacity <= usize::MAX >> 1,
            "broadcast channel capacity exceeded `usize::MAX / 2`"
        );
        let capacity = capacity.next_power_of_two();
        match Channel::new(capacity, receivers) {
            Some(channel) => Self { channel },
            None => panic!("{}", BuildError::CapacityTooLarge(capacity)),
        }
    }

    /// Sends a value to all receivers there are, and returns how many. It never waits: the oldest
    /// value makes room, and receivers that had not received it are told how many they missed.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value if there are no receivers. Later calls may succeed, once
    /// somebody has subscribed.
    ///
    /// ```
    /// let (sender, receiver) = eventring::broadcast::channel(16);
    /// assert_eq!(sender.send('a').unwrap(), 1);
    /// drop(receiver);
    /// assert_eq!(sender.send('b').unwrap_err().0, 'b');
    /// ```
    #[inline]
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        match self.channel.send(value) {
            Ok(receivers) => Ok(receivers as usize),
            Err(value) => Err(SendError(value)),
        }
    }

    /// A receiver of every value sent from now on.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel(16);
    /// sender.send("early").unwrap();
    /// let mut late = sender.subscribe();
    /// sender.send("late").unwrap();
    /// assert_eq!(late.try_recv(), Ok("late"));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::subscribe(&self.channel)
    }

    /// A handle that does not keep the channel open.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel::<u32>(16);
    /// let weak = sender.downgrade();
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "downgrading does not drop the sender"]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.channel)
    }

    /// How many of the values sent some receiver has not received yet: at most the capacity.
    /// Looks at one slot for each doubling of the capacity.
    ///
    /// ```
    /// let (sender, mut receiver) = eventring::broadcast::channel(16);
    /// sender.send('a').unwrap();
    /// sender.send('b').unwrap();
    /// receiver.try_recv().unwrap();
    /// assert_eq!(sender.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.channel.needed()
    }

    /// Whether every receiver has received everything.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel(16);
    /// assert!(sender.is_empty());
    /// sender.send('a').unwrap();
    /// assert!(!sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _another = sender.subscribe();
    /// assert_eq!(sender.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.channel.receivers()
    }

    /// Whether both are handles of the same channel.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel::<u32>(16);
    /// assert!(sender.same_channel(&sender.clone()));
    /// assert!(!sender.same_channel(&eventring::broadcast::Sender::new(16)));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }

    /// Resolves when there is no receiver (any more). Who waited for that is woken once the values
    /// that the last one had not received are dropped.
    ///
    /// Somebody may subscribe before it is polled again: then it goes on waiting.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (sender, mut receiver) = eventring::broadcast::channel::<u32>(16);
    /// let task = tokio::spawn(async move { receiver.recv().await });
    /// sender.send(1).unwrap();
    /// sender.closed().await;
    /// # task.await.unwrap().unwrap();
    /// # });
    /// ```
    pub fn closed(&self) -> Closed<'_, T> {
        Closed(Waiting::new(Deserting(&self.channel)))
    }

    /// How many senders there are, this one included.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _clone = sender.clone();
    /// assert_eq!(sender.strong_count(), 2);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.channel.senders.count()
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (sender, _receiver) = eventring::broadcast::channel::<u32>(16);
    /// let _weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.channel.weak_senders.count()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.channel.senders.add();
        Self {
            channel: Arc::clone(&self.channel),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.channel.senders.remove() && step("last-handle") {
            self.channel.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::Sender")
    }
}

/// A handle that does not keep the channel open: see [`Sender::downgrade`].
///
/// ```
/// use eventring::broadcast::{Sender, WeakSender};
///
/// let sender = Sender::<u32>::new(16);
/// let weak: WeakSender<u32> = sender.downgrade();
/// assert!(weak.upgrade().unwrap().same_channel(&sender));
/// ```
pub struct WeakSender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> WeakSender<T> {
    fn new(channel: &Arc<Channel<T>>) -> Self {
        channel.weak_senders.add();
        Self {
            channel: Arc::clone(channel),
        }
    }

    /// A sender, if there still is one.
    ///
    /// ```
    /// let weak = eventring::broadcast::Sender::<u32>::new(16).downgrade();
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.channel.senders.upgrade().then(|| Sender {
            channel: Arc::clone(&self.channel),
        })
    }

    /// How many senders there are.
    ///
    /// ```
    /// let weak = eventring::broadcast::Sender::<u32>::new(16).downgrade();
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.channel.senders.count()
    }

    /// How many weak senders there are, this one included.
    ///
    /// ```
    /// let weak = eventring::broadcast::Sender::<u32>::new(16).downgrade();
    /// assert_eq!(weak.weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.channel.weak_senders.count()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self::new(&self.channel)
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.channel.weak_senders.remove();
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast::WeakSender")
    }
}

// As tokio's (without its feature `parking_lot`): a panic leaves no channel in a state that others must not see.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}
impl<T> UnwindSafe for WeakSender<T> {}
impl<T> RefUnwindSafe for WeakSender<T> {}

/// Waiting for the last receiver to go.
struct Deserting<'a, T>(&'a Channel<T>);

impl<T> Wait for Deserting<'_, T> {
    type Output = ();

    fn attempt(&mut self, listed: bool) -> Option<()> {
        self.0.is_deserted(listed).then_some(())
    }

    fn list(&self, _: u64) -> List<'_> {
        List::All(self.0.deserted())
    }
}

waiting_future! {
    /// Future of [`Sender::closed`]: resolves to nothing. It is `Unpin`, and has a name, so that a
    /// struct can hold it without a box.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    ///
    /// ```
    /// use eventring::broadcast::{self, Closed};
    /// use futures::FutureExt;
    ///
    /// let (sender, receiver) = broadcast::channel::<u32>(16);
    /// let mut closed: Closed<'_, u32> = sender.closed();
    /// assert_eq!((&mut closed).now_or_never(), None);
    /// drop(receiver);
    /// assert_eq!(closed.now_or_never(), Some(()));
    /// ```
    Closed<'a, T>(Waiting<Deserting<'a, T>>) -> ()
}
