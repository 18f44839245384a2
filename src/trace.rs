//! What happens seldom, as `tracing` events, with the feature of that name: nothing is held here, and
//! user code may run.

/// So that there is one place which knows of the feature.
macro_rules! debug {
    ($message:literal, $($field:ident),*) => {
        #[cfg(all(feature = "tracing", not(eventring_loom)))]
        tracing::debug!(target: "eventring", $($field,)* $message);
        #[cfg(any(not(feature = "tracing"), eventring_loom))]
        let _ = ($($field,)*);
    };
}

/// A receiver was told that it missed events, and goes on here.
#[cold]
pub(crate) fn lagged(missed: u64, position: u64) {
    debug!("receiver lagged", missed, position);
}

/// So many events came back, since the bus was full.
#[cold]
pub(crate) fn handed_back(events: usize) {
    debug!("events handed back", events);
}

/// The receiver with this id was evicted.
#[cold]
pub(crate) fn evicted(receiver: usize) {
    debug!("receiver evicted", receiver);
}

/// A bus was closed, with this sequence as its end.
#[cold]
pub(crate) fn closed(end: u64) {
    debug!("bus closed", end);
}
