//! The algorithm: four kinds of atomic word, four handshakes.
//!
//! Every race between two parties is settled by both doing a read-modify-write on the *same* word,
//! so that whoever comes second sees the first. No `SeqCst`, no fences, no lock on the hot path.
//! The idea of a ring of pre-allocated slots with cursors is that of the [LMAX Disruptor] and, in
//! asynchronous Rust, of [Eventador].
//!
//! ```text
//!               receiver B               receiver A             tail: the next sequence to claim
//!               cursor 9                 cursor 12              15
//!                  │                        │                    │
//!                  ▼                        ▼                    ▼
//!  ┌──────┬──────┬──────┬──────┬──────┬──────┬──────┬──────┐
//!  │  8   │  9   │  10  │  11  │  12  │  13  │ (14) │ (7)  │    sequences, in slots `s & 7`;
//!  └──────┴──────┴──────┴──────┴──────┴──────┴──────┴──────┘    14 is claimed, not yet committed
//!     ▲                                                  ▲
//!   all have read it: released                       claiming 15 overruns it
//!
//!  tail    [ sequence ······ | AWAITED | TURN | CLOSED ] claim × attach × take back × batch × close
//!  stamp   [ sequence + 1 ············· | WAITING × 4 ]  commit × registering to be woken
//!  cursor  [ sequence ··· | OUT | FLAGGED | BUSY ]       pin, advance × evict, flag, watch
//!  permits [ out ········· | being used | AWAITED ]      use × wait for a use
//! ```
//!
//! # Terms
//!
//! | term | meaning |
//! |---|---|
//! | sequence | number of an event, from 0 or what the bus was built with, never reused |
//! | slot | `next_power_of_two(capacity)` of them, two small ones to a cache line; sequence `s` lives in slot `s % length` |
//! | capacity | exact number of unread events the bus holds (not rounded) |
//! | tail | the next sequence to claim |
//! | cursor | a receiver's position: the sequence that it reads next, or commits next |
//! | gating receiver | holds publishers back: they may not lap it |
//! | committing receiver | a gating one whose cursor stays behind its position, at what it has not committed: it can go back there, and borrow what is there |
//! | evictable receiver | a gating one that pins as a lossy one does, so that it can be taken off for good: its cursor OUT |
//! | lossy receiver | may be lapped: evicted (its cursor DETACHED), then it lags |
//! | permit | room that was granted: a sequence that only its owner may claim, whichever that will be |
//! | limit | the first sequence that may not be claimed without a permit: no more than the slowest gating cursor `+ capacity -` the permits that are out |
//! | gate | lower bound of all attached lossy cursors |
//! | floor | `claimed + 1 - capacity`: the oldest event retained once `claimed` is |
//! | registry | all cursors, several in a heap by where each was seen last, under a lock: to subscribe, unsubscribe, raise a bound, evict, re-attach |
//!
//! # Publish
//!
//! * **P1** Load `tail`. CLOSED: hand the event back.
//! * **P2** Is the tail below `limit`? If not, raise `limit` under the registry's lock, as far as the
//!   slowest gating cursor allows, and claim (P3) before unlocking. No room, or others wait for
//!   it: full.
//! * **P3** Claim by compare-and-swap of `tail`.
//! * **P4** Load `gate`, *after* the claim. Is the floor at or below it? If not, evict under the
//!   registry's lock every lossy cursor below the floor, and raise `gate`. One that is BUSY is
//!   waited for, unlocked.
//! * **P5** Wait (practically never) until the publisher that is one lap behind has committed.
//! * **P6** Move the event into the slot, the old value out. No user code runs from P3 to P7. The
//!   line of a slot further on is fetched meanwhile, if it is not of a batch: receivers have it, too.
//! * **P7** Swap the stamp; notify the shards whose WAITING bit was in the old one.
//! * **P8** Drop the old value: user code, and nothing is held.
//!
//! A batch claims several sequences at once, and has P5 behind it for all of them before it writes one:
//! without a look at any slot, if gating receivers have read the lap before (I8). It commits the first one
//! last, where receivers may be waiting, and the later ones by plain stores, unless there is a history, in
//! which somebody may start in the middle of the batch. A plain store loses WAITING. But nobody can wait at a
//! later slot before the first is committed, unless others have claimed more than `capacity` from there
//! meanwhile, and a receiver has come since, or was lapped and re-attached: in the middle, or there a lap
//! later. So then touch `tail`. If it is that far, notify all who wait; if not, who attaches later sees the
//! batch committed.
//!
//! # Receive
//!
//! * **R1** Load the slot's stamp. Older than `cursor + 1`: empty (or lagged, if the cursor was taken
//!   away). Newer: lagged.
//! * **R2** Lossy and evictable only: pin, by compare-and-swap of the cursor to BUSY. It fails if the
//!   cursor was taken away: lagged; if it is OUT, that is the end.
//! * **R3** Clone the value, read it in place, or move it out if no other receiver needs it and no
//!   history is kept.
//! * **R4** Lossy: store the new position. Gating: swap it in; if the old word was FLAGGED, hand
//!   over. Also when user code panics at R3: the event counts as received.
//!   A committing receiver does this when it commits; reading moves only its position. An evictable one
//!   that finds OUT in the old word takes itself off.
//!
//! So a receive costs one uncontended read-modify-write on the receiver's own cache line, and
//! nothing that receivers share.
//!
//! # Attaching, lag
//!
//! To subscribe, lower the bound of that kind, *then* touch `tail` by a read-modify-write that
//! changes nothing: its value is the new cursor. A publisher that claims later sees the lowered
//! bound (P4). `limit` is lowered by taking room back (see below), if it is above what a newcomer
//! can bear. To re-attach after a lag, the same with `tail - capacity`;
//! the distance from the old position is how many events were missed: exact, reported once.
//!
//! A receiver that starts in the history ends up with a cursor above its position if part of what
//! it asked for is gone: its first pin fails, and it lags by just that. A *gating* one holds its
//! gating cursor at the tail of that moment (the anchor), and reads the past through a lossy one. A
//! committing one gates from the start: it has room taken back as far as that takes, and asks for
//! nothing that who has permits may claim over.
//!
//! # Staying behind
//!
//! A receiver may stay behind a committing one, its leader: then R1 looks at the leader's cursor too,
//! and what is not committed there is not there. It waits in the leader's list. The
//! leader's cursor being attached, all from there on is kept (I2): so, under the registry's lock, that
//! is a newcomer's present, rather than the tail.
//!
//! # Evicting
//!
//! What a gating receiver reads is not pinned, so that it cannot be taken off while it may be reading: for
//! others to know whether it is takes a read-modify-write of each receive. An evictable receiver pays for
//! that (R2). To evict it, set OUT under the registry's lock, by a read-modify-write. If it was not BUSY, its
//! pins fail from then on: it is taken off as if it were dropped, with its flag and what only it still
//! needed. If it was, it finds OUT at R4, and does the same; nobody waits for that. Then notify all
//! where it may be waiting: it stands in a list there before it looks at its cursor.
//!
//! # Waiting to receive
//!
//! A slot has a list for each of four shards, and a thread always uses the same shard: all that
//! are caught up wait at one slot, and one list would be one lock for all of them. A receiver chooses when it
//! comes to stand in a list, and stays in that shard while it stands there, whoever polls it. Every other slot
//! shares these lists; those of a shard are made when somebody waits in it for the first time.
//! Stand in the list, then set the shard's WAITING bit by a read-modify-write on the stamp (or find it
//! set), look for CLOSED, sleep. A publish that nobody waits for never touches a list. Those of a list are woken
//! in the order in which they came, but for crowds (`wait/notifier.rs`): tasks run in the order in which they are
//! woken, and it pays to have neighbours in memory run after each other.
//!
//! Threads that are woken take the processor from the publisher that wakes them. One that reads a
//! single event and sleeps again has to be woken again for the next. So before it stands in the
//! list, a receiver that was woken for a single event, while a publisher wakes several, gives its
//! processor away, once for each such round, and looks again (`wait/waking.rs`).
//!
//! # Waiting to publish
//!
//! Under the registry's lock, stand in the queue; the laggard gets FLAGGED, and is checked again. (Who finds the lock
//! taken leaves it alone for the time of some holders, `sync.rs`: each event takes it twice, mostly on two threads.) A
//! receiver that takes FLAGGED off at R4 locks the registry and grants what room there is to those
//! who wait, in the order in which they came; just these are woken. If some still wait, the next
//! laggard gets the flag. Receivers that are not the slowest do nothing. While somebody waits, P2
//! raises nothing: what becomes free is theirs. A waiting publisher has claimed nothing, so that
//! it can be cancelled; what it was granted goes to the next one.
//!
//! A grant is a permit. Who waits has a ticket, and is granted one as soon as `served` is above it. To
//! use one, say so in the word that counts them, claim, whatever `limit` is, then count it out: no lock
//! is taken for that. Those who take one before they know the event (`reserve`) do the same without an
//! event. In between it is in the tail and counted, too: who looks for room counts the permits before
//! the tail, so that what he finds is there; if he finds none, he looks again until nobody is using
//! one. With no gating receiver, who waits leaves AWAITED beside the count: who uses one hands over.
//!
//! A permit is granted of room that nobody else can claim, so it has to be *taken back* from those
//! who publish without one: lower `limit` to the tail, then turn a bit of `tail`'s word, so that
//! a claim fails that has seen the former limit. The word never turns back at the same tail: it
//! turns only if `limit` was above the tail, and whoever raised it has claimed (P2) since, or
//! somebody else has. So until the registry is unlocked the tail moves only by permits.
//!
//! Draining waits in the same way, for targets noted in the registry. Lossy receivers are flagged
//! by compare-and-swap while they are not BUSY, since R4 writes over the word; a detached one is
//! re-attached first; a flag that comes off by eviction is handed over after the commit.
//!
//! Who waits for one committing receiver to come to some sequence stands in a list of that one, by the
//! sequence, then sets WATCHED in its word, in the place of OUT, by a read-modify-write (or finds it set).
//! A commit that takes it off wakes just those who waited for what is committed now, and sets it again if
//! others still wait: nobody else moves the cursor. So nothing is locked but that list. Such a receiver
//! that goes leaves GONE in its word, in the place of BUSY, and wakes all of them: what it has committed,
//! and that there will be no more, is one word.
//!
//! # Waiting for receivers to come, or for the last one to go
//!
//! Stand in a list, then look at the count under the registry's lock, and note there what number is
//! waited for. A receiver comes and goes under that lock, and notifies if that makes the number what
//! somebody waits for, the last one once it has released the values: either it is seen, or it finds the
//! note. Who is counted is attached, and gets what is published from then on. Who wakes looks again:
//! there may be more or fewer since.
//!
//! # Releasing values
//!
//! A value is dropped once every receiver has it:
//!
//! * the only receiver moves it out, unless it reads a batch in place or commits; so does one that has
//!   found all others ahead, up to where the slowest of these was: who comes later starts further on,
//!   and its own copy makes it forget that;
//! * of several, the last to find the ring empty, or to be dropped, releases what all have read: they
//!   count themselves in a word, beside the end that they have come to, which starts anew with a newer
//!   end. A newcomer counts if it starts there, and who goes touches the word. Who makes the count that of all
//!   receivers need not look where they are (I9), unless the word is marked UNSURE: by who goes, by one that
//!   may go back or be evicted, and by one that is counted, and is going to be told of a lag;
//! * each does so whenever it has come past another [`KEPT`] events, so that no more are kept where
//!   nobody ever finds the ring empty;
//! * the last receiver to be dropped, or a publisher that finds none left, releases everything.
//!
//! Publishers are shut out meanwhile: under the registry's lock lower `gate` to the first slot's
//! sequence and touch `tail`; what is claimed over already is left alone; the values are taken,
//! the gate is restored, and only then, unlocked, they are dropped. Stamps not committed are touched: a
//! publisher that commits after the last receiver's drop sees that nobody is left (a batch by its first
//! stamp, or by `tail`). What was claimed before the first receiver came is for nobody either: that one counts
//! its arrival, then itself at the end; a publisher that commits later sees another count than before its
//! claim, and releases. With a history nothing is moved out, and nothing is released within it; a detached
//! receiver still owns the newest `capacity` events, so that nothing is released under it.
//!
//! # Close
//!
//! Announce it, set CLOSED in `tail`, then take the WAITING bits out of the slot at the tail and
//! notify. Claims fail from then on; receivers drain what is there, then end. One that finds the
//! ring empty looks for CLOSED only after the announcement: the tail's cache line is the
//! publishers', and a receiver that keeps up would slow every claim down by looking there.
//!
//! Those who wait for room, or behind a committing receiver, are told under the registry's lock, only if
//! AWAITED was in `tail`: the first of them, or that receiver, has left it there by a read-modify-write,
//! before it looked for CLOSED.
//!
//! # Invariants
//!
//! * **I1** A slot's value is written only by the publisher that claimed its sequence, between P4
//!   and P7, or taken by the only receiver that needs it (R3) or while publishers are shut out.
//! * **I2** The greater one of `limit` and `tail`, and the permits that are out and not in the tail,
//!   together are no more than any gating cursor `+ capacity`; `gate <=` every attached lossy cursor, as seen by any
//!   publisher whose claim comes after the attachment in `tail`'s modification order.
//! * **I3** A publisher writes a slot only after it saw its claim within `limit`, or had permits for
//!   it, and `gate` at or above the floor of its claim, and the floor is above the sequence that the
//!   slot held.
//! * **I4** While BUSY, only its owner writes a lossy cursor; an evictable one keeps its place in the registry.
//! * **I5** At most one lap: `claimed - capacity` never exceeds a gating cursor.
//! * **I6** While a publisher or a drain waits, FLAGGED is set on some cursor that it waits for, or
//!   somebody is just handing it over. While somebody waits for a committing receiver, WATCHED is set on
//!   its cursor, or its owner is just looking at the list.
//! * **I7** A receiver that waits at a slot stands in its shard's list before it relies on the
//!   WAITING bit.
//! * **I8** From `read_from` to `read_upto` all is committed: no gating receiver has started above the former, as
//!   `limit` was raised, nor stood below the latter, so that each has read it, or is the copy of one that has.
//! * **I9** Those who are counted beside an end, if it is not UNSURE, are as many receivers, which are there and need
//!   nothing below. Each counts itself once: again only after it has read on, or was told of a lag, and so at a newer
//!   end. None can be taken off but by itself, under the registry's lock, and then it leaves UNSURE.
//!
//! # Ordering
//!
//! | operation | label | ordering | pairs with | weaker, this breaks |
//! |---|---|---|---|---|
//! | `tail` load (P1) | `tail-load` | Acquire | touch, close | a bound older than the position: a newcomer is lapped |
//! | `tail` claim (P3) | `claim-won` | Acquire | touch | I2: the lowered bound is not seen |
//! | the same, lost | `claim-lost` | Acquire | touch | as for the load |
//! | the same | `claim-release` | Release | P3 with a permit | a value is overwritten while it is read |
//! | the same, with a permit | | | load | who finds no room does not see that a permit is being used |
//! | `tail` touch | `tail-touch` | Release | P1, P3 | I2, and released slots are overwritten |
//! | `tail` turned | `tail-turn` | Release | P1, P3 | I2, and room that was taken back is claimed |
//! | `tail` touched, turned, closed | | Acquire | a batch's touch | who attaches, or closes, does not see the batch committed |
//! | `tail` close | `tail-close` | Release | load | what the user did before closing is not seen at the end |
//! | `tail`, AWAITED left there | | Relaxed | close | nothing: the word's modification order decides, then the lock |
//! | permits load | `permits-load` | Acquire | a permit's use | room is granted twice: the claim is not seen |
//! | a permit used | `permit-used` | Release | load | the same |
//! | permits granted, given back, about to be used | | Relaxed | | nothing: the lock, or the claim that follows releases it |
//! | `served` store | `served-store` | Release | load | a value is overwritten while it is read |
//! | `served` load | `served-load` | Acquire | store | the same |
//! | `limit`, `gate` load (P2, P4) | `limit-load`, `gate-load` | Acquire | their stores | a value is overwritten while it is read |
//! | `limit`, `gate` raised | `limit-raise`, `gate-raise`, `gate-clear` | Release | P2, P4 | the same, with the bound that another one raised |
//! | `read_upto` raised | `read-upto-raise` | Release | P5 of a batch | a batch is written where the lap before is not committed |
//! | `read_upto` load | `read-upto-load` | Acquire | raise | the same |
//! | `read_from` | | Relaxed | | nothing: `read_upto` comes after it, and is released |
//! | `gate` lowered | `bound-lower` | Release | P4 | the same, with what it was raised by before |
//! | `gate` restored after a release | `gate-readmit` | Release | P4 | a value is overwritten while it is released |
//! | stamp load (R1, P5) | `stamp-load`, `previous-load` | Acquire | commit | a value is read, or overwritten, before it is written |
//! | stamp swap (P7) | `commit-release` | Release | R1, P5 | the value is not seen |
//! | the same | `commit-acquire` | Acquire | touch | the last receiver's drop, or an arrival, is not seen |
//! | stamp store (later ones of a batch) | `commit-unawaited` | Release | R1, P5 | the value is not seen |
//! | stamp mark | `stamp-mark` | Acquire | P7; close | the value is not seen; CLOSED is not seen |
//! | stamp touch | `slot-touch-release` | Release | P7 | the last receiver's drop, or the first one's arrival, is not seen |
//! | the same | `slot-touch-acquire` | Acquire | P7 | the value is not seen |
//! | taking WAITING out (close) | `take-waiting` | Release | mark | CLOSED is not seen |
//! | cursor pin, evict (R2, P4), OUT set | | Relaxed | each other | nothing: the word's modification order decides |
//! | cursor store, swap (R4) | `cursor-unpin`, `cursor-advance` | Release | load under the lock | a value is overwritten while it is read |
//! | cursor load of a committing receiver | `watermark-load` | Acquire | R4 | what was done before the commit is not seen |
//! | WATCHED set | `watch-mark` | Acquire | R4 | the same |
//! | cursor load under the lock | `cursor-load` | Acquire | R4 | a value is overwritten while it is read |
//! | closing announced, looked for | | Relaxed | tail close | nothing: it comes before CLOSED, which is released |
//! | `receivers` load (R3, P7) | `receivers-load` | Acquire | shrinking | a value is moved out while another receiver clones it |
//! | `receivers` shrinking | `receivers-shrink` | Release | load | the same |
//! | `receivers` growing | | Relaxed | | nothing: the touch that follows releases it |
//! | counted at the end, or gone | `caught-up-release` | Release | each other | two receivers leave the release to each other |
//! | the same | `caught-up-acquire` | Acquire | each other | the same, and a value is released while it is read |
//! | handle dropped | `handle-drop` | Release | their loads | who sees one gone does not see what was done by it |
//! | handles counted | `handles-load` | Acquire | their drops | the same |
//!
//! By its label `.ci/weaken` makes each of these Relaxed, and leaves out each protocol step (the
//! table of those is in `sync/weaken.rs`), to see a model in `tests/loom` fail: each one is
//! needed. (That attaching and closing acquire is argued, not shown by a model: `write_over` in `sync.rs` says
//! why.) That one thing comes before another is mostly what these orderings say.
//!
//! # Tried and dropped
//!
//! Nanoseconds are per event, in `benches/compare` or a loop like one of its scenarios, on two
//! virtual cores: of an AMD EPYC down to the slots of 24 bytes, of an Intel Xeon from those of 16 on.
//!
//! * [event-listener]'s lists for those who wait, one for each shard of each slot. They allocate
//!   for each wait, and are locked five times for it, once with the waker woken under the lock:
//!   waking one of ten tasks took 1617 instructions at best, 973 with lists of our own (tokio:
//!   919), and 1.6 to 1.9 times as long for 1 to 1000 tasks. It still parks the threads that block.
//! * Slots on 128 bytes of their own. What they gained when a receiver keeps up with a publisher
//!   was lost to looking for CLOSED at every empty slot; since it does not, two to a line are as
//!   fast there (24 against 26 ns per event), and faster in bursts of 512 (8.9 against 12.3 with one
//!   receiver, 33 against 42 with eight) and in draining a full ring of 1024 (3.3 against 5.4).
//!   Neighbours kept on different lines, by multiplying the sequence by five: 26 and 10.4 ns. Slots
//!   of 24 bytes, without alignment: 3.2 for draining, but 39 against 16 to 32 when one receiver lags.
//!   Slots of 16, where the event fits: 10 against 23 in batches between spinning threads, but 131
//!   against 91 one by one. In batches on one thread no faster than those of 32 (3.3 to publish, 1.2 to
//!   receive, of an AMD EPYC); without an `Option` in these 1.2 against 1.3 to receive, which values that have
//!   to be dropped cannot do without.
//! * Fetching the lines ahead by `prefetcht0`, only to be read: 10.3 in batches between spinning
//!   threads (6.8 with `prefetchw`, 17.7 without), 63 for 4 tasks (50; 63). Receivers that fetch ahead
//!   too: 5.5 in these batches, but nothing for tasks, and 14 instead of 13.5 flat out in batches.
//! * One unit of tokio's budget for each event: 104 instead of 50 with 4 tasks, 219 instead of 140 with
//!   16 (`coop.rs` says why).
//! * A pause before a receiver that had a run of events stands in the list: nothing gained.
//! * A receiver that wakes its own task, up to 32 times, instead of giving its processor away: 1.9, 11
//!   to 21, 57 to 88 microseconds in `select` with 8, 32 and 64 threads; 1.6, 4.1 and 8.0 as it is,
//!   2.2, 44 and 170 without either. Giving way also to a publisher that wakes only one: 850 to 970
//!   instead of 620 to 670 for waking a task, everything on one processor. Also after several
//!   events (batches): 2.6 to 3.1 instead of 3.4 to 3.6 microseconds with 32 threads, but 9 to 11 instead
//!   of 3 with 8, if other processes keep all processors busy.
//! * A lapped receiver that stays detached until it comes to read, and so is in nobody's way: it is
//!   lapped six times as often, and flat out past 4 receivers an event takes 112 ns instead of 58.
//! * Looking at a BUSY cursor again at once (P4): 119 instead of 61, likewise. Each look takes the
//!   cursor's line from its owner, and the two go on in lockstep.
//! * Counting what is there before a batch is taken, so that the buffer grows once: 700 against 511,
//!   256 receivers in batches of 64.
//! * Checking after R4 that the event was there, so that what is pinned stays in registers: 9.4
//!   instead of 9.7 for draining numbers, 304 instead of 225 in bursts of `String`s for eight.
//! * Publishing past 16 and 1,000 receivers that lag, each of which then receives, on one thread of an AMD EPYC, to see what
//!   it is made of: 0.60 and 0.62 of tokio's channel; with a queue for the registry's heap, right only as they read in
//!   turn, 0.72 and 0.70; without the lock either, which is wrong, 0.75 and 0.77 (medians of five pairs).
//! * All cursors side by side, in a heap that was put in no order before: waking 10,000 tasks on one thread of an AMD EPYC
//!   was 0.83 times as fast as with tokio's channel, 0.98 with each wherever it comes to lie (medians of three pairs).
//! * A received batch's stamps checked, 64 or 8 at a time, before its values are read: on an Intel Xeon `drain` took 2.5 to
//!   2.9 instead of 2.2 to 2.5, with a tally behind a reference, whose loads and stores hide those of the stamps. With
//!   one in a register, in batches between spinning threads: 5.6 to 6.6 instead of 5.1 to 5.4.
//! * A batch that fetches the lines of as many slots further on, once it is committed: 0.37 and 0.45 of disruptor's speed
//!   in `spin` on that Xeon, 0.46 and 0.49 without (medians of six runs in turns, and of three).
//! * A ring by hand, with a stamp and a number in each slot and no more than it takes for one publisher and one
//!   receiver, in batches between threads that spin on that Xeon: 5.6 in slots of 32 bytes, as long as this one;
//!   3.3 and 4.2 in slots of 16, where those of 32 took 3.7 and 4.9. But one by one 51 and 52, where those took 46 and 47.
//! * A receiver in the same shard for good, whichever thread polls it, so that the lists' lines go to and fro between
//!   two workers: a hand-made fan-out over mpsc woke 10,000 tasks in 0.77 and 0.79 of the time, in 0.92 and 0.95 of it
//!   with a shard for each thread (medians of five runs in turns, and of four).
//! * Crowds woken in the order in which they came: that fan-out took 0.92 of the time with 10,000 tasks, 0.79 with an
//!   `Arc`, and tokio's channel 0.80 on one thread; 1.43, 1.24 and 1.78 in the order of memory (medians of five runs in
//!   turns). In that order it is no faster to fetch the lines of the next eight tasks, nor to have all cursors side by
//!   side; to put the lists of all shards in one order neither.
//! * The last receiver to find the ring empty looking at the cursors of all others, before it releases: a fan-out over
//!   mpsc woke 100 tasks with an `Arc` on two workers in 0.93 of the time, 0.98 without the look (medians of four runs in
//!   turns). Without counting either, which leaves the values there: 1.05, and 0.92 with both (of five).
//! * The registry's lock asked for again at once, and the queue of those who wait for room in a box: 16, 100 and 1,000
//!   publishers on a full ring, on two workers, took 1.22, 1.19 and 1.23 times as long as with tokio's `mpsc`; with a lock
//!   that is left alone and the box 0.97, 1.06 and 1.05, without the box 0.94, 0.97 and 0.93 (medians of five runs in
//!   turns). Before that, with permits that are not counted where only they move the tail, which is wrong: 675 instead of
//!   735 ns (of six).
//! * A receiver of 80 bytes rather than 112, with what few need in a box or beside the cursor's word: 12.9 instead of
//!   12.0 for draining, in batches 3.0 instead of 2.6 (medians of six runs in turns), and 10,000 tasks were woken no faster.
//! * The cursor pinned by a plain store, which is wrong, to see what the read-modify-write takes: 2.1
//!   against 8.5 for draining.
//!
//! # What it asks of the events
//!
//! `E: Send + Sync`: receivers read the same value in parallel. Only the `Send` and `Sync` impls
//! carry the bound. `E::clone` runs while a lossy receiver is pinned: it may subscribe, but must
//! not wait for the bus.
//!
//! [LMAX Disruptor]: https://lmax-exchange.github.io/disruptor/disruptor.html
//! [Eventador]: https://docs.rs/eventador
//! [event-listener]: https://docs.rs/event-listener

