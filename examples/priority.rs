//! Urgent events overtake bulk: two buses and a biased merge. `cargo run --example priority`
//!
//! Within one bus there is one order, so each priority is a bus of its own. A receiver merges them
//! and asks the urgent one first.
//!
//! The starvation rule: **strict** takes bulk only when nothing urgent is there, so bulk waits for
//! as long as urgent events keep coming. **fair** asks bulk first in every fifth turn, so bulk that
//! is waiting gets one event in after four urgent ones at most. Either way nothing is lost: both
//! buses block, so the publishers of what has to wait, wait too.

use eventring::{EventBus, Receiver, WaitStrategy};
use futures::executor::block_on;
use futures::stream::{PollNext, select_with_strategy};
use futures::{Stream, StreamExt, join};

/// Urgent events in a row while bulk is waiting, at most.
const QUOTA: usize = 4;

fn strict(
    urgent: Receiver<&'static str>,
    bulk: Receiver<&'static str>,
) -> impl Stream<Item = &'static str> {
    select_with_strategy(urgent, bulk, |_: &mut ()| PollNext::Left)
}

fn fair(
    urgent: Receiver<&'static str>,
    bulk: Receiver<&'static str>,
) -> impl Stream<Item = &'static str> {
    select_with_strategy(urgent, bulk, |turn: &mut usize| {
        *turn = (*turn + 1) % (QUOTA + 1);
        match *turn {
            0 => PollNext::Right,
            _ => PollNext::Left,
        }
    })
}

/// Merges ten urgent events, which are all there in the beginning, and ten of bulk, whose publisher
/// has to wait most of the time.
async fn run<M: Stream<Item = &'static str>>(
    merge: fn(Receiver<&'static str>, Receiver<&'static str>) -> M,
) -> String {
    let urgent = EventBus::with_strategy(16, WaitStrategy::Block);
    let bulk = EventBus::with_strategy(2, WaitStrategy::Block);
    let merged = merge(urgent.subscribe(), bulk.subscribe());
    let publish = async |bus: EventBus<_>, event| {
        for _ in 0..10 {
            bus.publish(event).await.expect("the bus is open");
        }
    };
    // Dropping the last handle closes the bus, and the merge ends with both.
    let ((), (), received) = join!(
        publish(urgent, "U"),
        publish(bulk, "b"),
        merged.collect::<Vec<_>>()
    );
    received.concat()
}

fn main() {
    let strict = block_on(run(strict));
    let fair = block_on(run(fair));
    println!("strict: {strict}");
    println!("fair:   {fair}");
    for order in [strict, fair] {
        assert_eq!(order.matches('U').count(), 10);
        assert_eq!(order.matches('b').count(), 10);
    }
}
