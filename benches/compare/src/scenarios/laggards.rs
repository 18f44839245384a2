//! `laggards`: nobody keeps up. One thread that sends and polls receivers in turn; and one that sends
//! flat out to tasks, which write each event down and give way, as those that write to sockets do.

use super::lossy::flat_out;
use super::runtime::{TWO, receive_until, runtime};
use super::{Contender, Group, Load, Outcome, Sample, contenders, varied};
use crate::channel::{Awaited, Channel, Drain, Mode, Polled, Recv, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, Tokio};
use crate::tally::{Tally, Wrong, check_totals};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;
use tokio::sync::Barrier;
use tokio::task::{JoinSet, yield_now};

/// How many receivers are asked, in the end, what they got and missed.
const ASKED: usize = 100;

/// More than a channel holds: those who have not received lag.
const MORE_THAN_FULL: u64 = 1500;

pub(super) fn groups() -> Vec<Group> {
    let sizes = &[1, 16, 100, 1000, 10000];
    let in_turn = super::groups(
        1,
        sizes,
        "u64",
        || contenders!(in_turn, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast),
    );
    let tasks = super::groups(
        1,
        sizes,
        "Arc",
        || contenders!(tasks, Arc<[u8; 64]>: Eventring, EventringBroadcast, Tokio, AsyncBroadcast),
    );
    let in_turn = varied("one thread", in_turn);
    in_turn.chain(varied("tasks", tasks)).collect()
}

/// A publish and a `try_recv` of a receiver that has lagged, which gets an event or is told so.
fn in_turn<C: Polled<E>, E: Payload>(load: &Load) -> Outcome {
    let (mut sender, mut receivers, _) = C::open(&load.setup(Mode::Lossy)).into_single();
    let source = Source::new();
    let mut tallies = vec![Tally::default(); receivers.len()];
    // One round that is not timed: each is somewhere else then.
    let (round, mut sent) = (receivers.len(), MORE_THAN_FULL);
    source.offer(sent, |events| sender.try_send(events));
    let mut turn = |index: usize| {
        let kept = sender.try_send(&source.after(sent, u64::MAX)[..1]) == 1;
        sent += 1;
        receivers[index].take_one(&mut tallies[index]) && kept
    };
    let mut right = (0..round).all(&mut turn);
    let rounds = load.events.div_ceil(round as u64);
    let start = Instant::now();
    for _ in 0..rounds {
        right &= (0..round).all(&mut turn);
    }
    let elapsed = start.elapsed();
    if !right {
        return Err(Wrong(
            "a receiver got nothing, or an event had no room".into(),
        ));
    }
    let sample = Sample::new(rounds * round as u64, elapsed, &tallies);
    let asked = ASKED.min(round);
    for (receiver, tally) in receivers[..asked].iter_mut().zip(&mut tallies) {
        receiver.drain(tally);
    }
    check_totals(&tallies[..asked], sent)?;
    Ok(sample)
}

fn tasks<C, E>(load: &Load) -> Outcome
where
    C: Awaited<E> + Channel<E>,
    E: Payload,
{
    let (mut sender, receivers, driver) = C::open(&load.setup(Mode::Lossy)).into_single();
    let (runtime, mut tasks) = (runtime(TWO, driver), JoinSet::new());
    let enough = Arc::new(AtomicBool::new(false));
    let ready = Arc::new(Barrier::new(receivers.len() + 1));
    let source = Source::new();
    source.offer(MORE_THAN_FULL, |events| sender.try_send(events));
    for mut receiver in receivers {
        let (ready, enough) = (Arc::clone(&ready), Arc::clone(&enough));
        let receive = async move {
            ready.wait().await;
            let (deliveries, tally) = write_down(&mut receiver, &enough).await;
            (deliveries, tally, receiver)
        };
        tasks.spawn_on(receive, runtime.handle());
    }
    runtime.block_on(ready.wait());
    let elapsed = flat_out(&mut sender, load.events);
    enough.store(true, Relaxed);
    drop(sender);
    let mut ended = runtime.block_on(tasks.join_all());
    let events = MORE_THAN_FULL + load.events;
    for (_, tally, receiver) in ended.iter_mut().take(ASKED) {
        runtime.block_on(receive_until(receiver, tally, events));
    }
    let tallies: Vec<_> = ended.iter().map(|(_, tally, _)| *tally).collect();
    check_totals(&tallies[..ASKED.min(tallies.len())], events)?;
    let deliveries = ended
        .iter()
        .map(|(deliveries, ..)| *deliveries)
        .sum::<u64>();
    let sample = Sample::new(load.events, elapsed, &tallies);
    let per_second = |count: u64| count as f64 / elapsed.as_secs_f64() / 1e6;
    Ok(Sample {
        nanos: elapsed.as_nanos() as f64 / deliveries.max(1) as f64,
        ..sample
    }
    .also("M deliveries/s", per_second(deliveries))
    .also("M sent/s", per_second(load.events)))
}

/// Receives until it is enough, and gives way after each event; after being told of lag it tries
/// again at once. How many events it got until then, and all that it knows.
async fn write_down<E: Payload>(receiver: &mut impl Recv<E>, enough: &AtomicBool) -> (u64, Tally) {
    let (mut tally, mut line) = (Tally::default(), String::new());
    loop {
        let received = receiver.recv().await;
        let before = tally;
        let open = receiver.count(received, &mut tally);
        if !open || enough.load(Relaxed) {
            return (before.received, tally);
        }
        if tally.received == before.received {
            continue;
        }
        line.clear();
        write!(line, "data: {}\n\n", tally.total()).expect("to a string");
        black_box(&line);
        yield_now().await;
    }
}