mod attendance;
mod batch;
mod caught_up;
mod crowd;
mod cursor;
mod heap;
mod registry;
mod room;
mod sequence;
mod sequencer;
mod slot;
mod slots;
mod watch;

pub(crate) use crate::strategy::ReceiverKind as Kind;
pub(crate) use attendance::Attendance;
pub(crate) use batch::Batch;
pub(crate) use cursor::CursorRef;
pub(crate) use room::{Place, Wants};
pub(crate) use sequence::FIRSTS;
pub(crate) use sequencer::{Attached, Claim, Refusal, Sequencer, Wanted};
pub(crate) use slot::{Slot, unread};
pub(crate) use watch::Watch;

use crate::handles::Handles;
use crate::sync::{Arc, AtomicU64, MutexGuard, Ordering, arc_in_place, step};
use crate::trace;
use crate::wait::{Notifier, Shards, Waking, wake, wake_gathered};
use caught_up::CaughtUp;
use cursor::Cursor;
use registry::Registry;
use sequence::StampWord;
use sequencer::{Past, Wakes};
use slots::Slots;
use std::mem::{ManuallyDrop, needs_drop};

/// How many slots ahead of the one that it writes a publisher of one event fetches a cache line (P6).
const AHEAD: u64 = 16;

/// How many events that all have received the ring keeps at most, a power of two.
///
/// To release takes the registry's lock, which this many share. Models are too short for as many.
pub(crate) const KEPT: u64 = if cfg!(eventring_loom) { 2 } else { 64 };

