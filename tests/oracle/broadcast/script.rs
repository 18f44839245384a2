//! What a script can do with a broadcast channel, decoded from bytes: all bytes mean something.

use crate::support::WAKERS;
use arbitrary::{Arbitrary, Result, Unstructured};

/// A channel, and what is done with it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) capacity: Capacity,
    /// The values need no drop.
    pub(crate) plain: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity(pub(crate) usize);

/// Chooses among the handles of one kind that there are, modulo their number.
type Choice = u8;

/// One step of a script.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Send(Choice),
    Subscribe(Choice),
    CloneSender(Choice),
    DropSender(Choice),
    Downgrade(Choice),
    CloneWeak(Choice),
    Upgrade(Choice),
    DropWeak(Choice),
    /// Polls `closed()` of a sender, going on with the future that it has, with one of the wakers.
    PollClosed(Choice, usize),
    CancelClosed(Choice),
    Resubscribe(Choice),
    DropReceiver(Choice),
    TryRecv(Choice, Cloning),
    /// Polls `recv()` of a receiver, going on with the future that it has, with one of the wakers.
    PollRecv(Choice, usize, Cloning),
    CancelRecv(Choice),
    /// If that does not block.
    BlockingRecv(Choice, Cloning),
    /// Receives with every receiver until there is nothing left.
    Drain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloning {
    Works,
    Panics,
}

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let capacity = bytes.arbitrary()?;
        let plain = bytes.int_in_range(0..=3)? == 3;
        let mut steps = Vec::new();
        while !bytes.is_empty() {
            steps.push(bytes.arbitrary()?);
        }
        Ok(Self {
            capacity,
            plain,
            steps,
        })
    }
}

impl<'a> Arbitrary<'a> for Capacity {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(bytes.int_in_range(1..=9)?))
    }
}

impl<'a> Arbitrary<'a> for Step {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let kind = bytes.int_in_range(0..=43u8)?;
        let which = bytes.arbitrary()?;
        Ok(match kind {
            0..12 => Self::Send(which),
            12..14 => Self::Subscribe(which),
            14 => Self::CloneSender(which),
            15 => Self::DropSender(which),
            16 => Self::Downgrade(which),
            17 => Self::CloneWeak(which),
            18 => Self::Upgrade(which),
            19 => Self::DropWeak(which),
            20..22 => Self::PollClosed(which, bytes.choose_index(WAKERS)?),
            22 => Self::CancelClosed(which),
            23 => Self::Resubscribe(which),
            24..26 => Self::DropReceiver(which),
            26..32 => Self::TryRecv(which, bytes.arbitrary()?),
            32..40 => Self::PollRecv(which, bytes.choose_index(WAKERS)?, bytes.arbitrary()?),
            40 => Self::CancelRecv(which),
            41..43 => Self::BlockingRecv(which, bytes.arbitrary()?),
            _ => Self::Drain,
        })
    }
}

impl<'a> Arbitrary<'a> for Cloning {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=7u8)? {
            7 => Self::Panics,
            _ => Self::Works,
        })
    }
}
