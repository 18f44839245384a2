//! `len`, `subscribe`: what a handle is asked for, beside 512 events and many receivers.

use super::{Contender, Group, Load, Outcome, Sample, contenders, groups};
use crate::channel::{Channel, Drain, Mode, Subscribe, TrySend, Unread};
use crate::payload::{DISTINCT, Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, Tokio};
use crate::tally::{Tally, Wrong, check_all};
use std::hint::black_box;
use std::time::Instant;

pub(super) fn len_groups() -> Vec<Group> {
    groups(
        1,
        &[1, 1000],
        "u64",
        || contenders!(len, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast),
    )
}

pub(super) fn subscribe_groups() -> Vec<Group> {
    groups(
        1,
        &[1, 1000],
        "u64",
        || contenders!(subscribe, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast),
    )
}

fn len<C, E>(load: &Load) -> Outcome
where
    C: Channel<E, Sender: TrySend<E> + Unread, Receiver: Drain<E>>,
    E: Payload,
{
    let (mut sender, mut receivers, _) = C::open(&load.setup(Mode::Lossy)).into_single();
    let source = Source::new();
    sender.try_send(source.all());
    // The first has received nothing, each other one more than the one before it.
    for (index, receiver) in receivers.iter_mut().enumerate() {
        for _ in 0..index as u64 % DISTINCT {
            receiver.take_one(&mut Tally::default());
        }
    }
    let start = Instant::now();
    let answers = (0..load.events).map(|_| black_box(&sender).unread() as u64);
    let wrong = answers.filter(|&unread| unread != DISTINCT).count();
    let elapsed = start.elapsed();
    match wrong {
        0 => Ok(Sample::of(load.events, elapsed)),
        _ => Err(Wrong(format!("{wrong} answers are not {DISTINCT}"))),
    }
}

fn subscribe<C, E>(load: &Load) -> Outcome
where
    C: Channel<E, Sender: TrySend<E> + Subscribe<C::Receiver>, Receiver: Drain<E>>,
    E: Payload,
{
    let (mut sender, _receivers, _) = C::open(&load.setup(Mode::Lossy)).into_single();
    let source = Source::new();
    sender.try_send(source.all());
    let start = Instant::now();
    for _ in 0..load.events {
        drop(black_box(sender.subscribe()));
    }
    let elapsed = start.elapsed();
    // One that stays gets what comes after it.
    let (mut newcomer, mut tally) = (sender.subscribe(), Tally::default());
    sender.try_send(source.all());
    newcomer.drain(&mut tally);
    check_all(&[tally], Tally::of(&source, 1, DISTINCT))?;
    Ok(Sample::of(load.events, elapsed))
}
