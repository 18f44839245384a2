//! Tasks that wait for a ring: a list for each ring, and a thread for all of them that sleeps at the
//! bells.
//!
//! A task stands in its ring's list, marks the bell, looks at the ring again, and only then waits.
//! Whoever publishes afterwards sees the mark, moves the bell's generation on and wakes the thread,
//! which takes the list and wakes the tasks. So it never misses one: if it had taken the list before
//! the task stood in it, it would have seen the generation of before the mark.
//!
//! A ring is *armed* while the thread sleeps at its bell. It is disarmed when that rings and nobody is
//! in the list (others' events are none of this process's business then), or with its last receiver. The thread ends with the last
//! ring that is armed; it sleeps at up to 127 bells, and there is another one for the next 127.

use crate::event_ring::Inner;
use crate::futex;
use crate::protocol::Marked;
use crate::sync::{AtomicU32, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// How often it is looked whether the writer lives, for those who want to know.
pub(crate) const LOOK_FOR_WRITER: Duration = Duration::from_secs(1);

/// How a task waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// Which one it is.
    pub(crate) key: u64,
    /// It wants to know when the writer is gone.
    pub(crate) watch_writer: bool,
    /// How often to look at a ring whose bell this process cannot mark.
    pub(crate) poll_interval: Duration,
    /// It wants to be woken then, and not by the bell before.
    pub(crate) rests_until: Option<Instant>,
}

impl Wait {
    /// How long the thread may sleep on account of it.
    fn patience(&self, marks: bool) -> Option<Duration> {
        let poll = (!marks).then_some(self.poll_interval);
        let look = self.watch_writer.then_some(LOOK_FOR_WRITER);
        let rest = self
            .rests_until
            .map(|until| until.saturating_duration_since(Instant::now()));
        [poll, look, rest].into_iter().flatten().min()
    }

    fn has_rested(&self) -> bool {
        self.rests_until
            .is_some_and(|until| until <= Instant::now())
    }
}

/// The tasks that wait for one ring.
#[derive(Debug)]
pub(crate) struct Waiting(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    tasks: Vec<(Wait, Waker)>,
    armed: bool,
    /// A receiver is gone for good, and left nobody in the list.
    leaving: bool,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(List::default()))
    }

    /// Stands in the list, and marks the bell: if the ring is still empty after that, the waker will
    /// be woken.
    pub(crate) fn stand(inner: &Arc<Inner>, wait: Wait, waker: &Waker) {
        // Cloned and dropped with no lock held: that is user code.
        let waker = waker.clone();
        let mut list = lock(&inner.waiting.0);
        let standing = list
            .tasks
            .iter_mut()
            .find(|(other, _)| other.key == wait.key);
        let replaced = match standing {
            Some(task) => Some(std::mem::replace(task, (wait, waker))),
            None => {
                list.tasks.push((wait, waker));
                None
            }
        };
        let arm = !std::mem::replace(&mut list.armed, true);
        drop(list);
        drop(replaced);
        let marked = inner.bell.mark_unless(wait.rests_until.is_some());
        if arm {
            arm_ring(Armed {
                inner: Arc::clone(inner),
                seen: marked.generation(),
                seen_tail: None,
                looked: Instant::now(),
            });
        } else if wait.patience(inner.bell.is_writable()).is_some() {
            // The thread may be asleep for longer than that.
            kick_all();
        }
    }

    /// Leaves the list.
    pub(crate) fn leave(&self, key: u64) {
        let mut list = lock(&self.0);
        let at = list.tasks.iter().position(|(wait, _)| wait.key == key);
        let left = at.map(|at| list.tasks.swap_remove(at));
        drop(list);
        drop(left);
    }

    /// Leaves the list for good. If nobody is left in it, the thread lets go of the ring.
    pub(crate) fn leave_for_good(&self, key: u64) {
        self.leave(key);
        let mut list = lock(&self.0);
        list.leaving = list.armed && list.tasks.is_empty();
        let leaving = list.leaving;
        drop(list);
        if leaving {
            kick_all();
        }
    }

    /// Wakes all. Whether there was anybody.
    fn wake(&self) -> bool {
        let tasks = std::mem::take(&mut lock(&self.0).tasks);
        let any = !tasks.is_empty();
        // A waker that panics is its task's problem, not that of the others.
        for (_, waker) in tasks {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        any
    }

    /// Disarms the ring if nobody stands in the list, and it rang for `nobody`, or somebody is gone
    /// for good. Whether it did. (Who was just woken mostly comes back.)
    fn disarm_if_idle(&self, nobody: bool) -> bool {
        let mut list = lock(&self.0);
        let leaving = std::mem::take(&mut list.leaving);
        let idle = list.tasks.is_empty() && (nobody || leaving);
        list.armed = !idle;
        idle
    }

    fn watches_writer(&self) -> bool {
        lock(&self.0)
            .tasks
            .iter()
            .any(|(wait, _)| wait.watch_writer)
    }

    fn somebody_has_rested(&self) -> bool {
        lock(&self.0)
            .tasks
            .iter()
            .any(|(wait, _)| wait.has_rested())
    }

    /// How long the thread may sleep on account of this ring.
    fn patience(&self, marks: bool) -> Option<Duration> {
        let list = lock(&self.0);
        list.tasks
            .iter()
            .filter_map(|(wait, _)| wait.patience(marks))
            .min()
    }
}

