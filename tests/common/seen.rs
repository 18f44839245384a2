//! What publishers and receivers keep account of.
#![allow(dead_code)] // Each test crate uses a part of it.

use crate::common::Tracked;
use eventring::Receiver;
use std::collections::HashMap;

/// An event's number tells who published it, and as which of its events.
const PUBLISHER: u32 = 32;

/// The number of a publisher's event.
pub(crate) fn id(publisher: u64, number: u64) -> u64 {
    publisher << PUBLISHER | number
}

/// What became of the events that a publisher had.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) accepted: u64,
    pub(crate) dropped: u64,
    pub(crate) closed: u64,
}

/// That each publisher's events come in the order in which it published them.
#[derive(Debug)]
pub(crate) struct Order {
    /// The number of each publisher's last event.
    last: HashMap<u64, u64>,
    /// No events may be left out.
    lossless: bool,
}

impl Order {
    pub(crate) fn new(lossless: bool) -> Self {
        let last = HashMap::new();
        Self { last, lossless }
    }

    pub(crate) fn check(&mut self, id: u64) {
        let (publisher, number) = (id >> PUBLISHER, id & ((1 << PUBLISHER) - 1));
        if let Some(last) = self.last.insert(publisher, number) {
            assert!(last < number, "{number} after {last}");
            assert!(
                !self.lossless || last + 1 == number,
                "{number} after {last}"
            );
        }
    }
}

/// What a receiver has seen, checked as it comes.
#[derive(Debug)]
pub(crate) struct Seen {
    from: u64,
    pub(crate) received: u64,
    missed: u64,
    order: Order,
}

impl Seen {
    pub(crate) fn new(receiver: &Receiver<Tracked>, lossless: bool) -> Self {
        Self {
            from: receiver.position(),
            received: 0,
            missed: receiver.missed(),
            order: Order::new(lossless),
        }
    }

    pub(crate) fn number(&mut self, id: u64) {
        self.received += 1;
        self.order.check(id);
    }

    /// The account, for a receiver that has received all there was.
    pub(crate) fn assert_complete(&self, receiver: &Receiver<Tracked>, published: u64) {
        let missed = receiver.missed() - self.missed;
        assert_eq!(self.from + self.received + missed, published, "{self:?}");
        assert_eq!(receiver.position(), published);
        assert!(!self.order.lossless || missed == 0, "{missed} missed");
    }
}
