//! What a ring and its bell lie in: shared memory, or the heap.

use crate::sync::{AtomicU32, AtomicU64};

#[cfg(not(eventring_loom))]
pub(crate) use shared::{BellMemory, Words};

#[cfg(eventring_loom)]
pub(crate) use model::{BellMemory, Words};

fn zeros(words: usize) -> Box<[AtomicU64]> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}

#[cfg(not(eventring_loom))]
mod shared {
    use super::{AtomicU32, AtomicU64, zeros};
    use crate::futex;
    use crate::mapping::{FutexMapping, WordMapping};
    use std::time::Duration;

    /// The words of a ring.
    #[derive(Debug)]
    pub(crate) enum Words {
        Heap(Box<[AtomicU64]>),
        Mapped(WordMapping),
    }

    impl Words {
        pub(crate) fn heap(words: usize) -> Self {
            Self::Heap(zeros(words))
        }

        #[inline(always)]
        pub(crate) fn words(&self) -> &[AtomicU64] {
            match self {
                Self::Heap(words) => words,
                Self::Mapped(mapping) => mapping.words(),
            }
        }
    }

    /// The word of a bell.
    #[derive(Debug)]
    pub(crate) enum BellMemory {
        /// Of nobody: it never rings.
        Silent(AtomicU32),
        Mapped(FutexMapping),
    }

    impl BellMemory {
        pub(crate) fn silent() -> Self {
            Self::Silent(AtomicU32::new(0))
        }

        #[inline(always)]
        pub(crate) fn word(&self) -> &AtomicU32 {
            match self {
                Self::Silent(word) => word,
                Self::Mapped(mapping) => mapping.word(),
            }
        }

        #[inline]
        pub(crate) fn is_writable(&self) -> bool {
            match self {
                Self::Silent(_) => false,
                Self::Mapped(mapping) => mapping.is_writable(),
            }
        }

        pub(crate) fn sleep(&self, expected: u32, timeout: Option<Duration>) {
            futex::wait(self.word(), expected, timeout);
        }

        pub(crate) fn wake_all(&self) {
            futex::wake_all(self.word());
        }
    }
}

#[cfg(eventring_loom)]
mod model {
    use super::{AtomicU32, AtomicU64, zeros};
    use loom::sync::{Condvar, Mutex};
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    #[derive(Debug)]
    pub(crate) struct Words(Box<[AtomicU64]>);

    impl Words {
        pub(crate) fn heap(words: usize) -> Self {
            Self(zeros(words))
        }

        pub(crate) fn words(&self) -> &[AtomicU64] {
            &self.0
        }
    }

    /// A futex as the kernel has it: looking at the word and queueing up are one step.
    #[derive(Debug)]
    pub(crate) struct BellMemory {
        word: AtomicU32,
        queue: Mutex<()>,
        woken: Condvar,
    }

    impl BellMemory {
        pub(crate) fn heap() -> Self {
            Self {
                word: AtomicU32::new(0),
                queue: Mutex::new(()),
                woken: Condvar::new(),
            }
        }

        pub(crate) fn word(&self) -> &AtomicU32 {
            &self.word
        }

        pub(crate) fn is_writable(&self) -> bool {
            true
        }

        pub(crate) fn sleep(&self, expected: u32, _timeout: Option<Duration>) {
            let queue = self.queue.lock().unwrap();
            if self.word.load(Relaxed) == expected {
                drop(self.woken.wait(queue).unwrap());
            }
        }

        pub(crate) fn wake_all(&self) {
            drop(self.queue.lock().unwrap());
            self.woken.notify_all();
        }
    }
}
