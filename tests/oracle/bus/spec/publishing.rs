//! Publishing, as specified.

use crate::bus::Outcome;
use crate::bus::script::PublishStep;
use crate::bus::spec::{Publishing, Spec};
use eventring::{PublishError, TryPublishError, WaitStrategy};

impl Spec {
    /// Publishes as many events as there is room for, from the front.
    pub(super) fn publish(&mut self, events: &mut Vec<u64>) -> Result<(), TryPublishError<()>> {
        if events.is_empty() {
            return Ok(());
        }
        if self.closed {
            return Err(TryPublishError::Closed(()));
        }
        let count = self.room().min(events.len());
        self.append(events, count);
        if events.is_empty() {
            Ok(())
        } else {
            Err(TryPublishError::Full(()))
        }
    }

    /// Publishes so many, for which there is room.
    fn append(&mut self, events: &mut Vec<u64>, count: usize) {
        for number in events.drain(..count) {
            if self.setup.history > 0 || !self.readers.is_empty() {
                self.stored.insert(self.tail());
            }
            self.log.push(number);
            let slots = self.setup.capacity.next_power_of_two();
            self.stored = self.stored.split_off(&self.newest(slots));
        }
        if count > 0 {
            self.wake_readers();
            self.settle();
        }
    }

    /// As `on_handle`.
    pub(super) fn on_publish(
        &mut self,
        index: usize,
        step: PublishStep,
        number: u64,
    ) -> Option<Outcome> {
        let make = |count: usize| (number..).take(count).collect::<Vec<_>>();
        Some(match step {
            PublishStep::Try => self.try_publish(make(1)),
            PublishStep::TryMany(count) => self.try_publish_many(make(count)),
            PublishStep::Blocking => return self.publish_blocking(make(1), false),
            PublishStep::ManyBlocking(count) => return self.publish_blocking(make(count), true),
            PublishStep::Timeout => self.publish_timeout(make(1)),
            PublishStep::Poll(waker) => self.poll_publish(index, make(1), false, waker),
            PublishStep::PollMany(count, waker) => {
                self.poll_publish(index, make(count), true, waker)
            }
            PublishStep::PollReserve(waker) => self.poll_reserve(index, make(1), waker),
            PublishStep::Cancel => {
                let Publishing { events, many, .. } = self.handles[index].publishing.take()?;
                self.settle();
                Outcome::HandedBack(if many { events } else { Vec::new() })
            }
        })
    }

    fn try_publish(&mut self, mut events: Vec<u64>) -> Outcome {
        let sequence = self.tail();
        let result = self.publish(&mut events);
        Outcome::published(result.map(|()| Some(sequence)), events)
    }

    fn try_publish_many(&mut self, mut events: Vec<u64>) -> Outcome {
        let count = events.len();
        let result = match self.publish(&mut events) {
            Err(error) if events.len() == count => Err(error),
            _ => Ok(Some((count - events.len()) as u64)),
        };
        Outcome::published(result, events)
    }

    fn publish_blocking(&mut self, events: Vec<u64>, many: bool) -> Option<Outcome> {
        let waits = self.setup.strategy == WaitStrategy::Block && !self.closed;
        if waits && self.room() < events.len() {
            return None;
        }
        self.publish_all(events, many).ok()
    }

    fn publish_timeout(&mut self, events: Vec<u64>) -> Outcome {
        match self.publish_all(events, false) {
            Ok(Outcome::Published(Err(_), events)) if !self.closed => {
                Outcome::published(Err(TryPublishError::Full(())), events)
            }
            Ok(outcome) => outcome,
            Err(events) => Outcome::published(Err(TryPublishError::Full(())), events),
        }
    }

    fn poll_publish(&mut self, index: usize, made: Vec<u64>, many: bool, waker: usize) -> Outcome {
        let (events, many) = match &mut self.handles[index].publishing {
            Some(publishing) if publishing.granted.is_none() && !self.closed => {
                publishing.parked = Some(waker);
                return Outcome::Pending;
            }
            Some(publishing) if publishing.reserves && !publishing.holds && !self.closed => {
                publishing.holds = true;
                return Outcome::Pending;
            }
            waited => match waited.take() {
                Some(mut waited) => {
                    if let (Some(granted), false) = (waited.granted, self.closed) {
                        self.append(&mut waited.events, granted);
                    }
                    (waited.events, waited.many)
                }
                None => (made, many),
            },
        };
        if events.is_empty() && !many {
            return Outcome::published(Ok::<_, PublishError<()>>(Some(self.tail() - 1)), events);
        }
        self.publish_all(events, many).unwrap_or_else(|events| {
            self.tickets += 1;
            self.handles[index].publishing = Some(Publishing {
                events,
                many,
                reserves: false,
                holds: false,
                ticket: self.tickets,
                granted: None,
                parked: Some(waker),
            });
            Outcome::Pending
        })
    }

    /// As `poll_publish`, for one that reserves room first.
    fn poll_reserve(&mut self, index: usize, events: Vec<u64>, waker: usize) -> Outcome {
        if self.handles[index].publishing.is_some() {
            return self.poll_publish(index, events, false, waker);
        }
        let first = self.publishing().all(|one| one.granted.is_some());
        let room = self.unclaimed().min(self.setup.capacity) - self.reserved();
        let holds = first && room > 0;
        let refused = match self.setup.strategy {
            _ if self.closed => Err(PublishError::Closed(())),
            WaitStrategy::DropNewest if !holds => Err(PublishError::Dropped(())),
            _ => Ok(None),
        };
        if refused.is_err() {
            return Outcome::published(refused, events);
        }
        self.tickets += 1;
        self.handles[index].publishing = Some(Publishing {
            events,
            many: false,
            reserves: true,
            holds,
            ticket: self.tickets,
            granted: holds.then_some(1),
            parked: (!holds).then_some(waker),
        });
        Outcome::Pending
    }

    /// Publishes as the strategy says. What is left comes back if that means to wait.
    fn publish_all(&mut self, mut events: Vec<u64>, many: bool) -> Result<Outcome, Vec<u64>> {
        let result = match self.publish(&mut events) {
            Ok(()) => Ok((!many).then(|| self.tail() - 1)),
            Err(TryPublishError::Closed(())) => Err(PublishError::Closed(())),
            Err(TryPublishError::Full(())) if self.setup.strategy == WaitStrategy::DropNewest => {
                self.dropped += events.len() as u64;
                Err(PublishError::Dropped(()))
            }
            Err(TryPublishError::Full(())) => return Err(events),
        };
        Ok(Outcome::published(result, events))
    }
}
