//! `--memory`: what each peer takes, counted on one thread.

use crate::allocator::Count;
use crate::channel::{Awaited, Channel, Drain, Driver, Mode, Open, Polled, Recv, Setup, TrySend};
use crate::payload::{DISTINCT, Source};
use crate::peers::{
    AsyncBroadcast, Bus, Dashed, Disruptor, Eventring, EventringBatch, EventringBroadcast, Keyed,
    Locked, MpscFanout, Splaycast, Tokio,
};
use crate::tally::{Tally, Wrong, check_all};
use eventring::Topics;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// How many receivers to count and divide by.
const RECEIVERS: usize = 256;
/// How many events to count over.
const EVENTS: u64 = 8 * DISTINCT;
/// How many topics to count and divide by.
const TOPICS: usize = 100_000;

struct Footprint {
    peer: &'static str,
    /// With 16 slots and one receiver.
    empty: f64,
    slot: f64,
    receiver: f64,
    per_event: f64,
    /// Bytes per waiting receiver, allocations per event that is waited for. None: threads only.
    waiting: Option<(f64, f64)>,
}

/// The table.
pub(crate) fn table() -> Result<String, Wrong> {
    // Futures are polled by hand; with a runtime around, receivers leave yielding to its tasks.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("no threads, no drivers");
    let _around = runtime.enter();
    let footprints = [
        of_tasks::<Eventring>()?,
        of_tasks::<EventringBroadcast>()?,
        of_tasks::<EventringBatch>()?,
        of_tasks::<Tokio>()?,
        of_tasks::<AsyncBroadcast>()?,
        of_threads::<Disruptor<false>>()?,
        of_threads::<Bus>()?,
        of_tasks::<Splaycast>()?,
        of_tasks::<MpscFanout>()?,
    ];
    let mut lines = vec![
        format!(
            "Bytes on the heap, handles included, and allocations; channels of 1024 `u64`, full.\n\n\
             | {:<19} | empty, of 16 | per slot | per receiver | per waiting receiver | allocations/event | if waited for |",
            "peer"
        ),
        format!(
            "| {:<19} | -----------: | -------: | -----------: | -------------------: | ----------------: | ------------: |",
            "---"
        ),
    ];
    for Footprint {
        peer,
        empty,
        slot,
        receiver,
        per_event,
        waiting,
    } in footprints
    {
        let [wait, per_wait] = match waiting {
            Some((bytes, calls)) => [format!("{bytes:.1}"), format!("{calls:.3}")],
            None => ["–", "–"].map(String::from),
        };
        lines.push(format!(
            "| {peer:<19} | {empty:>12.0} | {slot:>8.1} | {receiver:>12.1} | {wait:>20} | {per_event:>17.3} | {per_wait:>13} |"
        ));
    }
    lines.push(format!(
        "\nBytes per topic of 16 `u64`, one of {TOPICS} in a map, its key and one receiver included, empty.\n\n\
         | {:<19} | per topic |\n| {:<19} | --------: |",
        "peer", "---"
    ));
    let topics = [
        per_topic::<Topics<String, u64>>(TOPICS),
        per_topic::<Locked<u64>>(TOPICS),
        per_topic::<Dashed<u64>>(TOPICS),
    ];
    lines.extend(topics.map(|(peer, bytes)| format!("| {peer:<19} | {bytes:>9.0} |")));
    Ok(lines.join("\n"))
}

/// Bytes of each of so many topics with a receiver, handles included.
fn per_topic<M: Keyed<u64>>(topics: usize) -> (&'static str, f64) {
    let before = Count::now();
    let map = M::open();
    let receivers = (0..topics).map(|topic| map.subscribe(&format!("room-{topic}")));
    let receivers: Box<[_]> = receivers.collect();
    let bytes = Count::now().live - before.live;
    drop((map, receivers));
    (M::PEER, bytes as f64 / topics as f64)
}

fn of_threads<C: Polled<u64>>() -> Result<Footprint, Wrong> {
    let (mut sender, mut receivers, _) = C::open(&setup(1024, 1)).into_single();
    let receive = |_, tally: &mut Tally| receivers[0].drain(tally);
    let per_event = steady::<C>(&mut sender, receive)?;
    footprint::<C>(per_event, None)
}

fn of_tasks<C: Awaited<u64>>() -> Result<Footprint, Wrong> {
    let (mut sender, mut receivers, mut driver) = C::open(&setup(1024, 1)).into_single();
    // Not once more than there are events: that would be to wait.
    let receive = |total, tally: &mut Tally| {
        drive(&mut driver);
        while tally.total() < total {
            let Poll::Ready(received) = poll(receivers[0].recv()) else {
                break;
            };
            receivers[0].count(received, tally);
        }
    };
    let per_event = steady::<C>(&mut sender, receive)?;
    let waiting = (bytes_of_waiting::<C>()?, waits::<C>()?);
    footprint::<C>(per_event, Some(waiting))
}

fn footprint<C: Channel<u64, Sender: TrySend<u64>>>(
    per_event: f64,
    waiting: Option<(f64, f64)>,
) -> Result<Footprint, Wrong> {
    let full = |capacity, receivers| bytes::<C>(capacity, receivers, capacity);
    let (single, double) = (full(1024, 1)?, full(2048, 1)?);
    let many = full(1024, 1 + RECEIVERS)?;
    Ok(Footprint {
        peer: C::PEER,
        empty: bytes::<C>(16, 1, 0)?,
        slot: (double - single) / 1024.0,
        receiver: (many - single) / RECEIVERS as f64,
        per_event,
        waiting,
    })
}

