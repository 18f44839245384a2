//! Receivers that are evicted.

use super::*;
use eventring::Receiver;

fn evictable<E: Event>(model: &Model<E>) -> Receiver<E> {
    model.bus.receiver().evictable().build()
}

/// The first receiver of the bus.
fn evict_first(model: &Model<impl Event>) -> bool {
    model.bus.evict(0)
}

/// Catches: a publisher that overwrites what an evicted receiver is reading; an eviction that is lost
/// between a pin and its end.
///
/// Kills: `oust-busy`, `oust-rmw`.
#[test]
fn evict_while_it_receives() {
    loom::model(|| {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = evictable(&model);
        model.publish(0);
        let publisher = model.spawn_returning(|model| {
            assert!(evict_first(&model));
            model.try_publish(1)
        });
        let received = receiver.try_recv();
        let published = publisher.join().unwrap();
        match receiver.evicted() {
            Some(at) => assert_eq!(at, u64::from(received.is_ok())),
            None => panic!("it is evicted"),
        }
        assert!(matches!(received, Ok(0) | Err(TryRecvError::Closed)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(model.bus.receiver_count(), 0);
        assert!(published || model.try_publish(1));
    });
}

/// Catches: a flag that is lost with the receiver that carries it, whoever takes that off.
///
/// Kills: `oust-reader`.
#[test]
fn evict_while_it_receives_and_a_publisher_waits() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = evictable(&model);
        model.publish(0);
        let publisher = model.spawn(|model| {
            model.publish_blocking(1);
            model.publish_blocking(2);
        });
        let evicting = model.spawn(|model| assert!(evict_first(&model)));
        receiver.try_recv().ok();
        evicting.join().unwrap();
        publisher.join().unwrap();
    });
}

/// Catches: two evictions of which each leaves it to the other one, or both take it off.
#[test]
fn evict_twice_while_it_receives() {
    bounded(3, || {
        let model = numbers(1, WaitStrategy::Block);
        let mut receiver = evictable(&model);
        model.publish(0);
        let other = model.spawn_returning(|model| evict_first(&model));
        let receiving = thread::spawn(move || {
            receiver.try_recv().ok();
            receiver
        });
        let evicted = evict_first(&model);
        assert!(other.join().unwrap() || evicted);
        let receiver = receiving.join().unwrap();
        assert!(receiver.evicted().is_some());
        assert_eq!(model.bus.receiver_count(), 0);
    });
}

/// Catches: a receiver that sleeps for ever, since nothing is going to come to it.
///
/// Kills: `tell-evicted`.
#[test]
fn evict_while_it_waits() {
    loom::model(|| {
        let model = numbers(2, WaitStrategy::Block);
        let mut receiver = evictable(&model);
        let evicting = model.spawn(|model| assert!(evict_first(&model)));
        assert_eq!(receiver.recv_blocking(), None);
        evicting.join().unwrap();
    });
}

/// Catches: the same, where it waits for whom it stays behind.
#[test]
fn evict_while_it_waits_behind_another() {
    bounded(3, || {
        let model = numbers(2, WaitStrategy::Block);
        let leader = model.bus.subscribe_committing();
        let behind = leader.watermark();
        let mut receiver = model.bus.receiver().evictable().behind(&behind).build();
        model.publish(0);
        let evicting = model.spawn(|model| assert!(model.bus.evict(1)));
        assert_eq!(receiver.recv_blocking(), None);
        evicting.join().unwrap();
    });
}

/// Catches: a receiver that is taken off twice, by its drop and by an eviction.
#[test]
fn evict_while_it_drops() {
    loom::model(|| {
        let model = counted(1, WaitStrategy::Block);
        let receiver = evictable(&model);
        model.publish(0);
        let evicting = model.spawn(|model| {
            evict_first(&model);
        });
        drop(receiver);
        evicting.join().unwrap();
        assert_eq!((model.bus.receiver_count(), model.alive()), (0, 0));
    });
}

/// Catches: a value that is moved out, by who is the only receiver then, or released, while one that is
/// being evicted clones it.
#[test]
fn evict_while_another_receives() {
    bounded(3, || {
        let model = counted(2, WaitStrategy::Block);
        let mut receiver = evictable(&model);
        let mut other = model.bus.subscribe();
        model.publish(0);
        let evicting = model.spawn(|model| assert!(evict_first(&model)));
        let receiving = thread::spawn(move || {
            receiver.try_recv().ok();
            receiver
        });
        assert_eq!(other.try_recv().unwrap().number(), 0);
        assert!(other.try_recv().is_err());
        evicting.join().unwrap();
        let _evicted = receiving.join().unwrap();
        assert!(other.try_recv().is_err());
        assert_eq!(model.alive(), 0);
    });
}
