//! Subscribing, publishing and receiving, each time in another of the ways there are.
#![allow(dead_code)] // Each test crate uses a part of it.

use crate::common::{Ledger, Random, Tracked};
use crate::seen::{Published, Seen, id};
use eventring::{
    EventBus, PublishError, Receiver, RecvTimeoutError, Start, TryPublishError, TryRecvError,
    WaitStrategy,
};
use futures::executor::block_on;
use futures::{StreamExt, poll};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;
use tokio::task::yield_now;

const SHORT: Duration = Duration::from_micros(50);

/// Who calls: a task must not block its thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    Task,
    Thread,
}

impl Caller {
    /// One of the ways to do something, those that block being the last.
    pub(crate) fn way(self, random: &mut Random, awaiting: u64, blocking: u64) -> u64 {
        match self {
            Self::Task => random.below(awaiting),
            Self::Thread => random.below(awaiting + blocking),
        }
    }
}

/// Lets other threads run, and other tasks.
pub(crate) async fn give_way() {
    thread::yield_now();
    yield_now().await;
}

/// Polls the future so many times, unless it resolves, and drops it.
pub(crate) async fn cut<F: Future>(future: F, polls: u64) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll!(future.as_mut()) {
            return Some(output);
        }
        give_way().await;
    }
    None
}

/// A receiver of either kind that starts anywhere near the present.
pub(crate) fn subscribe(bus: &EventBus<Tracked>, random: &mut Random) -> Receiver<Tracked> {
    let near = bus.stats().published.saturating_sub(random.below(6));
    match random.below(7) {
        0 => bus.subscribe(),
        1 => bus.subscribe_lossy(),
        2 => bus.subscribe_from(Start::Oldest),
        3 => bus.subscribe_from(Start::Last(random.below(6))),
        4 => bus.subscribe_from(Start::Sequence(near)),
        5 => bus.subscribe_lossy_from(Start::Sequence(near)),
        _ => bus.subscribe_from(Start::Sequence(near + 10)),
    }
}

/// [`publish_as`] a thread.
pub(crate) fn publish(
    bus: &EventBus<Tracked>,
    ledger: &Ledger,
    publisher: u64,
    events: u64,
    random: &mut Random,
) -> Published {
    let thread = Caller::Thread;
    block_on(publish_as(thread, bus, ledger, publisher, events, random))
}

/// Publishes `events` events, singly and in batches, blocking, waiting and trying.
pub(crate) async fn publish_as(
    caller: Caller,
    bus: &EventBus<Tracked>,
    ledger: &Ledger,
    publisher: u64,
    events: u64,
    random: &mut Random,
) -> Published {
    let mut done = Published::default();
    let mut number = 0;
    while number < events && done.closed == 0 {
        let id = id(publisher, number);
        if random.below(3) == 0 {
            let count = (1 + random.below(10)).min(events - number);
            let batch = ledger.events(id..id + count);
            publish_batch(caller, bus, batch, random, &mut done).await;
            number += count;
        } else {
            match publish_one(caller, bus, ledger, id, random).await {
                Ok(_) => done.accepted += 1,
                Err(PublishError::Dropped(_)) => done.dropped += 1,
                Err(PublishError::Closed(_)) => done.closed += 1,
            }
            number += 1;
        }
    }
    done
}

async fn publish_one(
    caller: Caller,
    bus: &EventBus<Tracked>,
    ledger: &Ledger,
    id: u64,
    random: &mut Random,
) -> Result<u64, PublishError<Tracked>> {
    let mut event = ledger.event(id);
    loop {
        let tried = match caller.way(random, 6, 3) {
            0 => return bus.publish(event).await,
            1 => match cut(bus.publish(event), random.below(4)).await {
                Some(published) => return published,
                None => {
                    event = ledger.event(id);
                    continue;
                }
            },
            2 => bus.try_publish(event),
            way @ (3 | 4 | 5 | 8) => {
                let permit = match way {
                    3 => bus.reserve().await,
                    4 => match cut(bus.reserve(), random.below(4)).await {
                        Some(permit) => permit,
                        None => continue,
                    },
                    5 => bus.try_reserve().map_err(|refused| match refused {
                        TryPublishError::Full(()) => PublishError::Dropped(()),
                        TryPublishError::Closed(()) => PublishError::Closed(()),
                    }),
                    _ => bus.reserve_blocking(),
                };
                match permit {
                    Ok(permit) if random.below(4) > 0 => return permit.publish(event),
                    Err(PublishError::Closed(())) => return Err(PublishError::Closed(event)),
                    // Given back, or there was no room: nothing is lost.
                    Ok(_) | Err(PublishError::Dropped(())) => {}
                }
                give_way().await;
                continue;
            }
            6 => return bus.publish_blocking(event),
            _ => match bus.publish_timeout(event, SHORT) {
                // Counted as dropped; by `try_publish` nothing is lost.
                Err(TryPublishError::Full(back)) if bus.strategy() == WaitStrategy::DropNewest => {
                    return Err(PublishError::Dropped(back));
                }
                tried => tried,
            },
        };
        match tried {
            Ok(sequence) => return Ok(sequence),
            Err(TryPublishError::Closed(event)) => return Err(PublishError::Closed(event)),
            Err(TryPublishError::Full(back)) => event = back,
        }
        give_way().await;
    }
}

