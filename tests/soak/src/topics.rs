//! A round on [`Topics`]: publishers to random keys, visitors that come and go, an audit of everything, and
//! somebody who is told what changes.

use crate::common::{Ledger, Random, STRATEGIES, Tracked};
use crate::crew::Crew;
use crate::seen::{Order, id};
use crate::summary::Summary;
use crate::watch;
use crate::ways::{Caller, give_way};
use eventring::topics::{Change, Changes};
use eventring::{
    PublishError, Receiver, Start, Topics, TryPublishError, TryRecvError, WaitStrategy,
};
use futures::StreamExt;
use std::collections::HashSet;
use std::time::{Duration, Instant};

type Rooms = Topics<u64, Tracked>;

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug)]
struct Scene {
    caller: Caller,
    strategy: WaitStrategy,
    capacity: usize,
    history: usize,
    lingers: bool,
    keys: u64,
    publishers: u64,
    /// For each publisher.
    events: u64,
    visitors: u64,
    audited: bool,
    /// By the first publisher, when it is done with less than the others have.
    closed_early: bool,
}

impl Scene {
    fn drawn(random: &mut Random) -> Self {
        let capacity = random.one_of(&[1, 2, 4, 16]);
        let most = random.one_of(&[100, 1_000, 5_000]);
        Self {
            caller: random.one_of(&[Caller::Thread, Caller::Task]),
            strategy: random.one_of(&STRATEGIES),
            capacity,
            history: random.below(capacity as u64 + 1) as usize,
            lingers: random.below(2) == 0,
            keys: random.one_of(&[1, 3, 100]),
            publishers: 1 + random.below(3),
            events: 1 + random.below(most),
            visitors: random.below(4),
            audited: random.below(2) == 0,
            closed_early: random.below(4) == 0,
        }
    }
}

/// What became of a publisher's events.
#[derive(Default)]
struct Published {
    heard: u64,
    unheard: u64,
    handed_back: u64,
    /// By a permit whose topic has gone, or the topics are closed: it may be in the audit.
    refused: u64,
}

#[derive(Default)]
struct Visited {
    visits: u64,
    received: u64,
    missed: u64,
}

pub(crate) fn round(seed: u64, random: &mut Random, summary: &mut Summary) {
    let scene = Scene::drawn(random);
    watch::next(seed, format!("topics: {scene:?}"));
    let crew = Crew::of(scene.caller, random);
    let builder = Rooms::builder()
        .capacity(scene.capacity)
        .history(scene.history);
    let builder = builder.strategy(scene.strategy).all_capacity(64);
    let linger = if scene.lingers { HOUR } else { Duration::ZERO };
    let topics = builder
        .linger(linger)
        .build()
        .expect("a good configuration");
    let ledger = Ledger::default();

    let auditing = scene.audited.then(|| crew.spawn(audit(topics.all())));
    let told = crew.spawn(follow(topics.changes()));
    let visiting: Vec<_> = (0..scene.visitors)
        .map(|_| crew.spawn(visit(scene.clone(), topics.clone(), random.fork())))
        .collect();
    let publishing: Vec<_> = (0..scene.publishers)
        .map(|publisher| {
            let (topics, ledger, random) = (topics.clone(), ledger.clone(), random.fork());
            crew.spawn(publish(scene.clone(), topics, ledger, publisher, random))
        })
        .collect();

    let mut published = Published::default();
    for done in publishing {
        let done = done();
        published.heard += done.heard;
        published.unheard += done.unheard;
        published.handed_back += done.handed_back;
        published.refused += done.refused;
    }
    topics.close();
    let (tally, accepted) = (&mut summary.topics, published.heard + published.unheard);
    for visitor in visiting {
        let Visited {
            visits,
            received,
            missed,
        } = visitor();
        tally.came_and_went += visits;
        tally.received += received;
        tally.missed += missed;
    }
    if let Some(auditing) = auditing {
        let audited = auditing();
        let possible = accepted..=accepted + published.refused;
        assert!(
            possible.contains(&audited),
            "{audited} of {possible:?} in the audit"
        );
    }
    told();
    assert_eq!(topics.len(), 0);
    assert_eq!(topics.stats().published, published.heard);
    drop(topics);
    assert_eq!(ledger.alive(), 0, "values are left");
    tally.rounds += 1;
    tally.published += accepted;
    tally.handed_back += published.handed_back + published.refused;
    summary.as_tasks += u64::from(matches!(scene.caller, Caller::Task));
}

