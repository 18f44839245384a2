//! A round on a channel of [`eventring::broadcast`].

use crate::common::{Ledger, Random, Tracked};
use crate::crew::Crew;
use crate::seen::{Order, id};
use crate::summary::Summary;
use crate::watch;
use crate::ways::{Caller, cut, give_way};
use eventring::broadcast::error::{BroadcastStreamRecvError, RecvError, TryRecvError};
use eventring::broadcast::{Receiver, Sender, WeakSender};
use futures::StreamExt;
use futures::executor::block_on;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
struct Scene {
    caller: Caller,
    capacity: usize,
    senders: u64,
    /// For each sender.
    values: u64,
    staying: u64,
    drifters: u64,
    /// The receivers go first, rather than the senders.
    deserted: bool,
}

impl Scene {
    fn drawn(random: &mut Random) -> Self {
        let most = random.one_of(&[100, 1_000, 20_000]);
        Self {
            caller: random.one_of(&[Caller::Thread, Caller::Task]),
            capacity: random.one_of(&[1, 2, 3, 4, 8, 64, 1000]),
            senders: 1 + random.below(4),
            values: 1 + random.below(most),
            staying: 1 + random.below(4),
            drifters: random.below(3),
            deserted: random.one_of(&[false, true]),
        }
    }

    /// The number of the value by which those who are to go first know that it is the last.
    fn last(&self) -> u64 {
        id(self.senders, 0)
    }
}

pub(crate) fn round(seed: u64, random: &mut Random, summary: &mut Summary) {
    let scene = Scene::drawn(random);
    watch::next(seed, format!("broadcast, {scene:?}"));
    let crew = Crew::of(scene.caller, random);
    let (sender, ledger) = (Sender::new(scene.capacity), Ledger::default());
    let over = Arc::new(AtomicBool::new(false));

    let staying: Vec<_> = (0..scene.staying)
        .map(|_| (sender.subscribe(), random.fork()))
        .map(|(receiver, random)| crew.spawn(stay(scene.caller, receiver, scene.last(), random)))
        .collect();
    let drifting: Vec<_> = (0..scene.drifters)
        .map(|_| (sender.downgrade(), Arc::clone(&over), random.fork()))
        .map(|(weak, over, random)| crew.spawn(drift(weak, over, random)))
        .collect();
    let sending: Vec<_> = (0..scene.senders)
        .map(|number| (id(number, 0)..id(number, scene.values), random.fork()))
        .map(|(ids, random)| crew.spawn(send(sender.clone(), ledger.clone(), ids, random)))
        .collect();

    sending.into_iter().for_each(|job| job());
    let mut sent = scene.senders * scene.values;
    over.store(true, Ordering::SeqCst);
    if scene.deserted {
        sent += 1;
        sender.send(ledger.event(scene.last())).expect("some stay");
        block_on(sender.closed());
        assert!(sender.send(ledger.event(0)).is_err(), "nobody is left");
    }
    let tally = &mut summary.channels;
    let weak = sender.downgrade();
    drop(sender);
    for job in staying {
        let account = job();
        assert_eq!(account.received + account.missed, sent, "{account:?}");
        tally.received += account.received;
        tally.missed += account.missed;
    }
    for job in drifting {
        tally.came_and_went += job();
    }
    assert!(weak.upgrade().is_none());
    assert_eq!(ledger.alive(), 0, "all receivers are gone");
    tally.rounds += 1;
    tally.published += sent;
    summary.as_tasks += u64::from(matches!(crew, Crew::Tasks(_)));
}

async fn send(
    sender: Sender<Tracked>,
    ledger: Ledger,
    ids: std::ops::Range<u64>,
    mut random: Random,
) {
    for id in ids {
        let receivers = sender.send(ledger.event(id));
        assert!(receivers.is_ok_and(|receivers| receivers > 0), "some stay");
        if random.below(4) == 0 {
            give_way().await;
        }
    }
}

#[derive(Debug)]
struct Account {
    order: Order,
    received: u64,
    missed: u64,
}

impl Account {
    fn new() -> Self {
        Self {
            order: Order::new(false),
            received: 0,
            missed: 0,
        }
    }

    /// Receives in one of the ways there are; whether there can be more.
    async fn step(
        &mut self,
        caller: Caller,
        receiver: &mut Receiver<Tracked>,
        last: u64,
        random: &mut Random,
    ) -> bool {
        let mut values = Vec::new();
        let limit = 1 + random.below(8) as usize;
        let one = match caller.way(random, 6, 1) {
            0 => receiver.recv().await,
            1 => poll_fn(|cx| receiver.poll_recv(cx)).await,
            2 => match receiver.next().await {
                Some(received) => {
                    received.map_err(|BroadcastStreamRecvError::Lagged(n)| RecvError::Lagged(n))
                }
                None => Err(RecvError::Closed),
            },
            3 => {
                let many = receiver.recv_many(&mut values, limit).await;
                many.map(|_| values.pop().expect("at least one"))
            }
            4 => match cut(receiver.recv(), random.below(4)).await {
                Some(received) => received,
                None => return true,
            },
            5 => match receiver.try_recv() {
                Ok(value) => Ok(value),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Closed) => Err(RecvError::Closed),
                Err(TryRecvError::Empty) => {
                    give_way().await;
                    return true;
                }
            },
            _ => receiver.blocking_recv(),
        };
        match one {
            Ok(value) => values.push(value),
            Err(RecvError::Lagged(missed)) => self.missed += missed,
            Err(RecvError::Closed) => return false,
        }
        for value in &values {
            self.order.check(value.number());
            self.received += 1;
        }
        values.last().is_none_or(|value| value.number() != last)
    }
}

/// Receives from the beginning to the end.
async fn stay(
    caller: Caller,
    mut receiver: Receiver<Tracked>,
    last: u64,
    mut random: Random,
) -> Account {
    let mut account = Account::new();
    while account.step(caller, &mut receiver, last, &mut random).await {}
    account
}

/// Comes, receives a little, is cloned, and goes; how often.
async fn drift(weak: WeakSender<Tracked>, over: Arc<AtomicBool>, mut random: Random) -> u64 {
    let mut receivers = 0;
    while !over.load(Ordering::SeqCst) {
        let Some(sender) = weak.upgrade() else { break };
        let mut receiver = sender.subscribe();
        drop(sender);
        for _ in 0..2 {
            let mut order = Order::new(false);
            for _ in 0..random.below(20) {
                if let Some(Ok(value)) = cut(receiver.recv(), random.below(4)).await {
                    order.check(value.number());
                }
            }
            receivers += 1;
            receiver = match random.below(3) {
                0 => receiver.resubscribe(),
                _ => receiver.clone(),
            };
        }
        give_way().await;
    }
    receivers
}
