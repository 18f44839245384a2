//! Instructions per operation: they repeat where times do not, so that a check can fail on them.
//!
//! `cargo bench --bench instructions -- NAME COUNT` does one operation so many times. Run under
//! callgrind, collecting in `measured` only, as `.ci/instructions` does, that tells what one costs;
//! the limits are in `.ci/instructions.limits`. All is done on one thread: a receiver waits by
//! being polled with a waker that does nothing.

#[cfg(not(eventring_loom))]
fn main() {
    operations::run();
}

/// The models are built without any of this.
#[cfg(eventring_loom)]
fn main() {}

#[cfg(not(eventring_loom))]
mod operations {
    use eventring::{EventBus, Receiver, WaitStrategy, broadcast};
    use std::hint::black_box;
    use std::iter::repeat_with;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const CAPACITY: usize = 1024;
    const BATCH: usize = 64;
    const NAMES: &str = "publish-recv, publish-recv-string, publish-recv-shared, batch-64, wake-1, \
                         wake-100, subscribe-drop, broadcast-send-recv";

    pub(super) fn run() {
        // Cargo adds `--bench`.
        let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
        let (name, count) = (args.next().unwrap_or_default(), args.next());
        let count = count.map_or(Ok(1), |count| count.parse());
        let Ok(count) = count else {
            panic!("COUNT is not a number");
        };
        match &*name {
            "publish-recv" => publish_recv(count, 1, || 7_u64),
            "publish-recv-string" => publish_recv(count, 1, || "x".repeat(64)),
            "publish-recv-shared" => publish_recv(count, 4, || 7_u64),
            "batch-64" => batch(count),
            "wake-1" => wake(count, 1),
            "wake-100" => wake(count, 100),
            "subscribe-drop" => subscribe_drop(count),
            "broadcast-send-recv" => broadcast_send_recv(count),
            _ => panic!("NAME is one of {NAMES}"),
        }
    }

    /// The only thing that is counted. What takes memory on its first use has done so before.
    fn repeat(count: usize, mut operation: impl FnMut()) {
        (0..2 * CAPACITY).for_each(|_| operation());
        measured(count, operation);
    }

    #[inline(never)]
    fn measured(count: usize, mut operation: impl FnMut()) {
        for _ in 0..count {
            operation();
        }
    }

    fn bus<E>(receivers: usize) -> (EventBus<E>, Vec<Receiver<E>>) {
        let bus = EventBus::with_strategy(CAPACITY, WaitStrategy::Block);
        let receivers = (0..receivers).map(|_| bus.subscribe()).collect();
        (bus, receivers)
    }

    /// One event, received by all.
    fn publish_recv<E: Clone>(count: usize, receivers: usize, event: impl Fn() -> E) {
        let (bus, mut receivers) = bus(receivers);
        repeat(count, || {
            assert!(bus.try_publish(black_box(event())).is_ok());
            for receiver in &mut receivers {
                assert!(black_box(receiver.try_recv()).is_ok());
            }
        });
    }

    /// 64 events in one go.
    fn batch(count: usize) {
        let (bus, mut receivers) = bus::<u64>(1);
        let (mut sent, mut received) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        repeat(count, || {
            sent.extend(0..BATCH as u64);
            assert_eq!(bus.try_publish_many(&mut sent), Ok(BATCH));
            let receiving = receivers[0].try_recv_many(&mut received, BATCH);
            assert_eq!(receiving, Ok(BATCH));
            black_box(&mut received).clear();
        });
    }

    /// All wait, get the event, and go on.
    fn wake(count: usize, receivers: usize) {
        let (bus, mut receivers) = bus::<u64>(receivers);
        let mut cx = Context::from_waker(Waker::noop());
        repeat(count, || {
            for receiver in &mut receivers {
                assert!(receiver.poll_recv(&mut cx).is_pending());
            }
            assert!(bus.try_publish(7).is_ok());
            for receiver in &mut receivers {
                assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Some(7)));
            }
        });
    }

    /// A receiver that comes and goes beside another one.
    fn subscribe_drop(count: usize) {
        let (bus, _receivers) = bus::<u64>(1);
        repeat(count, || drop(black_box(bus.subscribe())));
    }

    /// As `publish-recv`, with the swap-in, by a future.
    fn broadcast_send_recv(count: usize) {
        let (sender, mut receiver) = broadcast::channel(CAPACITY);
        let mut cx = Context::from_waker(Waker::noop());
        repeat(count, || {
            assert!(sender.send(black_box(7_u64)).is_ok());
            let mut recv = pin!(receiver.recv());
            // Now and then it yields.
            let received = repeat_with(|| recv.as_mut().poll(&mut cx)).find(Poll::is_ready);
            assert_eq!(received, Some(Poll::Ready(Ok(7))));
        });
    }
}
