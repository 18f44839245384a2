//! `make`: a channel is made and dropped, with or without a value that went through it.

use super::{Contender, Group, Load, Outcome, Sample, contenders, varied};
use crate::channel::{Drain, Make, Polled, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{AsyncBroadcast, Eventring, EventringBroadcast, MpscFanout, Tokio};
use crate::tally::{Tally, check_all};
use std::hint::black_box;
use std::time::Instant;

pub(super) fn groups() -> Vec<Group> {
    let empty = super::groups(
        1,
        &[1],
        "u64",
        || contenders!(make, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast, MpscFanout),
    );
    let used = super::groups(1, &[1], "u64", || {
        contenders!(one_value, u64: Eventring, EventringBroadcast, Tokio, AsyncBroadcast,
            MpscFanout)
    });
    let empty = varied("of 16, empty", empty);
    empty.chain(varied("of 1, a value", used)).collect()
}

fn make<C: Make<E> + Polled<E>, E: Payload>(load: &Load) -> Outcome {
    let start = Instant::now();
    for _ in 0..load.events {
        drop(black_box(C::make(16)));
    }
    let elapsed = start.elapsed();
    // They are good for something.
    through::<C, E>(16, 1)?;
    Ok(Sample::of(load.events, elapsed))
}

fn one_value<C: Make<E> + Polled<E>, E: Payload>(load: &Load) -> Outcome {
    through::<C, E>(1, load.events)
}

/// Each event through a channel of its own.
fn through<C: Make<E> + Polled<E>, E: Payload>(capacity: usize, events: u64) -> Outcome {
    let (source, mut tally) = (Source::new(), Tally::default());
    let start = Instant::now();
    for number in 0..events {
        let (mut sender, mut receiver) = C::make(capacity);
        sender.try_send(&source.after(number, events)[..1]);
        receiver.take_one(&mut tally);
    }
    let elapsed = start.elapsed();
    check_all(&[tally], Tally::of(&source, 1, events))?;
    Ok(Sample::of(events, elapsed))
}
