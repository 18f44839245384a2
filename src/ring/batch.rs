//! A batch of events on their way into the ring.
#![allow(unsafe_code)]

use std::mem::needs_drop;
use std::ptr::slice_from_raw_parts_mut;

/// A vector, taken apart: events go from its front, and what they retire comes there.
///
/// ```text
///  0         retired      next                 end
///  │ retired    │ (empty)  │ not yet published  │ (empty)
/// ```
///
/// It owns all of them, and leaks them if it is just dropped: [`into_vec`](Self::into_vec) is its end.
pub(crate) struct Batch<E> {
    /// As if it were empty.
    buffer: Vec<E>,
    retired: usize,
    next: usize,
    end: usize,
}

impl<E> Default for Batch<E> {
    fn default() -> Self {
        Self::of(&mut Vec::new())
    }
}

impl<E> Batch<E> {
    /// The vector's events, and its memory.
    pub(crate) fn of(events: &mut Vec<E>) -> Self {
        let mut buffer = std::mem::take(events);
        let end = buffer.len();
        // SAFETY: all from there on is the batch's.
        unsafe { buffer.set_len(0) };
        Self {
            buffer,
            retired: 0,
            next: 0,
            end,
        }
    }

    /// How many are not published.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.next
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Has the next event, if there is one, exchanged for what it retires.
    #[inline(always)]
    pub(crate) fn exchange<R>(&mut self, exchange: impl FnOnce(&mut Option<E>) -> R) -> R {
        let places = self.buffer.as_mut_ptr();
        let mut event = None;
        if self.next < self.end {
            // SAFETY: the place is one of the vector's.
            let next = unsafe { places.add(self.next) };
            // SAFETY: it is there, and not taken a second time.
            event = Some(unsafe { next.read() });
            self.next += 1;
        }
        let exchanged = exchange(&mut event);
        if needs_drop::<E>() && self.retired < self.next {
            if let Some(retired) = event {
                // SAFETY: the place is one of the vector's.
                let place = unsafe { places.add(self.retired) };
                // SAFETY: what was there has been taken.
                unsafe { place.write(retired) };
                self.retired += 1;
            }
        }
        exchanged
    }

    /// Drops what was retired: user code.
    #[inline]
    pub(crate) fn drop_retired(&mut self) {
        let count = std::mem::take(&mut self.retired);
        let retired = slice_from_raw_parts_mut(self.buffer.as_mut_ptr(), count);
        // SAFETY: they are there, and nobody comes to them again.
        unsafe { retired.drop_in_place() };
    }

    /// What is not published, in the same memory.
    pub(crate) fn into_vec(mut self) -> Vec<E> {
        self.drop_retired(); // none, unless a waker panicked
        let unpublished = self.len();
        let front = self.buffer.as_mut_ptr();
        // SAFETY: the place is one of the vector's.
        let next = unsafe { front.add(self.next) };
        // SAFETY: so many are there, and no longer needed there.
        unsafe { front.copy_from(next, unpublished) };
        // SAFETY: so many were moved to the front.
        unsafe { self.buffer.set_len(unpublished) };
        self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn what_is_retired_is_dropped_and_what_is_not_published_comes_back() {
        let old = [Rc::new(10), Rc::new(11)];
        let mut slots = [Some(old[0].clone()), None, Some(old[1].clone())];
        let mut events: Vec<_> = (0..4).map(Rc::new).collect();
        let memory = events.as_ptr();
        let mut batch = Batch::of(&mut events);
        for slot in &mut slots {
            batch.exchange(|event| std::mem::swap(slot, event));
        }
        assert_eq!((batch.len(), Rc::strong_count(&old[1])), (1, 2));
        batch.drop_retired();
        assert_eq!(old.map(|old| Rc::strong_count(&old)), [1, 1]);
        assert_eq!(slots.map(|slot| *slot.unwrap()), [0, 1, 2]);

        let rest = batch.into_vec();
        assert_eq!((rest.as_ptr(), &*rest), (memory, &[Rc::new(3)][..]));
    }

    #[test]
    fn a_batch_that_is_over_exchanges_nothing() {
        let mut batch = Batch::of(&mut vec![Rc::new(0)]);
        batch.exchange(|event| assert_eq!(event.take(), Some(Rc::new(0))));
        batch.exchange(|event| assert_eq!(*event, None));
        assert!(batch.is_empty() && batch.into_vec().is_empty());
    }
}
