//! What a script can do with a bus, decoded from bytes: all bytes mean something.

mod decode;

use eventring::{ReceiverKind, Start, WaitStrategy};

/// A bus, and what is done with it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) setup: Setup,
    /// The events need no drop.
    pub(crate) plain: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) capacity: usize,
    pub(crate) history: usize,
    pub(crate) strategy: WaitStrategy,
    /// The sequence of the first event.
    pub(crate) first: u64,
}

impl Setup {
    /// The drawn start, with a drawn sequence counted from a little before the first event.
    pub(crate) fn start(self, drawn: Start) -> Start {
        match drawn {
            Start::Sequence(sequence) => {
                Start::Sequence(self.first.saturating_sub(2).saturating_add(sequence))
            }
            start => start,
        }
    }
}

/// No step publishes as many: more than two laps.
pub(crate) const MOST_EVENTS: u64 = 20;

/// Chooses among the handles of one kind that there are, modulo their number.
type Choice = u8;

/// One step. It is left out if there is no such handle, or if it would block the thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Handle(Choice, HandleStep),
    Weak(Choice, WeakStep),
    Reader(Choice, ReaderStep),
    /// Takes the watermark of one of the committing receivers.
    Watermark(Choice),
    Mark(Choice, MarkStep),
    /// Evicts one of the receivers, the second choice, if it can be evicted.
    Evict(Choice, Choice),
    /// Receives with every receiver until there is nothing left.
    Settle,
}

/// With a handle of the bus.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HandleStep {
    Publish(PublishStep),
    Subscribe,
    SubscribeLossy,
    /// If the bus does not overwrite.
    SubscribeCommitting,
    SubscribeFrom(Start),
    SubscribeLossyFrom(Start),
    Build(Wanted),
    /// Polls with a waker, going on with the future that the handle has, if any.
    Drained(usize),
    CancelDrained,
    /// The same with a future that waits for so many receivers, or for none to be left.
    Attended(Option<usize>, usize),
    CancelAttended,
    Close,
    Clone,
    Downgrade,
    Drop,
}

/// A receiver with all that there is to choose. Committing or evictable only if the bus does not overwrite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) kind: Option<ReceiverKind>,
    pub(crate) start: Start,
    /// Behind one of the watermarks, if there are some.
    pub(crate) behind: Option<Choice>,
    pub(crate) name: Option<&'static str>,
}

/// Numbers are of events, then of the waker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PublishStep {
    Try,
    TryMany(usize),
    Blocking,
    ManyBlocking(usize),
    /// Waits for no time at all.
    Timeout,
    /// Polls, going on with the future of either kind that the handle has, if any.
    Poll(usize),
    PollMany(usize, usize),
    /// The same with a future that reserves room, is pending once more when it has some, and then
    /// publishes.
    PollReserve(usize),
    Cancel,
}

/// With a weak handle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WeakStep {
    Clone,
    Upgrade,
    Drop,
}

/// With a watermark. The first numbers are of events beyond those that are committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MarkStep {
    /// Polls with a waker, going on with the future that there is, if any.
    Reached(u64, usize),
    CancelReached,
    /// Waits for no time at all.
    Timeout(u64),
    Blocking(u64),
    Clone,
    Drop,
}

/// With a receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReaderStep {
    /// The so-many-th piece of user code panics, if it comes to that.
    Take(Take, u8),
    /// With a waker; and user code as above.
    Poll(Way, usize, u8),
    CancelReceive,
    Clone,
    Resubscribe,
    /// If it is a committing receiver, as all that follow here.
    Commit(CommitStep),
    Drop,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum CommitStep {
    /// Up to so many of what was received.
    Some(u64),
    All,
    Rewind,
    /// Receives a batch, which is committed or dropped; and user code panics as above.
    Batch(usize, bool, u8),
    BatchBlocking(usize, bool, u8),
    /// Polls, with a waker, as with [`Way::Recv`].
    PollBatch(usize, bool, usize, u8),
}

/// Receiving without a waker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Take {
    TryRecv,
    TryRecvWithLag,
    TryRecvWith,
    TryRecvMany(usize),
    TryRecvManyWith(usize),
    RecvBlocking,
    RecvWithBlocking,
    RecvManyBlocking(usize),
    RecvManyWithBlocking(usize),
    /// Waits for no time at all.
    RecvTimeout,
}

/// Receiving with a waker. The last six are futures: one that is pending is gone on with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    PollRecv,
    Stream,
    WithLag,
    FilterMapRef,
    Recv,
    RecvWithLag,
    RecvWith,
    RecvMany(usize),
    RecvManyWith(usize),
    /// Of a committing receiver: a batch, which is committed or dropped.
    RecvBatch(usize, bool),
}

impl Way {
    pub(crate) fn is_future(self) -> bool {
        matches!(
            self,
            Self::Recv
                | Self::RecvWithLag
                | Self::RecvWith
                | Self::RecvMany(_)
                | Self::RecvManyWith(_)
                | Self::RecvBatch(..)
        )
    }

    pub(crate) fn tells_lag(self) -> bool {
        matches!(self, Self::WithLag | Self::RecvWithLag)
    }
}

/// Which events pass the filter of [`Way::FilterMapRef`].
pub(crate) fn passes(number: u64) -> bool {
    number % 2 == 0
}
