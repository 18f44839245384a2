//! What is always ready must still let other tasks run: a receiver that always finds an event, a
//! publisher that always finds room.

use crate::sync::const_thread_local;
use std::cell::Cell;
use std::task::{Context, Poll, ready};

/// The units of a budget, as in tokio.
const UNITS: u16 = 128;

/// How many events of a bus one unit is good for: tokio's is for an operation of several times the
/// length.
///
/// It is more than one for the sake of publishers, too. A task that yields stands behind all others,
/// so that a receiver that is one lap behind stays there: the publisher it holds back publishes
/// what it has made room for, and that is all that the others get.
pub(crate) const EVENTS: u16 = 4;

/// Takes part in the budget that tokio gives to each of its tasks. Elsewhere it is one of its own.
/// Who has spent it by this alone has its task woken, and yields. A unit is good for so many times.
#[derive(Clone, Copy)]
pub(crate) struct Budget<const TIMES: u16 = EVENTS> {
    /// How often it was ready in a row.
    row: u16,
}

const_thread_local! {
    /// For what has no place of its own to keep one: futures that are ready once.
    static THREAD: Cell<Budget> = Cell::new(Budget::new());
}

/// Polls within the thread's budget.
#[inline(always)]
pub(crate) fn poll_within<R>(
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    let mut budget = THREAD.try_with(Cell::get).unwrap_or(Budget::new());
    let polled = budget.poll_unit(cx).map(|unit| {
        let polled = poll(cx);
        budget.settle(unit, polled.is_ready());
        polled
    });
    let _ = THREAD.try_with(|thread| thread.set(budget));
    ready!(polled)
}

impl<const TIMES: u16> Budget<TIMES> {
    pub(crate) const fn new() -> Self {
        Self { row: 0 }
    }

    /// Asks for leave to go on. `None`: an earlier unit is good for one time more.
    #[inline(always)]
    pub(crate) fn poll_unit(&mut self, cx: &mut Context<'_>) -> Poll<Option<Unit>> {
        if self.row == UNITS * TIMES {
            self.row = 0;
            if is_spent() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if self.row % TIMES != 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(ready!(poll_proceed(cx))))
    }

    /// Spends the unit, unless it was not ready.
    #[inline(always)]
    pub(crate) fn settle(&mut self, unit: Option<Unit>, ready: bool) {
        if !ready {
            self.row = 0;
            return;
        }
        self.row += 1;
        spend(unit);
    }
}

/// Whether so many events are too many: outside of tokio's runtimes they are; in them, if they have
/// used up the task's budget. To yield then is cheaper than to ask tokio for more than there is: that
/// puts the task off until its worker has looked for I/O.
#[cfg(all(feature = "tokio", not(eventring_loom)))]
#[cold]
fn is_spent() -> bool {
    !tokio::task::coop::has_budget_remaining() || tokio::runtime::Handle::try_current().is_err()
}

#[cfg(any(not(feature = "tokio"), eventring_loom))]
fn is_spent() -> bool {
    true
}

/// What tokio gives back if it is dropped without progress.
#[cfg(all(feature = "tokio", not(eventring_loom)))]
pub(crate) use tokio::task::coop::RestoreOnPending as Unit;

#[cfg(all(feature = "tokio", not(eventring_loom)))]
use tokio::task::coop::poll_proceed;

/// Forgotten, it is not given back. To say so to it, and to drop it then, are two calls more.
#[cfg(all(feature = "tokio", not(eventring_loom)))]
#[inline(always)]
fn spend(unit: Option<Unit>) {
    std::mem::forget(unit);
}

#[cfg(any(not(feature = "tokio"), eventring_loom))]
pub(crate) struct Unit;

#[cfg(any(not(feature = "tokio"), eventring_loom))]
fn spend(_: Option<Unit>) {}

#[cfg(any(not(feature = "tokio"), eventring_loom))]
fn poll_proceed(_: &mut Context<'_>) -> Poll<Unit> {
    Poll::Ready(Unit)
}
