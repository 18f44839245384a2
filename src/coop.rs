//! A receiver that always finds an event must still let other tasks run.

use std::task::{Context, Poll};

/// So many events in a row a task may receive: as in tokio.
const EVENTS: u8 = 128;

/// Takes part in the budget that tokio gives to each of its tasks. Elsewhere it is one of its own:
/// when it is spent the task is woken, and yields.
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
            if !tokio_budgets() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let output = proceed(cx, poll);
        self.spent = if output.is_ready() { self.spent + 1 } else { 0 };
        output
    }
}

/// Whether a runtime of tokio's is around, whose budget it is then.
#[cfg(all(feature = "tokio", not(loom)))]
fn tokio_budgets() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

#[cfg(any(not(feature = "tokio"), loom))]
fn tokio_budgets() -> bool {
    false
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
