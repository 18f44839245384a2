//! A round on an [`EventBus`].

use crate::common::{Ledger, Random, STRATEGIES, Tracked, with_history};
use crate::crew::{Crew, Job};
use crate::seen::{Published, Seen};
use crate::summary::Summary;
use crate::watch;
use crate::ways::{Caller, commit_as, cut, give_way, publish_as, receive_as, subscribe};
use eventring::{EventBus, Gone, Receiver, ReceiverKind, WaitStrategy, Watermark, WeakEventBus};

#[derive(Clone, Debug)]
struct Scene {
    caller: Caller,
    strategy: WaitStrategy,
    capacity: usize,
    history: usize,
    publishers: u64,
    /// For each publisher.
    events: u64,
    gating: u64,
    lossy: u64,
    /// Committing ones; behind each of them, so many.
    committing: u64,
    behind: u64,
    drifters: u64,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    /// Closed after all was published.
    Late,
    /// Closed by the first publisher, when it is done with less than the others have.
    Early,
    /// By dropping the last handle.
    Handles,
}

impl Scene {
    fn drawn(random: &mut Random) -> Self {
        let capacity = random.one_of(&[1, 2, 3, 4, 8, 64, 1000]);
        let most = random.one_of(&[100, 1_000, 5_000]);
        // With nobody who stays, the last receiver goes again and again.
        let stay = random.one_of(&[0, 1, 3]);
        let history = [0, random.below(capacity as u64 + 1) as usize];
        let strategy = random.one_of(&STRATEGIES);
        let commits = strategy != WaitStrategy::Overwrite;
        Self {
            caller: random.one_of(&[Caller::Thread, Caller::Task]),
            strategy,
            capacity,
            history: random.one_of(&history),
            publishers: 1 + random.below(4),
            events: 1 + random.below(most),
            gating: random.below(stay + 1),
            lossy: random.below(stay + 1),
            committing: if commits { random.below(3) } else { 0 },
            behind: random.below(3),
            drifters: random.below(3),
            ending: random.one_of(&[Ending::Late, Ending::Early, Ending::Handles]),
        }
    }

    /// How many values may be alive: those in the ring, twice while it is turned over; and what
    /// each party has in its hands.
    fn alive_at_most(&self) -> usize {
        let parties = self.publishers + self.gating + self.lossy + self.drifters;
        let parties = parties + self.committing * (1 + self.behind);
        2 * self.capacity.next_power_of_two() + 32 * parties as usize
    }
}