/// A ring that a thread sleeps at.
struct Armed {
    inner: Arc<Inner>,
    /// The bell's generation when the list was last taken.
    seen: u32,
    /// The same without a bell.
    seen_tail: Option<u64>,
    /// When it was last looked whether somebody writes.
    looked: Instant,
}

impl Armed {
    /// Whether whoever stands in the list has to look.
    fn has_moved(&mut self) -> bool {
        let generation = self.inner.bell.peek().generation();
        let rung = std::mem::replace(&mut self.seen, generation) != generation;
        let polled = !self.inner.bell.is_writable() && {
            let tail = self.inner.ring().tail();
            self.seen_tail.replace(tail) != Some(tail) || self.inner.end().is_some()
        };
        let due = self.looked.elapsed() >= LOOK_FOR_WRITER && self.inner.waiting.watches_writer();
        let gone = due && {
            self.looked = Instant::now();
            !self.inner.is_written()
        };
        rung || polled || gone || self.inner.waiting.somebody_has_rested()
    }
}

/// One thread, and what it is given to sleep at.
struct BellThread {
    /// Moves on when the thread has something to do besides.
    control: AtomicU32,
    arriving: Mutex<Vec<Armed>>,
    /// How many it has, arriving ones included.
    rings: Mutex<usize>,
}

static THREADS: Mutex<Vec<Arc<BellThread>>> = Mutex::new(Vec::new());

fn arm_ring(armed: Armed) {
    let mut threads = lock(&THREADS);
    let room = |thread: &&Arc<BellThread>| *lock(&thread.rings) < futex::WAITV_MAX - 1;
    let thread = threads.iter().find(room).cloned().unwrap_or_else(|| {
        let thread = Arc::new(BellThread {
            control: AtomicU32::new(0),
            arriving: Mutex::new(Vec::new()),
            rings: Mutex::new(0),
        });
        threads.push(Arc::clone(&thread));
        let run = Arc::clone(&thread);
        std::thread::Builder::new()
            .name("eventring-bell".into())
            .spawn(move || run.run())
            .expect("the system has a thread for those who wait");
        thread
    });
    *lock(&thread.rings) += 1;
    lock(&thread.arriving).push(armed);
    drop(threads);
    thread.kick();
}

fn kick_all() {
    let threads = lock(&THREADS).clone();
    threads.iter().for_each(|thread| thread.kick());
}

impl BellThread {
    fn kick(&self) {
        self.control.fetch_add(1, Ordering::Release);
        futex::wake_all(&self.control);
    }

    fn run(self: Arc<Self>) {
        let mut rings: Vec<Armed> = Vec::new();
        loop {
            let control = self.control.load(Ordering::Acquire);
            rings.append(&mut lock(&self.arriving));
            let bells: Vec<Marked> = rings.iter().map(|ring| ring.inner.bell.peek()).collect();
            let mut kept = Vec::with_capacity(rings.len());
            let mut patience = None;
            let mut left = Vec::new();
            for (mut ring, bell) in std::mem::take(&mut rings).into_iter().zip(bells) {
                let nobody = ring.has_moved() && !ring.inner.waiting.wake();
                if ring.inner.waiting.disarm_if_idle(nobody) {
                    left.push(ring);
                    continue;
                }
                let of_ring = ring.inner.waiting.patience(ring.inner.bell.is_writable());
                patience = [patience, of_ring].into_iter().flatten().min();
                kept.push((ring, bell));
            }
            // Unmapped with no lock held.
            let gone = left.len();
            drop(left);
            if self.is_done(kept.len(), gone) {
                return;
            }
            self.sleep(control, &kept, patience);
            rings.extend(kept.into_iter().map(|(ring, _)| ring));
        }
    }

    /// Sleeps until a bell rings or there is something else to do, at most for `patience`.
    fn sleep(&self, control: u32, rings: &[(Armed, Marked)], patience: Option<Duration>) {
        let words: Vec<(&AtomicU32, u32)> = std::iter::once((&self.control, control))
            .chain(
                rings
                    .iter()
                    .map(|(ring, bell)| (ring.inner.bell.futex(), bell.0)),
            )
            .collect();
        if !futex::wait_any(&words, patience) {
            // Not on this kernel: look at all of them every millisecond.
            let poll = Duration::from_millis(1);
            futex::wait(&self.control, control, Some(poll));
        }
    }

    /// Whether the thread has nothing to do any more, and nobody will give it anything.
    fn is_done(&self, left: usize, gone: usize) -> bool {
        let mut threads = lock(&THREADS);
        *lock(&self.rings) -= gone;
        let done = left == 0 && lock(&self.arriving).is_empty();
        if done {
            threads.retain(|thread| !std::ptr::eq(&**thread, self));
        }
        done
    }
}

/// Nothing panics under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
