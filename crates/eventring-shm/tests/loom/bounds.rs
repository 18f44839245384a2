//! Where a reader starts, and where it goes on.

use super::*;

/// Catches: gaps that are not what was lost.
#[test]
fn exact_gaps() {
    bounded(2, || {
        let world = World::new(2);
        let writer = spawn(&world, |world| {
            let mut tip = world.ring.load_tip();
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
        let writer = spawn(&world, |world| {
            world.publish(&mut world.ring.load_tip(), Place::Inline);
        });
        if world.ring.tail() == 1 {
            assert!(matches!(world.ring.look(0), Ok(Look::Ready(_))));
        }
        writer.join().unwrap();
    });
}

/// Catches: a bound that is seen before the tail that it goes with, and taken for a corrupt one.
///
/// Kills: `oldest-raise`, `bounds-load`.
#[test]
fn lapped_more_than_once() {
    bounded(2, || {
        let world = World::new(2);
        let writer = spawn(&world, |world| {
            let mut tip = world.ring.load_tip();
            for _ in 0..6 {
                world.publish(&mut tip, Place::Outside);
            }
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        writer.join().unwrap();
        reader.drain(&world);
        reader.assert(6);
    });
}

/// Catches: the same after a reset; a reset that readers who are behind are not told of.
///
/// Kills: `start-raise`, `bounds-load`.
#[test]
fn reset() {
    bounded(2, || {
        let world = World::new(2);
        let writer = spawn(&world, |world| {
            let mut tip = world.ring.load_tip();
            for _ in 0..3 {
                world.publish(&mut tip, Place::Inline);
            }
            world.ring.reset(&mut tip);
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        let before = reader.received.len();
        writer.join().unwrap();
        reader.drain(&world);
        reader.assert(3);
        assert_eq!(reader.received.len(), before, "events of before the reset");
    });
}
