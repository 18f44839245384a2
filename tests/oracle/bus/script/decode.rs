//! How often a script does what.

use super::{
    CommitStep, HandleStep, MOST_EVENTS, MarkStep, PublishStep, ReaderStep, Script, Setup, Step,
    Take, Wanted, Way, WeakStep,
};
use crate::support::WAKERS;
use arbitrary::{Arbitrary, Result, Unstructured};
use eventring::{ReceiverKind, Start, WaitStrategy};

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let setup = bytes.arbitrary()?;
        let plain = bytes.int_in_range(0..=3)? == 3;
        let mut steps = Vec::new();
        while !bytes.is_empty() {
            steps.push(bytes.arbitrary()?);
        }
        Ok(Self {
            setup,
            plain,
            steps,
        })
    }
}

/// Where the numbers of the events begin: the last one is the greatest that is allowed.
const FIRSTS: [u64; 8] = [0, 0, 0, 1, 2, 5, 1 << 32, (1 << 59) - 1];

impl<'a> Arbitrary<'a> for Setup {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        use WaitStrategy::{Block, DropNewest, Overwrite};
        let capacity = bytes.int_in_range(1..=9usize)?;
        // Without a history values are moved out: as often as all others together.
        let history = bytes.int_in_range(0..=2 * capacity)?;
        // Scripts that were found when all began at 0 keep their strategies.
        let drawn = bytes.choose_index(3 * FIRSTS.len())?;
        Ok(Self {
            capacity,
            history: history.saturating_sub(capacity),
            strategy: [Block, Overwrite, DropNewest][drawn % 3],
            first: FIRSTS[drawn / 3],
        })
    }
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let kind: u8 = bytes.arbitrary()?;
        let which = bytes.arbitrary()?;
        Ok(match kind {
            200..212 => Self::Handle(which, HandleStep::Build(bytes.arbitrary()?)),
            212..220 => Self::Handle(which, attended(bytes)?),
            220..229 => Self::Watermark(which),
            229..232 => Self::Evict(which, bytes.arbitrary()?),
            232.. => Self::Mark(which, bytes.arbitrary()?),
            // As when these were all: the fuzzer's older scripts keep them.
            _ => match kind % 100 {
                0..50 => Self::Handle(which, bytes.arbitrary()?),
                50..95 => Self::Reader(which, bytes.arbitrary()?),
                95..98 => Self::Weak(which, bytes.arbitrary()?),
                _ => Self::Settle,
            },
        })
    }
}

impl<'a> Arbitrary<'a> for HandleStep {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=99u8)? {
            0..63 => Self::Publish(bytes.arbitrary()?),
            63..69 => Self::Subscribe,
            69..72 => Self::SubscribeCommitting,
            72..78 => Self::SubscribeLossy,
            78..83 => Self::SubscribeFrom(start(bytes)?),
            83..86 => Self::SubscribeLossyFrom(start(bytes)?),
            86..93 => Self::Drained(waker(bytes)?),
            93 => Self::CancelDrained,
            94..96 => Self::Clone,
            96..98 => Self::Downgrade,
            98 => Self::Drop,
            _ => Self::Close,
        })
    }
}

fn attended(bytes: &mut Unstructured<'_>) -> Result<HandleStep> {
    Ok(match bytes.int_in_range(0..=7u8)? {
        0 => HandleStep::CancelAttended,
        1..3 => HandleStep::Attended(None, waker(bytes)?),
        _ => HandleStep::Attended(Some(bytes.int_in_range(0..=6)?), waker(bytes)?),
    })
}

impl<'a> Arbitrary<'a> for Wanted {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        use ReceiverKind::{Committing, Evictable, Lossy};
        let (committing, evictable) = (Some(Committing), Some(Evictable));
        Ok(Self {
            // Scripts that were found when there were four to choose from mostly keep theirs.
            kind: *bytes.choose(&[
                None,
                Some(Lossy),
                committing,
                committing,
                evictable,
                evictable,
                committing,
                evictable,
            ])?,
            start: start(bytes)?,
            behind: match bytes.int_in_range(0..=2u8)? {
                0 => None,
                _ => Some(bytes.arbitrary()?),
            },
            name: *bytes.choose(&[None, Some("sink"), Some("page")])?,
        })
    }
}

impl<'a> Arbitrary<'a> for MarkStep {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let ahead = |bytes: &mut Unstructured<'a>| bytes.int_in_range(0..=3);
        Ok(match bytes.int_in_range(0..=15u8)? {
            0..9 => Self::Reached(ahead(bytes)?, waker(bytes)?),
            9 => Self::CancelReached,
            10..12 => Self::Timeout(ahead(bytes)?),
            12 => Self::Blocking(ahead(bytes)?),
            13 => Self::Clone,
            _ => Self::Drop,
        })
    }
}

