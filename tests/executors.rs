//! The same suite under every kind of executor: tasks that share one thread or several, or have one
//! each. What hangs only here is what relies on others being polled at the right time.
#![cfg(not(eventring_loom))]

mod common;

use common::{times, watched};
use eventring::broadcast::{self, error::RecvError};
use eventring::{EventBus, WaitStrategy};
use futures::future::{Either, RemoteHandle, join_all, select};
use futures::task::LocalSpawnExt;
use futures::{FutureExt, StreamExt};
use std::pin::{Pin, pin};
use std::sync::Arc;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How an executor starts a task.
type Spawn<'a> = &'a dyn Fn(Task);

/// Starts the future as a task; a panic of it comes out of the handle.
fn start<T: Send + 'static>(
    spawn: Spawn<'_>,
    future: impl Future<Output = T> + Send + 'static,
) -> RemoteHandle<T> {
    let (task, handle) = future.remote_handle();
    spawn(task.boxed());
    handle
}

async fn suite(spawn: Spawn<'_>) {
    for capacity in [1, 2, 16] {
        everybody_gets_everything(spawn, capacity).await;
        losses_are_accounted_for(spawn, capacity).await;
        cancelled_receives_lose_nothing(spawn, capacity).await;
        cancelled_publishes_publish_nothing(spawn, capacity).await;
        closing_ends_and_drains(spawn, capacity).await;
        a_channel(spawn, capacity).await;
        a_channel_whose_receivers_go(spawn, capacity).await;
    }
    a_busy_receiver_lets_others_run(spawn).await;
}

const EVENTS: u64 = times(300);

/// Publishers wait for receivers and receivers for publishers, and all for their turn.
async fn everybody_gets_everything(spawn: Spawn<'_>, capacity: usize) {
    let bus = EventBus::with_strategy(capacity, WaitStrategy::Block);
    let receivers = join_all((0..3).map(|_| {
        let receiver = bus.subscribe();
        start(spawn, receiver.collect::<Vec<u64>>())
    }));
    let publishers = join_all((0..3).map(|publisher| {
        let bus = bus.clone();
        start(spawn, async move {
            for number in 0..EVENTS {
                bus.publish(publisher * EVENTS + number).await.unwrap();
            }
        })
    }));
    publishers.await;
    drop(bus);
    for received in receivers.await {
        for publisher in 0..3 {
            let own = publisher * EVENTS..(publisher + 1) * EVENTS;
            let row = received.iter().copied().filter(|event| own.contains(event));
            assert!(row.eq(own.clone()), "complete and in order");
        }
        assert_eq!(received.len() as u64, 3 * EVENTS);
    }
}

async fn losses_are_accounted_for(spawn: Spawn<'_>, capacity: usize) {
    let bus = EventBus::new(capacity);
    let receivers = join_all((0..3).map(|_| {
        let mut receiver = bus.subscribe();
        start(spawn, async move {
            let mut received = 0;
            while receiver.next().await.is_some() {
                received += 1;
            }
            received + receiver.missed()
        })
    }));
    let publisher = start(spawn, async move {
        for number in 0..EVENTS {
            bus.publish(number).await.unwrap();
        }
    });
    publisher.await;
    assert_eq!(receivers.await, [EVENTS; 3]);
}

/// Every receive races with a future that is ready a little later.
async fn cancelled_receives_lose_nothing(spawn: Spawn<'_>, capacity: usize) {
    let bus = EventBus::with_strategy(capacity, WaitStrategy::Block);
    let mut receiver = bus.subscribe();
    let receiving = start(spawn, async move {
        let mut received = Vec::new();
        loop {
            let turn = pin!(tokio::task::yield_now());
            match select(receiver.recv(), turn).await {
                Either::Left((Some(event), _)) => received.push(event),
                Either::Left((None, _)) => return received,
                Either::Right(_) => {}
            }
        }
    });
    let publishing = start(spawn, async move {
        for number in 0..EVENTS {
            bus.publish(number).await.unwrap();
        }
    });
    publishing.await;
    assert!(receiving.await.into_iter().eq(0..EVENTS));
}

async fn cancelled_publishes_publish_nothing(spawn: Spawn<'_>, capacity: usize) {
    let bus = EventBus::with_strategy(capacity, WaitStrategy::Block);
    let receiving = start(spawn, bus.subscribe().collect::<Vec<u64>>());
    let publishing = start(spawn, async move {
        for number in 0..EVENTS {
            loop {
                let turn = pin!(tokio::task::yield_now());
                if let Either::Left((published, _)) = select(bus.publish(number), turn).await {
                    assert_eq!(published, Ok(number));
                    break;
                }
            }
        }
    });
    publishing.await;
    assert!(receiving.await.into_iter().eq(0..EVENTS));
}

