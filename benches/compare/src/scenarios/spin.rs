//! `spin`: a thread that sends, a thread that receives, and neither ever sleeps.

use super::{Contender, Group, Load, Outcome, Sample, polled};
use crate::channel::{Drain, Mode, Polled, TrySend};
use crate::payload::{Payload, Source};
use crate::tally::{Tally, check_all};
use std::hint::spin_loop;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

pub(super) fn groups() -> Vec<Group> {
    super::groups(1, &[1], "u64", || polled!(spin, u64))
}

fn spin<C: Polled<E>, E: Payload>(load: &Load) -> Outcome {
    let events = load.events;
    let (mut sender, mut receivers, _) = C::open(&load.setup(Mode::Lossless)).into_single();
    let (source, ready) = (Source::new(), Barrier::new(2));
    let (tally, elapsed) = thread::scope(|scope| {
        let receiving = scope.spawn(|| {
            let mut tally = Tally::default();
            ready.wait();
            while tally.total() < events {
                let before = tally.total();
                receivers[0].drain(&mut tally);
                if tally.total() == before {
                    spin_loop();
                }
            }
            (tally, Instant::now())
        });
        ready.wait();
        let start = Instant::now();
        source.offer(events, |events| {
            let sent = sender.try_send(events);
            if sent == 0 {
                spin_loop();
            }
            sent
        });
        let (tally, end) = receiving.join().expect("receives");
        (tally, end - start)
    });
    check_all(&[tally], Tally::of(&source, 1, events))?;
    Ok(Sample::new(events, elapsed, &[tally]))
}
