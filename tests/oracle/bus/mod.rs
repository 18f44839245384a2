//! `EventBus` against its specification: a script is run with both, and after every step what came
//! of it, all statistics, all positions and how often each waker was woken must be the same, and
//! the number of values alive within what is promised.

mod real;
pub(crate) mod script;
mod spec;

use crate::support::{Counted, Payload, Plain, WAKERS};
use eventring::{Gone, ReceiverKind};
use real::Real;
use script::{ReaderStep, Script, Step, Take};
use spec::Spec;
use std::fmt::Display;

/// What came of a step. Events are told by their numbers, those that were not published by what
/// is handed back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Pending,
    Published(Result<Option<u64>, String>, Vec<u64>),
    HandedBack(Vec<u64>),
    Upgraded(bool),
    Evicted(bool),
    /// What was waited for is committed; or its receiver is gone.
    Reached(Result<(), Gone>),
    Received(Result<Vec<u64>, Nothing>),
    /// User code did, after these were received.
    Panicked(Vec<u64>),
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// So far, or within the time given.
    Empty,
    /// A gap, told in its place.
    Lagged(u64),
    Closed,
}

impl Outcome {
    fn published(result: Result<Option<u64>, impl Display>, handed_back: Vec<u64>) -> Self {
        Self::Published(result.map_err(|error| error.to_string()), handed_back)
    }
}

/// What can be seen after a step.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// If there is a handle to ask.
    bus: Option<BusSeen>,
    /// Of a receiver that a future has nothing can be seen.
    readers: Vec<Option<ReaderSeen>>,
    /// What is committed at each watermark.
    marks: Vec<u64>,
    woken: [usize; WAKERS],
    clones: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct BusSeen {
    published: u64,
    next_sequence: u64,
    dropped: u64,
    missed: u64,
    waiting: usize,
    receivers: Vec<InfoSeen>,
    len: usize,
    closed: bool,
}

/// What the bus tells of a receiver.
#[derive(Debug, PartialEq, Eq)]
struct InfoSeen {
    id: u64,
    name: Option<String>,
    kind: ReceiverKind,
    position: u64,
    behind: u64,
    missed: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct ReaderSeen {
    position: u64,
    committed: u64,
    len: usize,
    hint: (usize, Option<usize>),
    missed: u64,
    lossy: bool,
    evicted: Option<u64>,
    closed: bool,
    ended: bool,
}

/// Runs a script.
pub(crate) fn check(script: &Script) {
    if script.plain {
        Run::<Plain>::new(script).run(script);
    } else {
        Run::<Counted>::new(script).run(script);
    }
}

struct Run<T> {
    spec: Spec,
    real: Real<T>,
    /// Numbers the events.
    made: u64,
}

impl<T: Payload + 'static> Run<T> {
    fn new(script: &Script) -> Self {
        Self {
            spec: Spec::new(script.setup, T::COUNTED),
            real: Real::new(script.setup),
            made: 0,
        }
    }

    fn run(mut self, script: &Script) {
        for (index, &step) in script.steps.iter().enumerate() {
            match step {
                Step::Settle => self.settle(index),
                step => drop(self.step(index, step)),
            }
        }
        assert_eq!(self.real.finish(), 0, "all values are dropped in the end");
    }

    fn settle(&mut self, index: usize) {
        for reader in 0..self.spec.readers.len() {
            let take = Step::Reader(reader as u8, ReaderStep::Take(Take::TryRecv, 0));
            while let Some(Outcome::Received(Ok(_))) = self.step(index, take) {}
        }
    }

    fn step(&mut self, index: usize, step: Step) -> Option<Outcome> {
        let which = |choice: u8, count: usize| usize::from(choice).checked_rem(count);
        let number = self.made;
        let (expected, outcome) = match step {
            Step::Handle(choice, step) => {
                let handle = which(choice, self.spec.handles.len())?;
                let expected = self.spec.on_handle(handle, step, number)?;
                (expected, self.real.on_handle(handle, step, number))
            }
            Step::Weak(choice, step) => {
                let weak = which(choice, self.spec.weak_handles)?;
                (self.spec.on_weak(step), self.real.on_weak(weak, step))
            }
            Step::Reader(choice, step) => {
                let reader = which(choice, self.spec.readers.len())?;
                let expected = self.spec.on_reader(reader, step)?;
                (expected, self.real.on_reader(reader, step))
            }
            Step::Watermark(choice) => {
                let committing = self.spec.committing();
                let reader = committing[which(choice, committing.len())?];
                self.spec.take_watermark(reader);
                self.real.take_watermark(reader);
                (Outcome::Done, Outcome::Done)
            }
            Step::Mark(choice, step) => {
                let mark = which(choice, self.spec.marks.len())?;
                let expected = self.spec.on_mark(mark, step)?;
                (expected, self.real.on_mark(mark, step))
            }
            Step::Evict(choice, of) => {
                let handle = which(choice, self.spec.handles.len())?;
                let reader = which(of, self.spec.readers.len())?;
                let id = self.spec.readers[reader].id;
                let evicted = self.real.evict(handle, id);
                (
                    Outcome::Evicted(self.spec.evict(reader)),
                    Outcome::Evicted(evicted),
                )
            }
            Step::Settle => return None,
        };
        self.made += script::MOST_EVENTS;
        let context = || format!("step {index}, {step:?}");
        assert_eq!(
            outcome,
            expected,
            "{}: ours, the specification's",
            context()
        );
        let (seen, expected) = (self.real.seen(), self.spec.seen());
        assert_eq!(seen, expected, "{}: ours, the specification's", context());
        if let Some(holding) = self.spec.holding_up() {
            let awaited = self.real.awaited();
            assert!(
                awaited.iter().any(|id| holding.contains(id)),
                "{}: awaited {awaited:?}, not of {holding:?}",
                context()
            );
        }
        let (needed, allowed) = self.spec.alive();
        let alive = self.real.alive();
        assert!(
            (needed..=allowed).contains(&alive),
            "{}: {alive} values alive, not {needed} to {allowed}",
            context()
        );
        Some(outcome)
    }
}
