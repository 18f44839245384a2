//! `select`: receivers in `select!` with a timer, each on a runtime and a thread of its own. The
//! sender waits after every 64 events until all have them.

use super::wake::Arrivals;
use super::{Contender, Group, Load, Outcome, Sample, contenders};
use crate::channel::{Awaited, Recv, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{
    AsyncBroadcast, Eventring, EventringBatch, EventringBroadcast, MpscFanout, Splaycast, Tokio,
};
use crate::tally::{Tally, check_all};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::time::interval;

const BURST: u64 = 64;
const TICK: Duration = Duration::from_millis(1);

pub(super) fn groups() -> Vec<Group> {
    super::groups(1, &[8, 32, 64], "u64", || {
        contenders!(select, u64: Eventring, EventringBroadcast, EventringBatch, Tokio,
            AsyncBroadcast, Splaycast, MpscFanout)
    })
}

fn select<C: Awaited<E>, E: Payload>(load: &Load) -> Outcome {
    let events = load.events.div_ceil(BURST) * BURST;
    let (mut sender, receivers, driver) = C::open(&load.unpaced()).into_single();
    let (source, arrivals) = (&Source::new(), &Arrivals::default());
    let ready = &Barrier::new(receivers.len() + 1);
    let (elapsed, tallies) = thread::scope(|scope| {
        let receiving: Vec<_> = receivers
            .into_iter()
            .map(|receiver| {
                scope.spawn(move || {
                    let runtime = own_runtime();
                    ready.wait();
                    runtime.block_on(receive(receiver, events, arrivals))
                })
            })
            .collect();
        let runtime = own_runtime();
        if let Some(driver) = driver {
            runtime.spawn(driver);
        }
        ready.wait();
        let start = Instant::now();
        runtime.block_on(async {
            for round in 0..events / BURST {
                arrivals.expect(receiving.len());
                let burst = source.after(round * BURST, (round + 1) * BURST);
                assert_eq!(sender.try_send(burst), burst.len(), "room for a burst");
                arrivals.all().await;
            }
        });
        let elapsed = start.elapsed();
        let tally = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("receives");
        (
            elapsed,
            receiving.into_iter().map(tally).collect::<Vec<_>>(),
        )
    });
    check_all(&tallies, Tally::of(source, 1, events))?;
    Ok(Sample::new(events, elapsed, &tallies))
}

async fn receive<E: Payload>(
    mut receiver: impl Recv<E>,
    events: u64,
    arrivals: &Arrivals,
) -> Tally {
    let (mut tally, mut timer, mut open) = (Tally::default(), interval(TICK), true);
    while open && tally.total() < events {
        tokio::select! {
            received = receiver.recv() => {
                open = receiver.count(received, &mut tally);
                if tally.total() % BURST == 0 {
                    arrivals.arrive();
                }
            }
            _ = timer.tick() => {}
        }
    }
    tally
}

fn own_runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().build().expect("a timer")
}