/// The ring of slots, and all that publishers and receivers share.
///
/// In this order, so that nothing which is often written is close to what others read.
#[repr(C)]
pub(crate) struct Ring<E> {
    pub(crate) sequencer: Sequencer,
    slots: Slots<E>,
    /// Receivers that wait for the next commit.
    shards: Shards,
    waking: Waking,
    /// The ring closes when the last one goes.
    pub(crate) handles: Handles,
    /// Events that were handed back for want of room. A statistic: Relaxed.
    dropped: AtomicU64,
    caught_up: CaughtUp,
}

impl<E> Ring<E> {
    /// A ring with one strong handle. `None` if it does not fit into memory.
    pub(crate) fn new(capacity: usize, history: usize, first: u64) -> Option<Arc<Self>> {
        let length = capacity.checked_next_power_of_two()?;
        let mask = length as u64 - 1;
        // Each as if the lap before `first` had been through it.
        let slots = match first {
            0 => Slots::new(length, |_| Slot::new(0)),
            _ => Slots::new(length, |index| {
                let sequence = first + (index.wrapping_sub(first) & mask);
                Slot::new((sequence + 1).saturating_sub(length as u64))
            }),
        }?;
        Some(arc_in_place(|| Self {
            sequencer: Sequencer::new(capacity as u64, history as u64, first),
            slots,
            shards: Shards::new(),
            waking: Waking::new(),
            handles: Handles::new(1),
            dropped: AtomicU64::new(0),
            caught_up: CaughtUp::at(first),
        }))
    }