async fn closing_ends_and_drains(spawn: Spawn<'_>, capacity: usize) {
    let bus = EventBus::with_strategy(capacity, WaitStrategy::Block);
    let receiving = start(spawn, bus.subscribe().count());
    for number in 0..capacity as u64 {
        bus.publish(number).await.unwrap();
    }
    let waiting = {
        let (bus, mut idle) = (bus.clone(), bus.subscribe_lossy());
        start(
            spawn,
            async move { (bus.drained().await, idle.recv().await).1 },
        )
    };
    bus.drained().await;
    bus.close();
    bus.drained().await;
    assert!(bus.publish(0).await.is_err());
    assert_eq!(receiving.await, capacity);
    assert_eq!(waiting.await, None);
}

async fn a_channel(spawn: Spawn<'_>, capacity: usize) {
    let (sender, first) = broadcast::channel(capacity);
    let receivers = join_all([first, sender.subscribe()].map(|mut receiver| {
        start(spawn, async move {
            let mut accounted = 0;
            loop {
                match receiver.recv().await {
                    Ok(_) => accounted += 1,
                    Err(RecvError::Lagged(missed)) => accounted += missed,
                    Err(RecvError::Closed) => return accounted,
                }
            }
        })
    }));
    let sending = start(spawn, async move {
        for number in 0..EVENTS {
            assert_eq!(sender.send(number).unwrap(), 2);
            tokio::task::yield_now().await;
        }
    });
    sending.await;
    assert_eq!(receivers.await, [EVENTS; 2]);
}

async fn a_channel_whose_receivers_go(spawn: Spawn<'_>, capacity: usize) {
    let (sender, mut receiver) = broadcast::channel(capacity);
    let receiving = start(spawn, async move { receiver.recv().await });
    sender.send(1).unwrap();
    sender.closed().await;
    assert_eq!(receiving.await, Ok(1));
    assert!(sender.send(2).is_err());
}

/// Two tasks keep each other supplied for ever; on a single thread the third one that ends this
/// only comes to its turn if they give way.
async fn a_busy_receiver_lets_others_run(spawn: Spawn<'_>) {
    let bus = EventBus::new(4);
    let mut receiver = bus.subscribe();
    let publisher = bus.clone();
    bus.try_publish(0).unwrap();
    let busy = start(spawn, async move {
        while let Some(number) = receiver.next().await {
            if publisher.publish(number + 1_u64).await.is_err() {
                break;
            }
        }
    });
    start(spawn, async move { bus.close() }).await;
    busy.await;
}

fn on_tokio(mut runtime: tokio::runtime::Builder) {
    let runtime = runtime.build().unwrap();
    let spawn = |task| drop(tokio::spawn(task));
    runtime.block_on(suite(&spawn));
    runtime.block_on(a_busy_receiver_lets_others_run(&spawn));
}

#[test]
fn tokio_multi_thread() {
    watched(|| on_tokio(tokio::runtime::Builder::new_multi_thread()));
}

#[test]
fn tokio_current_thread() {
    watched(|| on_tokio(tokio::runtime::Builder::new_current_thread()));
}

#[test]
fn smol_global() {
    watched(|| smol::block_on(suite(&|task| smol::spawn(task).detach())));
}

#[test]
fn smol_executor_on_several_threads() {
    watched(|| {
        let executor = Arc::new(smol::Executor::new());
        let (stop, stopped) = smol::channel::bounded::<()>(1);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
                scope.spawn(move || smol::block_on(executor.run(stopped.recv())));
            }
            smol::block_on(suite(&|task| executor.spawn(task).detach()));
            drop(stop);
        });
    });
}

#[test]
fn smol_local_executor() {
    watched(|| {
        let executor = smol::LocalExecutor::new();
        let spawn = |task: Task| executor.spawn(task).detach();
        smol::block_on(executor.run(suite(&spawn)));
    });
}

#[test]
fn futures_local_pool() {
    watched(|| {
        let mut pool = futures::executor::LocalPool::new();
        let spawner = pool.spawner();
        pool.run_until(suite(&|task| spawner.spawn_local(task).unwrap()));
    });
}

#[test]
fn plain_threads() {
    watched(|| {
        futures::executor::block_on(suite(&|task| {
            std::thread::spawn(|| futures::executor::block_on(task));
        }));
    });
}
