//! `churn`: receivers come and go while a thread sends.

use super::{Contender, Group, Load, Outcome, Sample, contenders};
use crate::channel::{Channel, Drain, Mode, Setup, Subscribe, TrySend};
use crate::payload::{DISTINCT, Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, Tokio};
use crate::tally::{Tally, Wrong, check_all, check_totals};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// Events for each receiver that comes and goes.
const EVENTS: u64 = 8;

pub(super) fn groups() -> Vec<Group> {
    super::groups(
        1,
        &[1],
        "u64",
        || contenders!(churn, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast),
    )
}

fn churn<C, E>(load: &Load) -> Outcome
where
    C: Channel<E, Sender: TrySend<E> + Subscribe<C::Receiver>, Receiver: Drain<E>>,
    E: Payload,
{
    let rounds = load.events.div_ceil(EVENTS);
    let events = rounds * EVENTS;
    let open = C::open(&Setup {
        senders: 2,
        ..load.setup(Mode::Lossy)
    });
    let Ok([mut sender, mut subscriber]) = <[_; 2]>::try_from(open.senders) else {
        return Err(Wrong("it takes two handles".into()));
    };
    let (source, ready) = (Source::new(), Barrier::new(2));
    let elapsed = thread::scope(|scope| {
        let churning = scope.spawn(|| {
            ready.wait();
            let start = Instant::now();
            (0..rounds).for_each(|_| drop(subscriber.subscribe()));
            (start, Instant::now())
        });
        ready.wait();
        let start = Instant::now();
        source.offer(events, |events| sender.try_send(events));
        let end = Instant::now();
        let (churn_start, churn_end) = churning.join().expect("subscribes");
        end.max(churn_end) - start.min(churn_start)
    });
    // The channel is as good as before, and who stayed knows what it missed.
    let (mut newcomer, mut steady) = (subscriber.subscribe(), open.receivers);
    let mut tallies = [Tally::default(); 2];
    source.offer(DISTINCT, |events| sender.try_send(events));
    newcomer.drain(&mut tallies[0]);
    steady[0].drain(&mut tallies[1]);
    check_all(&tallies[..1], Tally::of(&source, 1, DISTINCT))?;
    check_totals(&tallies[1..], events + DISTINCT)?;
    Ok(Sample::new(events, elapsed, &tallies[1..]))
}
