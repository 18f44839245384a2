//! Receiving, as specified.

use crate::bus::script::{ReaderStep, Take, Way, passes};
use crate::bus::spec::Spec;
use crate::bus::{Nothing, Outcome};
use eventring::Start;

/// How events are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Value,
    Reference,
    /// Several by reference: they stay in the bus also if the receiver is the only one.
    References,
}

impl Spec {
    /// Receives what is there: a gap, or up to `limit` events, at least one, until user code panics.
    pub(super) fn receive(&mut self, index: usize, limit: usize, by: By, fuse: &mut u8) -> Outcome {
        let (tail, retained) = (self.tail(), self.newest(self.setup.capacity));
        let alone = self.counted && self.readers.len() == 1 && self.setup.history == 0;
        let moves = alone && by != By::References;
        let reader = &mut self.readers[index];
        let lag = reader.next(retained) - reader.position;
        if lag > 0 {
            reader.position += lag;
            reader.missed += lag;
            self.missed += lag;
            return Outcome::Received(Err(Nothing::Lagged(lag)));
        }
        if reader.position == tail {
            if std::mem::take(&mut reader.left_values) {
                self.release();
            }
            return Outcome::Received(Err(match self.closed {
                true => Nothing::Closed,
                false => Nothing::Empty,
            }));
        }
        // What a gating receiver reads of the past does not go in one with the present.
        let past = reader.gating && reader.position < reader.subscribed;
        let end = if past { reader.subscribed } else { tail };
        let (mut events, mut panicked) = (Vec::new(), false);
        while !panicked && events.len() < limit && reader.position < end {
            let sequence = reader.position;
            reader.position += 1;
            if moves {
                self.stored.remove(&sequence);
            } else {
                reader.left_values = true;
            }
            let clones = by == By::Value && !moves;
            if clones || by != By::Value {
                panicked = *fuse == 1;
                *fuse = fuse.saturating_sub(1);
            }
            if !panicked {
                self.clones += usize::from(clones);
                events.push(self.log[(sequence - self.setup.first) as usize]);
            }
        }
        self.settle();
        match panicked {
            true => Outcome::Panicked(events),
            false => Outcome::Received(Ok(events)),
        }
    }

    /// Whether receiving now would wait.
    fn has_nothing(&self, index: usize) -> bool {
        let retained = self.newest(self.setup.capacity);
        self.readers[index].next(retained) == self.tail() && !self.closed
    }

    /// What a step has to come to. `None`: it would block.
    pub(in crate::bus) fn on_reader(&mut self, index: usize, step: ReaderStep) -> Option<Outcome> {
        match step {
            ReaderStep::Take(take, fuse) => return self.take(index, take, fuse),
            ReaderStep::Poll(way, waker, fuse) => {
                return Some(self.poll(index, way, waker, fuse));
            }
            _ => {}
        }
        self.cancel(index);
        match step {
            ReaderStep::Clone => self.duplicate(index),
            ReaderStep::Resubscribe => self.subscribe(self.readers[index].gating, Start::Next),
            ReaderStep::Drop => self.unsubscribe(index),
            _ => {}
        }
        Some(Outcome::Done)
    }

    /// Drops the future that has the receiver, if any.
    fn cancel(&mut self, index: usize) {
        let reader = &mut self.readers[index];
        if reader.lent.take().is_some() {
            reader.parked = None;
        }
    }

    fn take(&mut self, index: usize, take: Take, mut fuse: u8) -> Option<Outcome> {
        let (limit, by, blocks) = match take {
            Take::TryRecv | Take::TryRecvWithLag | Take::RecvTimeout => (1, By::Value, false),
            Take::TryRecvWith => (1, By::Reference, false),
            Take::TryRecvMany(limit) => (limit, By::Value, false),
            Take::TryRecvManyWith(limit) => (limit, By::References, false),
            Take::RecvBlocking => (1, By::Value, true),
            Take::RecvWithBlocking => (1, By::Reference, true),
            Take::RecvManyBlocking(limit) => (limit, By::Value, true),
            Take::RecvManyWithBlocking(limit) => (limit, By::References, true),
        };
        if blocks && limit > 0 && self.has_nothing(index) {
            return None;
        }
        self.cancel(index);
        if limit == 0 {
            return Some(Outcome::Received(Ok(Vec::new())));
        }
        loop {
            let outcome = self.receive(index, limit, by, &mut fuse);
            let lagged = matches!(outcome, Outcome::Received(Err(Nothing::Lagged(_))));
            if !lagged || matches!(take, Take::TryRecvWithLag) {
                return Some(outcome);
            }
        }
    }

    fn poll(&mut self, index: usize, way: Way, waker: usize, mut fuse: u8) -> Outcome {
        let way = if way.is_future() {
            *self.readers[index].lent.get_or_insert(way)
        } else {
            self.cancel(index);
            way
        };
        let (limit, by) = match way {
            Way::RecvMany(limit) => (limit, By::Value),
            Way::RecvManyWith(limit) => (limit, By::References),
            Way::RecvWith | Way::FilterMapRef => (1, By::Reference),
            Way::PollRecv | Way::Stream | Way::WithLag | Way::Recv | Way::RecvWithLag => {
                (1, By::Value)
            }
        };
        let outcome = loop {
            let outcome = self.poll_receive(index, limit, by, waker, &mut fuse);
            let filters = matches!(way, Way::FilterMapRef);
            match &outcome {
                Outcome::Received(Err(Nothing::Lagged(_))) if !way.tells_lag() => {}
                Outcome::Received(Ok(events)) if filters && !passes(events[0]) => {}
                _ => break outcome,
            }
        };
        if outcome != Outcome::Pending {
            self.readers[index].lent = None;
        }
        outcome
    }

    /// A script is too short to use up a receiver's budget.
    fn poll_receive(
        &mut self,
        index: usize,
        limit: usize,
        by: By,
        waker: usize,
        fuse: &mut u8,
    ) -> Outcome {
        if limit == 0 {
            return Outcome::Received(Ok(Vec::new()));
        }
        let outcome = self.receive(index, limit, by, fuse);
        let reader = &mut self.readers[index];
        match outcome {
            Outcome::Received(Err(Nothing::Empty)) => {
                reader.parked = Some(waker);
                return Outcome::Pending;
            }
            Outcome::Received(Err(Nothing::Closed)) => reader.ended = true,
            Outcome::Panicked(_) => return outcome,
            _ => {}
        }
        reader.parked = None;
        outcome
    }
}