    #[inline]
    pub(crate) fn slot(&self, sequence: u64) -> &Slot<E> {
        &self.slots[self.index(sequence)]
    }

    #[inline]
    pub(crate) fn slots(&self) -> &[Slot<E>] {
        &self.slots
    }

    /// The slots of the sequences from one on, up to an end, as far as they are side by side.
    #[inline]
    fn run(&self, first: u64, end: u64) -> &[Slot<E>] {
        let run = &self.slots[self.index(first)..];
        &run[..run.len().min((end - first) as usize)]
    }

    #[inline]
    fn index(&self, sequence: u64) -> usize {
        (sequence & (self.len() - 1)) as usize
    }

    /// Where receivers of this shard wait for the commit of `sequence`.
    pub(crate) fn waiting_for(&self, sequence: u64, shard: usize) -> &Notifier {
        self.shards.list(self.index(sequence), shard)
    }

    /// Lets a publisher go on that is waking others. Whether there was one.
    pub(crate) fn give_way(&self) -> bool {
        self.waking.give_way()
    }

    /// The number of slots.
    #[inline]
    fn len(&self) -> u64 {
        self.slots.len() as u64
    }

    /// P5 to P8 for a claim of one. Takes the event from where it is.
    #[inline]
    pub(crate) fn fill(&self, claim: &Claim, event: &mut Option<E>) -> u64 {
        let sequence = claim.first;
        let slot = self.slot(sequence);
        if sequence % Slot::<E>::IN_A_LINE as u64 == 0 {
            self.slot(sequence + AHEAD).prefetch();
        }
        slot.await_previous(sequence, self.len()); // P5
        let kept = self.write(slot, event); // P6
        let stamp = slot.commit(sequence); // P7
        let owed = self.after_commit(claim, kept);
        if stamp.has_waiting() || claim.hand_over {
            self.notify(sequence, stamp.waiting(), claim.hand_over);
        }
        *event = None; // P8
        drop(owed);
        sequence
    }

