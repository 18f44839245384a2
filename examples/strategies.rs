//! What each strategy does about receivers that are too slow, and what that costs whom:
//! `cargo run --example strategies`
//!
//! Every bus holds 4 events and is sent 10. Its own receiver reads whenever the publisher has to
//! wait, or is done; a lossy one beside it looks only when all is over. One thread and no clock,
//! so the table is the same each time.

use eventring::{EventBus, Receiver, WaitStrategy};
use futures::executor::block_on;
use futures::{StreamExt, join};

const CAPACITY: usize = 4;
const EVENTS: u32 = 10;

fn main() {
    println!("{CAPACITY} slots, {EVENTS} events to publish");
    println!();
    println!(
        "strategy   | published | handed back | receiver | received | missed | events received"
    );
    println!(
        "-----------+-----------+-------------+----------+----------+--------+--------------------"
    );
    for strategy in [
        WaitStrategy::Block,
        WaitStrategy::Overwrite,
        WaitStrategy::DropNewest,
    ] {
        block_on(run(strategy));
    }
}

async fn run(strategy: WaitStrategy) {
    let bus = EventBus::with_strategy(CAPACITY, strategy);
    let mut receiver = bus.subscribe();
    let mut late = bus.subscribe_lossy();

    let publish = async {
        let mut handed_back = Vec::new();
        for event in 0..EVENTS {
            // Only `DropNewest` refuses: the event comes back, to be kept, logged or forgotten.
            if let Err(refused) = bus.publish(event).await {
                handed_back.push(refused.into_event());
            }
        }
        bus.close();
        handed_back
    };
    let (handed_back, received) = join!(publish, receiver.by_ref().collect());
    let received_late = late.by_ref().collect().await;

    let stats = bus.stats();
    assert_eq!(stats.dropped, handed_back.len() as u64);
    print!(
        "{:<10} | {:>9} | {:>11} |",
        format!("{strategy:?}"),
        stats.published,
        handed_back.len()
    );
    print_receiver(&receiver, received);
    // The lossy receiver beside a gating one. On an Overwrite bus it would be the same twice.
    if !receiver.is_lossy() {
        print!("{:<10} | {:>9} | {:>11} |", "", "", "");
        print_receiver(&late, received_late);
    }
}

fn print_receiver(receiver: &Receiver<u32>, received: Vec<u32>) {
    println!(
        " {:<8} | {:>8} | {:>6} | {}",
        if receiver.is_lossy() {
            "lossy"
        } else {
            "gating"
        },
        received.len(),
        receiver.missed(),
        received
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    );
}
