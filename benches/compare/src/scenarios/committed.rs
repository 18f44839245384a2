//! `committed`: a sink stores events in batches of 64, and tasks that send wait until theirs are stored.

use super::runtime::{TWO, Task, together};
use super::{Contender, Group, Load, Outcome, Sample, contenders, groups, varied};
use crate::channel::{Channel, Mode, Open, SendStored, Store};
use crate::payload::{Payload, Source};
use crate::peers::{EventringBatch, EventringCommitting, MpscAck};
use crate::tally::{Tally, check_all};
use std::sync::Arc;

pub(super) fn groups_of_both() -> Vec<Group> {
    let often = groups(
        1,
        &[1],
        "String",
        || contenders!(in_windows, String: EventringCommitting, EventringBatch, MpscAck),
    );
    let each = [1, 16, 100].into_iter().flat_map(|senders| {
        groups(
            senders,
            &[1],
            "String",
            || contenders!(one_by_one, String: EventringCommitting, MpscAck),
        )
    });
    let often = varied("512 at once", often);
    often.chain(varied("each", each.collect())).collect()
}

fn in_windows<C, E: Payload>(load: &Load) -> Outcome
where
    C: Channel<E, Sender: SendStored<E>, Receiver: Store<E>>,
{
    committed::<C, E>(load, usize::MAX)
}

fn one_by_one<C, E: Payload>(load: &Load) -> Outcome
where
    C: Channel<E, Sender: SendStored<E>, Receiver: Store<E>>,
{
    committed::<C, E>(load, 1)
}

/// Each sender waits after at most so many events.
fn committed<C, E: Payload>(load: &Load, window: usize) -> Outcome
where
    C: Channel<E, Sender: SendStored<E>, Receiver: Store<E>>,
{
    let senders = load.senders as u64;
    let share = load.events.div_ceil(senders);
    let source = Arc::new(Source::<E>::new());
    let Open {
        senders: sending,
        receivers: sinks,
        driver,
    } = C::open(&load.setup(Mode::Lossless));
    let mut tasks: Vec<Task> = Vec::new();
    for mut sink in sinks {
        tasks.push(Box::pin(async move {
            let mut tally = Tally::default();
            while sink.store(&mut tally).await {}
            Some(tally)
        }));
    }
    for mut sender in sending {
        let source = Arc::clone(&source);
        tasks.push(Box::pin(async move {
            let mut sent = 0;
            while sent < share {
                let events = source.after(sent, share);
                let events = &events[..events.len().min(window)];
                sender.send_stored(events).await;
                sent += events.len() as u64;
            }
            None
        }));
    }
    let (elapsed, tallies) = together(TWO, driver, tasks);
    check_all(&tallies, Tally::of(&source, senders, share))?;
    Ok(Sample::of(share * senders, elapsed))
}
