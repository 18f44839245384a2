//! All of it with small loads; and channels that lose, repeat or swap an event are found out.

use super::burst::burst;
use super::lossy::idle;
use super::tasks::tasks;
use super::{Load, Scenario};
use crate::channel::{Channel, Open, SendAll, Setup, TrySend};
use crate::payload::Payload;
use crate::peers::Eventring;
use clap::ValueEnum;
use eventring::{EventBus, Receiver};

/// More than the channels hold, so that senders wait; but `wake` waits after each event.
fn load(scenario: Scenario, receivers: usize) -> Load {
    Load {
        events: if scenario == Scenario::Wake { 3 } else { 1500 },
        senders: if scenario == Scenario::Producers {
            4
        } else {
            1
        },
        receivers,
        pace: 1,
    }
}

#[test]
fn every_peer_delivers_in_every_scenario() {
    for &scenario in Scenario::value_variants() {
        for group in scenario.groups() {
            let load = load(scenario, group.receivers);
            assert_eq!(group.senders, load.senders, "{scenario:?}");
            for contender in group.contenders {
                let name = format!("{scenario:?} of {}: {}", group.payload, contender.peer);
                let sample = contender.run(&load);
                let sample = sample.unwrap_or_else(|wrong| panic!("{name}: {wrong:?}"));
                assert!(sample.events >= load.events, "{name}");
            }
        }
    }
}

#[test]
fn pacing_leaves_room_for_four_senders_that_look_seldom() {
    for pace in [1, 128] {
        for group in Scenario::Producers.groups() {
            let load = Load {
                pace,
                events: 10_000,
                ..load(Scenario::Producers, group.receivers)
            };
            for contender in group.contenders {
                contender
                    .run(&load)
                    .unwrap_or_else(|wrong| panic!("{wrong:?}"));
            }
        }
    }
}

/// Does something else than to send the event whose number is 7.
struct Faulty<const FAULT: u8>;

const LOSES: u8 = 0;
const REPEATS: u8 = 1;
const REPLACES: u8 = 2;

struct FaultySender<E, const FAULT: u8>(EventBus<E>);

impl<E: Payload, const FAULT: u8> Channel<E> for Faulty<FAULT> {
    const PEER: &'static str = "faulty";
    type Sender = FaultySender<E, FAULT>;
    type Receiver = Receiver<E>;

    fn open(setup: &Setup) -> Open<Self::Sender, Self::Receiver> {
        let open = Eventring::open(setup);
        Open {
            senders: open.senders.into_iter().map(FaultySender).collect(),
            receivers: open.receivers,
            driver: open.driver,
        }
    }
}

impl<E: Payload, const FAULT: u8> FaultySender<E, FAULT> {
    fn spoiled(event: &E) -> Vec<E> {
        match (event.number(), FAULT) {
            (7, LOSES) => vec![],
            (7, REPEATS) => vec![event.clone(), event.clone()],
            (7, REPLACES) => vec![E::numbered(8)],
            _ => vec![event.clone()],
        }
    }
}

impl<E: Payload, const FAULT: u8> TrySend<E> for FaultySender<E, FAULT> {
    fn try_send(&mut self, events: &[E]) -> usize {
        for event in events {
            for event in Self::spoiled(event) {
                self.0.try_publish(event).expect("room");
            }
        }
        events.len()
    }
}

impl<E: Payload, const FAULT: u8> SendAll<E> for FaultySender<E, FAULT> {
    async fn send_all(&mut self, events: &[E]) {
        for event in events {
            for event in Self::spoiled(event) {
                self.0.publish(event).await.expect("open");
            }
        }
    }
}

#[test]
fn a_wrong_result_is_an_error() {
    let load = load(Scenario::Tasks, 2);
    type Run = fn(&Load) -> super::Outcome;
    let wrong: [(&str, Run); 7] = [
        ("burst loses", burst::<Faulty<LOSES>, u64>),
        ("burst repeats", burst::<Faulty<REPEATS>, u64>),
        ("burst replaces", burst::<Faulty<REPLACES>, u64>),
        ("tasks lose", tasks::<Faulty<LOSES>, u64>),
        ("tasks repeat", tasks::<Faulty<REPEATS>, u64>),
        ("tasks replace", tasks::<Faulty<REPLACES>, u64>),
        ("idle loses", idle::<Faulty<LOSES>, u64>),
    ];
    for (name, run) in wrong {
        assert!(run(&load).is_err(), "{name}, unnoticed");
    }
}
