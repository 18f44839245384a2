//! The algorithm: a seqlock for each event, a floor for the payloads, a lock that survives its owner,
//! and a bell.
//!
//! Writers and readers are processes that share two files and nothing else. Readers write only the
//! bell; the writer does not know how many there are, and never waits for one. Anybody may be killed
//! at any step.
//!
//! ```text
//!  descriptors    ┌──────┬──────┬──────┬──────┬──────┬──────┬──────┬──────┐
//!  s & 7          │  8   │  9   │  10  │  11  │ (12) │  5   │  6   │  7   │   12 is being written
//!                 └──────┴──────┴──────┴──────┴──────┴──────┴──────┴──────┘   over 4; tail is 12
//!                                                 ▲       ▲
//!                                             2 s + 1   2 s + 2: committed
//!
//!  payload        ┌──────────────────────────────────────────────────────┐
//!  offset & mask  │ ··10··│··11··│ (12) │ wiped │··6··│··7··│··8··│··9···│   in words; the last one
//!                 └──────────────────────────────────────────────────────┘   of each is padded
//!                                ▲      ▲       ▲
//!                              head    end    floor: from here on all is whole; `oldest` is 6
//!
//!  stamp   [ 2 × sequence + 1, or + 2 ]        writing × reading, of one descriptor
//!  floor   [ offset ]                          writing × reading, of payloads
//!  lock    [ generation ··· | owner's slot ]   writing × writing × dying
//!  bell    [ generation ··· | WAITING ]        publishing × falling asleep
//! ```
//!
//! # Terms
//!
//! | term | meaning |
//! |---|---|
//! | sequence | number of an event, from 0, never reused, across restarts too |
//! | descriptor | a cache line: stamp, kind, flags, length, time, offset, and `ext` or a payload of up to 32 bytes |
//! | offset | of a payload: how many bytes were published before it; its place is that modulo the size |
//! | tail, head | the next sequence, the next offset |
//! | floor, oldest | the offset from which on all payloads are whole, and the first sequence of those |
//! | start | where the history since the last reset starts |
//! | slot | a writer's number, leased by a lock that the kernel drops when it dies |
//!
//! All shared words are 64 bits (the bell's: 32) and always accessed as such. On a read-only mapping
//! only Relaxed loads are allowed, so readers use those and fences throughout.
//!
//! # Publish
//!
//! * **W1** One of several: take the lock, load the tip. One that is alone has it for life.
//! * **W2** Is `end - floor` more than the ring holds? Raise `oldest` past the descriptors below the
//!   new floor, then `floor`: in steps of a 64th of the ring, so that readers keep their copy of the
//!   line.
//! * **W3** A Release fence: W2, and what the writer knows of the one before it, come before W4 and W5.
//! * **W4** The payload's words.
//! * **W5** Open the stamp: `2 s + 1`; a Release fence; the descriptor's words.
//! * **W6** Commit the stamp: `2 s + 2`.
//! * **W7** `tail`, `head`; unlock. A batch of up to half a ring does W2 to W6 for each event, then
//!   W7 and W8 once.
//! * **W8** Take WAITING out of the bell. If it was in there: move the generation on, wake all.
//!
//! # Receive, at position `r` of a ring of `n`
//!
//! * **R1** Load the stamp. Below `2 r + 2`: nothing there yet. Above, or `start > r`: lapped.
//! * **R2** Load the descriptor's words; load the stamp again. Another one: lapped.
//! * **R3** Check what it says; filter. What is not wanted is not copied.
//! * **R4** Copy the payload's words; load `floor`. Above the offset: expired, and so lapped.
//! * **R5** The position is `r + 1`.
//!
//! Lapped: go on at the greatest of `r + 1`, `x + 1 - n` (for `x` in the slot), `tail - n`, `oldest` and
//! `start`, and report the distance, once. So *received + missed = published* by construction. More
//! than a ring beyond the tail: corrupt.
//!
//! Why R4 is right: a copied word of a later event was stored after that event's W3, which the fence
//! after the copying therefore synchronises with, and the load of `floor` sees its W2. Likewise R2 and
//! W5.
//!
//! # Sleep
//!
//! Mark the bell by a read-modify-write, look at the ring again, sleep while the bell is what it was.
//! W8 is a read-modify-write of the same word: either the writer sees WAITING, or the look after it
//! sees the event. (So tasks do, too: `waiting.rs`.) A writer that dies between W6 and W8 leaves
//! readers asleep; the next one rings when it comes.
//!
//! # Close, replace, reset
//!
//! Closing and replacing set `state`, then wake all; a reader that finds nothing looks there, and if it
//! is the end, once more at the ring. Resetting raises `start`, `oldest` and `floor` to the tip.
//!
//! # Lock and death
//!
//! The lock's word names the owner's slot. Who has waited for 10 ms asks the kernel whether that
//! slot's lease is still held. If not, it takes the lock by compare-and-swap, and recovers. The word
//! has another generation each time that the lock is taken: a new writer that leases a dead one's slot
//! cannot be taken for the dead one. Waiting is spinning, giving way, sleeping: the lock is held for
//! some 50 ns, and a futex there would be one more thing that the dead leave behind.
//!
//! Recovering: the tail goes past what is committed there; `head` follows from the last descriptor;
//! `floor` and `oldest` stand, since they only rise, before anything is overwritten. The half-written
//! event's sequence is taken again: no hole, no gap, and readers see only `epoch` change. Doing it
//! twice, or dying in between, changes nothing.
//!
//! # Invariants
//!
//! * **I1** Only the owner of the lock writes words of the ring.
//! * **I2** Stamps, `tail`, `head`, `floor`, `oldest`, `start` only grow.
//! * **I3** A word of a payload is overwritten only after `floor` is above that payload's offset.
//! * **I4** A descriptor's words are only written while its stamp is odd.
//! * **I5** `head - floor` never exceeds the ring.
//! * **I6** What a reader saw of `oldest` and `start` is at most `n` beyond the tail that it sees after.
//! * **I7** The lock is taken from its owner only while nobody holds that slot's lease, and only the
//!   very taking that was asked about.
//!
//! # Ordering
//!
//! | operation | label | ordering | pairs with | weaker, or left out, this breaks |
//! |---|---|---|---|---|
//! | floor raised (W2) | `floor-raise` | | R4 | an overwritten payload is taken for whole |
//! | fence (W3) | `room-fence` | Release | R1, R4 | the same; the next writer's open stamp is seen, not the tail that it follows from: a sound ring counts as corrupt |
//! | stamp opened (W5) | `stamp-open` | | R2 | a torn descriptor is taken for whole |
//! | fence (W5) | `stamp-fence` | Release | R2 | the same |
//! | stamp committed (W6) | `stamp-commit` | Release | R1 | an event is read before it is written |
//! | fence after the stamp (R1) | `read-fence-stamp` | Acquire | W6 | the same |
//! | fence before the second look (R2) | `read-fence-descriptor` | Acquire | W5 | a torn descriptor is taken for whole |
//! | fence before `floor` (R4) | `read-fence-payload` | Acquire | W3 | an overwritten payload is taken for whole |
//! | tail stored (W7) | `tail-store` | Release | its load | what is below the tail is not seen |
//! | tail loaded | `tail-load` | Acquire | W7 | the same |
//! | `oldest` raised | `oldest-raise` | Release | `bounds-load` | I6: a bound of the next writer is seen, not the tail that it follows from: a sound ring counts as corrupt |
//! | `start` raised | `start-raise` | Release | `bounds-load` | the same after a reset |
//! | fence between bounds and tail | `bounds-load` | Acquire | both | the same |
//! | WAITING taken out (W8) | `bell-clear` | Release | mark | a reader sleeps for ever |
//! | mark | `bell-mark` | Acquire | W8 | the same |
//! | look after the mark | `look-after-mark` | | W8 | the same |
//! | generation (W8) | `bell-generation` | Relaxed | falling asleep | the same: the word is what it was when the reader looked |
//! | state stored | `state-store` | Release | its load | the end is told before the last event |
//! | state loaded | `state-load` | Acquire | its store | the same |
//! | lock taken | `lock-take` | Acquire | unlock | two events in one slot |
//! | unlock | `lock-release` | Release | lock | the same |
//! | lease asked for | `slot-lease-check` | | the kernel | two writers at once |
//! | recovering | `recover-first` | | | sequences and payloads of the dead are lost or written over |
//!
//! By its label `.ci/shm-loom` makes each of these Relaxed or leaves it out, to see a model in
//! `tests/loom` fail. There a writer also dies at every single step, before and between these.
//!
//! # Other than in the design
//!
//! * A batch is up to half a ring, not a whole one: on a weakly ordered machine a reader may see the
//!   first stamp of a batch before the tail of the batch before, and would have to take it for corrupt.
//! * `oldest` and `start` need Release, which loom found: between two writers nothing else orders them.
//! * The stamp is opened after a fence of its own writer, which loom found, too: another one's open stamp could be seen
//!   before the tail that it follows from. So it is opened after the payload is written, which needs it no more.
//! * The bell's clearing needs only Release, its marking only Acquire.
//! * The lock is 64 bits with a generation: of 32 bits with only a slot, a waiter that asked about a
//!   dead owner could take the lock from the live one that leased the same slot since.
//! * A receiver that blocks does not give its processor away before it sleeps: where other processes keep
//!   all processors busy that cost it a time slice for each event (2.9 ms there and back on a machine
//!   that was building meanwhile).
//! * The state is in the line of `floor`, not in that of the tail: a reader that finds nothing looks at it,
//!   and one that spins took the tail's line from the writer with each look.
//! * Waiting for the lock is no futex, and a ring has no huge pages and no context area (their words in
//!   the header are 0).
//! * A group that may ring (write the bell) may truncate it, and kill the writer by SIGBUS. So reading
//!   and ringing are two rights ([`Access`](crate::Access)).

