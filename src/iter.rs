//! Receivers as iterators.

pub use crate::batch::BatchIter;

use crate::receiver::Receiver;
use std::fmt;

impl<E> Receiver<E> {
    /// An iterator over the events that are there: it ends where [`try_recv`](Self::try_recv) fails, and
    /// can be made again later. It does not end while publishers are faster than it.
    ///
    /// ```
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish_many_blocking(&mut vec!['a', 'b']).unwrap();
    /// assert_eq!(receiver.try_iter().collect::<String>(), "ab");
    /// assert_eq!(receiver.try_iter().next(), None); // so far
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, E> {
        TryIter(self)
    }
}

macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident: $next:expr) => {
        $(#[$doc])*
        #[must_use = "iterators do nothing unless advanced"]
        pub struct $name<'a, E>(&'a mut Receiver<E>);

        impl<E: Clone> Iterator for $name<'_, E> {
            type Item = E;

            #[inline]
            fn next(&mut self) -> Option<E> {
                let next: fn(&mut Receiver<E>) -> Option<E> = $next;
                next(self.0)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.0.size_hint()
            }
        }

        impl<E> fmt::Debug for $name<'_, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(self.0).finish()
            }
        }
    };
}

iterator! {
    /// Iterator of [`Receiver::try_iter`]: the events that are there.
    ///
    /// ```
    /// use eventring::iter::TryIter;
    ///
    /// fn largest(events: TryIter<'_, u32>) -> Option<u32> {
    ///     events.max()
    /// }
    ///
    /// let bus = eventring::EventBus::new(16);
    /// let mut receiver = bus.subscribe();
    /// bus.publish_many_blocking(&mut vec![3, 7, 5]).unwrap();
    /// assert_eq!(largest(receiver.try_iter()), Some(7));
    /// ```
    TryIter: |receiver| receiver.try_recv().ok()
}

#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
pub use blocking::BlockingIter;

#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
mod blocking {
    use super::{Receiver, fmt};

    impl<E> Receiver<E> {
        /// An iterator that blocks the thread for each event, up to the end.
        ///
        /// ```
        /// let bus = eventring::EventBus::new(16);
        /// let mut receiver = bus.subscribe();
        /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec!['a', 'b']));
        /// let mut text = String::new();
        /// for event in receiver.blocking_iter() {
        ///     text.push(event);
        /// }
        /// assert_eq!(text, "ab");
        /// ```
        pub fn blocking_iter(&mut self) -> BlockingIter<'_, E> {
            BlockingIter(self)
        }
    }

    iterator! {
        /// Iterator of [`Receiver::blocking_iter`]: the events up to the end.
        ///
        /// ```
        /// use eventring::iter::BlockingIter;
        ///
        /// fn total(events: BlockingIter<'_, u32>) -> u32 {
        ///     events.sum()
        /// }
        ///
        /// let bus = eventring::EventBus::new(16);
        /// let mut receiver = bus.subscribe();
        /// std::thread::spawn(move || bus.publish_many_blocking(&mut vec![3, 7, 5]));
        /// assert_eq!(total(receiver.blocking_iter()), 15);
        /// ```
        BlockingIter: |receiver| receiver.recv_blocking()
    }
}
