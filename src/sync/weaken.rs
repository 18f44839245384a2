//! Labels of orderings and protocol steps, so that `.ci/weaken` can prove that the models in
//! `tests/loom` need each of them: under `--cfg eventring_loom`, a run with `EVENTRING_WEAKEN=<label>`
//! makes that ordering Relaxed, or leaves that step out. `ring.rs` has the tables.
//!
//! A normal build has no such switch: the orderings and `true` are constants, and what is guarded
//! by `!step(..)`, to be done instead of a step, is not there.
//!
//! | label | the step, or what is done instead of it |
//! |---|---|
//! | `closed-refuses` | P1: a claim of a closed ring is refused |
//! | `check-limit` | P2: claims stay within `limit` |
//! | `queue-first` | P2: nothing is raised for a claim while others wait |
//! | `claim-what-was-raised` | P2: who raises `limit` claims before unlocking; after it |
//! | `claim-rmw` | P3: the claim is a compare-and-swap; a store |
//! | `gate-after-claim` | P4: `gate` is loaded after the claim; before it |
//! | `evict-lapped` | P4: lossy cursors below the floor are evicted |
//! | `evict-busy` | P4: not while BUSY |
//! | `evict-rmw` | P4: the eviction is a compare-and-swap; a store |
//! | `await-previous` | P5 |
//! | `read-from` | attaching: what lies below a gating newcomer does not count as read |
//! | `read-by-nobody` | P2: nothing does that nobody has read |
//! | `commit-rmw` | P7: the commit is a swap; a load and a store |
//! | `notify-waiting` | P7: those whose WAITING bit was taken out are notified |
//! | `batch-first-last` | the first slot of a batch is committed last; first |
//! | `batch-overtaken` | who may wait where a batch was committed by plain stores is notified |
//! | `batch-touch` | whether somebody may is told by a read-modify-write; by a load |
//! | `batch-history` | no plain stores with a history |
//! | `pin-rmw` | R2: the pin is a compare-and-swap; a store |
//! | `pin-flagged` | R2: a flagged cursor can be pinned too |
//! | `only-receiver` | R3: the value is moved out by the only receiver; by any |
//! | `others-are-past` | R3: or by one that all others are ahead of; by any |
//! | `copy-needs-it-too` | not if it was copied since |
//! | `advance-rmw` | R4: the step of a gating receiver is a swap; a load and a store |
//! | `keep-uncommitted` | R3: nothing is moved out by a committing receiver |
//! | `read-uncommitted` | R4: reading does not move the cursor of a committing receiver |
//! | `release-committed-values` | a committing receiver that has committed all releases |
//! | `keep-flag` | R4: a flag that a lossy receiver writes over is handed over |
//! | `hand-over` | R4: a flag that comes off is handed over |
//! | `subscribe-limit` | attaching: `limit` is lowered |
//! | `subscribe-gate` | attaching: `gate` is lowered |
//! | `count-before-touch` | attaching: the receiver is counted before the touch; after it |
//! | `subscribe-touch` | attaching: the touch is a read-modify-write; a load |
//! | `reattach-gate` | re-attaching: `gate` is lowered |
//! | `reattach-touch` | re-attaching: the touch is a read-modify-write; a load |
//! | `present-anchor` | a gating receiver reads the past through a lossy cursor |
//! | `batch-to-anchor` | a batch received ends where the past does |
//! | `leave-past` | the lossy cursor goes with the past |
//! | `claimed-for-others` | who is not to get what is claimed does not wait for it |
//! | `closing-first` | closing is announced before CLOSED is set; after it |
//! | `list-before-mark` | I7: who waits stands in the list before the mark is set; after it |
//! | `mark-rmw` | the mark is a read-modify-write; a store |
//! | `unlist-notified` | who is taken out of a list knows that |
//! | `choose-once` | a receiver chooses its shard when it comes to stand in a list; also while it stands in one |
//! | `leave-list` | who gives up a wait leaves the list |
//! | `flag-laggard` | a waiting publisher flags the laggard |
//! | `flag-check` | the flagged cursor is looked at again |
//! | `flag-lossy` | a lossy cursor is flagged by compare-and-swap; by a store |
//! | `flag-busy` | not while BUSY |
//! | `pass-flag-on` | a hand-over flags the next laggard |
//! | `evicted-flag` | a flag that comes off by eviction is handed over |
//! | `removed-flag` | a flag that goes with its receiver is handed over |
//! | `take-back` | reserving: `limit` is lowered to the tail |
//! | `take-back-turn` | reserving: then the tail's word turns; is touched |
//! | `permit-begin` | using a permit: that is said before the claim |
//! | `permits-again` | who finds no room looks again if a permit is being used |
//! | `permits-awaited` | who waits for a permit to be used says so |
//! | `permits-rmw` | permits are counted by a read-modify-write; by a load and a store |
//! | `leave-queue` | who gives up a wait for room leaves the queue |
//! | `pass-turn-on` | and what it was granted goes to the next one |
//! | `closed-while-waiting` | who waits for room looks for CLOSED |
//! | `mark-awaited` | who waits for room leaves AWAITED in the tail |
//! | `mark-committing` | so does a committing receiver, for those behind it |
//! | `awaited-rmw` | AWAITED is set by a read-modify-write; by a load and a store |
//! | `closed-unawaited` | who leaves AWAITED looks for CLOSED then |
//! | `wake-served` | those who are granted room are woken |
//! | `wake-drained` | a hand-over notifies drains |
//! | `mark-gone` | a committing receiver that goes says so |
//! | `mark-watched` | who waits for a committing receiver marks it |
//! | `tell-watchers` | R4: a commit that takes the mark off wakes those who waited for it |
//! | `keep-watched` | and marks it again if others still wait |
//! | `tell-gone` | a committing receiver that goes wakes all who wait for it |
//! | `behind-leader` | R2: who stays behind a committing receiver reads only what that has committed |
//! | `past-to-reserved` | attaching: a committing receiver asks for no room that is reserved |
//! | `close-watched` | closing notifies those who wait for a committing receiver |
//! | `oust-rmw` | OUT is set by a read-modify-write; by a load and a store |
//! | `oust-busy` | who is evicted while it reads is not taken off |
//! | `oust-reader` | R4: but takes itself off |
//! | `tell-evicted` | who is evicted while it waits is woken |
//! | `note-drain` | a drain notes its target |
//! | `attach-detached` | a drain re-attaches a detached cursor, to flag it |
//! | `note-watch` | who waits for receivers to come, or for the last one to go, is remembered |
//! | `wake-attended` | a receiver that comes notifies |
//! | `wake-deserted` | the last receiver to go notifies |
//! | `told-after-release` | once its values are released; before that |
//! | `exclude-gate` | releasing: `gate` is lowered |
//! | `exclude-touch` | releasing: the touch is a read-modify-write; a load |
//! | `release-committed` | releasing: what is not committed is left alone |
//! | `slot-touch` | releasing: such a slot is touched |
//! | `release-after-commit` | a publisher that finds nobody left releases |
//! | `count-arrivals` | a publisher that sees a first receiver come releases |
//! | `unsubscribe-shared` | a receiver that goes is taken off, unless nobody else has the ring |
//! | `release-on-drop` | a receiver that goes releases |
//! | `release-on-empty` | a receiver that has read all releases |
//! | `lapped-values` | also one that missed some |
//! | `caught-up-rmw` | those who have read all are counted by a read-modify-write; by a load and a store |
//! | `caught-up-touch` | a receiver that goes touches the count |
//! | `gone-unsure` | and tells that it may be counted |
//! | `count-unsure` | so do those who are counted and may go back, or be taken off |
//! | `counted-once` | and one that comes, and is going to be told of a lag |
//! | `all-locked` | whether all have read all is looked at where nobody can go |
//! | `caught-up-newcomer` | one that comes, and has nothing to read, is counted |
//! | `release-on-the-way` | and one that has read some, if it has come far enough |
//! | `close-rmw` | CLOSED is set by a read-modify-write; by a load and a store |
//! | `close-notify` | closing notifies receivers |
//! | `close-space` | closing notifies those who wait for room |
//! | `last-handle` | the last handle to be dropped closes |
//! | `slot-lock` | `broadcast`: a slot is locked by compare-and-swap; by a store |
//! | `await-lap` | a sender waits for the lap before to be committed, and not read |
//! | `claim-word` | the claim is a compare-and-swap; a store |
//! | `wait-word` | WAITING is set by a read-modify-write; by a store |
//! | `send-notify` | a send whose claim took WAITING off wakes |
//! | `end-notify` | closing wakes |
//! | `leave-shared` | a receiver that goes leaves, unless nobody else has the channel |
//! | `pay-owed` | a receiver that leaves gives back what it owes |
//! | `share-owed` | the clone of a receiver is counted in what it is to receive |
//! | `await-commit` | both wait for what is claimed, and not committed |
//! | `watch-word` | who waits for the last receiver to go leaves WATCHED |
//! | `last-notify` | the last receiver to leave wakes |
//! | `join-under-lock` | T2: who comes is counted before the shard is unlocked; after it |
//! | `last-under-lock` | T4: who goes is counted out under the shard's lock, if it is the last; before it |
//! | `close-gone` | T4: the bus of a topic that is gone is closed |
//! | `publish-anew` | T1: a publisher that finds a topic gone looks again |
//! | `close-shards` | T5: nothing is put into a closed shard |
//! | `revive-idle` | T3: a topic that somebody comes to is not idle any more |
//! | `tap-seat` | T7: what is published to a topic is published to the tap |
//! | `tap-closed` | T7: a tap that is taken while the topics are closed is closed |
//! | `seen-shards` | a stream is told of what changes in a shard once it has seen what is there |
//! | `wake-changes` | who notes a change wakes |
//! | `upgrade-check` | a weak handle is upgraded only while there is a strong one |

use super::Ordering;

#[inline(always)]
pub(crate) fn acquire(label: &str) -> Ordering {
    if step(label) {
        Ordering::Acquire
    } else {
        Ordering::Relaxed
    }
}

#[inline(always)]
pub(crate) fn release(label: &str) -> Ordering {
    if step(label) {
        Ordering::Release
    } else {
        Ordering::Relaxed
    }
}

/// Each half has its label.
#[inline(always)]
pub(crate) fn acq_rel(acquiring: &str, releasing: &str) -> Ordering {
    match (step(acquiring), step(releasing)) {
        (true, true) => Ordering::AcqRel,
        (true, false) => Ordering::Acquire,
        (false, _) => Ordering::Release,
    }
}

/// Whether to take the step.
#[cfg(not(eventring_loom))]
#[inline(always)]
pub(crate) const fn step(_label: &str) -> bool {
    true
}

#[cfg(eventring_loom)]
pub(crate) fn step(label: &str) -> bool {
    use std::sync::OnceLock;

    static WEAKENED: OnceLock<Option<String>> = OnceLock::new();
    let weakened = WEAKENED.get_or_init(|| std::env::var("EVENTRING_WEAKEN").ok());
    weakened.as_deref() != Some(label)
}
