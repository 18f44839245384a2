//! All slots, aligned by hand: allocators take several times as long if they are to align more than
//! they do anyway, which is most of what it takes to make a small bus.
#![allow(unsafe_code)]

use super::slot::Slot;
use std::alloc::{Layout, alloc, dealloc};
use std::ops::Deref;
use std::ptr::NonNull;

/// A boxed slice of slots.
pub(super) struct Slots<E> {
    slots: NonNull<[Slot<E>]>,
    /// Where they are, with what is in front of them, in [`Self::layout`].
    memory: NonNull<u8>,
}

// SAFETY: it owns the slots, as a box does.
unsafe impl<E> Send for Slots<E> where Slot<E>: Send {}
// SAFETY: as a box.
unsafe impl<E> Sync for Slots<E> where Slot<E>: Sync {}

impl<E> Slots<E> {
    /// Room for the slots wherever among two of their alignments it begins.
    fn layout(number: usize) -> Option<Layout> {
        let slots = Layout::array::<Slot<E>>(number).ok()?;
        let bytes = slots
            .size()
            .checked_add(slots.align() - align_of::<u64>())?;
        Layout::from_size_align(bytes, align_of::<u64>()).ok()
    }

    /// So many slots, at least one. `None` if they do not fit into memory.
    pub(super) fn new(number: usize, slot: impl Fn(u64) -> Slot<E>) -> Option<Self> {
        // SAFETY: a slot has a size.
        let memory = NonNull::new(unsafe { alloc(Self::layout(number)?) })?;
        let before = memory.align_offset(align_of::<Slot<E>>());
        // SAFETY: less than the alignment, in steps of that of the memory: what is there besides slots.
        let first = unsafe { memory.add(before) }.cast();
        for index in 0..number {
            // SAFETY: there is room for so many.
            let place: NonNull<Slot<E>> = unsafe { first.add(index) };
            // SAFETY: it is aligned, and nobody else's.
            unsafe { place.write(slot(index as u64)) };
        }
        let slots = NonNull::slice_from_raw_parts(first, number);
        Some(Self { slots, memory })
    }
}

impl<E> Deref for Slots<E> {
    type Target = [Slot<E>];

    #[inline]
    fn deref(&self) -> &[Slot<E>] {
        // SAFETY: all were written, and stay until this is dropped.
        unsafe { self.slots.as_ref() }
    }
}

impl<E> Drop for Slots<E> {
    fn drop(&mut self) {
        let layout = Self::layout(self.slots.len());
        let _memory = Memory(self.memory, layout.expect("it was allocated"));
        // SAFETY: nobody uses them any more.
        unsafe { self.slots.drop_in_place() };
    }
}

/// Freed when it is dropped, also if the drop of a value panics.
struct Memory(NonNull<u8>, Layout);

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and is used by nobody any more.
        unsafe { dealloc(self.0.as_ptr(), self.1) };
    }
}
