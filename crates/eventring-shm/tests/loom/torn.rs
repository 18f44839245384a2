//! A reader gets an event whole, or not at all.

use super::*;

/// Catches: an event that is taken for committed before its words are there.
///
/// Kills: `stamp-commit`, `read-fence-stamp`.
#[test]
fn first_event() {
    loom::model(|| {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Inline);
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        writer.join().unwrap();
        reader.drain(&world);
        reader.assert(1);
    });
}

/// Catches: words of the next lap taken for those of the event.
///
/// Kills: `stamp-open`, `stamp-fence`, `read-fence-descriptor`.
#[test]
fn overwritten_descriptor() {
    loom::model(|| {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        world.publish(&mut tip, Place::Inline);
        world.publish(&mut tip, Place::Inline);
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Inline);
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        writer.join().unwrap();
        reader.drain(&world);
        reader.assert(3);
    });
}

/// Catches: a payload of the next lap taken for that of the event, though its descriptor is whole.
///
/// Kills: `floor-raise`, `room-fence`, `read-fence-payload`.
#[test]
fn overwritten_payload() {
    loom::model(|| {
        let world = World::new(8);
        let mut tip = world.ring().load_tip();
        for _ in 0..WORDS {
            world.publish(&mut tip, Place::Outside);
        }
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Outside);
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        writer.join().unwrap();
        reader.drain(&world);
        reader.assert(WORDS + 1);
    });
}
