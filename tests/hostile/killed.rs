//! A publisher's thread that is killed by a panic, in every place where user code runs on it. After
//! each: the others lose nothing, the bus works, drop counts balance.

use crate::common::{
    HookedWaker, Ledger, STRATEGIES, Tracked, Wakes, block, drop_newest, overwrite, watched,
};
use eventring::{EventBus, Receiver, TryRecvError};
use futures::FutureExt;
use futures::executor::block_on;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;
use tokio_test::assert_pending;

/// An event whose drop may panic; that of its clones does not.
struct Bomb {
    event: Tracked,
    armed: bool,
}

impl Bomb {
    fn armed(ledger: &Ledger, number: u64) -> Self {
        let event = ledger.event(number);
        Self { event, armed: true }
    }

    fn tame(ledger: &Ledger, number: u64) -> Self {
        let event = ledger.event(number);
        Self {
            event,
            armed: false,
        }
    }
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        Self {
            event: self.event.clone(),
            armed: false,
        }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.armed {
            panic!("drop");
        }
    }
}

type Bus = EventBus<Bomb>;
type Way = fn(&Bus, Vec<Bomb>);

/// The ways to publish: several events, one by one or in a batch. Never are they refused.
const WAYS: [Way; 7] = [
    |bus, events| one_by_one(events, |event| bus.try_publish(event).is_ok()),
    |bus, events| one_by_one(events, |event| bus.publish_blocking(event).is_ok()),
    |bus, events| one_by_one(events, |event| block_on(bus.publish(event)).is_ok()),
    |bus, events| {
        let timeout = Duration::from_secs(60);
        one_by_one(events, |event| bus.publish_timeout(event, timeout).is_ok());
    },
    |bus, mut events| assert!(bus.try_publish_many(&mut events).is_ok()),
    |bus, mut events| assert!(bus.publish_many_blocking(&mut events).is_ok()),
    |bus, mut events| assert!(block_on(bus.publish_many(&mut events)).is_ok()),
];

fn one_by_one(events: Vec<Bomb>, mut publish: impl FnMut(Bomb) -> bool) {
    for event in events {
        assert!(publish(event));
    }
}

/// Runs the deed on a thread, with a handle of its own, that must not survive it.
fn kill(bus: &Bus, deed: impl FnOnce(&Bus) + Send + 'static) {
    let bus = bus.clone();
    let killed = thread::spawn(move || deed(&bus)).join().unwrap_err();
    assert!(["drop", "wake"].contains(killed.downcast_ref::<&str>().unwrap()));
}

/// Receives just the events that there must be, and does not look for more.
fn expect(receiver: &mut Receiver<Bomb>, numbers: std::ops::Range<u64>) {
    for expected in numbers {
        let number = receiver.try_recv_with(|bomb| bomb.event.number());
        assert_eq!(number, Ok(expected));
    }
}

/// All receivers have everything and get what comes next, then the end; nothing is left over.
fn assert_unharmed(bus: Bus, ledger: &Ledger, mut receivers: Vec<Receiver<Bomb>>) {
    let published = bus.stats().published;
    for number in published..published + 20 {
        bus.try_publish(Bomb::tame(ledger, number)).ok().unwrap();
        for receiver in &mut receivers {
            assert_eq!((receiver.position(), receiver.missed()), (number, 0));
            expect(receiver, number..number + 1);
        }
    }
    let weak = bus.downgrade();
    drop(bus);
    assert!(weak.upgrade().is_none(), "the killed handles are gone");
    for receiver in &mut receivers {
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Closed));
    }
    drop(receivers);
    assert_eq!(ledger.alive(), 0);
}

/// For all ways, strategies and some capacities.
fn for_all(scene: fn(Way, Bus, Ledger)) {
    watched(move || {
        for way in WAYS {
            for strategy in STRATEGIES {
                for capacity in [1, 2, 3] {
                    let bus = Bus::with_strategy(capacity, strategy);
                    scene(way, bus, Ledger::default());
                }
            }
        }
    });
}

