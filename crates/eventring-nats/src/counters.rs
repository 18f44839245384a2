//! What a task counts, for anybody to read.

use std::sync::atomic::{AtomicU64, Ordering};

/// Written by one task alone.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, count: u64) {
        self.set(self.get() + count);
    }
}

/// `Counters`, with the fields that `Stats` has.
macro_rules! counters {
    ($($name:ident)*) => {
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: $crate::counters::Counter,)*
        }

        impl Counters {
            pub(super) fn stats(&self) -> Stats {
                Stats { $($name: self.$name.get(),)* }
            }
        }
    };
}
pub(crate) use counters;
