//! Room that is promised, and those who wait for some: first come, first served.

use crate::wait::{Relay, RelayRef};
use std::collections::BTreeMap;
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

/// Behind the registry's lock.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Permits: sequences that were granted, and neither claimed nor given back.
    pub(super) reserved: u64,
    /// Those who wait, by tickets in the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    /// What some of them have been granted, and did not collect yet.
    granted: BTreeMap<u64, u64>,
    tickets: u64,
}

#[derive(Debug)]
struct Waiting {
    wants: Wants,
    relay: RelayRef,
}

/// Somebody's place among those who wait, and the waker that it is to be woken by.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(super) ticket: Option<u64>,
    pub(super) relay: Option<RelayRef>,
}

impl Place {
    /// Whether it waits, or was granted what it waited for.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        self.ticket.is_some()
    }

    /// The relay to this waker. If there was another one, that comes back too, for it must not be
    /// dropped under the lock.
    pub(super) fn relay_to(&mut self, waker: &Waker) -> (RelayRef, Option<RelayRef>) {
        let former = self.relay.take_if(|relay| !relay.will_wake(waker));
        let relay = self.relay.get_or_insert_with(|| Relay::new(waker.clone()));
        (RelayRef::clone(relay), former)
    }
}

impl Room {
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What the one who came first wants.
    pub(super) fn first_wants(&self) -> Option<Wants> {
        self.waiting.first_key_value().map(|(_, first)| first.wants)
    }

    /// Stands behind all others. The ticket.
    pub(super) fn stand(&mut self, wants: Wants, relay: RelayRef) -> u64 {
        let ticket = self.tickets;
        self.tickets += 1;
        self.waiting.insert(ticket, Waiting { wants, relay });
        ticket
    }

    /// The one who came first is granted this, and is to be woken.
    pub(super) fn serve_first(&mut self, grant: u64) -> Option<RelayRef> {
        let (ticket, first) = self.waiting.pop_first()?;
        self.granted.insert(ticket, grant);
        Some(first.relay)
    }

    pub(super) fn collect(&mut self, ticket: u64) -> Option<u64> {
        self.granted.remove(&ticket)
    }

    /// Changes whom to wake.
    pub(super) fn wake_by(&mut self, ticket: u64, relay: RelayRef) {
        if let Some(waiting) = self.waiting.get_mut(&ticket) {
            waiting.relay = relay;
        }
    }

    /// Gives the place up, and what it was granted.
    pub(super) fn leave(&mut self, ticket: u64) {
        if self.waiting.remove(&ticket).is_none() {
            self.reserved -= self.collect(ticket).unwrap_or(0);
        }
    }

    /// Nobody is going to be granted anything any more: all who wait are to be woken.
    pub(super) fn dismiss(&mut self) -> impl Iterator<Item = RelayRef> {
        let dismissed = std::mem::take(&mut self.waiting);
        dismissed.into_values().map(|waiting| waiting.relay)
    }
}