    /// P7 for those who wait. Not part of the way past nobody: a waker at hand there, or a claim that is
    /// lent, would make that half as long again.
    #[cold]
    #[inline(never)]
    fn notify(&self, sequence: u64, waiting: u64, hands_over: bool) {
        let slot = self.index(sequence);
        if hands_over {
            self.shards.gather(slot, waiting);
        } else if step("notify-waiting") {
            if let Some(alone) = self.shards.take(slot, waiting) {
                return wake(alone);
            }
        }
        self.waking.wake_gathered();
    }

    /// P5 to P8 for a claim of several: takes them out of the batch.
    pub(crate) fn fill_many(&self, claim: &Claim, batch: &mut Batch<E>) {
        let end = claim.first + claim.count;
        if !self.sequencer.is_lap_before_read(claim, self.len()) {
            self.await_lap_before(claim.first, end);
        }
        let mut woken = claim.hand_over;
        let mut commit = |slot: &Slot<E>, sequence| {
            let stamp = slot.commit(sequence);
            if stamp.has_waiting() {
                self.shards.gather(self.index(sequence), stamp.waiting());
                woken = true;
            }
        };
        // In a local that nothing drops, so that it is kept in registers: nobody can panic until it is back.
        let mut events = ManuallyDrop::new(std::mem::take(batch));
        let first = self.slot(claim.first);
        let mut kept = events.exchange(|event| self.write(first, event));
        // P7 of the first one last. For the later ones plain stores will do, unless somebody may start
        // there in the history.
        let first_last = step("batch-first-last");
        if !first_last {
            commit(first, claim.first);
        }
        let plain = self.sequencer.history() == 0 || !step("batch-history");
        let mut sequence = claim.first + 1;
        while sequence < end {
            for slot in self.run(sequence, end) {
                kept |= events.exchange(|event| self.write(slot, event));
                if plain {
                    slot.commit_unawaited(sequence);
                } else {
                    commit(slot, sequence);
                }
                sequence += 1;
            }
        }
        if first_last {
            commit(first, claim.first);
        }
        *batch = ManuallyDrop::into_inner(events);
        if plain && claim.count > 1 && self.sequencer.is_overtaken(claim) && step("batch-overtaken")
        {
            self.shards.gather_all();
            woken = true;
        }
        let owed = self.after_commit(claim, kept);
        if woken {
            self.waking.wake_gathered();
        }
        batch.drop_retired(); // P8
        drop(owed);
    }

