//! Which message is the next of the stream.
//!
//! A consumer delivers in the order of the stream, and numbers its deliveries. What is lost with a
//! connection, or was delivered to a process that died, comes again, but behind what is newer. So a message
//! is taken when it is known to be the next one:
//!
//! * its number in the stream is the next number, or
//! * its delivery is the next delivery, so that none is missing between it and the message before it, or
//! * the stream was asked, and has nothing before it. If it has, that is read from there, and taken first.

use std::cmp::Ordering;
use std::collections::VecDeque;

/// The messages that have arrived and were not taken. Sequence numbers are those of the stream.
#[derive(Debug)]
pub(super) struct Order<T> {
    held: VecDeque<Held<T>>,
    /// All messages up to this one were taken, or were done before.
    taken: u64,
    /// All up to this one were delivered before there was anybody to see what was lost.
    unseen: u64,
    /// The last one that has arrived for the first time.
    newest: u64,
    /// The number of the last delivery that has arrived.
    delivery: u64,
    /// A delivery did not arrive, since the newest message.
    broken: bool,
}

#[derive(Debug)]
struct Held<T> {
    sequence: u64,
    /// There is no message between it and the one before it.
    follows: bool,
    message: T,
}

/// What a consumer says of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    pub(super) sequence: u64,
    pub(super) number: u64,
    /// It was not delivered before.
    pub(super) first: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Held,
    /// It is held already.
    Twice,
    /// It was taken before.
    Taken,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ready,
    /// The stream has to be asked for the first message after this one, up to that one.
    Ask(Gap),
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) after: u64,
    pub(super) upto: u64,
}

impl<T> Order<T> {
    /// Messages up to `done` are not to be taken, those up to `unseen` were delivered before, the last of
    /// them by the delivery of this number.
    pub(super) fn new(done: u64, unseen: u64, delivery: u64) -> Self {
        Self {
            held: VecDeque::new(),
            taken: done,
            unseen,
            newest: done.max(unseen),
            delivery,
            broken: false,
        }
    }

    pub(super) fn arrive(&mut self, delivery: Delivery, message: T) -> Arrival {
        let Delivery {
            sequence,
            number,
            first,
        } = delivery;
        self.broken |= number != self.delivery + 1;
        self.delivery = number;
        let newer = first && sequence > self.newest;
        let follows = newer && !self.broken;
        if newer {
            (self.newest, self.broken) = (sequence, false);
        }
        if sequence <= self.taken {
            return Arrival::Taken;
        }
        match self.find(sequence) {
            Ok(_) => Arrival::Twice,
            Err(place) => {
                let held = Held {
                    sequence,
                    follows,
                    message,
                };
                self.held.insert(place, held);
                Arrival::Held
            }
        }
    }

    pub(super) fn next(&self) -> Next {
        let Some(head) = self.held.front() else {
            return match self.taken.cmp(&self.unseen) {
                Ordering::Less => Next::Ask(Gap {
                    after: self.taken,
                    upto: self.unseen,
                }),
                _ => Next::Nothing,
            };
        };
        let before = head.sequence - 1;
        if before <= self.taken || head.follows && self.unseen <= self.taken {
            Next::Ready
        } else {
            Next::Ask(Gap {
                after: self.taken,
                upto: before,
            })
        }
    }

    /// What the stream has as the first message after the gap's begin.
    pub(super) fn found(&mut self, gap: Gap, found: Option<(u64, T)>) {
        match found {
            Some((sequence, message)) if sequence <= gap.upto => {
                if let (true, Err(place)) = (sequence > self.taken, self.find(sequence)) {
                    let held = Held {
                        sequence,
                        follows: true,
                        message,
                    };
                    self.held.insert(place, held);
                }
                self.taken = self.taken.max(sequence - 1);
            }
            _ => self.taken = self.taken.max(gap.upto),
        }
    }

    /// The next one, if it is [ready](Next::Ready).
    pub(super) fn head(&self) -> Option<(u64, &T)> {
        let head = self.held.front()?;
        Some((head.sequence, &head.message))
    }

    pub(super) fn take(&mut self) -> Option<(u64, T)> {
        let head = self.held.pop_front()?;
        self.taken = self.taken.max(head.sequence);
        Some((head.sequence, head.message))
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.held.iter().map(|held| (held.sequence, &held.message))
    }

    fn find(&self, sequence: u64) -> Result<usize, usize> {
        self.held
            .binary_search_by_key(&sequence, |held| held.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, Next, Order};

    /// Deliveries are lost, and come again behind others, or twice.
    #[test]
    fn all_are_taken_in_order_each_once() {
        for seed in 1..2_000_u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut random = |below: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % below
            };
            let mut last = 0;
            let stream: Vec<_> = (0..30)
                .map(|_| {
                    last += 1 + random(3);
                    last
                })
                .collect();
            let (mut order, mut taken) = (Order::new(0, 0, 0), Vec::new());
            let (mut number, mut again, mut fresh) = (0, Vec::new(), stream.iter());
            for step in 0.. {
                if taken.len() == stream.len() {
                    break;
                }
                assert!(step < 10_000, "seed {seed}: no end after {taken:?}");
                let old = !again.is_empty() && (random(3) == 0 || fresh.len() == 0);
                let sequence = match old {
                    true => again.swap_remove(random(again.len() as u64) as usize),
                    false => *fresh.next().unwrap_or(&last),
                };
                number += 1;
                let first = !old && !taken.contains(&sequence) && number < 1_000;
                let delivery = Delivery {
                    sequence,
                    number,
                    first,
                };
                if random(4) == 0 {
                    again.push(sequence);
                } else {
                    order.arrive(delivery, ());
                }
                loop {
                    match order.next() {
                        Next::Ready => taken.push(order.take().unwrap().0),
                        Next::Nothing => break,
                        Next::Ask(gap) => {
                            let found = stream.iter().find(|sequence| **sequence > gap.after);
                            order.found(gap, found.map(|sequence| (*sequence, ())));
                        }
                    }
                }
            }
            assert_eq!(taken, stream, "seed {seed}");
        }
    }
}
