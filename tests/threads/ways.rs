//! Publishing and receiving, each time in another of the ways there are.

use crate::common::{Ledger, Random, Tracked};
use eventring::{
    EventBus, PublishError, Receiver, RecvError, TryPublishError, TryRecvError, WaitStrategy,
};
use futures::executor::block_on;
use futures::task::noop_waker;
use futures::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_micros(50);

/// An event's number tells who published it, and as which of its events.
const PUBLISHER: u32 = 32;

/// What became of the events that a publisher had.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) accepted: u64,
    pub(crate) dropped: u64,
    pub(crate) closed: u64,
}

/// Publishes `events` events, singly and in batches, blocking, waiting and trying.
pub(crate) fn publish(
    bus: &EventBus<Tracked>,
    ledger: &Ledger,
    publisher: u64,
    events: u64,
    random: &mut Random,
) -> Published {
    let mut done = Published::default();
    let mut number = 0;
    while number < events && done.closed == 0 {
        let id = publisher << PUBLISHER | number;
        if random.below(3) == 0 {
            let batch = (1 + random.below(10)).min(events - number);
            publish_batch(bus, ledger.events(id..id + batch), random, &mut done);
            number += batch;
        } else {
            publish_one(bus, ledger, id, random, &mut done);
            number += 1;
        }
    }
    done
}

fn publish_one(
    bus: &EventBus<Tracked>,
    ledger: &Ledger,
    id: u64,
    random: &mut Random,
    done: &mut Published,
) {
    let mut event = ledger.event(id);
    loop {
        let published = match random.below(5) {
            0 => block_on(bus.publish(event)),
            1 => bus.publish_blocking(event),
            2 => {
                // Cancelled while it waits.
                let mut publish = bus.publish(event);
                match publish.poll_unpin(&mut Context::from_waker(&noop_waker())) {
                    Poll::Ready(published) => published,
                    Poll::Pending => {
                        drop(publish);
                        event = ledger.event(id);
                        continue;
                    }
                }
            }
            way => {
                let tried = match way {
                    3 => bus.publish_timeout(event, SHORT),
                    _ => bus.try_publish(event),
                };
                match tried {
                    Ok(sequence) => Ok(sequence),
                    Err(TryPublishError::Closed(event)) => Err(PublishError::Closed(event)),
                    Err(TryPublishError::Full(back)) => {
                        // Counted as dropped, but for `try_publish`, which loses nothing.
                        if way == 3 && bus.strategy() == WaitStrategy::DropNewest {
                            done.dropped += 1;
                            return;
                        }
                        event = back;
                        thread::yield_now();
                        continue;
                    }
                }
            }
        };
        match published {
            Ok(_) => done.accepted += 1,
            Err(PublishError::Dropped(_)) => done.dropped += 1,
            Err(PublishError::Closed(_)) => done.closed += 1,
        }
        return;
    }
}

fn publish_batch(
    bus: &EventBus<Tracked>,
    mut batch: Vec<Tracked>,
    random: &mut Random,
    done: &mut Published,
) {
    let events = batch.len() as u64;
    let mut result = Ok(());
    while !batch.is_empty() && result.is_ok() {
        result = match random.below(4) {
            0 => block_on(bus.publish_many(&mut batch)),
            1 => bus.publish_many_blocking(&mut batch),
            2 => {
                // Cancelled while it waits.
                let mut publish = bus.publish_many(&mut batch);
                let polled = publish.poll_unpin(&mut Context::from_waker(&noop_waker()));
                match polled {
                    Poll::Ready(result) => result,
                    Poll::Pending => Ok(()),
                }
            }
            _ => match bus.try_publish_many(&mut batch) {
                Err(TryPublishError::Closed(())) => Err(PublishError::Closed(())),
                Ok(_) | Err(TryPublishError::Full(())) => {
                    thread::yield_now();
                    Ok(())
                }
            },
        };
    }
    let left = batch.len() as u64;
    done.accepted += events - left;
    match result {
        Ok(()) => assert_eq!(left, 0),
        Err(PublishError::Dropped(())) => done.dropped += left,
        Err(PublishError::Closed(())) => done.closed += left,
    }
}

