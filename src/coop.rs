//! A receiver that always finds an event must still let other tasks run.

#[cfg(any(not(feature = "tokio"), loom))]
use own as imp;
#[cfg(all(feature = "tokio", not(loom)))]
use with_tokio as imp;

pub(crate) use imp::Budget;

/// Takes part in the budget that tokio gives to each task; outside of tokio there is none.
#[cfg(all(feature = "tokio", not(loom)))]
mod with_tokio {
    use std::task::{Context, Poll, ready};
    use tokio::task::coop::poll_proceed;

    pub(crate) struct Budget;

    impl Budget {
        pub(crate) fn new() -> Self {
            Self
        }

        #[inline]
        pub(crate) fn poll<R>(
            &mut self,
            cx: &mut Context<'_>,
            poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
        ) -> Poll<R> {
            let budget = ready!(poll_proceed(cx));
            let output = ready!(poll(cx));
            budget.made_progress();
            Poll::Ready(output)
        }
    }
}

/// A budget of our own: after so many events in a row the task is woken, and yields.
#[cfg(any(not(feature = "tokio"), loom))]
mod own {
    use std::task::{Context, Poll};

    const EVENTS: u8 = 128;

    pub(crate) struct Budget {
        spent: u8,
    }

    impl Budget {
        pub(crate) fn new() -> Self {
            Self { spent: 0 }
        }

        pub(crate) fn poll<R>(
            &mut self,
            cx: &mut Context<'_>,
            poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
        ) -> Poll<R> {
            if self.spent == EVENTS {
                self.spent = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let output = poll(cx);
            self.spent = if output.is_ready() { self.spent + 1 } else { 0 };
            output
        }
    }
}
