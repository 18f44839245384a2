//! A receiver that always finds an event must still let other tasks run.

use std::task::{Context, Poll};

/// So many events in a row a task may receive: as in tokio.
const EVENTS: u8 = 128;

/// Takes part in the budget that tokio gives to each of its tasks. Elsewhere it is one of its own.
/// Who has spent it by receiving alone has its task woken, and yields.
pub(crate) struct Budget {
    spent: u8,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { spent: 0 }
    }

    #[inline]
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        if self.spent == EVENTS {
            self.spent = 0;
            if is_spent() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let output = proceed(cx, poll);
        self.spent = if output.is_ready() { self.spent + 1 } else { 0 };
        output
    }
}

/// Whether so many events are too many: outside of tokio's runtimes they are; in them, if they have
/// used up the task's budget. To yield then is cheaper than to ask tokio for more than there is: that
/// puts the task off until its worker has looked for I/O.
#[cfg(all(feature = "tokio", not(loom)))]
#[cold]
fn is_spent() -> bool {
    !tokio::task::coop::has_budget_remaining() || tokio::runtime::Handle::try_current().is_err()
}

#[cfg(any(not(feature = "tokio"), loom))]
fn is_spent() -> bool {
    true
}

/// Polls if tokio's budget allows it. Outside of tokio it always does.
#[cfg(all(feature = "tokio", not(loom)))]
#[inline]
fn proceed<R>(cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    let budget = std::task::ready!(tokio::task::coop::poll_proceed(cx));
    let output = poll(cx);
    if output.is_ready() {
        budget.made_progress();
    }
    output
}

#[cfg(any(not(feature = "tokio"), loom))]
#[inline]
fn proceed<R>(cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    poll(cx)
}
