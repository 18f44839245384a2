//! `burst`, `drain`, `clone`: one thread fills the channel, then drains it.

use super::{Contender, Group, Load, Outcome, Sample, contenders, groups, polled};
use crate::channel::{Drain, Polled, TrySend};
use crate::payload::{DISTINCT, Page, Payload, Source};
use crate::peers::{
    AsyncBroadcast, Bus, Eventring, EventringBatch, EventringBroadcast, MpscFanout, Tokio,
};
use crate::tally::{Tally, Wrong, check_all};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) fn burst_groups() -> Vec<Group> {
    let mut all = groups(1, &[1, 2, 8], "u64", || polled!(burst, u64));
    let strings = || polled!(burst, String);
    all.extend(groups(1, &[1, 2, 8], "String", strings));
    // Without disruptor, which keeps what it is given: it would free nothing.
    all.extend(groups(1, &[2, 8], "Arc", || {
        contenders!(burst, Arc<[u8; 64]>: Eventring, EventringBroadcast, EventringBatch, Tokio,
            AsyncBroadcast, Bus, MpscFanout)
    }));
    all
}

pub(super) fn drain_groups() -> Vec<Group> {
    groups(1, &[1, 4, 16], "u64", || polled!(drain, u64))
}

pub(super) fn clone_groups() -> Vec<Group> {
    let mut all = groups(1, &[1, 4], "4KiB-read", || polled!(read, Page));
    all.extend(groups(1, &[1, 4], "4KiB-clone", || polled!(burst, Page)));
    all
}

pub(super) fn burst<C: Polled<E>, E: Payload>(load: &Load) -> Outcome {
    rounds::<C, E>(load, 1, Timed::All, C::Receiver::drain)
}

fn read<C: Polled<E>, E: Payload>(load: &Load) -> Outcome {
    rounds::<C, E>(load, 1, Timed::All, C::Receiver::drain_in_place)
}

fn drain<C: Polled<E>, E: Payload>(load: &Load) -> Outcome {
    rounds::<C, E>(load, 2, Timed::Receiving, C::Receiver::drain)
}

#[derive(Clone, Copy)]
enum Timed {
    All,
    Receiving,
}

fn rounds<C: Polled<E>, E: Payload>(
    load: &Load,
    bursts: u64,
    timed: Timed,
    drain: impl Fn(&mut C::Receiver, &mut Tally),
) -> Outcome {
    let (mut sender, mut receivers, _) = C::open(&load.unpaced()).into_single();
    let source = Source::new();
    let mut tallies = vec![Tally::default(); receivers.len()];
    let rounds = load.events.div_ceil(bursts * DISTINCT);
    let mut elapsed = Duration::ZERO;
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..bursts {
            let sent = sender.try_send(source.all()) as u64;
            if sent < DISTINCT {
                return Err(Wrong(format!("only {sent} of {DISTINCT} events had room")));
            }
        }
        let filled = Instant::now();
        for (receiver, tally) in receivers.iter_mut().zip(&mut tallies) {
            drain(receiver, tally);
        }
        elapsed += match timed {
            Timed::All => start.elapsed(),
            Timed::Receiving => filled.elapsed(),
        };
    }
    let events = rounds * bursts * DISTINCT;
    check_all(&tallies, Tally::of(&source, 1, events))?;
    Ok(Sample::new(events, elapsed, &tallies))
}
