//! `topics`: a thread publishes to one key after the other, each far from the one before; after every eight
//! events, their receivers take them.

use super::{Contender, Group, Load, Outcome, Sample};
use crate::payload::Source;
use crate::peers::{Cursored, Dashed, Filtered, Keyed, Locked};
use crate::tally::{Tally, Wrong};
use eventring::Topics;
use std::time::Instant;

/// No more than a topic holds: nothing is missed, even if all are of one.
const BURST: u64 = 8;

pub(super) fn groups() -> Vec<Group> {
    let mut all = of_topics::<1>("1 topic", true);
    all.extend(of_topics::<1_000>("1,000 topics", true));
    all.extend(of_topics::<100_000>("100,000 topics", false));
    all
}

/// A receiver that filters looks at every event: with 100,000 of them, a burst takes minutes.
fn of_topics<const TOPICS: usize>(variant: &'static str, filters: bool) -> Vec<Group> {
    let contenders = || {
        let mut contenders = vec![
            contender::<Topics<String, u64>, TOPICS>(),
            contender::<Locked<u64>, TOPICS>(),
            contender::<Dashed<u64>, TOPICS>(),
            contender::<Cursored<u64>, TOPICS>(),
        ];
        if filters {
            contenders.push(contender::<Filtered<u64>, TOPICS>());
        }
        contenders
    };
    let groups = super::groups(1, &[0, 1, 10], "u64", contenders);
    super::varied(variant, groups).collect()
}

fn contender<M: Keyed<u64>, const TOPICS: usize>() -> Contender {
    Contender {
        peer: M::PEER,
        batch: 1,
        run: publish::<M, TOPICS>,
    }
}

/// Whose turn it is: each one's, far from the one before.
fn topic<const TOPICS: usize>(number: u64) -> usize {
    (number * 7_368_787 % TOPICS as u64) as usize
}

fn publish<M: Keyed<u64>, const TOPICS: usize>(load: &Load) -> Outcome {
    let map = M::open();
    let keys: Vec<_> = (0..TOPICS).map(|topic| format!("room-{topic}")).collect();
    let subscribe = |key: &String| {
        map.know(key);
        Vec::from_iter((0..load.receivers).map(|_| map.subscribe(key)))
    };
    let mut receivers: Vec<_> = keys.iter().map(subscribe).collect();
    let (source, mut tally) = (Source::new(), Tally::default());
    let bursts = load.events.div_ceil(BURST);
    let mut heard = 0;
    let start = Instant::now();
    for first in (0..bursts).map(|burst| burst * BURST) {
        let events = &source.after(first, bursts * BURST)[..BURST as usize];
        for (number, &event) in (first..).zip(events) {
            heard += u64::from(map.publish(&keys[topic::<TOPICS>(number)], event));
        }
        let addressed = (first..first + BURST).map(topic::<TOPICS>);
        let looking: &mut dyn Iterator<Item = usize> = match M::FILTERS {
            true => &mut (0..TOPICS),
            false => &mut { addressed },
        };
        for topic in looking {
            for receiver in &mut receivers[topic] {
                M::drain(receiver, &mut tally);
            }
        }
    }
    let elapsed = start.elapsed();
    let events = bursts * BURST;
    let (to, expected) = (
        load.receivers as u64,
        Tally::of(&source, load.receivers as u64, events),
    );
    if tally != expected || heard != events * to.min(1) {
        return Err(Wrong(format!("{tally} of {heard}, instead of {expected}")));
    }
    Ok(Sample::of(events, elapsed))
}
