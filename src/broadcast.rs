//! A swap-in for `tokio::sync::broadcast`, over slots of its own kind.
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
//! A loop that goes on after a lag, as most programs mean it:
//!
//! ```
//! use eventring::broadcast::{self, error::RecvError};
//!
//! # tokio_test::block_on(async {
//! let (sender, mut receiver) = broadcast::channel(2);
//! for value in 0..5 {
//!     sender.send(value).unwrap();
//! }
//! drop(sender);
//! let (mut received, mut missed) = (Vec::new(), 0);
//! loop {
//!     match receiver.recv().await {
//!         Ok(value) => received.push(value),
//!         Err(RecvError::Lagged(values)) => missed += values, // `while let Ok(..)` would end here
//!         Err(RecvError::Closed) => break,
//!     }
//! }
//! assert_eq!((received, missed), (vec![3, 4], 3));
//! # });
//! ```
//!
//! # Same
//!
//! | | |
//! |---|---|
//! | items | [`channel()`], [`Sender`], [`WeakSender`], [`Receiver`], [`error`]: every function with its signature and bounds, `#[must_use]`, `#[track_caller]`; every error with its derives and texts; the panics of `channel(0)` and of one too large; what `Debug` prints |
//! | crossing threads | handles are `Send` and `Sync` if `T: Send`, and `UnwindSafe`; never `Send` for a `T` that is not |
//! | capacity | rounded up to the next power of two; that number decides when a receiver lags |
//! | lag | `Lagged(n)` is exact, reported once, then the oldest retained value; received + lagged = sent |
//! | sending | never waits; fails only if there is no receiver, and then stores nothing; works again when somebody subscribes; returns exactly how many are to get the value |
//! | cloning | every receiver gets a clone, one after the other, under the lock of that value; a `T::clone` that panics costs that receiver that value, and nothing else; one that waits for its own value waits for ever |
//! | dropping | a value is dropped as the last receiver receives it, or leaves; at the latest when it is overwritten |
//! | closing | dropping the last sender costs no slot: receivers get what is there, then `Closed`; [`Sender::closed`] waits for the last receiver |
//! | lengths | [`Receiver::len`] counts overwritten values too, [`Sender::len`] what some receiver still owes |
//! | waking | first come, first woken; the waker of the last poll, in the place of the first; none of a future that was dropped or never polled |
//! | blocking | [`Receiver::blocking_recv`] panics where a thread drives tokio's tasks (feature `tokio`) |
//! | budget | in tokio's tasks, receiving takes part in its cooperative budget, a unit for each value (feature `tokio`) |
//!
//! # Stronger
//!
//! | | tokio | here | why |
//! |---|---|---|---|
//! | locks | a lock around sending and waiting, one around each value | the latter | one word to claim by, subscribe by and wait by |
//! | a `drop` that sends | may deadlock | runs with nothing held | a sender drops what it overwrites after it has sent |
//! | `closed` | an anonymous, `!Unpin` future | [`Closed`], `Unpin` | it can be named and stored without a box |
//! | budget | none outside of tokio | one of its own: after 128 values in a row a task yields | other executors' tasks want their turn too |
//! | polling | only through `recv` | [`Receiver::poll_recv`], [`Receiver::recv_many`], `Receiver: Stream` | |
//! | position | a receiver cannot be copied | `Receiver: Clone`, at the same position | |
//! | stream | boxed, in another crate, for `T: Send + 'static` | [`BroadcastStream`], unboxed, for any `T`, fused, with `into_inner` | |
//! | no memory for the capacity | `capacity overflow`, or the process is aborted | panics with the capacity | |
//! | moving over | | with the feature `tokio`, `From` between the errors, both ways | module by module |
//!
//! # Different
//!
//! | | tokio | here | why |
//! |---|---|---|---|
//! | receivers of one channel | 2^62 | 1,048,575; one more panics | they are counted in the word that a send claims by, so that its count is exact |
//! | lag of a receiver | counted to 2^64 | to 1.6 × 10^12 values, then short by 2^41 | the sequence is in the same word |
//!
//! # Types of other crates
//!
//! What names tokio's own types cannot be swapped from outside: a trait that is implemented for
//! `tokio::sync::broadcast::Sender`, a receiver that a library returns. Keep those as they are, and
//! forward; a gap goes along as an item:
//!
//! ```
//! use eventring::broadcast;
//! use tokio::sync::broadcast::{Receiver, error::RecvError};
//!
//! async fn forward<T: Clone>(mut theirs: Receiver<T>, ours: broadcast::Sender<Result<T, u64>>) {
//!     loop {
//!         let item = match theirs.recv().await {
//!             Ok(value) => Ok(value),
//!             Err(RecvError::Lagged(missed)) => Err(missed),
//!             Err(RecvError::Closed) => return, // drops `ours`, so that it ends too
//!         };
//!         let _to_nobody = ours.send(item);
//!     }
//! }
//!
//! # tokio_test::block_on(async {
//! let (theirs, receiver) = tokio::sync::broadcast::channel(1);
//! let (sender, mut ours) = broadcast::channel(16);
//! theirs.send('a').unwrap();
//! theirs.send('b').unwrap();
//! drop(theirs);
//! forward(receiver, sender).await;
//! assert_eq!(ours.recv().await, Ok(Err(1)));
//! assert_eq!(ours.recv().await, Ok(Ok('b')));
//! # });
//! ```

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
    Sender::new_and_receiver(capacity)
}
