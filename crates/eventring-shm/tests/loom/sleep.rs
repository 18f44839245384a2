//! A reader that sleeps is woken; one that is told of the end has had everything.

use super::*;

/// Waits for one event.
fn wait(reader: &mut Reader, world: &World) {
    while !reader.attempt(world) {
        let marked = world.bell.mark();
        if crate::sync::step("look-after-mark") && reader.attempt(world) {
            return;
        }
        world.bell.sleep(marked, None);
    }
}

/// Catches: a reader that goes to sleep just as the event comes, and is not woken.
///
/// Kills: `bell-clear`, `bell-mark`, `bell-generation`, `look-after-mark`.
#[test]
fn woken() {
    bounded(3, || {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Inline);
            world.bell.ring();
        });
        let mut reader = Reader::default();
        wait(&mut reader, &world);
        writer.join().unwrap();
        reader.assert(1);
    });
}

/// Catches: one of two readers that the other one's waking leaves asleep.
#[test]
fn both_woken() {
    bounded(2, || {
        let world = World::new(2);
        let other = spawn(&world, |world| {
            let mut reader = Reader::default();
            wait(&mut reader, world);
            reader.assert(1);
        });
        let mut tip = world.ring().load_tip();
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Inline);
            world.bell.ring();
        });
        let mut reader = Reader::default();
        wait(&mut reader, &world);
        writer.join().unwrap();
        other.join().unwrap();
    });
}

/// Catches: an end that is told before the last event.
///
/// Kills: `state-store`, `state-load`.
#[test]
fn closed() {
    loom::model(|| {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        let writer = spawn(&world, move |world| {
            world.publish(&mut tip, Place::Inline);
            world.ring().set_state(State::Closed);
        });
        let mut reader = Reader::default();
        if world.ring().state() == Some(State::Closed) {
            reader.drain(&world);
            reader.assert(1);
        }
        writer.join().unwrap();
    });
}
