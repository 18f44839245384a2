//! `tasks`, `producers`: tasks that send and receive, lossless, each channel waiting in its own way.

use super::runtime::{ON_CURRENT, TWO, Task, Workers, receive, together};
use super::{Contender, Group, Load, Outcome, Sample, contenders, groups, varied};
use crate::channel::{Mode, Open, SendAll, Waited};
use crate::payload::{Payload, Source};
use crate::peers::{
    AsyncBroadcast, Eventring, EventringBatch, EventringBroadcast, MpscFanout, Tokio,
};
use crate::tally::{Tally, check_all};
use std::sync::Arc;

pub(super) fn tasks_groups() -> Vec<Group> {
    let few = &[1, 16, 256];
    let mut all = groups(1, &[1, 4, 16, 64, 256], "u64", lossless);
    all.extend(groups(1, few, "Arc", || {
        contenders!(tasks, Arc<[u8; 64]>: Eventring, EventringBroadcast, EventringBatch, Tokio,
            AsyncBroadcast, MpscFanout)
    }));
    let on_current = groups(1, few, "u64", || {
        contenders!(tasks_on_current, u64: Eventring, EventringBroadcast, EventringBatch, Tokio,
            AsyncBroadcast, MpscFanout)
    });
    all.extend(varied(ON_CURRENT, on_current));
    all
}

pub(super) fn producers_groups() -> Vec<Group> {
    groups(4, &[1, 4], "u64", lossless)
}

fn lossless() -> Vec<Contender> {
    contenders!(tasks, u64: Eventring, EventringBroadcast, EventringBatch, Tokio, AsyncBroadcast,
        MpscFanout)
}

pub(super) fn tasks<C: Waited<E>, E: Payload>(load: &Load) -> Outcome {
    tasks_on::<C, E>(load, TWO)
}

fn tasks_on_current<C: Waited<E>, E: Payload>(load: &Load) -> Outcome {
    tasks_on::<C, E>(load, Workers::Current)
}

fn tasks_on<C: Waited<E>, E: Payload>(load: &Load, workers: Workers) -> Outcome {
    let senders = load.senders as u64;
    let share = load.events.div_ceil(senders);
    let events = share * senders;
    let source = Arc::new(Source::<E>::new());
    let Open {
        senders: sending,
        receivers: receiving,
        driver,
    } = C::open(&load.setup(Mode::Lossless));
    let mut tasks: Vec<Task> = Vec::new();
    for receiver in receiving {
        tasks.push(Box::pin(
            async move { Some(receive(receiver, events).await) },
        ));
    }
    for mut sender in sending {
        let source = Arc::clone(&source);
        tasks.push(Box::pin(async move {
            let mut sent = 0;
            while sent < share {
                let slice = source.after(sent, share);
                sender.send_all(slice).await;
                sent += slice.len() as u64;
            }
            None
        }));
    }
    let (elapsed, tallies) = together(workers, driver, tasks);
    check_all(&tallies, Tally::of(&source, senders, share))?;
    Ok(Sample::new(events, elapsed, &tallies))
}
