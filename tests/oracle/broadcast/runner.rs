//! Runs a script against one implementation.

// A receiver is lent to one future, and until that is gone only asked by `try_borrow`.
#![allow(clippy::await_holding_refcell_ref)]

use super::Seen;
use super::script::{Cloning, Step};
use crate::support::{Boxed, Payload, Wakers, clones, guarded, take_log};
use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;
use std::task::Poll;

/// The handle that a step means, if there is one.
pub(crate) fn choose<H>(handles: &mut [H], number: u8) -> Option<&mut H> {
    let count = handles.len();
    (count > 0).then(|| &mut handles[usize::from(number) % count])
}

pub(crate) fn remove<H>(handles: &mut Vec<H>, number: u8) -> Option<H> {
    (!handles.is_empty()).then(|| handles.remove(usize::from(number) % handles.len()))
}

/// An error by its variant and its text.
fn failed<E: Debug + std::error::Error>(error: E) -> String {
    format!("{error:?}: {error}")
}

/// Runs something that clones: `None` if that panicked, as asked for.
fn cloned<R>(cloning: Cloning, run: impl FnOnce() -> R) -> Option<R> {
    guarded(u8::from(cloning == Cloning::Panics), run)
}

/// Runs a script against one implementation.
macro_rules! runner {
    ($name:ident, $broadcast:path) => {
        pub(super) mod $name {
            use super::*;
            use $broadcast as broadcast;

            /// A handle is shared with the future that was made of it, if any.
            struct Sending<T> {
                sender: Rc<broadcast::Sender<T>>,
                closed: Option<Boxed<()>>,
            }

            struct Receiving<T> {
                receiver: Rc<RefCell<broadcast::Receiver<T>>>,
                recv: Option<Boxed<Result<T, broadcast::error::RecvError>>>,
                /// It has found that there was nothing more, and nothing was sent since.
                settled: bool,
            }

            struct Run<T> {
                senders: Vec<Sending<T>>,
                weak: Vec<broadcast::WeakSender<T>>,
                receivers: Vec<Receiving<T>>,
                wakers: Wakers,
                alive: Rc<()>,
                cloned_before: usize,
                sent: u64,
            }

            pub(in super::super) fn run<T: Payload + 'static>(
                capacity: usize,
                script: &[Step],
            ) -> Vec<Seen> {
                let (sender, receiver) = broadcast::channel(capacity);
                let mut run = Run::<T> {
                    senders: Vec::new(),
                    weak: Vec::new(),
                    receivers: Vec::new(),
                    wakers: Wakers::default(),
                    alive: Rc::new(()),
                    cloned_before: clones(),
                    sent: 0,
                };
                run.add_sender(sender);
                run.add_receiver(receiver);
                let mut seen = Vec::new();
                for step in script {
                    let result = run.step(*step);
                    seen.push(run.seen(result));
                }
                let token = Rc::clone(&run.alive);
                drop(run);
                assert_eq!(
                    Rc::strong_count(&token),
                    1,
                    "all values are dropped in the end"
                );
                take_log();
                seen
            }

            impl<T: Payload + 'static> Run<T> {
                fn add_sender(&mut self, sender: broadcast::Sender<T>) -> String {
                    self.senders.push(Sending {
                        sender: Rc::new(sender),
                        closed: None,
                    });
                    String::new()
                }

                fn add_receiver(&mut self, receiver: broadcast::Receiver<T>) -> String {
                    self.receivers.push(Receiving {
                        receiver: Rc::new(RefCell::new(receiver)),
                        recv: None,
                        settled: true,
                    });
                    String::new()
                }

                /// What comes of it, for comparison. A step that means no handle does nothing.
                fn step(&mut self, step: Step) -> String {
                    self.try_step(step).unwrap_or_default()
                }

                fn try_step(&mut self, step: Step) -> Option<String> {
                    Some(match step {
                        Step::Send(number) => {
                            let value = T::new(self.sent, &self.alive);
                            let sent = choose(&mut self.senders, number)?.sender.send(value);
                            match sent {
                                Ok(receivers) => {
                                    self.sent += 1;
                                    for receiving in &mut self.receivers {
                                        receiving.settled = false;
                                    }
                                    format!("to {receivers}")
                                }
                                Err(error) => format!("{error} {}", error.0.number()),
                            }
                        }
                        Step::Subscribe(number) => {
                            let receiver = choose(&mut self.senders, number)?.sender.subscribe();
                            self.add_receiver(receiver)
                        }
                        Step::CloneSender(number) => {
                            let sender = choose(&mut self.senders, number)?.sender.as_ref().clone();
                            self.add_sender(sender)
                        }
                        Step::DropSender(number) => {
                            drop(remove(&mut self.senders, number)?);
                            String::new()
                        }
                        Step::Downgrade(number) => {
                            let weak = choose(&mut self.senders, number)?.sender.downgrade();
                            self.weak.push(weak);
                            String::new()
                        }
                        Step::CloneWeak(number) => {
                            let weak = choose(&mut self.weak, number)?.clone();
                            self.weak.push(weak);
                            String::new()
                        }
                        Step::Upgrade(number) => match choose(&mut self.weak, number)?.upgrade() {
                            Some(sender) => self.add_sender(sender),
                            None => String::from("none"),
                        },
                        Step::DropWeak(number) => {
                            drop(remove(&mut self.weak, number)?);
                            String::new()
                        }
                        Step::PollClosed(number, waker) => {
                            let sending = choose(&mut self.senders, number)?;
                            let closed = sending.closed.get_or_insert_with(|| {
                                let sender = Rc::clone(&sending.sender);
                                Box::pin(async move { sender.closed().await })
                            });
                            let polled = self.wakers.poll(waker, closed);
                            if polled.is_ready() {
                                sending.closed = None;
                            }
                            format!("{polled:?}")
                        }
                        Step::CancelClosed(number) => {
                            choose(&mut self.senders, number)?.closed = None;
                            String::new()
                        }
                        Step::Resubscribe(number) => {
                            let receiving = choose(&mut self.receivers, number)?;
                            // Asking it takes a reference, which its future has.
                            receiving.recv = None;
                            let receiver = receiving.receiver.borrow().resubscribe();
                            self.add_receiver(receiver)
                        }
                        Step::DropReceiver(number) => {
                            let Receiving { receiver, recv, .. } =
                                remove(&mut self.receivers, number)?;
                            drop(recv);
                            drop(receiver);
                            String::new()
                        }
                        Step::TryRecv(number, cloning) => {
                            let receiving = choose(&mut self.receivers, number)?;
                            receiving.recv = None;
                            receiving.try_recv(cloning)
                        }
                        Step::PollRecv(number, waker, cloning) => {
                            let receiving = choose(&mut self.receivers, number)?;
                            let recv = receiving.recv.get_or_insert_with(|| {
                                let receiver = Rc::clone(&receiving.receiver);
                                Box::pin(async move { receiver.borrow_mut().recv().await })
                            });
                            let polled = cloned(cloning, || self.wakers.poll(waker, recv));
                            if !matches!(polled, Some(Poll::Pending)) {
                                receiving.recv = None;
                            }
                            match polled {
                                Some(Poll::Pending) => {
                                    receiving.settled = true;
                                    String::from("pending")
                                }
                                Some(Poll::Ready(received)) => receiving.received(received),
                                None => String::from("panicked"),
                            }
                        }
                        Step::CancelRecv(number) => {
                            choose(&mut self.receivers, number)?.recv = None;
                            String::new()
                        }
                        Step::BlockingRecv(number, cloning) => {
                            let receiving = choose(&mut self.receivers, number)?;
                            receiving.recv = None;
                            let receiver = Rc::clone(&receiving.receiver);
                            let mut receiver = receiver.borrow_mut();
                            if receiver.is_empty() && !receiver.is_closed() {
                                return None;
                            }
                            match cloned(cloning, || receiver.blocking_recv()) {
                                Some(received) => receiving.received(received),
                                None => String::from("panicked"),
                            }
                        }
                        Step::Drain => {
                            let mut all = String::new();
                            for receiving in &mut self.receivers {
                                receiving.recv = None;
                                while !receiving.settled {
                                    all += &receiving.try_recv(Cloning::Works);
                                    all += ", ";
                                }
                            }
                            all
                        }
                    })
                }

                fn seen(&self, result: String) -> Seen {
                    let mut handles = Vec::new();
                    for Sending { sender, .. } in &self.senders {
                        handles.push(format!(
                            "{sender:?} of {} and {} to {}: {}, {}",
                            sender.strong_count(),
                            sender.weak_count(),
                            sender.receiver_count(),
                            sender.len(),
                            sender.is_empty(),
                        ));
                    }
                    for weak in &self.weak {
                        let counts = (weak.strong_count(), weak.weak_count());
                        handles.push(format!("{weak:?} of {counts:?}"));
                    }
                    for receiving in &self.receivers {
                        // One that is receiving is lent to its future.
                        handles.push(match receiving.receiver.try_borrow() {
                            Ok(receiver) => format!(
                                "{receiver:?} from {} and {}: {}, {}, {}",
                                receiver.sender_strong_count(),
                                receiver.sender_weak_count(),
                                receiver.len(),
                                receiver.is_empty(),
                                receiver.is_closed(),
                            ),
                            Err(_) => String::from("receiving"),
                        });
                    }
                    Seen {
                        result,
                        handles,
                        woken: self.wakers.woken(),
                        log: take_log(),
                        alive: T::COUNTED.then(|| Rc::strong_count(&self.alive) - 1),
                        cloned: clones() - self.cloned_before,
                    }
                }
            }

            impl<T: Payload> Receiving<T> {
                fn try_recv(&mut self, cloning: Cloning) -> String {
                    use broadcast::error::TryRecvError::{Closed, Empty};
                    let received = cloned(cloning, || self.receiver.borrow_mut().try_recv());
                    match received {
                        None => String::from("panicked"),
                        Some(Ok(value)) => value.number().to_string(),
                        Some(Err(error)) => {
                            self.settled |= matches!(error, Empty | Closed);
                            failed(error)
                        }
                    }
                }

                fn received(&mut self, received: Result<T, broadcast::error::RecvError>) -> String {
                    match received {
                        Ok(value) => value.number().to_string(),
                        Err(error) => {
                            self.settled |= matches!(error, broadcast::error::RecvError::Closed);
                            failed(error)
                        }
                    }
                }
            }
        }
    };
}

runner!(tokios, tokio::sync::broadcast);
runner!(ours, eventring::broadcast);
