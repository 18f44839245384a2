//! Room that is promised, and those who wait for some: first come, first served.

use std::collections::VecDeque;
use std::task::Waker;

/// How many sequences somebody wants at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Wants {
    pub(crate) const ONE: Self = Self { least: 1, most: 1 };
}

/// Behind the registry's lock, and right beside it.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Those who wait, in the order in which they came. The first one did not leave.
    queue: VecDeque<Waiting>,
    tickets: u64,
    /// How many of them have left.
    holes: usize,
    /// What those who waited have been granted, and did not collect yet, if it is more than one.
    granted: VecDeque<(u64, u64)>,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    wants: Wants,
    /// `None`: it has left.
    waker: Option<Waker>,
}

/// Somebody's place among those who wait.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(super) ticket: Option<u64>,
    /// Comes out of the queue under the lock, to be dropped after it.
    pub(super) former: Option<Waker>,
}

impl Place {
    /// Whether it waits, or was granted what it waited for.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        self.ticket.is_some()
    }
}

impl Room {
    pub(super) fn is_awaited(&self) -> bool {
        !self.queue.is_empty()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() - self.holes
    }

    /// What the one who came first wants.
    pub(super) fn first_wants(&self) -> Option<Wants> {
        self.queue.front().map(|first| first.wants)
    }

    /// Whether the one with this ticket waits, and this waker would wake it.
    pub(super) fn stands(&mut self, ticket: u64, waker: &Waker) -> bool {
        let waiting = self.find(ticket);
        let former = waiting.and_then(|waiting| waiting.waker.as_ref());
        former.is_some_and(|former| former.will_wake(waker))
    }

    /// Stands behind all others, or where it does. A waker that is not to be woken any more comes
    /// back: it must not be dropped under the lock.
    pub(super) fn stand(&mut self, wants: Wants, place: &mut Place, waker: Waker) -> Option<Waker> {
        match place.ticket {
            Some(ticket) => match self.find(ticket) {
                Some(waiting) => waiting.waker.replace(waker),
                None => Some(waker),
            },
            None => {
                let ticket = self.tickets;
                self.tickets += 1;
                place.ticket = Some(ticket);
                self.queue.push_back(Waiting {
                    ticket,
                    wants,
                    waker: Some(waker),
                });
                None
            }
        }
    }

    /// The one who came first is granted this, and is to be woken.
    #[inline]
    pub(super) fn serve_first(&mut self, grant: u64) -> Option<(u64, Waker)> {
        let first = self.queue.pop_front()?;
        if grant > 1 {
            self.granted.push_back((first.ticket, grant));
        }
        self.close_holes();
        Some((first.ticket, first.waker?))
    }

    /// What one was granted that has been served.
    #[inline]
    pub(super) fn collect(&mut self, ticket: u64) -> u64 {
        self.collect_several(ticket).unwrap_or(1)
    }

    /// Gives the place up, if it waits there. The waker comes back: it must not be dropped under the lock.
    #[must_use]
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        let waker = self.find(ticket)?.waker.take();
        self.holes += 1;
        self.close_holes();
        waker
    }

    /// Nobody is going to be granted anything any more: all who wait are to be woken.
    pub(super) fn dismiss(&mut self) -> Vec<Waker> {
        self.holes = 0;
        let dismissed = std::mem::take(&mut self.queue).into_iter();
        dismissed.filter_map(|waiting| waiting.waker).collect()
    }

    /// Mostly they come in the order in which they were granted something.
    #[inline]
    fn collect_several(&mut self, ticket: u64) -> Option<u64> {
        if self.granted.front()?.0 == ticket {
            return self.granted.pop_front().map(|(_, grant)| grant);
        }
        let index = self.granted.binary_search_by_key(&ticket, |one| one.0);
        self.granted.remove(index.ok()?).map(|(_, grant)| grant)
    }

    fn find(&mut self, ticket: u64) -> Option<&mut Waiting> {
        let index = self.queue.binary_search_by_key(&ticket, |one| one.ticket);
        self.queue.get_mut(index.ok()?)
    }

    /// Those at either end; all, once they are the larger part.
    #[inline]
    fn close_holes(&mut self) {
        if self.holes > 0 {
            self.close_some();
        }
    }

    #[cold]
    fn close_some(&mut self) {
        while self
            .queue
            .front()
            .is_some_and(|first| first.waker.is_none())
        {
            self.queue.pop_front();
            self.holes -= 1;
        }
        while self.queue.back().is_some_and(|last| last.waker.is_none()) {
            self.queue.pop_back();
            self.holes -= 1;
        }
        if self.holes > self.queue.len() / 2 {
            self.queue.retain(|one| one.waker.is_some());
            self.holes = 0;
        }
    }
}
