//! A receiver that always finds an event, and a publisher that always finds room, let other tasks
//! run: in tokio's tasks by their budget (feature `tokio`, the default), elsewhere by one of their
//! own.
#![cfg(not(eventring_loom))]

mod common;

use common::{Wakes, drop_newest, overwrite, publish_all};
use eventring::{EventBus, PublishError, Receiver};
use futures::StreamExt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// No budget lasts this long.
const MANY: u64 = 10_000;

/// A receiver with many events before it, and then the end.
fn busy() -> Receiver<u64> {
    let bus = overwrite(MANY as usize);
    let receiver = bus.subscribe();
    publish_all(&bus, 0..MANY);
    receiver
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// A flag that another task of the same thread sets as soon as it gets to run.
fn another_task() -> Arc<AtomicBool> {
    let ran = Arc::new(AtomicBool::new(false));
    let run = Arc::clone(&ran);
    tokio::spawn(async move { run.store(true, Ordering::SeqCst) });
    ran
}

/// Each step is ready at once, but for the budget.
fn assert_yields<R>(mut step: impl AsyncFnMut() -> R) {
    block_on(async {
        let ran = another_task();
        for _ in 0..MANY {
            let _ = step().await;
            if ran.load(Ordering::SeqCst) {
                return;
            }
        }
        panic!("{MANY} events, and no other task has run");
    });
}

#[test]
fn recv_yields() {
    let mut receiver = busy();
    assert_yields(async || receiver.recv().await.unwrap());
}

#[test]
fn recv_with_yields() {
    let mut receiver = busy();
    assert_yields(async || receiver.recv_with(|_| ()).await.unwrap());
}

#[test]
fn recv_many_yields() {
    let (mut receiver, mut batch) = (busy(), Vec::new());
    assert_yields(async || assert_eq!(receiver.recv_many(&mut batch, 1).await, 1));
}

#[test]
fn recv_many_with_yields() {
    let mut receiver = busy();
    assert_yields(async || assert_eq!(receiver.recv_many_with(1, |_| ()).await, 1));
}

#[test]
fn poll_recv_yields() {
    let mut receiver = busy();
    assert_yields(async || poll_fn(|cx| receiver.poll_recv(cx)).await.unwrap());
}

#[test]
fn a_stream_yields() {
    let mut stream = busy();
    assert_yields(async || stream.next().await.unwrap());
}

#[test]
fn a_stream_with_lag_yields() {
    let mut stream = busy().with_lag();
    assert_yields(async || stream.next().await.unwrap());
}

#[test]
fn a_filter_yields() {
    let mut stream = busy().filter_map_ref(|number| Some(*number));
    assert_yields(async || stream.next().await.unwrap());
}

#[test]
fn a_filter_that_lets_nothing_through_yields() {
    block_on(async {
        let ran = another_task();
        let mut before = 0;
        let mut stream = busy().filter_map_ref(|_| {
            before += !ran.load(Ordering::SeqCst) as u64;
            None::<()>
        });
        assert_eq!(stream.next().await, None);
        drop(stream);
        assert!(before < MANY, "no other task has run");
    });
}

#[test]
fn publish_yields() {
    let bus = overwrite(4);
    let _receiver = bus.subscribe();
    assert_yields(async || bus.publish(7).await.unwrap());
}

#[test]
fn publish_many_yields() {
    let (bus, mut batch) = (overwrite(4), Vec::new());
    let _receiver = bus.subscribe();
    assert_yields(async || {
        batch.push(7);
        bus.publish_many(&mut batch).await.unwrap();
    });
}

#[test]
fn drained_yields() {
    let bus: EventBus<u64> = overwrite(4);
    assert_yields(async || bus.drained().await);
}

/// Where the receiver runs only if the publisher lets it.
#[test]
fn publishing_until_there_is_room_comes_to_an_end() {
    block_on(async {
        let bus = drop_newest(1);
        let mut receiver = bus.subscribe();
        tokio::spawn(async move { while receiver.next().await.is_some() {} });
        for number in 0..100 {
            let (mut event, mut attempts) = (number, 0);
            while let Err(PublishError::Dropped(back)) = bus.publish(event).await {
                attempts += 1;
                assert!(attempts < MANY, "the receiver has not run");
                event = back;
            }
        }
    });
}

#[test]
fn nothing_is_published_twice_by_yielding() {
    let bus = overwrite(MANY as usize);
    let receiver = bus.subscribe();
    block_on(async {
        for number in 0..MANY {
            assert_eq!(bus.publish(number).await, Ok(number));
        }
    });
    drop(bus);
    assert!(
        block_on(receiver.collect::<Vec<_>>())
            .into_iter()
            .eq(0..MANY)
    );
}

#[test]
fn nothing_is_lost_by_yielding() {
    let received = block_on(busy().collect::<Vec<_>>());
    assert!(received.into_iter().eq(0..MANY));
}

/// How often in a row a receiver is ready within one poll of a task.
fn in_a_row(receiver: &mut Receiver<u64>, cx: &mut Context<'_>) -> u64 {
    (0..MANY)
        .take_while(|_| receiver.poll_recv(cx).is_ready())
        .count() as u64
}

/// How often in a row a publisher is.
fn published_in_a_row(bus: &EventBus<u64>, cx: &mut Context<'_>) -> u64 {
    (0..MANY)
        .take_while(|number| pin!(bus.publish(*number)).poll(cx).is_ready())
        .count() as u64
}

#[test]
fn who_yields_has_woken_its_task() {
    block_on(async {
        let (wakes, waker) = Wakes::new();
        let mut receiver = busy();
        let row = in_a_row(&mut receiver, &mut Context::from_waker(&waker));
        assert!((1..MANY).contains(&row));
        // At once, not by way of tokio's scheduler, which looks for I/O first.
        assert_eq!(wakes.count(), 1);
        tokio::task::yield_now().await;
        assert!(
            receiver
                .poll_recv(&mut Context::from_waker(&waker))
                .is_ready()
        );
    });
}

#[test]
fn finding_nothing_costs_nothing() {
    let bus = overwrite(1);
    let mut receiver = bus.subscribe();
    block_on(poll_fn(|cx| {
        for _ in 0..MANY {
            assert!(receiver.poll_recv(cx).is_pending());
        }
        publish_all(&bus, [7]);
        assert_eq!(receiver.poll_recv(cx), Poll::Ready(Some(7)));
        Poll::Ready(())
    }));
}

#[cfg(feature = "tokio")]
mod with_tokio {
    use super::*;
    use tokio::task::coop::poll_proceed;

    #[test]
    fn receivers_draw_on_one_budget() {
        let mut receivers = [busy(), busy()];
        block_on(poll_fn(|cx| {
            assert!(in_a_row(&mut receivers[0], cx) > 0);
            assert_eq!(in_a_row(&mut receivers[1], cx), 0);
            Poll::Ready(())
        }));
    }

    /// What is left of the task's budget, by spending it.
    fn units_left(cx: &mut Context<'_>) -> usize {
        let mut units = 0;
        while let Poll::Ready(unit) = poll_proceed(cx) {
            unit.made_progress();
            units += 1;
        }
        units
    }

    #[test]
    fn a_unit_is_good_for_four_events() {
        let mut receiver = busy();
        let (all, left) = block_on(async {
            let all = poll_fn(|cx| Poll::Ready(units_left(cx))).await;
            tokio::task::yield_now().await;
            let left = poll_fn(|cx| {
                assert!((0..40).all(|_| receiver.poll_recv(cx).is_ready()));
                Poll::Ready(units_left(cx))
            });
            (all, left.await)
        });
        assert_eq!(all - left, 10);
    }

    #[test]
    fn publishers_and_receivers_draw_on_one_budget() {
        let (bus, mut receiver) = (overwrite(4), busy());
        block_on(poll_fn(|cx| {
            assert!(published_in_a_row(&bus, cx) > 0);
            assert_eq!(in_a_row(&mut receiver, cx), 0);
            Poll::Ready(())
        }));
    }

    #[test]
    fn an_unconstrained_task_is_not_held_back() {
        let mut receiver = busy();
        let mut row = 0;
        let all = poll_fn(|cx| {
            row = in_a_row(&mut receiver, cx);
            Poll::Ready(())
        });
        block_on(tokio::task::unconstrained(all));
        assert_eq!(row, MANY);
    }
}

mod without_a_runtime {
    use super::*;

    #[test]
    fn each_receiver_has_its_own_budget_on_any_executor() {
        let (wakes, waker) = Wakes::new();
        let mut cx = Context::from_waker(&waker);
        let (mut one, mut other) = (busy(), busy());
        let row = in_a_row(&mut one, &mut cx);
        assert_eq!(in_a_row(&mut other, &mut cx), row);
        assert_eq!(wakes.count(), 2);
        assert_eq!(
            in_a_row(&mut one, &mut cx),
            row,
            "a new one after it yielded"
        );
        assert!((1..MANY).contains(&row));
    }

    #[test]
    fn publishers_of_a_thread_have_one_budget_on_any_executor() {
        let (wakes, waker) = Wakes::new();
        let mut cx = Context::from_waker(&waker);
        let (one, other) = (overwrite(4), overwrite(4));
        let row = published_in_a_row(&one, &mut cx);
        assert!((1..MANY).contains(&row));
        assert_eq!(wakes.count(), 1);
        assert_eq!(published_in_a_row(&other, &mut cx), row, "a new one");
    }

    #[test]
    fn waiting_renews_the_budget() {
        let bus = overwrite(MANY as usize);
        let (mut receiver, mut other) = (bus.subscribe(), busy());
        let (_, waker) = Wakes::new();
        let mut cx = Context::from_waker(&waker);
        let row = in_a_row(&mut other, &mut cx);
        publish_all(&bus, 0..row / 2);
        assert_eq!(in_a_row(&mut receiver, &mut cx), row / 2);
        publish_all(&bus, 0..MANY);
        assert_eq!(in_a_row(&mut receiver, &mut cx), row);
    }
}