impl<'a> Arbitrary<'a> for PublishStep {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=19u8)? {
            0..7 => Self::Try,
            7..10 => Self::TryMany(events(bytes)?),
            10 => Self::Blocking,
            11 => Self::ManyBlocking(events(bytes)?),
            12 => Self::Timeout,
            13..15 => Self::Poll(waker(bytes)?),
            15 => Self::PollReserve(waker(bytes)?),
            16..19 => Self::PollMany(events(bytes)?, waker(bytes)?),
            _ => Self::Cancel,
        })
    }
}

impl<'a> Arbitrary<'a> for WeakStep {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(*bytes.choose(&[Self::Upgrade, Self::Clone, Self::Drop])?)
    }
}

impl<'a> Arbitrary<'a> for ReaderStep {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=19u8)? {
            0..7 => Self::Take(bytes.arbitrary()?, fuse(bytes)?),
            7..13 => Self::Poll(bytes.arbitrary()?, waker(bytes)?, fuse(bytes)?),
            13..15 | 19 => Self::Commit(bytes.arbitrary()?),
            15 => Self::CancelReceive,
            16 => Self::Clone,
            17 => Self::Resubscribe,
            _ => Self::Drop,
        })
    }
}

impl<'a> Arbitrary<'a> for CommitStep {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=11u8)? {
            0..3 => Self::Some(bytes.int_in_range(0..=3)?),
            3..5 => Self::All,
            5 => Self::Rewind,
            6..8 => Self::Batch(events(bytes)?, bytes.arbitrary()?, fuse(bytes)?),
            8 => Self::BatchBlocking(events(bytes)?, bytes.arbitrary()?, fuse(bytes)?),
            _ => {
                let (limit, commits) = (events(bytes)?, bytes.arbitrary()?);
                Self::PollBatch(limit, commits, waker(bytes)?, fuse(bytes)?)
            }
        })
    }
}

fn waker(bytes: &mut Unstructured<'_>) -> Result<usize> {
    bytes.choose_index(WAKERS)
}

fn events(bytes: &mut Unstructured<'_>) -> Result<usize> {
    bytes.choose_index(MOST_EVENTS as usize)
}

/// The limit of a batch, and whether it is read in place. Scripts that were found when none was
/// keep their limits.
fn batch(bytes: &mut Unstructured<'_>) -> Result<(usize, bool)> {
    let most = MOST_EVENTS as usize;
    let drawn = bytes.choose_index(2 * most)?;
    Ok((drawn % most, drawn >= most))
}

/// Mostly, no user code panics.
fn fuse(bytes: &mut Unstructured<'_>) -> Result<u8> {
    Ok(bytes.int_in_range(0..=31u8)?.saturating_sub(28))
}

fn start(bytes: &mut Unstructured<'_>) -> Result<Start> {
    Ok(match bytes.int_in_range(0..=63)? {
        0..4 => Start::Next,
        4..12 => Start::Oldest,
        12 => Start::Last(u64::MAX),
        13 => Start::Sequence(u64::MAX),
        events @ 14..36 => Start::Last(events - 14),
        sequence => Start::Sequence(sequence - 36),
    })
}

impl<'a> Arbitrary<'a> for Take {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=9u8)? {
            0..2 => Self::TryRecv,
            2 => Self::TryRecvWithLag,
            3 => Self::TryRecvWith,
            4..6 => match batch(bytes)? {
                (limit, false) => Self::TryRecvMany(limit),
                (limit, true) => Self::TryRecvManyWith(limit),
            },
            6 => Self::RecvBlocking,
            7 => Self::RecvWithBlocking,
            8 => match batch(bytes)? {
                (limit, false) => Self::RecvManyBlocking(limit),
                (limit, true) => Self::RecvManyWithBlocking(limit),
            },
            _ => Self::RecvTimeout,
        })
    }
}

impl<'a> Arbitrary<'a> for Way {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=9u8)? {
            0..2 => Self::PollRecv,
            2 => Self::Stream,
            3 => Self::WithLag,
            4 => Self::FilterMapRef,
            5..7 => Self::Recv,
            7 => Self::RecvWithLag,
            8 => Self::RecvWith,
            _ => match batch(bytes)? {
                (limit, false) => Self::RecvMany(limit),
                (limit, true) => Self::RecvManyWith(limit),
            },
        })
    }
}