pub(crate) fn round(seed: u64, random: &mut Random, summary: &mut Summary) {
    let scene = Scene::drawn(random);
    watch::next(seed, format!("{scene:?}"));
    let crew = Crew::of(scene.caller, random);
    let bus = with_history(scene.capacity, scene.history, scene.strategy);
    let ledger = Ledger::default();

    let mut staying: Vec<_> = (0..scene.gating + scene.lossy)
        .map(|index| match index < scene.gating {
            true => bus.subscribe(),
            false => bus.subscribe_lossy(),
        })
        .map(|receiver| stay(&crew, &scene, receiver, random.fork()))
        .collect();
    let mut watching = Vec::new();
    for _ in 0..scene.committing {
        let leader = bus.subscribe_committing();
        let mark = leader.watermark();
        for _ in 0..scene.behind {
            let builder = bus.receiver().behind(&mark);
            let follower = match random.below(2) {
                0 => builder.lossy().build(),
                _ => builder.build(),
            };
            let mark = mark.clone();
            staying.push(follow(&crew, &scene, follower, mark, random.fork()));
        }
        watching.push(crew.spawn(watch_commits(mark, random.fork())));
        staying.push(commit(&crew, &scene, leader, random.fork()));
    }
    let drifting: Vec<_> = (0..scene.drifters)
        .map(|_| {
            crew.spawn(drift(
                scene.clone(),
                bus.downgrade(),
                ledger.clone(),
                random.fork(),
            ))
        })
        .collect();
    let publishing: Vec<_> = (0..scene.publishers)
        .map(|publisher| {
            let (bus, ledger, random) = (bus.clone(), ledger.clone(), random.fork());
            crew.spawn(publish(scene.clone(), bus, ledger, publisher, random))
        })
        .collect();
    let bus = Some(bus).filter(|_| scene.ending != Ending::Handles);

    let mut published = Published::default();
    for publisher in publishing {
        let done = publisher();
        assert!(done.closed == 0 || scene.ending == Ending::Early);
        published.accepted += done.accepted;
        published.dropped += done.dropped;
        published.closed += done.closed;
    }
    bus.as_ref().inspect(|bus| bus.close());

    let mut missed = 0;
    let tally = &mut summary.buses;
    let receivers: Vec<_> = staying.into_iter().map(|job| job()).collect();
    for (receiver, seen) in &receivers {
        seen.assert_complete(receiver, published.accepted);
        assert!(receiver.is_lossy() || receiver.missed() == 0, "gating");
        missed += receiver.missed();
        tally.received += seen.received;
    }
    drop(receivers);
    for watcher in watching {
        tally.waited += watcher();
    }
    for drifter in drifting {
        let drifted = drifter();
        missed += drifted.missed;
        tally.received += drifted.received;
        tally.came_and_went += drifted.receivers;
        tally.evicted += drifted.evicted;
    }
    if let Some(bus) = bus {
        let stats = bus.stats();
        assert_eq!(stats.published, published.accepted);
        assert_eq!(stats.dropped, published.dropped);
        assert_eq!(stats.missed, missed);
        assert_eq!((stats.receivers, bus.len()), (0, 0));
        let history = scene.history.min(stats.published as usize) as isize;
        let kept = match history {
            0 => 0..=0,
            _ => history..=scene.capacity.next_power_of_two() as isize,
        };
        assert!(kept.contains(&ledger.alive()), "as the history says");
    }
    assert_eq!(ledger.alive(), 0, "the bus is gone");
    tally.rounds += 1;
    tally.published += published.accepted;
    tally.handed_back += published.dropped + published.closed;
    tally.missed += missed;
    summary.as_tasks += u64::from(matches!(crew, Crew::Tasks(_)));
}

type Stayed = (Receiver<Tracked>, Seen);

/// Receives from the beginning to the end.
fn stay(
    crew: &Crew,
    scene: &Scene,
    mut receiver: Receiver<Tracked>,
    mut random: Random,
) -> Job<Stayed> {
    // With `DropNewest`, what was handed back is missing in a publisher's row.
    let lossless = scene.strategy == WaitStrategy::Block && !receiver.is_lossy();
    let caller = scene.caller;
    crew.spawn(async move {
        let mut seen = Seen::new(&receiver, lossless);
        receive_as(caller, &mut receiver, &mut seen, u64::MAX, &mut random).await;
        (receiver, seen)
    })
}

/// The same, by committing.
fn commit(
    crew: &Crew,
    scene: &Scene,
    mut receiver: Receiver<Tracked>,
    mut random: Random,
) -> Job<Stayed> {
    let lossless = scene.strategy == WaitStrategy::Block;
    let caller = scene.caller;
    crew.spawn(async move {
        let mut seen = Seen::new(&receiver, lossless);
        commit_as(caller, &mut receiver, &mut seen, &mut random).await;
        (receiver, seen)
    })
}

/// Receives, and never beyond what the one before it has committed.
fn follow(
    crew: &Crew,
    scene: &Scene,
    mut receiver: Receiver<Tracked>,
    mark: Watermark<Tracked>,
    mut random: Random,
) -> Job<Stayed> {
    let lossless = scene.strategy == WaitStrategy::Block && !receiver.is_lossy();
    let caller = scene.caller;
    crew.spawn(async move {
        let mut seen = Seen::new(&receiver, lossless);
        while receive_as(caller, &mut receiver, &mut seen, 1, &mut random).await {
            assert!(receiver.position() <= mark.get(), "not committed");
        }
        (receiver, seen)
    })
}