async fn publish(
    scene: Scene,
    topics: Rooms,
    ledger: Ledger,
    publisher: u64,
    mut random: Random,
) -> Published {
    let closes = scene.closed_early && publisher == 0;
    let events = if closes {
        scene.events / 2
    } else {
        scene.events
    };
    let mut published = Published::default();
    for number in 0..events {
        if random.below(4) == 0 {
            give_way().await; // Visitors are to come in between.
        }
        let key = random.below(scene.keys);
        let event = ledger.event(id(publisher, number));
        let outcome = match random.below(4) {
            0 => topics
                .try_publish(&key, event)
                .map_err(|error| match error {
                    TryPublishError::Full(event) => PublishError::Dropped(event),
                    TryPublishError::Closed(event) => PublishError::Closed(event),
                }),
            1 if matches!(scene.caller, Caller::Thread) => topics.publish_blocking(&key, event),
            2 => match topics.reserve(&key).await {
                Ok(Some(permit)) => permit.publish(event).map(Some),
                Ok(None) => continue,
                Err(PublishError::Closed(())) => Err(PublishError::Closed(event)),
                Err(PublishError::Dropped(())) => Err(PublishError::Dropped(event)),
            },
            _ => topics.publish(&key, event).await,
        };
        match outcome {
            Ok(Some(_)) => published.heard += 1,
            Ok(None) => published.unheard += 1,
            Err(PublishError::Dropped(event)) => {
                assert_eq!(event.number(), id(publisher, number));
                published.handed_back += 1;
            }
            Err(PublishError::Closed(event)) => {
                assert_eq!(event.number(), id(publisher, number));
                published.refused += 1;
            }
        }
    }
    if closes {
        topics.close();
    }
    published
}

/// Comes to one topic after the other until they are closed.
async fn visit(scene: Scene, topics: Rooms, mut random: Random) -> Visited {
    let mut visited = Visited::default();
    loop {
        let key = random.below(scene.keys);
        let mut topic = match random.below(4) {
            0 => topics.subscribe_lossy(&key),
            1 => topics.subscribe_from(&key, Start::Oldest),
            _ => topics.subscribe(&key),
        };
        visited.visits += 1;
        let mut order = Order::new(false);
        let mut open = true;
        for _ in 0..random.below(20) {
            let received = match random.below(4) {
                0 if random.below(4) == 0 => topic.recv().await.ok_or(TryRecvError::Closed),
                _ => topic.try_recv(),
            };
            match received {
                Ok(event) => {
                    order.check(event.number());
                    visited.received += 1;
                }
                Err(TryRecvError::Empty) => give_way().await,
                Err(TryRecvError::Closed) => {
                    let all = topics.try_reserve(&key).err();
                    assert_eq!(all, Some(TryPublishError::Closed(())), "only this one ends");
                    open = false;
                    break;
                }
            }
        }
        visited.missed += topic.missed();
        drop(topic);
        if random.below(8) == 0 {
            topics.sweep_at(Instant::now() + 2 * HOUR);
        }
        if !open {
            return visited;
        }
    }
}

/// Sees everything, in each publisher's order. How much that was.
async fn audit(mut all: Receiver<(u64, Tracked)>) -> u64 {
    let (mut order, mut received) = (Order::new(false), 0);
    while let Some((_, event)) = all.recv().await {
        order.check(event.number());
        received += 1;
    }
    received + all.missed()
}

/// Openings and vacancies of each key come in turns.
async fn follow(mut changes: Changes<u64, Tracked>) {
    let mut open = HashSet::new();
    while let Some(change) = changes.next().await {
        match change {
            Change::Opened(key) => assert!(open.insert(key), "{key} is opened twice"),
            Change::Vacated(key) => assert!(open.remove(&key), "{key} is vacated twice"),
        }
    }
}
