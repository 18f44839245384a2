//! A swap-in for `tokio::sync::broadcast`, over the ring that [`EventBus`](crate::EventBus) uses.
//!
//! Put `eventring::broadcast` where a program says `tokio::sync::broadcast`: it compiles and
//! behaves the same. What is the same, what is stronger and what is different, by tokio 1.54:
//!
//! ```
//! // use tokio::sync::broadcast;
//! use eventring::broadcast;
//!
//! # tokio_test::block_on(async {
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! sender.send("hello").unwrap();
//! assert_eq!(first.recv().await.unwrap(), "hello");
//! assert_eq!(second.recv().await.unwrap(), "hello");
//! # });
//! ```
//!
//! # Same
//!
//! | | |
//! |---|---|
//! | items | [`channel`], [`Sender`], [`WeakSender`], [`Receiver`], [`error`]: every function with its signature and bounds, `#[must_use]`, `#[track_caller]`; every error with its derives and texts; the panics of `channel(0)` and of one too large; what `Debug` prints |
//! | capacity | rounded up to the next power of two; that number decides when a receiver lags |
//! | lag | `Lagged(n)` is exact, reported once, then the oldest retained value; received + lagged = sent |
//! | sending | never waits; fails only if there is no receiver, and then stores nothing; works again when somebody subscribes |
//! | closing | dropping the last sender costs no slot: receivers get what is there, then `Closed`; [`Sender::closed`] waits for the last receiver |
//! | lengths | [`Receiver::len`] counts overwritten values too, [`Sender::len`] what some receiver still owes |
//! | panics | a `T::clone` that panics costs that receiver that value, and nothing else |
//! | waking | the waker of the last poll; none of a future that was dropped or never polled |
//! | budget | in tokio's tasks, receiving takes part in its cooperative budget (feature `tokio`) |
//! | handles | `Unpin`, `UnwindSafe`; never `Send` for a `T` that is not |
//!
//! # Stronger
//!
//! | | tokio | here | why |
//! |---|---|---|---|
//! | locks | a lock around sending, one around each value | none where nothing waits, lags, comes or goes | receivers clone the same value in parallel |
//! | user code | `T::clone` and `T::drop` run under a lock: one that sends may deadlock | `T::drop` and wakers run with nothing held | a sender drops what it overwrites after it has sent |
//! | `closed` | an anonymous, `!Unpin` future | [`Closed`], `Unpin` | it can be named and stored without a box |
//! | budget | none outside of tokio | one of its own: after 512 values in a row a task yields | other executors' tasks want their turn too |
//! | polling | only through `recv` | [`Receiver::poll_recv`], [`Receiver::recv_many`], `Receiver: Stream` | |
//! | position | a receiver cannot be copied | `Receiver: Clone`, at the same position | |
//! | stream | boxed, in another crate, for `T: Send + 'static` | [`BroadcastStream`], unboxed, for any `T`, fused, with `into_inner` | |
//! | moving over | | with the feature `tokio`, `From` between the errors, both ways | module by module |
//!
//! # Different
//!
//! | | tokio | here | why |
//! |---|---|---|---|
//! | crossing threads | `T: Send` | `T: Send + Sync` | receivers read the same value at the same time, instead of in turn |
//! | only receiver | clones the value, then drops it | gets the value itself, if it has to be dropped | a clone saved; one that would panic does not |
//! | when a value is released | as the last receiver clones it | among several receivers, when the last of them to have received it finds the channel empty or is dropped; at the latest when it is overwritten | receivers share no count; for a `T` that needs no drop there is nothing to see |
//! | count of [`Sender::send`] | exact | receivers that come or go during the call may be counted or not | receivers are counted without a lock |
//! | `T::clone` that sends | may deadlock | may spin for ever, if it laps its own receiver | the value must stay while it is cloned |
//! | budget in tokio's tasks | a unit for each value: 128 in a row | a unit for four values: 512 in a row | to receive one takes a quarter of the time |
//! | [`Receiver::blocking_recv`] in a task | panics | blocks the thread | this crate does not know what thread it is on |
//! | memory | a lock and the value for each slot | a word and the value for each slot, in steps of 32 bytes | a slot with a small value is on one cache line |
//! | no memory for the capacity | `capacity overflow`, or the process is aborted | panics with the capacity | |

mod channel;
pub mod error;
mod reader;
mod receiver;
mod sender;
mod slot;
mod stream;
mod words;

pub use receiver::Receiver;
pub use sender::{Closed, Sender, WeakSender};
pub use stream::BroadcastStream;

/// A channel that retains at least `capacity` values (the next power of two of them), with its
/// first sender and receiver. More of both come from [`Sender::clone`] and [`Sender::subscribe`].
///
/// # Panics
///
/// If the capacity is 0 or larger than `usize::MAX / 2`, or cannot be allocated.
///
/// ```
/// let (sender, mut receiver) = eventring::broadcast::channel(16);
/// sender.send("hello").unwrap();
/// assert_eq!(receiver.try_recv(), Ok("hello"));
/// ```
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}
