//! `wake`: a task sends an event, and the next one when all others have it.

use super::runtime::{Task, together};
use super::{Contender, Group, Load, Outcome, Sample, contenders};
use crate::channel::{Awaited, Recv, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, MpscFanout, Splaycast, Tokio};
use crate::tally::{Tally, check_all};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::Notify;

pub(super) fn groups() -> Vec<Group> {
    let sizes = &[1, 10, 100, 1000, 10000];
    super::groups(1, sizes, "u64", || {
        contenders!(wake, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast, Splaycast,
            MpscFanout)
    })
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
    let (_, tallies) = together(driver, tasks);
    check_all(&tallies, Tally::of(&source, 1, events))?;
    let elapsed = *elapsed.get().expect("it has ended");
    Ok(Sample::new(load.events, elapsed, &tallies))
}
