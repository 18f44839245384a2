//! Model checking of the protocol, on the real code. Each model names the bug it would catch.
//!
//! `RUSTFLAGS="--cfg eventring_loom" cargo test --profile loom -p eventring-shm --lib`
//!
//! loom runs every interleaving of a model's threads, with every value that each load may see. The
//! ring has two descriptors or so, of as few words as the protocol needs; loops are bounded: a fixed
//! number of attempts while others run, the rest after joining them.
//!
//! What a writer starts from is loaded before its thread is spawned: of each word loom remembers only
//! the last access when it looks for one to put another way round, and would miss what comes before.
//!
//! A line `Kills:` names orderings and steps that a model is known to need: see `.ci/shm-loom`.

mod bounds;
mod crash;
mod sleep;
mod torn;
mod writers;

use crate::memory::{BellMemory, Words};
use crate::protocol::{
    Bell, Geometry, Leases, Locked, Look, Memory, Outgoing, Ring, Slot, State, Tip,
};
use crate::sync::{crash_at, is_crash};
use loom::model::Builder;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Words of payload in the ring of a model; a payload has one.
const WORDS: u64 = 4;

/// A ring, its bell, and who of two writers lives.
struct World {
    memory: Memory,
    bell: Bell,
    alive: [AtomicBool; 2],
}

impl Leases for World {
    /// The kernel lets go of a lease after all that its owner did.
    fn is_dead(&self, slot: Slot) -> bool {
        !self.alive[usize::from(slot)].load(Ordering::Acquire)
    }
}

/// How the payload of an event is kept.
#[derive(Clone, Copy)]
enum Place {
    Inline,
    Outside,
}

impl World {
    fn new(descriptors: u64) -> Arc<Self> {
        let geometry = Geometry::new(descriptors, WORDS * 8).unwrap();
        Arc::new(Self {
            memory: Memory::new(Words::heap(geometry.words()), geometry),
            bell: Bell::new(BellMemory::heap()),
            alive: [AtomicBool::new(true), AtomicBool::new(true)],
        })
    }

    fn ring(&self) -> Ring<'_> {
        self.memory.ring()
    }

    /// Publishes the next event. What is in it follows from its sequence.
    fn publish(&self, tip: &mut Tip, place: Place) {
        let sequence = tip.tail;
        let payload = payload(sequence).to_ne_bytes();
        let ext = match place {
            Place::Inline => None,
            Place::Outside => Some([3 * sequence + 1]),
        };
        self.ring().write(
            tip,
            &Outgoing {
                kind: sequence as u16 + 1,
                time: 5 * sequence + 1,
                ext,
                payload: &payload,
                truncated: false,
            },
        );
        self.ring().publish_tip(tip);
    }

    /// The same, by one of several writers: `false` if another one that lives has the lock.
    fn publish_locked(&self, me: Slot, place: Place) -> bool {
        let mut tip = match self.ring().try_lock(me, Some(self)) {
            Locked::Clean => self.ring().load_tip(),
            Locked::Dead if crate::sync::step("recover-first") => self.ring().recover().unwrap(),
            Locked::Dead => self.ring().load_tip(),
            Locked::Busy => return false,
        };
        self.publish(&mut tip, place);
        self.ring().unlock();
        self.bell.ring();
        true
    }
}

fn payload(sequence: u64) -> u64 {
    7 * sequence + 1
}

fn spawn(world: &Arc<World>, run: impl FnOnce(&World) + 'static) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || run(&world))
}

/// A reader: where it stands, and what it got.
#[derive(Debug, Default)]
struct Reader {
    position: u64,
    received: Vec<u64>,
    missed: u64,
}

impl Reader {
    /// One attempt. `false` if nothing was there.
    fn attempt(&mut self, world: &World) -> bool {
        let next = match world.ring().look(self.position).unwrap() {
            Look::NotReady => return false,
            Look::Lapped(next) => next,
            Look::Ready(event) => {
                let sequence = self.position;
                assert_eq!(event.kind, sequence as u16 + 1, "torn");
                assert_eq!(event.time, 5 * sequence + 1, "torn");
                assert_eq!(event.len(), 8, "torn");
                let mut bytes = [0; 8];
                if world.ring().copy_payload(&event, 0, &mut bytes) {
                    assert_eq!(u64::from_ne_bytes(bytes), payload(sequence), "torn");
                    self.received.push(sequence);
                    self.position += 1;
                    return true;
                }
                world.ring().expired(sequence).unwrap()
            }
        };
        assert!(next > self.position, "a gap of nothing");
        self.missed += next - self.position;
        self.position = next;
        true
    }

    fn drain(&mut self, world: &World) {
        while self.attempt(world) {}
    }

    /// All was received, in order, or reported as missed.
    fn assert(&self, published: u64) {
        let total = self.received.len() as u64 + self.missed;
        assert_eq!(total, published, "{self:?}");
        assert!(self.received.is_sorted(), "{self:?}");
    }
}

/// For models whose full state space takes minutes: all interleavings with up to this many
/// preemptions, which is where concurrency bugs live (Musuvathi and Qadeer, PLDI 2007).
fn bounded(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(model);
}
