//! Futures and receivers that are polled under one runtime after the other before they resolve.

use crate::common::{block, publish_all, watched};
use eventring::broadcast::channel;
use futures::executor::block_on;
use futures::{FutureExt, StreamExt, poll};
use std::thread;
use tokio::runtime::Builder;

/// Polls the future once under each of some runtimes, none of which is there any more afterwards;
/// then has it woken, while yet another one polls it.
fn moved<F>(mut future: F, wake: impl FnOnce() + Send) -> F::Output
where
    F: Future<Output: Send> + Send + Unpin,
{
    let poll_once = |future: &mut F| {
        let mut runtimes = [Builder::new_current_thread(), Builder::new_multi_thread()];
        for runtime in &mut runtimes {
            let runtime = runtime.enable_all().build().unwrap();
            assert!(runtime.block_on(async { poll!(&mut *future) }).is_pending());
        }
        assert!(smol::block_on(async { poll!(&mut *future) }).is_pending());
        assert!(block_on(async { poll!(&mut *future) }).is_pending());
    };
    thread::scope(|scope| {
        let future = scope.spawn(move || {
            poll_once(&mut future);
            future
        });
        let mut future = future.join().unwrap();
        poll_once(&mut future);
        let last = scope.spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(future)
        });
        wake();
        last.join().unwrap()
    })
}

#[test]
fn receives() {
    watched(|| {
        let bus = block(4);
        let (mut one, mut other) = (bus.subscribe(), bus.subscribe_lossy());
        for number in 0..20 {
            let publish = || publish_all(&bus, [number]);
            let received = match number % 5 {
                0 => moved(one.recv(), publish),
                1 => moved(one.recv_with(|number| *number), publish),
                2 => moved(one.next(), publish),
                3 => {
                    let mut read = None;
                    let recv = one.recv_many_with(9, |number| read = Some(*number));
                    assert_eq!(moved(recv, publish), 1);
                    read
                }
                _ => {
                    let mut batch = Vec::new();
                    assert_eq!(moved(one.recv_many(&mut batch, 9), publish), 1);
                    batch.pop()
                }
            };
            assert_eq!((received, other.try_recv()), (Some(number), Ok(number)));
        }
        assert_eq!(moved(one.next(), || bus.close()), None);
    });
}

#[test]
fn publishes() {
    watched(|| {
        let bus = block(2);
        let mut receiver = bus.subscribe();
        publish_all(&bus, 0..2);
        for number in 2..20 {
            let receive = || assert_eq!(receiver.try_recv(), Ok(number - 2));
            match number % 2 {
                0 => assert_eq!(moved(bus.publish(number), receive), Ok(number)),
                _ => {
                    let mut batch = vec![number];
                    assert_eq!(moved(bus.publish_many(&mut batch), receive), Ok(()));
                    assert!(batch.is_empty());
                }
            }
        }
    });
}

#[test]
fn drains() {
    watched(|| {
        let bus = block(2);
        let mut receiver = bus.subscribe();
        publish_all(&bus, [7]);
        moved(bus.drained(), || {
            assert_eq!(receiver.try_recv(), Ok(7));
        });
    });
}

#[test]
fn a_channels_receives_and_its_end() {
    watched(|| {
        let (sender, mut receiver) = channel(2);
        for number in 0..20 {
            let send = || assert_eq!(sender.send(number).unwrap(), 1);
            assert_eq!(moved(Box::pin(receiver.recv()), send), Ok(number));
        }
        assert!(receiver.recv().now_or_never().is_none());
        moved(sender.closed(), || drop(receiver));
    });
}
