//! A writer dies at any step of the protocol, and another one goes on.

use super::*;

/// More than there are points in a publish.
const STEPS: usize = 16;

/// A writer publishes and dies at its `nth` step, while a reader reads; then the next one publishes.
/// Whatever the first one has committed is read, once, and there is no hole.
fn dies(nth: usize, place: Place, before: u64) {
    bounded(2, move || {
        let world = World::new(2);
        let mut tip = world.ring().load_tip();
        for _ in 0..before {
            world.publish(&mut tip, place);
        }
        let first = spawn(&world, move |world| {
            crash_at(nth);
            let life = AssertUnwindSafe(|| {
                world.publish_locked(0, place);
            });
            if let Err(panic) = catch_unwind(life) {
                assert!(is_crash(&*panic));
            }
            world.alive[0].store(false, Ordering::Release);
        });
        let mut reader = Reader::default();
        reader.attempt(&world);
        let took_over = world.publish_locked(1, place);
        first.join().unwrap();
        if !took_over {
            assert!(world.publish_locked(1, place), "nobody else lives");
        }
        reader.drain(&world);
        let published = reader.position;
        assert!((before + 1..=before + 2).contains(&published), "{reader:?}");
        assert_eq!(world.ring().recover().unwrap().tail, published);
        reader.assert(published);
    });
}

/// Catches: a half-written event that is read; a sequence that is lost or taken twice; a lock that
/// nobody gets any more.
///
/// Kills: `slot-lease-check`.
#[test]
fn at_every_step_of_a_descriptor() {
    for nth in 0..STEPS {
        dies(nth, Place::Inline, 0);
    }
}

/// Catches: the same in a ring that is full, where old events are overwritten.
#[test]
fn at_every_step_in_a_full_ring() {
    for nth in 0..STEPS {
        dies(nth, Place::Inline, 2);
    }
}

/// Catches: a floor that does not stand, payloads that overlap.
///
/// Kills: `recover-first`.
#[test]
fn at_every_step_of_a_payload() {
    for nth in 0..STEPS {
        dies(nth, Place::Outside, WORDS);
    }
}
