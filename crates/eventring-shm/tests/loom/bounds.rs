//! Where a reader starts, and where it goes on.

use super::*;

/// Catches: gaps that are not what was lost.
#[test]
fn exact_gaps() {
    bounded(2, || {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        let writer = spawn(&world, move |world| {
            for _ in 0..4 {
                world.publish(&mut tip, Place::Inline);
            }
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        reader.attempt(&world);
        writer.join().unwrap();
        reader.drain(&world);
        reader.assert(4);
    });
}

/// Catches: a tail that is seen before the events below it.
///
/// Kills: `tail-store`, `tail-load`.
#[test]
fn below_the_tail() {
    loom::model(|| {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Inline);
        });
        if world.ring().tail() == 1 {
            assert!(matches!(world.ring().look(0), Ok(Look::Ready(_))));
        }
        writer.join().unwrap();
    });
}

/// One writer publishes so many events, and another one that takes the lock after it one more, while a reader
/// looks for the first.
fn followed_by_another(place: Place, events: u64) {
    bounded(2, move || {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        assert_eq!(world.ring().try_lock(0, Some(&*world)), Locked::Clean);
        let first = spawn(&world, move |world| {
            for _ in 0..events {
                world.publish(&mut tip, place);
            }
            world.ring().unlock();
        });
        let second = spawn(&world, move |world| {
            world.publish_locked(1, place);
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        first.join().unwrap();
        second.join().unwrap();
        reader.drain(&world);
        reader.assert(world.ring().tail());
    });
}

/// Catches: a bound that is seen before the tail that it goes with, and taken for a corrupt one.
/// (The second writer has no fence of its own before it raises the bound: to 5, of a ring of 2, which a
/// reader that found event 2 at 0, and knows of no more, takes for corrupt.)
///
/// Kills: `oldest-raise`, `bounds-load`.
#[test]
fn bound_raised_by_the_next_writer() {
    followed_by_another(Place::Outside, 6);
}

/// Catches: an open stamp of the next writer that is seen before the tail that it follows from, and taken for a
/// corrupt one.
///
/// Kills: `room-fence`.
#[test]
fn opened_by_the_next_writer() {
    followed_by_another(Place::Inline, 4);
}

/// Catches: a bound that a reset raised, seen before the tail; a reset that readers who are behind are not told of.
///
/// Kills: `start-raise`, `oldest-raise`, `bounds-load`.
#[test]
fn reset_by_the_next_writer() {
    bounded(2, || {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        assert_eq!(world.ring().try_lock(0, Some(&*world)), Locked::Clean);
        let first = spawn(&world, move |world| {
            for _ in 0..4 {
                world.publish(&mut tip, Place::Inline);
            }
            world.ring().unlock();
        });
        let second = spawn(&world, |world| {
            if world.ring().try_lock(1, Some(world)) == Locked::Clean {
                world.ring().reset(&mut world.ring().load_tip());
                world.ring().unlock();
            }
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        first.join().unwrap();
        second.join().unwrap();
        let before = reader.received.len();
        let start = world.ring().oldest();
        reader.drain(&world);
        reader.assert(4);
        if start == 4 {
            assert_eq!(reader.received.len(), before, "events of before the reset");
        }
    });
}
