//! eventring on `wasm32-unknown-unknown`: the only thread there is publishes, waits and is woken. A
//! panic is a trap, which ends the program that called.

use eventring::{EventBus, WaitStrategy, broadcast};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake};

#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// How many checks there were, if all held.
#[unsafe(no_mangle)]
pub extern "C" fn checks() -> u32 {
    events_get_through();
    a_receiver_is_woken();
    a_publisher_is_woken();
    3
}

fn events_get_through() {
    let bus = EventBus::new(4);
    let mut receivers = [bus.subscribe(), bus.subscribe()];
    for number in 0..100 {
        bus.try_publish(number).expect("room");
        for receiver in &mut receivers {
            assert_eq!(receiver.try_recv(), Ok(number));
        }
    }
    bus.close();
    assert!(bus.try_publish(100).is_err());
    assert!(receivers[0].try_recv().is_err());
}

fn a_receiver_is_woken() {
    let (sender, mut receiver) = broadcast::channel(4);
    let woken = Arc::new(Counting::default());
    let waker = Arc::clone(&woken).into();
    let mut context = Context::from_waker(&waker);
    {
        let mut receiving = pin!(receiver.recv());
        assert!(receiving.as_mut().poll(&mut context).is_pending());
        sender.send("event").expect("a receiver");
        assert_eq!(woken.0.load(Relaxed), 1);
        assert_eq!(receiving.poll(&mut context), Poll::Ready(Ok("event")));
    }
    drop(sender);
    let closed = Poll::Ready(Err(broadcast::error::RecvError::Closed));
    assert_eq!(pin!(receiver.recv()).poll(&mut context), closed);
}

fn a_publisher_is_woken() {
    let bus = EventBus::with_strategy(1, WaitStrategy::Block);
    let mut receiver = bus.subscribe();
    let woken = Arc::new(Counting::default());
    let waker = Arc::clone(&woken).into();
    let mut context = Context::from_waker(&waker);
    bus.try_publish(1).expect("room");
    let mut publishing = pin!(bus.publish(2));
    assert!(publishing.as_mut().poll(&mut context).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(woken.0.load(Relaxed), 1);
    assert!(publishing.poll(&mut context).is_ready());
    assert_eq!(receiver.try_recv(), Ok(2));
}
