//! `idle`, `flatout`: a thread sends without waiting, receivers miss what they miss.

use super::runtime::{Workers, receive, runtime};
use super::{Contender, Group, Load, Outcome, Sample, contenders, groups};
use crate::channel::{Awaited, Mode, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{
    AsyncBroadcast, Eventring, EventringBatch, EventringBroadcast, Splaycast, Tokio,
};
use crate::tally::check_totals;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

macro_rules! lossy {
    ($run:ident) => {
        contenders!($run, u64: Eventring, EventringBroadcast, EventringBatch, Tokio,
            AsyncBroadcast, Splaycast)
    };
}

pub(super) fn idle_groups() -> Vec<Group> {
    groups(1, &[1, 100, 1000], "u64", || lossy!(idle))
}

pub(super) fn flatout_groups() -> Vec<Group> {
    groups(1, &[1, 4, 16], "u64", || lossy!(flatout))
}

pub(super) fn idle<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    let events = load.events;
    let (sender, receivers, driver) = C::open(&load.setup(Mode::Lossy)).into_single();
    let runtime = runtime(Workers::Threads(1), driver);
    let elapsed = send_off(sender, events);
    let account = |receiver| runtime.block_on(receive(receiver, events));
    let tallies: Vec<_> = receivers.into_iter().map(account).collect();
    check_totals(&tallies, events)?;
    Ok(Sample::new(events, elapsed, &tallies))
}

fn flatout<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    let events = load.events;
    let (sender, receivers, driver) = C::open(&load.setup(Mode::Lossy)).into_single();
    let (runtime, mut tasks) = (runtime(Workers::Threads(1), driver), JoinSet::new());
    let ready = Arc::new(Barrier::new(receivers.len() + 1));
    for receiver in receivers {
        let ready = Arc::clone(&ready);
        let receive = async move {
            ready.wait().await;
            receive(receiver, events).await
        };
        tasks.spawn_on(receive, runtime.handle());
    }
    runtime.block_on(ready.wait());
    let elapsed = send_off(sender, events);
    let tallies = runtime.block_on(tasks.join_all());
    check_totals(&tallies, events)?;
    Ok(Sample::new(events, elapsed, &tallies))
}

/// Sends all, then drops the sender.
fn send_off<E: Payload>(mut sender: impl TrySend<E>, events: u64) -> Duration {
    flat_out(&mut sender, events)
}

/// Sends all.
pub(super) fn flat_out<E: Payload>(sender: &mut impl TrySend<E>, events: u64) -> Duration {
    let source = Source::new();
    let start = Instant::now();
    source.offer(events, |events| {
        let sent = sender.try_send(events);
        if sent == 0 {
            thread::yield_now();
        }
        sent
    });
    start.elapsed()
}
