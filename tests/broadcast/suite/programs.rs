// Patterns of programs that use tokio's channel.

use std::sync::{Arc, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

mod send_only {
    use super::broadcast;
    use std::cell::Cell;
    use std::sync::mpsc;

    /// A bus as libraries write it: its messages are `Send`, and nobody thought of `Sync`.
    struct Hub<M> {
        sender: broadcast::Sender<M>,
    }

    impl<M: Clone + Send + 'static> Hub<M> {
        fn forward(&self, to: tokio::sync::mpsc::UnboundedSender<M>) -> tokio::task::JoinHandle<()> {
            let mut receiver = self.sender.subscribe();
            tokio::spawn(async move {
                while let Ok(message) = receiver.recv().await {
                    if to.send(message).is_err() {
                        return;
                    }
                }
            })
        }
    }

    #[tokio::test]
    async fn a_message_need_not_be_sync() {
        let hub = Hub { sender: broadcast::Sender::new(8) };
        let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
        let task = hub.forward(to);
        hub.sender.send(Cell::new(7)).unwrap();
        assert_eq!(from.recv().await.unwrap().get(), 7);
        drop(hub);
        task.await.unwrap();
    }

    #[test]
    fn handles_of_send_only_messages_cross_threads() {
        fn crosses<T: Send + Sync>() {}
        crosses::<broadcast::Sender<Cell<u8>>>();
        crosses::<broadcast::Receiver<Cell<u8>>>();
        crosses::<broadcast::WeakSender<mpsc::Sender<Cell<u8>>>>();
    }
}

/// A value that gives its place back when nobody needs it any more.
#[derive(Clone)]
struct Job(#[allow(dead_code)] Arc<OwnedSemaphorePermit>);

#[tokio::test(start_paused = true)]
async fn places_come_back_once_all_have_received() {
    let places = Arc::new(Semaphore::new(1));
    let (sender, mut first) = broadcast::channel(8);
    let mut second = sender.subscribe();
    for _ in 0..3 {
        let place = tokio::time::timeout(std::time::Duration::from_secs(5), places.clone().acquire_owned());
        let place = place.await.expect("the place has come back").unwrap();
        sender.send(Job(Arc::new(place))).map_err(drop).unwrap();
        first.recv().await.map_err(drop).unwrap();
        second.recv().await.map_err(drop).unwrap();
    }
}

#[tokio::test]
async fn the_last_one_owns_the_value() {
    let (sender, mut first) = broadcast::channel(8);
    let mut second = sender.subscribe();
    let value = Arc::new(1);
    let weak: Weak<i32> = Arc::downgrade(&value);
    sender.send(value).unwrap();
    drop(first.recv().await.unwrap());
    let last = second.recv().await.unwrap();
    assert_eq!(Arc::try_unwrap(last), Ok(1));
    assert!(weak.upgrade().is_none());
}

#[tokio::test]
async fn receivers_one_behind_keep_one_value_not_a_ring() {
    let (sender, mut first) = broadcast::channel::<Arc<Vec<u8>>>(1024);
    let mut second = sender.subscribe();
    let mut alive: Vec<Weak<Vec<u8>>> = Vec::new();
    for round in 0..2000 {
        let frame = Arc::new(vec![0; 16]);
        alive.push(Arc::downgrade(&frame));
        sender.send(frame).unwrap();
        if round > 0 {
            first.recv().await.unwrap();
            second.recv().await.unwrap();
        }
    }
    let alive = alive.iter().filter(|frame| frame.upgrade().is_some()).count();
    assert!(alive <= 3, "{alive} frames are alive");
}

#[tokio::test]
async fn first_come_first_woken() {
    let (sender, _keep) = broadcast::channel(4);
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (mut receiver, order) = (sender.subscribe(), order.clone());
            tokio::spawn(async move {
                receiver.recv().await.unwrap();
                order.lock().unwrap().push(number);
            })
        })
        .collect();
    tokio::task::yield_now().await;
    sender.send(()).unwrap();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
}