/// What a receiver has seen, checked as it comes.
#[derive(Debug)]
pub(crate) struct Seen {
    from: u64,
    pub(crate) received: u64,
    missed: u64,
    /// The number of each publisher's last event.
    last: HashMap<u64, u64>,
    /// No events may be left out.
    lossless: bool,
}

impl Seen {
    pub(crate) fn new(receiver: &Receiver<Tracked>, lossless: bool) -> Self {
        Self {
            from: receiver.position(),
            received: 0,
            missed: receiver.missed(),
            last: HashMap::new(),
            lossless,
        }
    }

    fn number(&mut self, id: u64) {
        let (publisher, number) = (id >> PUBLISHER, id & ((1 << PUBLISHER) - 1));
        self.received += 1;
        if let Some(last) = self.last.insert(publisher, number) {
            assert!(last < number, "{number} after {last}");
            assert!(
                !self.lossless || last + 1 == number,
                "{number} after {last}"
            );
        }
    }

    /// The account, for a receiver that has received all there was.
    pub(crate) fn assert_complete(&self, receiver: &Receiver<Tracked>, published: u64) {
        let missed = receiver.missed() - self.missed;
        assert_eq!(self.from + self.received + missed, published, "{self:?}");
        assert_eq!(receiver.position(), published);
        assert!(!self.lossless || missed == 0, "{missed} missed");
    }
}

/// Receives until the bus is closed, or until `limit` receives are done: each in another way.
pub(crate) fn receive(
    receiver: &mut Receiver<Tracked>,
    seen: &mut Seen,
    limit: u64,
    random: &mut Random,
) {
    for _ in 0..limit {
        let (before, position) = (seen.received + receiver.missed(), receiver.position());
        let result = receive_some(receiver, seen, random);
        let counted = seen.received + receiver.missed() - before;
        assert_eq!(
            receiver.position() - position,
            counted,
            "positions are accounts"
        );
        match result {
            Ok(()) => {}
            Err(TryRecvError::Lagged(missed)) => assert_eq!(missed, counted),
            Err(TryRecvError::Empty) => thread::yield_now(),
            Err(TryRecvError::Closed) => return,
        }
    }
}

fn receive_some(
    receiver: &mut Receiver<Tracked>,
    seen: &mut Seen,
    random: &mut Random,
) -> Result<(), TryRecvError> {
    let limit = 1 + random.below(8) as usize;
    let mut batch = Vec::new();
    let one = match random.below(10) {
        0 => block_on(receiver.recv())?,
        1 => receiver.recv_blocking()?,
        2 => receiver.recv_timeout(SHORT)?,
        3 => receiver.try_recv()?,
        4 => block_on(poll_fn(|cx| receiver.poll_recv(cx)))?,
        5 => {
            // A stream does not tell of lag, but counts it.
            let next = block_on(receiver.next());
            next.ok_or(TryRecvError::Closed)?
        }
        6 => {
            // Cancelled while it waits.
            let mut recv = receiver.recv();
            match recv.poll_unpin(&mut Context::from_waker(&noop_waker())) {
                Poll::Ready(received) => received?,
                Poll::Pending => return Err(TryRecvError::Empty),
            }
        }
        7 => {
            seen.number(block_on(receiver.recv_with(Tracked::number))?);
            return Ok(());
        }
        8 => {
            let taken = block_on(receiver.recv_many(&mut batch, limit))?;
            assert!(taken == batch.len() && (1..=limit).contains(&taken));
            batch.iter().for_each(|event| seen.number(event.number()));
            return Ok(());
        }
        _ => {
            let taken = receiver.recv_many_blocking(&mut batch, limit);
            let taken = taken.map_err(|error: RecvError| TryRecvError::from(error))?;
            assert!(taken == batch.len() && (1..=limit).contains(&taken));
            batch.iter().for_each(|event| seen.number(event.number()));
            return Ok(());
        }
    };
    seen.number(one.number());
    Ok(())
}
