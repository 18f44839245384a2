//! The bell: a word of its own file, that readers write too. Who is woken by it looks at the ring.

use crate::memory::BellMemory;
use crate::sync::{Ordering, acquire, point, release, step};
use std::time::Duration;

/// Somebody sleeps, or is about to. The rest of the word is the generation: how often it rang.
const WAITING: u32 = 1;
const GENERATION: u32 = 2;

/// What a reader saw when it marked the bell: it may sleep as long as the word is that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked(pub(crate) u32);

impl Marked {
    pub(crate) fn generation(self) -> u32 {
        self.0 / GENERATION
    }
}

/// The word, and the queue of those who sleep at it.
#[derive(Debug)]
pub(crate) struct Bell(BellMemory);

impl Bell {
    pub(crate) fn new(memory: BellMemory) -> Self {
        Self(memory)
    }

    /// One that never rings.
    #[cfg(not(eventring_loom))]
    pub(crate) fn silent() -> Self {
        Self(BellMemory::silent())
    }

    /// W8: wakes who said that it waits.
    #[inline(always)]
    pub(crate) fn ring(&self) {
        if !self.0.is_writable() {
            return;
        }
        point("bell");
        let old = self.0.word().fetch_and(!WAITING, release("bell-clear"));
        if old & WAITING != 0 {
            self.wake();
        }
    }

    /// Wakes whoever sleeps, said so or not.
    #[cold]
    pub(crate) fn wake(&self) {
        point("wake");
        if self.0.is_writable() && step("bell-generation") {
            self.0.word().fetch_add(GENERATION, Ordering::Relaxed);
        }
        self.0.wake_all();
    }

    /// Says that somebody waits. What was published before is to be seen after this; what is
    /// published later rings.
    #[inline]
    pub(crate) fn mark(&self) -> Marked {
        if !self.0.is_writable() {
            return self.peek();
        }
        Marked(self.0.word().fetch_or(WAITING, acquire("bell-mark")) | WAITING)
    }

    /// The same, or only the word as it is for one that does not want to be woken by this.
    #[cfg(not(eventring_loom))]
    pub(crate) fn mark_unless(&self, rests: bool) -> Marked {
        if rests { self.peek() } else { self.mark() }
    }

    /// The word as it is, to wait for others to be woken.
    pub(crate) fn peek(&self) -> Marked {
        Marked(self.0.word().load(Ordering::Relaxed))
    }

    /// Sleeps until the bell has rung since it was marked, or for `timeout`. May wake for no reason.
    pub(crate) fn sleep(&self, marked: Marked, timeout: Option<Duration>) {
        self.0.sleep(marked.0, timeout);
    }

    /// Whether this process may mark it. Who may not is woken only when others are.
    pub(crate) fn is_writable(&self) -> bool {
        self.0.is_writable()
    }

    /// To wait for several.
    #[cfg(not(eventring_loom))]
    pub(crate) fn futex(&self) -> &crate::sync::AtomicU32 {
        self.0.word()
    }
}