#[test]
fn by_the_drop_of_the_value_that_it_overwrites() {
    for_all(|way, bus, ledger| {
        let mut receivers = vec![bus.subscribe(), bus.subscribe_lossy()];
        let slots = bus.capacity().next_power_of_two() as u64;
        for number in 0..slots {
            let event = match number {
                0 => Bomb::armed(&ledger, 0),
                _ => Bomb::tame(&ledger, number),
            };
            bus.try_publish(event).ok().unwrap();
            for receiver in &mut receivers {
                expect(receiver, number..number + 1);
            }
        }
        let event = Bomb::tame(&ledger, slots);
        kill(&bus, move |bus| way(bus, vec![event]));
        for receiver in &mut receivers {
            expect(receiver, slots..slots + 1);
        }
        assert_unharmed(bus, &ledger, receivers);
    });
}

#[test]
fn by_the_drop_of_what_it_publishes_to_nobody() {
    for_all(|way, bus, ledger| {
        let events = vec![Bomb::tame(&ledger, 0), Bomb::armed(&ledger, 1)];
        kill(&bus, move |bus| way(bus, events));
        let receivers = vec![bus.subscribe(), bus.subscribe_lossy()];
        assert_unharmed(bus, &ledger, receivers);
    });
}

fn park(receiver: &mut Receiver<Bomb>, waker: &Waker) {
    assert_pending!(
        receiver
            .poll_recv(&mut Context::from_waker(waker))
            .map(drop)
    );
}

#[test]
fn by_a_waker_that_it_wakes() {
    for_all(|way, bus, ledger| {
        let mut receivers: Vec<_> = (0..6).map(|_| bus.subscribe()).collect();
        let (wakes, waker) = Wakes::new();
        let bomb = HookedWaker::on_wake(|| panic!("wake"));
        for (index, receiver) in receivers.iter_mut().enumerate() {
            let waker = if index == 2 { &bomb } else { &waker };
            park(receiver, waker);
        }
        let event = Bomb::tame(&ledger, 0);
        kill(&bus, move |bus| way(bus, vec![event]));
        assert_eq!(wakes.count(), 5, "the others are woken");
        for receiver in &mut receivers {
            expect(receiver, 0..1);
        }
        assert_unharmed(bus, &ledger, receivers);
    });
}

#[test]
fn by_the_drop_of_what_is_handed_back() {
    watched(|| {
        for way in [WAYS[0], WAYS[1], WAYS[2], WAYS[3]] {
            let (bus, ledger) = (drop_newest(1), Ledger::default());
            let mut receivers = vec![bus.subscribe(), bus.subscribe()];
            bus.try_publish(Bomb::tame(&ledger, 0)).ok().unwrap();
            let event = Bomb::armed(&ledger, 1);
            kill(&bus, move |bus| way(bus, vec![event]));
            for receiver in &mut receivers {
                expect(receiver, 0..1);
            }
            assert_unharmed(bus, &ledger, receivers);
        }
    });
}

#[test]
fn by_the_drop_of_what_it_no_longer_wants_to_publish() {
    watched(|| {
        let (bus, ledger) = (block(1), Ledger::default());
        let mut receivers = vec![bus.subscribe(), bus.subscribe_lossy()];
        bus.try_publish(Bomb::tame(&ledger, 0)).ok().unwrap();
        let event = Bomb::armed(&ledger, 1);
        kill(&bus, move |bus| {
            assert!(bus.publish(event).now_or_never().is_none());
        });
        for receiver in &mut receivers {
            expect(receiver, 0..1);
        }
        assert_unharmed(bus, &ledger, receivers);
    });
}

#[test]
fn by_a_waker_that_it_wakes_as_it_closes() {
    watched(|| {
        for by_drop in [false, true] {
            let bus = overwrite(2);
            let mut receivers = [bus.subscribe(), bus.subscribe()];
            let (wakes, waker) = Wakes::new();
            park(&mut receivers[0], &HookedWaker::on_wake(|| panic!("wake")));
            park(&mut receivers[1], &waker);
            if by_drop {
                let handle = bus.clone();
                drop(bus);
                assert!(thread::spawn(move || drop(handle)).join().is_err());
            } else {
                kill(&bus, Bus::close);
            }
            assert_eq!(wakes.count(), 1);
            for receiver in &mut receivers {
                assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Closed));
            }
        }
    });
}
