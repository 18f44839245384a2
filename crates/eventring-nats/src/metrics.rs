//! What is counted, for the recorder of the `metrics` facade.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use std::fmt;

/// What a relay or a feed counts, for the [`metrics`] facade: see
/// [`Outbound::metrics`](crate::Outbound::metrics) and [`Inbound::metrics`](crate::Inbound::metrics). It keeps
/// neither running. Needs the feature `metrics`.
///
/// | metric, after `eventring_nats_` | kind | label | |
/// |---|---|---|---|
/// | `outbound_stored_total` | counter | `relay` | events that are on the broker |
/// | `outbound_in_flight` | gauge | `relay` | events that were sent and are not acknowledged |
/// | `outbound_duplicates_total` | counter | `relay` | events that the broker had already when it acknowledged them |
/// | `outbound_skipped_total` | counter | `relay` | events that the broker does not take |
/// | `outbound_resumed_total` | counter | `relay` | times that it asked where to go on |
/// | `outbound_reconnects_total` | counter | `relay` | connections after the first one |
/// | `inbound_published_total` | counter | `feed` | events published on the bus |
/// | `inbound_acknowledged_total` | counter | `feed` | messages acknowledged |
/// | `inbound_redelivered_total` | counter | `feed` | messages that came again |
/// | `inbound_undecoded_total` | counter | `feed` | messages that could not be decoded, and were skipped |
/// | `inbound_reread_total` | counter | `feed` | messages read from the stream, since their delivery was lost |
/// | `inbound_pulls_total` | counter | `feed` | times that pulling began |
/// | `inbound_held` | gauge | `feed` | messages that are received and not acknowledged |
///
/// ```no_run
/// # fn example(relay: &eventring_nats::Outbound<String>) {
/// let mut metrics = relay.metrics("audit");
/// metrics.record(); // by whoever answers the scrape, just before it renders
/// # }
/// ```
pub struct Metrics(Box<dyn FnMut() + Send>);

/// One of them, of these statistics.
pub(crate) struct Metric<S> {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) text: &'static str,
    pub(crate) value: fn(&S) -> u64,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Counter,
    Gauge,
}

impl Metrics {
    pub(crate) fn new<S: 'static>(
        label: (&'static str, String),
        metrics: &'static [Metric<S>],
        stats: impl Fn() -> S + Send + 'static,
    ) -> Self {
        let mut described = false;
        Self(Box::new(move || {
            if !std::mem::replace(&mut described, true) {
                metrics.iter().for_each(Metric::describe);
            }
            let stats = stats();
            for metric in metrics {
                let (value, label) = ((metric.value)(&stats), [label.clone()]);
                match metric.kind {
                    Kind::Counter => counter!(metric.name, &label).absolute(value),
                    Kind::Gauge => gauge!(metric.name, &label).set(value as f64),
                }
            }
        }))
    }

    /// Sets all metrics to what is counted now, in the recorder of this moment.
    ///
    /// ```no_run
    /// # fn example(feed: &eventring_nats::Inbound) {
    /// let mut metrics = feed.metrics("search");
    /// metrics.record();
    /// # }
    /// ```
    pub fn record(&mut self) {
        (self.0)();
    }
}

impl<S> Metric<S> {
    fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, Unit::Count, self.text),
            Kind::Gauge => describe_gauge!(self.name, Unit::Count, self.text),
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