/// Waits for commits, until the receiver is gone. How often one came.
async fn watch_commits(mark: Watermark<Tracked>, mut random: Random) -> u64 {
    let mut reached = 0;
    loop {
        let sequence = mark.get() + random.below(4);
        let waited = match random.below(2) {
            0 => Some(mark.reached(sequence).await),
            _ => cut(mark.reached(sequence), random.below(4)).await,
        };
        match waited {
            Some(Ok(())) => {
                assert!(mark.get() > sequence);
                reached += 1;
            }
            Some(Err(Gone)) => return reached,
            None => {}
        }
    }
}

async fn publish(
    scene: Scene,
    bus: EventBus<Tracked>,
    ledger: Ledger,
    publisher: u64,
    mut random: Random,
) -> Published {
    let closes = scene.ending == Ending::Early && publisher == 0;
    let events = match closes {
        true => random.below(scene.events),
        false => scene.events,
    };
    let done = publish_as(scene.caller, &bus, &ledger, publisher, events, &mut random).await;
    assert!(done.accepted + done.dropped + done.closed <= events);
    assert!(done.closed > 0 || done.accepted + done.dropped == events);
    assert!(done.dropped == 0 || scene.strategy == WaitStrategy::DropNewest);
    if closes {
        bus.close();
    }
    done
}

#[derive(Default)]
struct Drifted {
    receivers: u64,
    received: u64,
    missed: u64,
    /// Others, by this one.
    evicted: u64,
}

/// Comes, receives a little, is cloned, and goes, until the bus is closed; and looks at all that
/// can be looked at meanwhile.
async fn drift(
    scene: Scene,
    weak: WeakEventBus<Tracked>,
    ledger: Ledger,
    mut random: Random,
) -> Drifted {
    let mut drifted = Drifted::default();
    let mut published = 0;
    while let Some(bus) = weak.upgrade().filter(|bus| !bus.is_closed()) {
        let stats = bus.stats();
        assert!(stats.published >= published, "it only grows");
        published = stats.published;
        assert!(bus.len() <= scene.capacity);
        assert!(ledger.alive() <= scene.alive_at_most() as isize);
        cut(bus.drained(), random.below(4)).await;
        drifted.evicted += evict_some(&bus, &mut random);

        let mut receiver = match random.below(4) {
            0 if scene.strategy != WaitStrategy::Overwrite => bus.receiver().evictable().build(),
            _ => subscribe(&bus, &mut random),
        };
        drop(bus);
        drifted.receive(&scene, &mut receiver, &mut random).await;
        let mut other = match random.below(3) {
            0 => receiver.resubscribe(),
            _ => receiver.clone(),
        };
        // A gating receiver that is not received from would hold up all.
        drop(receiver);
        drifted.receive(&scene, &mut other, &mut random).await;
        drop(other);
        give_way().await;
    }
    drifted
}

impl Drifted {
    async fn receive(
        &mut self,
        scene: &Scene,
        receiver: &mut Receiver<Tracked>,
        random: &mut Random,
    ) {
        let mut seen = Seen::new(receiver, false);
        let limit = random.below(20);
        receive_as(scene.caller, receiver, &mut seen, limit, random).await;
        self.receivers += 1;
        self.received += seen.received;
        self.missed += receiver.missed();
        if let Some(at) = receiver.evicted() {
            assert_eq!((receiver.position(), receiver.missed()), (at, 0), "evicted");
        }
    }
}

/// How many.
fn evict_some(bus: &EventBus<Tracked>, random: &mut Random) -> u64 {
    let receivers = bus.receivers().into_iter();
    let chosen =
        receivers.filter(|one| one.kind == ReceiverKind::Evictable && random.below(2) == 0);
    chosen.map(|one| u64::from(bus.evict(one.id))).sum()
}