async fn publish_batch(
    caller: Caller,
    bus: &EventBus<Tracked>,
    mut batch: Vec<Tracked>,
    random: &mut Random,
    done: &mut Published,
) {
    let events = batch.len() as u64;
    let mut result = Ok(());
    while !batch.is_empty() && result.is_ok() {
        result = match caller.way(random, 4, 1) {
            0 => bus.publish_many(&mut batch).await,
            1 => {
                let publish = bus.publish_many(&mut batch);
                cut(publish, random.below(4)).await.unwrap_or(Ok(()))
            }
            2 => match bus.try_publish_many(&mut batch) {
                Err(TryPublishError::Closed(())) => Err(PublishError::Closed(())),
                Ok(_) | Err(TryPublishError::Full(())) => {
                    give_way().await;
                    Ok(())
                }
            },
            3 => publish_reserved(bus, &mut batch).await,
            _ => bus.publish_many_blocking(&mut batch),
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

/// By permits for as many as the bus can have room for.
async fn publish_reserved(
    bus: &EventBus<Tracked>,
    batch: &mut Vec<Tracked>,
) -> Result<(), PublishError<()>> {
    let count = batch.len().min(bus.capacity());
    let permits = match bus.reserve_many(count).await {
        Err(PublishError::Dropped(())) => {
            give_way().await;
            return Ok(()); // nothing is lost
        }
        permits => permits?,
    };
    let mut back = Vec::new();
    for (permit, event) in permits.zip(batch.drain(..count)) {
        match permit.publish(event) {
            Ok(_) => assert!(back.is_empty(), "a closed bus stays closed"),
            Err(PublishError::Closed(event)) => back.push(event),
            Err(PublishError::Dropped(_)) => panic!("a permit has room"),
        }
    }
    if back.is_empty() {
        return Ok(());
    }
    batch.splice(0..0, back);
    Err(PublishError::Closed(()))
}

/// [`receive_as`] a thread.
pub(crate) fn receive(
    receiver: &mut Receiver<Tracked>,
    seen: &mut Seen,
    limit: u64,
    random: &mut Random,
) {
    block_on(receive_as(Caller::Thread, receiver, seen, limit, random));
}

/// Receives until the bus is closed, or until `limit` receives are done: each in another way. Whether it is
/// open.
pub(crate) async fn receive_as(
    caller: Caller,
    receiver: &mut Receiver<Tracked>,
    seen: &mut Seen,
    limit: u64,
    random: &mut Random,
) -> bool {
    for _ in 0..limit {
        let (before, position) = (seen.received + receiver.missed(), receiver.position());
        let result = receive_some(caller, receiver, seen, random).await;
        let counted = seen.received + receiver.missed() - before;
        assert_eq!(
            receiver.position() - position,
            counted,
            "positions are accounts"
        );
        match result {
            Ok(()) => {}
            Err(TryRecvError::Empty) => give_way().await,
            Err(TryRecvError::Closed) => return false,
        }
    }
    true
}

/// Receives, as a committing receiver, until the bus is closed: batches that are committed or dropped, and
/// events that are received in any way, then committed or received again.
pub(crate) async fn commit_as(
    caller: Caller,
    receiver: &mut Receiver<Tracked>,
    seen: &mut Seen,
    random: &mut Random,
) {
    let mut again = Vec::new();
    loop {
        assert_eq!(receiver.position(), receiver.committed());
        let mut numbers = Vec::new();
        let commits = random.below(3) > 0;
        let result = match random.below(2) {
            0 => batch_of(caller, receiver, &mut numbers, commits, random).await,
            _ => {
                let mut read = Vec::new();
                let result = receiver.try_recv_many(&mut read, 1 + random.below(8) as usize);
                numbers.extend(read.iter().map(Tracked::number));
                match commits {
                    true => receiver.commit_all(),
                    false => receiver.rewind(),
                }
                result.map(|_| ())
            }
        };
        let both = again.len().min(numbers.len());
        assert_eq!(again[..both], numbers[..both], "the same again");
        if commits {
            numbers.iter().for_each(|&number| seen.number(number));
            again.drain(..both);
        } else if again.len() < numbers.len() {
            again = numbers;
        }
        match result {
            Ok(()) => {}
            Err(TryRecvError::Empty) => give_way().await,
            Err(TryRecvError::Closed) => break,
        }
    }
    assert!(again.is_empty(), "not received again: {again:?}");
}

async fn batch_of(
    caller: Caller,
    receiver: &mut Receiver<Tracked>,
    numbers: &mut Vec<u64>,
    commits: bool,
    random: &mut Random,
) -> Result<(), TryRecvError> {
    let limit = 1 + random.below(8) as usize;
    let batch = match caller.way(random, 3, 1) {
        0 => receiver.recv_batch(limit).await,
        1 => match cut(receiver.recv_batch(limit), random.below(4)).await {
            Some(batch) => batch,
            None => return Err(TryRecvError::Empty),
        },
        2 => Some(receiver.try_recv_batch(limit)?),
        _ => receiver.recv_batch_blocking(limit),
    };
    let batch = batch.ok_or(TryRecvError::Closed)?;
    assert!((1..=limit).contains(&batch.len()));
    if random.below(4) == 0 {
        give_way().await; // held
    }
    numbers.extend(batch.iter().map(|(_, event)| event.number()));
    if commits {
        batch.commit();
    }
    Ok(())
}

async fn receive_some(
    caller: Caller,
    receiver: &mut Receiver<Tracked>,
    seen: &mut Seen,
    random: &mut Random,
) -> Result<(), TryRecvError> {
    let limit = 1 + random.below(8) as usize;
    let mut batch = Vec::new();
    let one = match caller.way(random, 9, 4) {
        0 => receiver.recv().await,
        1 => Some(receiver.try_recv()?),
        2 => poll_fn(|cx| receiver.poll_recv(cx)).await,
        3 => receiver.next().await,
        4 => match cut(receiver.recv(), random.below(4)).await {
            Some(received) => received,
            None => return Err(TryRecvError::Empty),
        },
        5 => {
            let read = receiver.recv_with(Tracked::number).await;
            seen.number(read.ok_or(TryRecvError::Closed)?);
            return Ok(());
        }
        way @ (8 | 12) => {
            let mut taken = 0;
            let each = |event: &Tracked| {
                taken += 1;
                seen.number(event.number());
            };
            let told = match way {
                8 => receiver.recv_many_with(limit, each).await,
                _ => receiver.recv_many_with_blocking(limit, each),
            };
            assert!(told == taken && taken <= limit);
            return if taken > 0 {
                Ok(())
            } else {
                Err(TryRecvError::Closed)
            };
        }
        way @ (6 | 7 | 9) => {
            let taken = match way {
                6 => receiver.recv_many(&mut batch, limit).await,
                7 => match cut(receiver.recv_many(&mut batch, limit), random.below(4)).await {
                    Some(taken) => taken,
                    None => {
                        assert!(batch.is_empty(), "cancelled, nothing is received");
                        return Err(TryRecvError::Empty);
                    }
                },
                _ => receiver.recv_many_blocking(&mut batch, limit),
            };
            assert!(taken == batch.len() && taken <= limit);
            batch.iter().for_each(|event| seen.number(event.number()));
            return if taken > 0 {
                Ok(())
            } else {
                Err(TryRecvError::Closed)
            };
        }
        10 => receiver.recv_blocking(),
        _ => match receiver.recv_timeout(SHORT) {
            Err(RecvTimeoutError::Timeout) => return Err(TryRecvError::Empty),
            received => received.ok(),
        },
    };
    seen.number(one.ok_or(TryRecvError::Closed)?.number());
    Ok(())
}
