//! What a receiver got: a wrong result is an error, not a figure.

use crate::payload::{DISTINCT, Payload, Source};
use std::fmt;
use std::hint::black_box;
use std::iter::Sum;

/// How many events a receiver got and how many it was told that it missed; the sum of their
/// numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) received: u64,
    pub(crate) missed: u64,
    sum: u64,
}

/// Says what was delivered wrongly.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) String);

impl Tally {
    /// Counts an event that the receiver owns now.
    #[inline]
    pub(crate) fn take<E: Payload>(&mut self, event: E) {
        self.read(&event);
    }

    /// Counts an event that the receiver reads in place.
    #[inline]
    pub(crate) fn read<E: Payload>(&mut self, event: &E) {
        self.received += 1;
        self.sum = self.sum.wrapping_add(black_box(event).number());
    }

    /// Received or missed.
    pub(crate) fn total(&self) -> u64 {
        self.received + self.missed
    }

    /// What a receiver gets that misses nothing of so many events by each sender.
    pub(crate) fn of<E: Payload>(source: &Source<E>, senders: u64, each: u64) -> Self {
        let sum = |events: &[E]| events.iter().map(E::number).fold(0, u64::wrapping_add);
        let rounds = sum(source.all()).wrapping_mul(each / DISTINCT);
        let rest = sum(&source.all()[..(each % DISTINCT) as usize]);
        Self {
            received: senders * each,
            missed: 0,
            sum: rounds.wrapping_add(rest).wrapping_mul(senders),
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |all, tally| Self {
            received: all.received + tally.received,
            missed: all.missed + tally.missed,
            sum: all.sum.wrapping_add(tally.sum),
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            received,
            missed,
            sum,
        } = self;
        write!(f, "{received} received (sum {sum}), {missed} missed")
    }
}

/// Every receiver has to have got exactly that.
pub(crate) fn check_all(tallies: &[Tally], expected: Tally) -> Result<(), Wrong> {
    check(tallies, |tally| *tally == expected, &expected)
}

/// Every receiver has to have got, or be told that it missed, exactly so many events.
pub(crate) fn check_totals(tallies: &[Tally], events: u64) -> Result<(), Wrong> {
    let expected = format_args!("{events} received or missed");
    check(tallies, |tally| tally.total() == events, &expected)
}

fn check(
    tallies: &[Tally],
    right: impl Fn(&Tally) -> bool,
    expected: &dyn fmt::Display,
) -> Result<(), Wrong> {
    match tallies.iter().position(|tally| !right(tally)) {
        None => Ok(()),
        Some(receiver) => Err(Wrong(format!(
            "receiver {receiver}: {}, instead of {expected}",
            tallies[receiver]
        ))),
    }
}