    /// Whether values have to be dropped as soon as no receiver is left.
    #[inline]
    fn drops_unread(&self) -> bool {
        needs_drop::<E>() && self.sequencer.history() == 0
    }

    /// P5 for a batch: in a loop of its own, so that the one that writes keeps what it needs in registers.
    fn await_lap_before(&self, first: u64, end: u64) {
        let mut sequence = first;
        while sequence < end {
            for slot in self.run(sequence, end) {
                slot.await_previous(sequence, self.len());
                sequence += 1;
            }
        }
    }

    /// P6: exchanges the value of the lap before, which is committed, for the event. The caller claimed
    /// the slot. Whether a value is there then.
    ///
    /// With no receiver and no history nobody can come to read it, since who attaches after the claim
    /// starts behind it: then the event stays where it is. If nobody has released the old value yet, it
    /// is in the slot still, and goes after the commit.
    #[allow(unsafe_code)]
    #[inline]
    fn write(&self, slot: &Slot<E>, event: &mut Option<E>) -> bool {
        if self.drops_unread() && self.sequencer.receivers() == 0 {
            // SAFETY: as below.
            return unsafe { slot.is_full() };
        }
        // SAFETY: this publisher alone claimed the sequence; no receiver stands at or below the
        // one that it overwrites since P2 and P4 (I3); that one's publisher has committed (P5).
        unsafe { slot.exchange(event) };
        true
    }

