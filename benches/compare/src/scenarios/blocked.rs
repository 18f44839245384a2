//! `blocked`: tasks that send wait for room, each with its next event as soon as the last one is in.
//! One receives. Whether they get their turns is told beside: what the least and the most served one
//! sent, as a part of the mean.

use super::runtime::{ON_CURRENT, TWO, Task, Workers, receive_until, together};
use super::{Contender, Group, Load, Outcome, Sample, contenders};
use crate::channel::{Mode, Open, Recv, SendAll, Setup, Waited};
use crate::payload::{Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, MpscFanout};
use crate::stats::Sorted;
use crate::tally::{Tally, check_all};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const CAPACITY: usize = 16;

pub(super) fn groups() -> Vec<Group> {
    let of = |senders, variant, contenders| Group {
        senders,
        receivers: 1,
        payload: "u64",
        variant,
        contenders,
    };
    let sizes = [1, 16, 100, 1000, 10000].into_iter();
    let on_two = sizes.clone().map(|senders| {
        let contenders = contenders!(blocked, u64: Eventring, AsyncBroadcast, MpscFanout);
        of(senders, "", contenders)
    });
    let on_current = sizes.map(|senders| {
        let contenders =
            contenders!(blocked_on_current, u64: Eventring, AsyncBroadcast, MpscFanout);
        of(senders, ON_CURRENT, contenders)
    });
    on_two.chain(on_current).collect()
}

fn blocked<C: Waited<E>, E: Payload>(load: &Load) -> Outcome {
    blocked_on::<C, E>(load, TWO)
}

fn blocked_on_current<C: Waited<E>, E: Payload>(load: &Load) -> Outcome {
    blocked_on::<C, E>(load, Workers::Current)
}

/// What the tasks share.
struct Crew<E> {
    source: Source<E>,
    /// How many events each sender has sent.
    sent: Vec<AtomicU64>,
    enough: AtomicBool,
    /// How long it took, and what each sender sent meanwhile.
    timed: OnceLock<(Duration, Vec<u64>)>,
}

impl<E> Crew<E> {
    fn sent(&self) -> Vec<u64> {
        self.sent.iter().map(|sent| sent.load(Relaxed)).collect()
    }
}

fn blocked_on<C: Waited<E>, E: Payload>(load: &Load, workers: Workers) -> Outcome {
    let senders = load.senders as u64;
    // Everyone has a turn, on average.
    let events = load.events.max(senders);
    let setup = Setup {
        capacity: CAPACITY,
        pace: None,
        ..load.setup(Mode::Lossless)
    };
    let Open {
        senders: sending,
        receivers: receiving,
        driver,
    } = C::open(&setup);
    let crew = Arc::new(Crew {
        source: Source::<E>::new(),
        sent: sending.iter().map(|_| AtomicU64::new(0)).collect(),
        enough: AtomicBool::new(false),
        timed: OnceLock::new(),
    });
    let mut tasks: Vec<Task> = Vec::new();
    for (index, sender) in sending.into_iter().enumerate() {
        let send = send(sender, index, Arc::clone(&crew));
        tasks.push(Box::pin(async {
            send.await;
            None
        }));
    }
    for receiver in receiving {
        let receive = receive(receiver, events, Arc::clone(&crew));
        tasks.push(Box::pin(async { Some(receive.await) }));
    }
    let (_, tallies) = together(workers, driver, tasks);
    let of = |sent| Tally::of(&crew.source, 1, sent);
    check_all(&tallies, crew.sent().into_iter().map(of).sum())?;
    let (elapsed, turns) = crew.timed.get().expect("it has ended");
    let turns = Sorted::new(turns.iter().map(|&turns| turns as f64));
    let mean = events as f64 / senders as f64;
    Ok(Sample::of(events, *elapsed)
        .also("least", turns.least() / mean)
        .also("most", turns.greatest() / mean))
}

async fn send<E: Payload>(mut sender: impl SendAll<E>, index: usize, crew: Arc<Crew<E>>) {
    let mut sent = 0;
    while !crew.enough.load(Relaxed) {
        let event = &crew.source.after(sent, u64::MAX)[..1];
        sender.send_all(event).await;
        sent += 1;
        crew.sent[index].store(sent, Relaxed);
    }
}

/// Times so many events, and receives what the senders sent until they saw that it was enough.
async fn receive<E: Payload>(mut receiver: impl Recv<E>, events: u64, crew: Arc<Crew<E>>) -> Tally {
    let mut tally = Tally::default();
    // All senders have come by then, or would have.
    let warm_up = (crew.sent.len() + CAPACITY) as u64;
    receive_until(&mut receiver, &mut tally, warm_up).await;
    let (start, before) = (Instant::now(), crew.sent());
    receive_until(&mut receiver, &mut tally, warm_up + events).await;
    let (elapsed, mut turns) = (start.elapsed(), crew.sent());
    crew.enough.store(true, Relaxed);
    let meanwhile = turns.iter_mut().zip(before);
    meanwhile.for_each(|(turns, before)| *turns -= before);
    crew.timed.set((elapsed, turns)).expect("one receiver");
    receive_until(&mut receiver, &mut tally, u64::MAX).await;
    tally
}