mod bell;
mod descriptor;
pub(crate) mod layout;
mod lock;
mod read;
mod recover;
mod stamp;
mod write;

#[cfg(all(test, not(eventring_loom)))]
mod heap;

pub(crate) use bell::{Bell, Marked};
pub(crate) use descriptor::{Descriptor, Ext};
pub(crate) use layout::{Geometry, State};
pub(crate) use lock::{Leases, Locked, SLOTS, Slot};
pub(crate) use read::Look;
pub(crate) use write::{Outgoing, Tip};

use crate::memory::Words;
use crate::sync::AtomicU64;

/// The memory of a ring, and what is known of it for certain.
#[derive(Debug)]
pub(crate) struct Memory {
    words: Words,
    geometry: Geometry,
    /// Longer payloads are not believed.
    limit: u64,
}

impl Memory {
    /// The words have to be as many as the geometry says.
    pub(crate) fn new(words: Words, geometry: Geometry) -> Self {
        assert_eq!(
            words.words().len(),
            geometry.words(),
            "memory of another ring"
        );
        Self {
            words,
            geometry,
            limit: geometry.payload_max(),
        }
    }

    pub(crate) fn limit_payload(&mut self, limit: u64) {
        self.limit = self.limit.min(limit);
    }

    #[inline(always)]
    pub(crate) fn ring(&self) -> Ring<'_> {
        Ring {
            words: self.words.words(),
            geometry: self.geometry,
            limit: self.limit,
        }
    }
}

/// The words of a ring, as all steps of the protocol take them: a value, so that where they are stays
/// in registers, and what was checked once is known. (Who takes several steps takes this once: each
/// store to the ring makes the compiler forget what it has loaded.)
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring<'a> {
    words: &'a [AtomicU64],
    geometry: Geometry,
    limit: u64,
}

impl<'a> Ring<'a> {
    #[inline(always)]
    pub(crate) fn geometry(self) -> Geometry {
        self.geometry
    }

    #[inline(always)]
    pub(crate) fn words(self) -> &'a [AtomicU64] {
        self.words
    }

    #[inline(always)]
    fn word(self, index: usize) -> &'a AtomicU64 {
        &self.words[index]
    }
}