    /// What a commit may owe to others, to be paid with nothing held.
    #[inline]
    fn after_commit(&self, claim: &Claim, kept: bool) -> Option<OwedRelease<'_, E>> {
        if claim.hand_over && step("evicted-flag") {
            self.sequencer.hand_over();
        }
        // The last receiver dropped between our claim and our commit, or the first one came.
        let owed = kept
            && self.drops_unread()
            && self.sequencer.may_be_for_nobody(claim)
            && step("release-after-commit");
        owed.then(|| OwedRelease(self))
    }

    /// A receiver that needs nothing below this end of the ring, and may have left values there for
    /// others, has come there, `sure` as in [`CaughtUp::count`]. The last one releases them.
    #[cold]
    pub(crate) fn catch_up(&self, end: u64, sure: bool) {
        if !needs_drop::<E>() {
            return;
        }
        let count = self.caught_up.count(end, sure);
        if count >= self.sequencer.receivers() as u64 {
            let mut registry = self.sequencer.lock();
            let receivers = self.sequencer.receivers() as u64;
            let last = count == receivers && self.caught_up.are_all(end, receivers);
            let past = match last || !step("all-locked") {
                true => Past::All(end),
                false if count == receivers => Past::Likely,
                false => Past::Unknown,
            };
            let released = self.release(&mut registry, past);
            drop(registry);
            drop(released);
        }
    }

    /// The same, for a receiver. What is there below the sequence that comes back, no other one needs:
    /// all are past it, and who comes starts at the tail, or further on than one of these.
    pub(crate) fn release_for(&self, own: &Cursor, kind: Kind) -> u64 {
        let mut registry = self.sequencer.lock();
        let released = self.release(&mut registry, Past::Unknown);
        let end = self.sequencer.tail().sequence();
        let others = match step("others-are-past") {
            true => registry.slowest_but(own, kind),
            false => Some(end),
        };
        drop(registry);
        drop(released);
        others.map_or(0, |others| others.min(end))
    }

    /// Takes out of the ring what every receiver has received, or all there is if none is left.
    pub(crate) fn release_received(&self) {
        let released = self.release(&mut self.sequencer.lock(), Past::Unknown);
        drop(released);
    }

    /// The values are to be dropped after the registry is unlocked.
    #[allow(unsafe_code)]
    #[cold]
    fn release(&self, registry: &mut Registry, past: Past) -> Released<E> {
        let mut released = Released::default();
        if !needs_drop::<E>() {
            return released;
        }
        let Some(exclusion) = self.sequencer.exclude(registry, self.len(), past) else {
            return released;
        };
        let mut upto = exclusion.range.start;
        for sequence in exclusion.range.clone() {
            let slot = self.slot(sequence);
            if !slot.is_committed(sequence) && step("release-committed") {
                // All it was for are gone. Its publisher will see that, and release it.
                continue;
            }
            // SAFETY: the value is committed, every receiver is past it, and publishers that could
            // overwrite it are excluded until `readmit`.
            released.push(unsafe { slot.take() });
            if upto == sequence {
                upto = sequence + 1;
            }
        }
        self.sequencer.readmit(registry, &exclusion, upto);
        released
    }

    /// Takes a receiver off that goes, unless it was evicted.
    pub(crate) fn unsubscribe(&self, cursor: &Cursor, kind: Kind, anchor: Option<&CursorRef>) {
        let registry = self.sequencer.lock();
        if kind != Kind::Evictable || !cursor.load().is_out() {
            self.take_off(registry, cursor, kind, anchor);
        }
    }

    /// Evicts the receiver with this number, if there is one that can be evicted, and was not.
    pub(crate) fn evict(&self, number: usize) -> bool {
        let registry = self.sequencer.lock();
        let Some(cursor) = registry.gating.evictable(number) else {
            return false;
        };
        let told = Told {
            ring: self,
            cursor: &cursor,
        };
        let evicted = self.oust(registry, &cursor, false);
        drop(told);
        if evicted {
            trace::evicted(number);
        }
        evicted
    }

    /// Evicts a receiver, and takes it off, unless it is reading: then it does that itself (R4). Whether
    /// it was not evicted before.
    #[cold]
    pub(crate) fn oust(
        &self,
        registry: MutexGuard<'_, Registry>,
        cursor: &Cursor,
        flagged: bool,
    ) -> bool {
        let before = cursor.oust(flagged);
        let reading = before.is_busy() && step("oust-busy");
        if !before.is_out() && !reading {
            self.take_off(registry, cursor, Kind::Evictable, None);
        }
        !before.is_out()
    }

    /// Takes a receiver off, and with it what only it still needed. Inlined for those that just go.
    #[inline(always)]
    fn take_off(
        &self,
        mut registry: MutexGuard<'_, Registry>,
        cursor: &Cursor,
        kind: Kind,
        anchor: Option<&CursorRef>,
    ) {
        let wakes = self
            .sequencer
            .unsubscribe(&mut registry, cursor, kind, anchor);
        if needs_drop::<E>() {
            self.caught_up.gone();
        }
        let released = step("release-on-drop").then(|| self.release(&mut registry, Past::Unknown));
        drop(registry);
        // Whoever waited for the last receiver to go finds its values gone too, even if the drop
        // of one of them panics.
        let owed = (!wakes.is_empty()).then(|| Owed {
            sequencer: &self.sequencer,
            wakes,
        });
        let owed = owed.filter(|_| step("told-after-release"));
        drop(released);
        drop(owed);
    }

    /// Publishers fail from now on; receivers read what is there, then end.
    pub(crate) fn close(&self) {
        let Some(before) = self.sequencer.close() else {
            return; // whoever closed it wakes
        };
        let end = before.sequence();
        let waiting = self.slot(end).take_waiting();
        if waiting.has_waiting() || before.is_awaited() {
            self.tell_closed(end, waiting.waiting(), before.is_awaited());
        }
        trace::closed(end);
    }

    /// The same, where nobody has the ring who could see that.
    pub(crate) fn end(&self) {
        let tail = self.sequencer.tail();
        if !tail.is_closed() {
            trace::closed(tail.sequence());
        }
    }

    #[cold]
    fn tell_closed(&self, end: u64, waiting: u64, awaited: bool) {
        if step("close-notify") {
            self.shards.gather(self.index(end), waiting);
        }
        if awaited && step("close-space") {
            self.sequencer.dismiss_waiting();
        }
        wake_gathered();
    }

    pub(crate) fn count_dropped(&self, events: usize) {
        self.dropped.fetch_add(events as u64, Ordering::Relaxed);
        trace::handed_back(events);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// A wake-up that is owed to who was evicted, and may be waiting, paid however this goes out of scope.
struct Told<'a, E> {
    ring: &'a Ring<E>,
    cursor: &'a Cursor,
}

