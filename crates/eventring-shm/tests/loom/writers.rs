//! Several writers, in one total order.

use super::*;

/// Catches: two writers that take the same sequence, or do not see each other's.
///
/// Kills: `lock-take`, `lock-release`, `slot-lease-check`.
#[test]
fn one_after_the_other() {
    bounded(3, || {
        let world = World::new(4);
        let other = spawn(&world, |world| while_busy(world, 1));
        while_busy(&world, 0);
        other.join().unwrap();
        let mut reader = Reader::default();
        reader.drain(&world);
        assert_eq!(reader.received, [0, 1]);
    });
}

fn while_busy(world: &World, me: Slot) {
    while !world.publish_locked(me, Place::Inline) {
        thread::yield_now();
    }
}
