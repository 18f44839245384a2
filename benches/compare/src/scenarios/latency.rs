//! `latency`: a thread that spins sends an event when it is due, tasks on one worker wait for it. Time
//! counts from when it was due, so that a sender that is late is not forgiven.

use super::runtime::{Workers, runtime};
use super::{Contender, Group, Load, Outcome, Sample, contenders, varied};
use crate::channel::{Awaited, Recv, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, MpscFanout, Splaycast, Tokio};
use crate::stats::Sorted;
use crate::tally::{Tally, check_totals};
use std::hint::spin_loop;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

pub(super) fn groups() -> Vec<Group> {
    let sizes = &[1, 16, 100];
    let often = super::groups(1, sizes, "u64", || {
        contenders!(each_50, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast, Splaycast,
            MpscFanout)
    });
    let seldom = super::groups(1, sizes, "u64", || {
        contenders!(each_500, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast, Splaycast,
            MpscFanout)
    });
    let often = varied("each 50 µs", often);
    often.chain(varied("each 500 µs", seldom)).collect()
}

fn each_50<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    latency::<C, E>(load, Duration::from_micros(50))
}

fn each_500<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    latency::<C, E>(load, Duration::from_micros(500))
}

/// Events that are not timed: the tasks come to wait, and caches to be warm.
const WARM_UP: u64 = 20;

/// When each event is due.
#[derive(Clone)]
struct Schedule {
    start: Arc<OnceLock<Instant>>,
    interval: Duration,
}

impl Schedule {
    fn due(&self, number: u64) -> Instant {
        *self.start.get().expect("it has begun") + self.interval * number as u32
    }
}

fn latency<C: Awaited<E>, E: Payload>(load: &Load, interval: Duration) -> Outcome {
    let events = WARM_UP + load.events;
    let (mut sender, receivers, driver) = C::open(&load.unpaced()).into_single();
    let schedule = Schedule {
        start: Arc::default(),
        interval,
    };
    let (runtime, mut tasks) = (runtime(Workers::Threads(1), driver), JoinSet::new());
    let ready = Arc::new(Barrier::new(receivers.len() + 1));
    for receiver in receivers {
        let (ready, schedule) = (Arc::clone(&ready), schedule.clone());
        let receive = async move {
            ready.wait().await;
            receive(receiver, events, &schedule).await
        };
        tasks.spawn_on(receive, runtime.handle());
    }
    runtime.block_on(ready.wait());
    let (source, first) = (Source::new(), Instant::now() + interval);
    let timed = first + interval * WARM_UP as u32;
    schedule.start.set(first).expect("one sender");
    for number in 0..events {
        while Instant::now() < schedule.due(number) {
            spin_loop();
        }
        while sender.try_send(&source.after(number, events)[..1]) == 0 {
            spin_loop();
        }
    }
    let elapsed = timed.elapsed();
    let (tallies, latencies): (Vec<_>, Vec<_>) =
        runtime.block_on(tasks.join_all()).into_iter().unzip();
    check_totals(&tallies, events)?;
    let latencies = latencies.concat();
    let nanos = Sorted::new(latencies.iter().map(|&nanos| nanos as f64)).median();
    Ok(Sample {
        nanos,
        latencies,
        ..Sample::new(load.events, elapsed, &tallies)
    })
}

async fn receive<E: Payload>(
    mut receiver: impl Recv<E>,
    events: u64,
    schedule: &Schedule,
) -> (Tally, Vec<u64>) {
    let mut tally = Tally::default();
    let mut latencies = Vec::with_capacity(events as usize);
    while tally.total() < events {
        let received = receiver.recv().await;
        let (now, before) = (Instant::now(), tally.total());
        if !receiver.count(received, &mut tally) {
            break;
        }
        let late = |number| now.saturating_duration_since(schedule.due(number));
        latencies.extend(
            (before.max(WARM_UP)..tally.total()).map(|number| late(number).as_nanos() as u64),
        );
    }
    (tally, latencies)
}
