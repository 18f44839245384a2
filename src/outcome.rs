//! What a reader comes to in place of an event. The surfaces tell it each in its own types.

/// Of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecvError {
    /// Lapped: so many events were missed. Reported once; it goes on with the oldest retained one.
    Lagged(u64),
    /// The bus is closed, and everything in it was received.
    Closed,
}

/// Of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TryRecvError {
    Empty,
    Lagged(u64),
    Closed,
}
