//! One bus for events of any type, and subscriptions by type.

use crate::bus::EventBus;
use crate::error::{PublishError, TryPublishError};
use crate::receiver::Receiver;
use futures_core::{FusedStream, Stream};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a [`TypedBus`] carries: an event of any type.
pub type AnyEvent = Arc<dyn Any + Send + Sync>;

/// A bus for events of any type, in one order. A subscription looks at each by reference, and gets those of
/// its own type. New types need no change to the bus.
///
/// It is a handle of an [`EventBus`] of [`AnyEvent`]s, by which all else is done
/// ([`bus`](Self::bus)): a strategy, a history, closing, statistics.
///
/// ```
/// use eventring::TypedBus;
/// use futures::StreamExt;
///
/// struct OrderPlaced(u32);
/// struct OrderShipped(u32);
///
/// # tokio_test::block_on(async {
/// let bus = TypedBus::new(16);
/// let (mut placed, mut shipped) = (bus.subscribe::<OrderPlaced>(), bus.subscribe::<OrderShipped>());
/// let all = bus.subscribe_all();
/// assert_eq!(bus.publish(OrderPlaced(7)).await.ok(), Some(0));
/// assert_eq!(bus.publish(OrderShipped(7)).await.ok(), Some(1));
/// assert_eq!(placed.next().await.unwrap().0, 7);
/// assert_eq!(shipped.next().await.unwrap().0, 7);
/// assert_eq!(all.len(), 2);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TypedBus(EventBus<AnyEvent>);

impl TypedBus {
    /// As [`EventBus::new`]: it holds `capacity` unread events, of all types together.
    ///
    /// # Panics
    ///
    /// As [`EventBus::new`].
    ///
    /// ```
    /// assert_eq!(eventring::TypedBus::new(16).bus().capacity(), 16);
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self(EventBus::new(capacity))
    }

    /// The bus, for all that has nothing to do with types.
    ///
    /// ```
    /// let bus = eventring::TypedBus::new(16);
    /// bus.bus().close();
    /// assert!(bus.try_publish("late").is_err());
    /// ```
    pub fn bus(&self) -> &EventBus<AnyEvent> {
        &self.0
    }

    /// As [`EventBus::publish`]. It allocates, for an `Arc`.
    ///
    /// # Errors
    ///
    /// As [`EventBus::publish`]. They hand the event back.
    ///
    /// # Cancel safety
    ///
    /// As [`EventBus::publish`].
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let bus = eventring::TypedBus::new(16);
    /// assert_eq!(bus.publish("a note").await, Ok(0));
    /// # });
    /// ```
    pub async fn publish<T: Any + Send + Sync>(&self, event: T) -> Result<u64, PublishError<T>> {
        let published = self.0.publish(Arc::new(event)).await;
        published.map_err(|error| match error {
            PublishError::Closed(event) => PublishError::Closed(unpublished(event)),
            PublishError::Dropped(event) => PublishError::Dropped(unpublished(event)),
        })
    }

    /// As [`EventBus::try_publish`]. It allocates, for an `Arc`.
    ///
    /// # Errors
    ///
    /// As [`EventBus::try_publish`]. They hand the event back.
    ///
    /// ```
    /// let bus = eventring::TypedBus::new(16);
    /// assert_eq!(bus.try_publish(7), Ok(0));
    /// ```
    pub fn try_publish<T: Any + Send + Sync>(&self, event: T) -> Result<u64, TryPublishError<T>> {
        let published = self.0.try_publish(Arc::new(event));
        published.map_err(|error| match error {
            TryPublishError::Full(event) => TryPublishError::Full(unpublished(event)),
            TryPublishError::Closed(event) => TryPublishError::Closed(unpublished(event)),
        })
    }

    /// The events of this type, from now on.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # tokio_test::block_on(async {
    /// let bus = eventring::TypedBus::new(16);
    /// let mut numbers = bus.subscribe::<u64>();
    /// bus.publish("a note").await.unwrap();
    /// bus.publish(7_u64).await.unwrap();
    /// assert_eq!(*numbers.next().await.unwrap(), 7);
    /// # });
    /// ```
    pub fn subscribe<T: Any + Send + Sync>(&self) -> Typed<T> {
        Typed::new(self.subscribe_all())
    }

    /// The events of all types, from now on.
    ///
    /// ```
    /// let bus = eventring::TypedBus::new(16);
    /// let mut all = bus.subscribe_all();
    /// bus.try_publish(7_u64).unwrap();
    /// assert_eq!(all.try_recv().unwrap().downcast_ref(), Some(&7_u64));
    /// ```
    #[must_use = "a receiver may hold publishers back"]
    pub fn subscribe_all(&self) -> Receiver<AnyEvent> {
        self.0.subscribe()
    }
}

/// Nobody else has an event that was not published.
fn unpublished<T: Any + Send + Sync>(event: AnyEvent) -> T {
    let event = event.downcast().ok().and_then(Arc::into_inner);
    event.expect("it is what was to be published")
}

impl From<EventBus<AnyEvent>> for TypedBus {
    /// ```
    /// use eventring::{EventBus, TypedBus, WaitStrategy};
    ///
    /// let bus = TypedBus::from(EventBus::with_strategy(1, WaitStrategy::Block));
    /// let _all = bus.subscribe_all();
    /// bus.try_publish("a note").unwrap();
    /// assert!(bus.try_publish("another one").is_err());
    /// ```
    fn from(bus: EventBus<AnyEvent>) -> Self {
        Self(bus)
    }
}

/// The stream of [`TypedBus::subscribe`]; made of any receiver of all types by [`new`](Self::new).
///
/// ```
/// use eventring::{TypedBus, stream::Typed};
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let bus = TypedBus::new(16);
/// let mut numbers: Typed<u64> = bus.subscribe();
/// bus.publish(7_u64).await.unwrap();
/// assert_eq!(*numbers.next().await.unwrap(), 7);
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Typed<T> {
    receiver: Receiver<AnyEvent>,
    event: PhantomData<fn() -> T>,
}

impl<T: Any + Send + Sync> Typed<T> {
    /// Those of this type that the receiver gets, whatever its kind.
    ///
    /// ```
    /// use eventring::{TypedBus, stream::Typed};
    ///
    /// let bus = TypedBus::new(16);
    /// let numbers = Typed::<u64>::new(bus.bus().subscribe_lossy());
    /// assert!(numbers.get_ref().is_lossy());
    /// ```
    pub fn new(receiver: Receiver<AnyEvent>) -> Self {
        Self {
            receiver,
            event: PhantomData,
        }
    }

    /// The receiver, to ask for its position or how much it missed.
    ///
    /// ```
    /// let numbers = eventring::TypedBus::new(16).subscribe::<u64>();
    /// assert_eq!(numbers.get_ref().missed(), 0);
    /// ```
    pub fn get_ref(&self) -> &Receiver<AnyEvent> {
        &self.receiver
    }
}

impl<T: Any + Send + Sync> Stream for Typed<T> {
    type Item = Arc<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arc<T>>> {
        self.receiver.poll_filter_map(cx, |event| {
            // Of what is in the `Arc`, not of the `Arc`.
            let matches = (**event).is::<T>();
            matches.then(|| Arc::clone(event).downcast().expect("it is one"))
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.receiver.size_hint().1)
    }
}

impl<T: Any + Send + Sync> FusedStream for Typed<T> {
    fn is_terminated(&self) -> bool {
        self.receiver.is_terminated()
    }
}

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed")
            .field("receiver", &self.receiver)
            .finish()
    }
}
