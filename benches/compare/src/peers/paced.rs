//! tokio's broadcast channel, and what has its shape: the same code for both.
//!
//! It has no lossless mode. Where nothing may be lost, a sender looks how many events are unread,
//! and yields (or spins) while that is more than half of what the channel holds.

use crate::channel::Setup;

/// When a sender may go on.
pub(crate) struct Pace {
    /// None: always.
    look_every: Option<usize>,
    until_look: usize,
    half: usize,
}

impl Pace {
    pub(super) const NONE: Self = Self {
        look_every: None,
        until_look: 0,
        half: 0,
    };

    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            look_every: setup.pace,
            half: setup.capacity / 2,
            ..Self::NONE
        }
    }

    /// Whether one more event may be sent, given how to ask for the number of unread ones.
    #[inline]
    pub(super) fn step(&mut self, unread: impl FnOnce() -> usize) -> bool {
        let Some(look_every) = self.look_every else {
            return true;
        };
        if self.until_look == 0 {
            if unread() > self.half {
                return false;
            }
            self.until_look = look_every;
        }
        self.until_look -= 1;
        true
    }
}

macro_rules! paced_broadcast {
    ($peer:ident, $name:literal, $($module:tt)+) => {
        use super::paced::Pace;
        use crate::channel::{
            Channel, Drain, Make, Open, Recv, SendAll, Setup, Subscribe, TrySend, Unread,
        };
        use crate::payload::Payload;
        use crate::tally::Tally;
        use $($module)+::error::{RecvError, TryRecvError};
        use $($module)+::{Receiver, Sender};

        pub(crate) struct $peer;

        pub(crate) struct Paced<E> {
            sender: Sender<E>,
            pace: Pace,
        }

        impl<E: Payload> Channel<E> for $peer {
            const PEER: &'static str = $name;
            type Sender = Paced<E>;
            type Receiver = Receiver<E>;

            fn open(setup: &Setup) -> Open<Paced<E>, Receiver<E>> {
                let sender = Sender::new(setup.capacity);
                let paced = |_| Paced {
                    sender: sender.clone(),
                    pace: Pace::new(setup),
                };
                Open {
                    receivers: (0..setup.receivers).map(|_| sender.subscribe()).collect(),
                    senders: (0..setup.senders).map(paced).collect(),
                    driver: None,
                }
            }
        }

        impl<E: Payload> Make<E> for $peer {
            fn make(capacity: usize) -> (Paced<E>, Receiver<E>) {
                let (sender, receiver) = $($module)+::channel(capacity);
                (Paced { sender, pace: Pace::NONE }, receiver)
            }
        }

        impl<E: Payload> Paced<E> {
            /// Sends, unless it has to wait first.
            fn try_one(&mut self, event: &E) -> bool {
                let go = self.pace.step(|| self.sender.len());
                if go {
                    assert!(self.sender.send(event.fresh()).is_ok(), "no receivers");
                }
                go
            }
        }

        impl<E: Payload> TrySend<E> for Paced<E> {
            fn try_send(&mut self, events: &[E]) -> usize {
                events.iter().take_while(|event| self.try_one(event)).count()
            }
        }

        impl<E: Payload> SendAll<E> for Paced<E> {
            async fn send_all(&mut self, events: &[E]) {
                for event in events {
                    while !self.try_one(event) {
                        ::tokio::task::yield_now().await;
                    }
                }
            }
        }

        impl<E: Payload> Subscribe<Receiver<E>> for Paced<E> {
            fn subscribe(&mut self) -> Receiver<E> {
                self.sender.subscribe()
            }
        }

        impl<E> Unread for Paced<E> {
            fn unread(&self) -> usize {
                self.sender.len()
            }
        }

        impl<E: Payload> Drain<E> for Receiver<E> {
            #[inline]
            fn take_one(&mut self, tally: &mut Tally) -> bool {
                match self.try_recv() {
                    Ok(event) => tally.take(event),
                    Err(TryRecvError::Lagged(missed)) => tally.missed += missed,
                    Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
                }
                true
            }
        }

        impl<E: Payload> Recv<E> for Receiver<E> {
            type Received = Result<E, RecvError>;

            fn recv(&mut self) -> impl Future<Output = Self::Received> + Send {
                Receiver::recv(self)
            }

            fn count(&mut self, received: Self::Received, tally: &mut Tally) -> bool {
                match received {
                    Ok(event) => tally.take(event),
                    Err(RecvError::Lagged(missed)) => tally.missed += missed,
                    Err(RecvError::Closed) => return false,
                }
                true
            }
        }
    };
}
pub(super) use paced_broadcast;
