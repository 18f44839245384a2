//! All of it with small loads; and channels that lose, repeat or swap an event are found out.

use super::burst::burst;
use super::lossy::idle;
use super::tasks::tasks;
use super::{Group, Load, Scenario};
use crate::channel::{Channel, Open, SendAll, Setup, TrySend};
use crate::payload::Payload;
use crate::peers::Eventring;
use clap::ValueEnum;

/// More than the channels hold, so that senders wait; but some wait after each event.
fn load(scenario: Scenario, group: &Group) -> Load {
    Load {
        events: match scenario {
            Scenario::Wake | Scenario::Release | Scenario::Latency => 3,
            _ => 1500,
        },
        senders: group.senders,
        receivers: group.receivers,
        pace: 1,
    }
}

#[test]
fn every_peer_delivers_in_every_scenario() {
    for &scenario in Scenario::value_variants() {
        for group in scenario.groups() {
            let load = load(scenario, &group);
            let (payload, variant) = (group.payload, group.variant);
            for contender in group.contenders {
                let name = format!("{scenario:?} of {payload} {variant}: {}", contender.peer);
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
                ..load(Scenario::Producers, &group)
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

type Bus<E> = <Eventring as Channel<E>>::Sender;

struct FaultySender<E: Payload, const FAULT: u8>(Bus<E>);

impl<E: Payload, const FAULT: u8> Channel<E> for Faulty<FAULT> {
    const PEER: &'static str = "faulty";
    type Sender = FaultySender<E, FAULT>;
    type Receiver = <Eventring as Channel<E>>::Receiver;

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
            let spoiled = Self::spoiled(event);
            assert_eq!(self.0.try_send(&spoiled), spoiled.len(), "room");
        }
        events.len()
    }
}

impl<E: Payload, const FAULT: u8> SendAll<E> for FaultySender<E, FAULT> {
    async fn send_all(&mut self, events: &[E]) {
        for event in events {
            self.0.send_all(&Self::spoiled(event)).await;
        }
    }
}

#[test]
fn a_wrong_result_is_an_error() {
    let load = Load {
        events: 1500,
        senders: 1,
        receivers: 2,
        pace: 1,
    };
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
