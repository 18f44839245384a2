//! Counts what each thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
pub(crate) struct Counting;

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { live: 0, calls: 0 }) };
}

/// What this thread has allocated.
#[derive(Clone, Copy)]
pub(crate) struct Count {
    /// Bytes, less those that it freed.
    pub(crate) live: isize,
    /// Calls that asked for memory.
    pub(crate) calls: usize,
}

impl Count {
    pub(crate) fn now() -> Self {
        COUNT.get()
    }
}

fn count(bytes: isize, calls: usize) {
    // A thread that is about to end allocates nothing that is counted.
    let _ = COUNT.try_with(|count| {
        let Count {
            live,
            calls: before,
        } = count.get();
        count.set(Count {
            live: live + bytes,
            calls: before + calls,
        });
    });
}

// SAFETY: everything is left to the system's allocator; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize, 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}