/// The bytes of a channel with so many events, that nobody has received from.
fn bytes<C: Channel<u64, Sender: TrySend<u64>>>(
    capacity: usize,
    receivers: usize,
    events: usize,
) -> Result<f64, Wrong> {
    let source = Source::<u64>::new();
    let before = Count::now();
    let Open {
        mut senders,
        receivers,
        mut driver,
    } = C::open(&setup(capacity, receivers));
    for _ in 0..events as u64 / DISTINCT {
        send(&mut senders[0], source.all())?;
    }
    drive(&mut driver);
    let bytes = Count::now().live - before.live;
    drop((senders, receivers, driver));
    Ok(bytes as f64)
}

/// Allocations per event, when receivers find what they want: after one round, in the next one.
fn steady<C: Channel<u64, Sender: TrySend<u64>>>(
    sender: &mut C::Sender,
    mut receive: impl FnMut(u64, &mut Tally),
) -> Result<f64, Wrong> {
    let source = Source::new();
    let mut calls = 0;
    for _ in 0..2 {
        let (before, mut tally) = (Count::now(), Tally::default());
        for burst in 1..=EVENTS / DISTINCT {
            send(sender, source.all())?;
            receive(burst * DISTINCT, &mut tally);
        }
        calls = Count::now().calls - before.calls;
        check_all(&[tally], Tally::of(&source, 1, EVENTS))?;
    }
    Ok(calls as f64 / EVENTS as f64)
}

/// Bytes of a future that waits, and of what waits for it.
fn bytes_of_waiting<C: Awaited<u64>>() -> Result<f64, Wrong> {
    let open = C::open(&setup(1024, RECEIVERS));
    let (_sender, mut receivers, mut driver) = open.into_single();
    let mut waiting = Vec::with_capacity(RECEIVERS);
    let before = Count::now();
    for receiver in &mut receivers {
        let mut future = Box::pin(receiver.recv());
        if poll(future.as_mut()).is_ready() {
            return Err(Wrong(format!(
                "{}: received from an empty channel",
                C::PEER
            )));
        }
        waiting.push(future);
    }
    drive(&mut driver);
    let bytes = Count::now().live - before.live;
    Ok(bytes as f64 / RECEIVERS as f64)
}

/// Allocations per event, when each is waited for.
fn waits<C: Awaited<u64>>() -> Result<f64, Wrong> {
    let (mut sender, mut receivers, mut driver) = C::open(&setup(1024, 1)).into_single();
    let source = Source::new();
    let mut calls = 0;
    for _ in 0..2 {
        let (before, mut tally) = (Count::now(), Tally::default());
        for number in 0..EVENTS {
            let received = {
                let mut receiving = pin!(receivers[0].recv());
                let empty = poll(receiving.as_mut()).is_pending();
                drive(&mut driver);
                send(&mut sender, &source.after(number, EVENTS)[..1])?;
                drive(&mut driver);
                match poll(receiving) {
                    Poll::Ready(received) if empty => received,
                    _ => return Err(Wrong(format!("{}: not received when sent", C::PEER))),
                }
            };
            receivers[0].count(received, &mut tally);
        }
        calls = Count::now().calls - before.calls;
        check_all(&[tally], Tally::of(&source, 1, EVENTS))?;
    }
    Ok(calls as f64 / EVENTS as f64)
}

fn setup(capacity: usize, receivers: usize) -> Setup {
    Setup {
        mode: Mode::Lossless,
        capacity,
        senders: 1,
        receivers,
        pace: None,
    }
}

fn send(sender: &mut impl TrySend<u64>, events: &[u64]) -> Result<(), Wrong> {
    match sender.try_send(events) {
        sent if sent == events.len() => Ok(()),
        sent => Err(Wrong(format!(
            "only {sent} of {} events had room",
            events.len()
        ))),
    }
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets the driver do what there is for it to do, a few dozen receivers each time.
fn drive(driver: &mut Option<Driver>) {
    if let Some(driver) = driver {
        for _ in 0..RECEIVERS / 16 {
            assert!(poll(driver.as_mut()).is_pending(), "the driver goes on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What keeps a receiver's word apart from those of others: two cache lines, without the word.
    const PADDING: f64 = 128.0 - 8.0;

    #[test]
    fn an_empty_bus_takes_at_most_twice_what_tokio_takes() {
        let ours = bytes::<Eventring>(16, 1, 0).unwrap();
        let tokio = bytes::<Tokio>(16, 1, 0).unwrap();
        assert!(ours <= 2.0 * tokio, "{ours} bytes, tokio {tokio}");
    }

    #[test]
    fn a_topic_takes_at_most_twice_what_tokio_takes() {
        let (_, ours) = per_topic::<Topics<String, u64>>(TOPICS);
        let (_, tokio) = per_topic::<Locked<u64>>(TOPICS);
        assert!(ours <= 2.0 * tokio, "{ours} bytes, tokio {tokio}");
    }

    #[test]
    fn a_receiver_takes_at_most_160_bytes_and_its_padding() {
        // As many as there is room for where it grows by doubling, which it does at most half in vain.
        let [some, more] =
            [256, 512].map(|receivers| bytes::<Eventring>(16, receivers, 0).unwrap());
        let receiver = (more - some) / 256.0;
        assert!(receiver <= 160.0 + PADDING, "{receiver} bytes");
    }
}
