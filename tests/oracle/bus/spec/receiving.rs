//! Receiving, as specified.

use crate::bus::script::{CommitStep, ReaderStep, Take, Way, passes};
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
    /// The same, without receiving them unless they are committed.
    Batch(bool),
}

impl Spec {
    /// Receives what is there: a gap, or up to `limit` events, at least one, until user code panics.
    pub(super) fn receive(&mut self, index: usize, limit: usize, by: By, fuse: &mut u8) -> Outcome {
        let (tail, retained) = (self.tail(), self.newest(self.setup.capacity));
        let alone = self.attached().count() == 1;
        let may_move = self.counted
            && self.setup.history == 0
            && matches!(by, By::Value | By::Reference)
            && !self.readers[index].committing;
        let horizon = self.horizon(&self.readers[index]);
        if self.readers[index].evicted.is_some() {
            return Outcome::Received(Err(Nothing::Closed));
        }
        if self.leader_ends(&self.readers[index], self.readers[index].position) {
            return Outcome::Received(Err(Nothing::Closed));
        }
        // What the one that it stays behind never committed is not missed.
        let end = self.readers[index].leader.map(|id| self.watermark(id));
        let end = end.filter(|one| one.gone).map_or(tail, |one| one.committed);
        let reader = &mut self.readers[index];
        let lag = reader
            .next(retained)
            .min(end)
            .saturating_sub(reader.position);
        if lag > 0 {
            reader.position += lag;
            reader.missed += lag;
            reader.left_values = true;
            self.missed += lag;
            return Outcome::Received(Err(Nothing::Lagged(lag)));
        }
        if reader.position == tail {
            reader.end = Some(tail);
            if std::mem::take(&mut reader.left_values) {
                self.release_at_end();
            }
            return Outcome::Received(Err(match self.closed {
                true => Nothing::Closed,
                false => Nothing::Empty,
            }));
        }
        if reader.position >= horizon {
            return Outcome::Received(Err(Nothing::Empty));
        }
        // What a gating receiver reads of the past does not go in one with the present.
        let (first, committed) = (reader.position, reader.committed);
        let past = reader.gating && reader.position < reader.subscribed;
        let end = if past { reader.subscribed } else { horizon };
        let (mut events, mut panicked) = (Vec::new(), false);
        let mut far = false;
        while !panicked && events.len() < limit && reader.position < end {
            let sequence = reader.position;
            reader.position += 1;
            let moves = may_move && (alone || sequence < reader.sole_until);
            far |= !moves && reader.position % 64 == 0;
            if moves {
                self.stored.remove(&sequence);
            } else if !matches!(by, By::Batch(false)) {
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
        if let By::Batch(commits) = by {
            if panicked || !commits {
                reader.position = first;
            } else {
                reader.committed = reader.position;
            }
        }
        if let By::Batch(_) = by {
            far = committed / 64 != reader.committed / 64;
        }
        if !panicked && far {
            self.release_on_the_way(index);
        }
        self.settle();
        match panicked {
            true => Outcome::Panicked(events),
            false => Outcome::Received(Ok(events)),
        }
    }

    /// Whether receiving now would wait.
    fn has_nothing(&self, index: usize) -> bool {
        let (reader, retained) = (&self.readers[index], self.newest(self.setup.capacity));
        let next = reader.next(retained);
        match next == self.tail() {
            _ if reader.evicted.is_some() || self.leader_ends(reader, next) => false,
            true => !self.closed,
            false => next >= self.horizon(reader),
        }
    }

    /// What a step has to come to. `None`: it would block.
    pub(in crate::bus) fn on_reader(&mut self, index: usize, step: ReaderStep) -> Option<Outcome> {
        match step {
            ReaderStep::Take(take, fuse) => return self.take(index, take, fuse),
            ReaderStep::Poll(way, waker, fuse) => {
                return Some(self.poll(index, way, waker, fuse));
            }
            ReaderStep::Commit(step) => return self.on_committing(index, step),
            _ => {}
        }
        self.cancel(index);
        match step {
            ReaderStep::Clone => self.duplicate(index),
            ReaderStep::Resubscribe => {
                let reader = &self.readers[index];
                let (kind, leader, name) = (reader.kind(), reader.leader, reader.name);
                self.subscribe(kind, Start::Next, leader, name);
            }
            ReaderStep::Drop => self.unsubscribe(index),
            _ => {}
        }
        Some(Outcome::Done)
    }

    /// Drops the future that has the receiver, if any.
    pub(super) fn cancel(&mut self, index: usize) {
        let reader = &mut self.readers[index];
        if reader.lent.take().is_some() {
            reader.parked = None;
        }
    }

    /// As `on_reader`. `None` also if it is not a committing receiver.
    fn on_committing(&mut self, index: usize, step: CommitStep) -> Option<Outcome> {
        let reader = &mut self.readers[index];
        if !reader.committing {
            return None;
        }
        let batch = |limit, commits| (limit, By::Batch(commits));
        match step {
            CommitStep::Batch(limit, commits, fuse) => {
                return Some(self.take_by(index, batch(limit, commits), false, fuse));
            }
            CommitStep::BatchBlocking(limit, commits, fuse) => {
                let blocks = limit > 0 && self.has_nothing(index);
                return (!blocks).then(|| self.take_by(index, batch(limit, commits), false, fuse));
            }
            CommitStep::PollBatch(limit, commits, waker, fuse) => {
                return Some(self.poll(index, Way::RecvBatch(limit, commits), waker, fuse));
            }
            _ => {}
        }
        self.cancel(index);
        let reader = &mut self.readers[index];
        match step {
            CommitStep::Some(count) => {
                let upto = reader.position.min(reader.committed + count);
                self.commit(index, upto);
            }
            CommitStep::All => self.commit(index, self.readers[index].position),
            _ => {
                if reader.committed < reader.position {
                    reader.position = reader.committed;
                    reader.ended = false;
                }
            }
        }
        Some(Outcome::Done)
    }

    fn commit(&mut self, index: usize, upto: u64) {
        let reader = &mut self.readers[index];
        let from = reader.committed;
        if from < upto {
            reader.committed = upto;
            (reader.left_values, reader.end) = (true, None);
            if from / 64 != upto / 64 {
                self.release_on_the_way(index);
            }
            self.settle();
        }
    }

    /// Who has come past another 64 events releases what all have received, and learns what nobody else
    /// needs: nothing if one was lapped and does not know yet.
    fn release_on_the_way(&mut self, index: usize) {
        if !self.readers[index].left_values {
            return;
        }
        self.release();
        let (tail, retained) = (self.tail(), self.newest(self.setup.capacity));
        let id = self.readers[index].id;
        let others = || self.attached().filter(|one| one.id != id);
        let known = others().all(|one| one.next(0) >= retained);
        let slowest = others().map(|one| one.wants(retained)).min();
        self.readers[index].sole_until = match known {
            true => slowest.unwrap_or(tail).min(tail),
            false => 0,
        };
    }

    fn take(&mut self, index: usize, take: Take, fuse: u8) -> Option<Outcome> {
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
        let tells = matches!(take, Take::TryRecvWithLag);
        Some(self.take_by(index, (limit, by), tells, fuse))
    }

    fn take_by(
        &mut self,
        index: usize,
        (limit, by): (usize, By),
        tells_lag: bool,
        mut fuse: u8,
    ) -> Outcome {
        self.cancel(index);
        if limit == 0 {
            if by == By::Batch(true) {
                self.commit(index, self.readers[index].position);
            }
            return Outcome::Received(Ok(Vec::new()));
        }
        loop {
            let outcome = self.receive(index, limit, by, &mut fuse);
            let lagged = matches!(outcome, Outcome::Received(Err(Nothing::Lagged(_))));
            if !lagged || tells_lag {
                return outcome;
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
            Way::RecvBatch(limit, commits) => (limit, By::Batch(commits)),
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
            if by == By::Batch(true) {
                self.commit(index, self.readers[index].position);
            }
            return Outcome::Received(Ok(Vec::new()));
        }
        let outcome = self.receive(index, limit, by, fuse);
        let reader = &mut self.readers[index];
        match outcome {
            Outcome::Received(Err(Nothing::Empty)) => {
                reader.parked = Some(waker);
                reader.parked_at = reader.position;
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
