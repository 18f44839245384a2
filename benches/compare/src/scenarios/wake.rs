//! `wake`: a task sends an event, and the next one when all others have it.

use super::runtime::{ON_CURRENT, TWO, Task, Workers, together};
use super::{Contender, Group, Load, Outcome, Sample, contenders, varied};
use crate::channel::{Awaited, Recv, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, MpscFanout, Splaycast, Tokio};
use crate::tally::{Tally, check_all};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::Notify;

pub(super) fn groups() -> Vec<Group> {
    let few = &[1, 100, 10000];
    let mut all = super::groups(1, &[1, 10, 100, 1000, 10000], "u64", || {
        contenders!(wake, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast, Splaycast,
            MpscFanout)
    });
    all.extend(super::groups(1, few, "Arc", || {
        contenders!(wake, Arc<[u8; 64]>: Eventring, EventringBroadcast, Tokio, AsyncBroadcast,
            Splaycast, MpscFanout)
    }));
    let on_current = super::groups(1, few, "u64", || {
        contenders!(wake_on_current, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast,
            Splaycast, MpscFanout)
    });
    all.extend(varied(ON_CURRENT, on_current));
    all
}

/// Events that are not timed: the receivers come to wait, and their channel to know them.
const WARM_UP: u64 = 8;

/// After it the receivers go, which is not timed either.
const LAST: u64 = 1;

/// Where a sender waits until all receivers have what it sent.
#[derive(Default)]
pub(super) struct Arrivals {
    missing: AtomicUsize,
    all: Notify,
}

impl Arrivals {
    /// To be called before sending.
    pub(super) fn expect(&self, receivers: usize) {
        self.missing.store(receivers, Ordering::Relaxed);
    }

    pub(super) fn arrive(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all.notify_one();
        }
    }

    pub(super) async fn all(&self) {
        self.all.notified().await;
    }
}

fn wake<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    wake_on::<C, E>(load, TWO)
}

fn wake_on_current<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    wake_on::<C, E>(load, Workers::Current)
}

fn wake_on<C: Awaited<E>, E: Payload>(load: &Load, workers: Workers) -> Outcome {
    let &Load { receivers, .. } = load;
    let events = WARM_UP + load.events + LAST;
    let elapsed = Arc::new(OnceLock::new());
    let (mut sender, receiving, driver) = C::open(&load.unpaced()).into_single();
    let (source, arrivals) = (Arc::new(Source::new()), Arc::new(Arrivals::default()));
    let mut tasks: Vec<Task> = Vec::new();
    for mut receiver in receiving {
        let arrivals = Arc::clone(&arrivals);
        tasks.push(Box::pin(async move {
            let mut tally = Tally::default();
            while tally.total() < events {
                let received = receiver.recv().await;
                if !receiver.count(received, &mut tally) {
                    break;
                }
                arrivals.arrive();
            }
            Some(tally)
        }));
    }
    let (numbers, timed) = (Arc::clone(&source), Arc::clone(&elapsed));
    tasks.push(Box::pin(async move {
        let mut start = Instant::now();
        for sent in 0..events {
            if sent == WARM_UP {
                start = Instant::now();
            }
            if sent + LAST == events {
                timed.set(start.elapsed()).expect("one sender");
            }
            arrivals.expect(receivers);
            let event = &numbers.after(sent, events)[..1];
            assert_eq!(sender.try_send(event), 1, "room for one event");
            arrivals.all().await;
        }
        None
    }));
    let (_, tallies) = together(workers, driver, tasks);
    check_all(&tallies, Tally::of(&source, 1, events))?;
    let elapsed = *elapsed.get().expect("it has ended");
    Ok(Sample::new(load.events, elapsed, &tallies))
}