impl<E> Drop for Told<'_, E> {
    fn drop(&mut self) {
        let evicted = self.cursor.evicted();
        if let Some(sequence) = evicted.filter(|_| step("tell-evicted")) {
            let slot = self.ring.index(sequence);
            self.ring.shards.gather(slot, StampWord::WAITING);
            self.ring.sequencer.gather_watchers(); // where those wait that stay behind another one
            wake_gathered();
        }
    }
}

/// Wake-ups that a receiver that goes owes to others, paid however this goes out of scope.
struct Owed<'a> {
    sequencer: &'a Sequencer,
    wakes: Wakes,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        self.sequencer.gather(std::mem::take(&mut self.wakes));
        wake_gathered();
    }
}

/// A release that a publisher owes, paid however this goes out of scope.
struct OwedRelease<'a, E>(&'a Ring<E>);

impl<E> Drop for OwedRelease<'_, E> {
    fn drop(&mut self) {
        self.0.release_received();
    }
}

/// Values taken out of the ring. The first one needs no allocation: mostly there is just one.
struct Released<E> {
    first: Option<E>,
    rest: Vec<E>,
}

impl<E> Default for Released<E> {
    fn default() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }
}

impl<E> Released<E> {
    fn push(&mut self, value: Option<E>) {
        match self.first {
            None => self.first = value,
            Some(_) => self.rest.extend(value),
        }
    }
}
