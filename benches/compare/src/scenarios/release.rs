//! `release`: a thread sends an event, then every receiver takes it, in the order in which they
//! subscribed. The last one is done with it, and it goes.

use super::{Contender, Group, Load, Outcome, Sample, contenders};
use crate::channel::{Drain, Polled, TrySend};
use crate::payload::{Payload, Source};
use crate::peers::{
    AsyncBroadcast, Bus, Eventring, EventringBatch, EventringBroadcast, MpscFanout, Tokio,
};
use crate::tally::{Tally, Wrong, check_all};
use std::sync::Arc;
use std::time::Instant;

pub(super) fn groups() -> Vec<Group> {
    super::groups(1, &[1, 100, 10000], "Arc", || {
        contenders!(release, Arc<[u8; 64]>: Eventring, EventringBroadcast, EventringBatch, Tokio,
            AsyncBroadcast, Bus, MpscFanout)
    })
}

fn release<C: Polled<E>, E: Payload>(load: &Load) -> Outcome {
    let events = load.events;
    let (mut sender, mut receivers, _) = C::open(&load.unpaced()).into_single();
    let source = Source::new();
    let mut tallies = vec![Tally::default(); receivers.len()];
    let start = Instant::now();
    for sent in 0..events {
        if sender.try_send(&source.after(sent, events)[..1]) == 0 {
            return Err(Wrong("an event had no room".into()));
        }
        for (receiver, tally) in receivers.iter_mut().zip(&mut tallies) {
            receiver.drain(tally);
        }
    }
    let elapsed = start.elapsed();
    check_all(&tallies, Tally::of(&source, 1, events))?;
    let sample = Sample::of(events, elapsed);
    let each = sample.nanos / tallies.len() as f64;
    Ok(sample.also("ns/receiver", each))
}
