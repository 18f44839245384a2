//! Receivers under every kind of executor: tasks that share one thread or several, or have one each.

use eventring::Start;
use eventring_shm::{EventRing, Kind};
use futures::future::{BoxFuture, RemoteHandle, join_all};
use futures::task::LocalSpawnExt;
use futures::{FutureExt, StreamExt};

/// How an executor starts a task.
type Spawn<'a> = &'a dyn Fn(BoxFuture<'static, ()>);

const EVENTS: u64 = 300;

/// Each of three gets what one publishes for it, and answers it: all of them wait for each other.
async fn suite(spawn: Spawn<'_>) {
    let ring = || {
        EventRing::builder()
            .descriptors(16)
            .payload(4096)
            .memfd("executors")
            .unwrap()
    };
    let pairs = (0..3).map(|_| {
        let (there, back) = (ring(), ring());
        let mut answers = back.subscribe(Start::Next);
        let questions = there.subscribe(Start::Next);
        let mut publisher = back.publisher().unwrap();
        let answering: RemoteHandle<u64> = start(spawn, async move {
            let answered =
                questions.map(|event| publisher.publish(event.kind, &event.payload).unwrap());
            let count = answered.count().await as u64;
            publisher.close();
            count
        });
        let asking: RemoteHandle<u64> = start(spawn, async move {
            let mut publisher = there.publisher().unwrap();
            for number in 0..EVENTS {
                publisher.publish(Kind(1), &number.to_ne_bytes()).unwrap();
                let read =
                    |event: eventring_shm::EventRef<'_>| event.payload == number.to_ne_bytes();
                assert_eq!(answers.recv_with(read).await, Some(true));
            }
            publisher.close();
            assert_eq!(answers.recv().await, None);
            answers.missed()
        });
        futures::future::join(answering, asking)
    });
    for (answered, missed) in join_all(pairs).await {
        assert_eq!((answered, missed), (EVENTS, 0));
    }
}

fn start<T: Send + 'static>(
    spawn: Spawn<'_>,
    future: impl Future<Output = T> + Send + 'static,
) -> RemoteHandle<T> {
    let (task, handle) = future.remote_handle();
    spawn(task.boxed());
    handle
}

#[test]
fn tokio() {
    use tokio::runtime::Builder;
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.worker_threads(2).build().unwrap();
        runtime.block_on(suite(&|task| drop(runtime.spawn(task))));
    }
}

#[test]
fn smol() {
    let executor = smol::Executor::new();
    let spawn = |task| executor.spawn(task).detach();
    smol::block_on(executor.run(suite(&spawn)));
}

#[test]
fn futures_one_thread() {
    let mut pool = futures::executor::LocalPool::new();
    let spawner = pool.spawner();
    pool.run_until(suite(&|task| spawner.spawn_local(task).unwrap()));
}

#[test]
fn a_thread_for_each() {
    let spawn = |task| drop(std::thread::spawn(|| futures::executor::block_on(task)));
    futures::executor::block_on(suite(&spawn));
}
