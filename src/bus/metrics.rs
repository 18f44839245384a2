//! What a bus counts, for the recorder of the `metrics` facade.

use super::receivers::ReceiverInfo;
use super::{EventBus, Stats};
use crate::ring::Ring;
use crate::sync::Arc;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc as StdArc;

impl<E> EventBus<E> {
    /// What this bus counts, to be [recorded](BusMetrics::record) under this name for the recorder that is
    /// installed with the [`metrics`] facade. Needs the feature `metrics`.
    ///
    /// ```
    /// let bus = eventring::EventBus::<u32>::new(16);
    /// let mut metrics = bus.metrics("orders");
    /// metrics.record(); // by whoever answers the scrape, just before it renders
    /// ```
    pub fn metrics(&self, bus: &str) -> BusMetrics<E> {
        BusMetrics {
            ring: Arc::clone(&self.ring),
            bus: bus.into(),
            described: false,
            named: BTreeMap::new(),
        }
    }
}

/// What a bus counts, for the `metrics` facade: see [`EventBus::metrics`]. It does not keep the bus open.
///
/// | metric | kind | labels | |
/// |---|---|---|---|
/// | `eventring_published_total` | counter | `bus` | events published |
/// | `eventring_dropped_total` | counter | `bus` | events handed back for want of room |
/// | `eventring_missed_total` | counter | `bus` | events missed by receivers that were lapped |
/// | `eventring_receivers` | gauge | `bus` | receivers there are |
/// | `eventring_waiting` | gauge | `bus` | those who wait for room: publishers, and who wants a permit |
/// | `eventring_receiver_behind` | gauge | `bus`, `receiver` | events published that the slowest receiver of this name still has to receive, or to commit |
/// | `eventring_receiver_missed_total` | counter | `bus`, `receiver` | events missed by receivers of this name |
///
/// Receivers with a [name](crate::ReceiverBuilder::name) have metrics of their own, and keep them when they
/// are gone (then nobody is behind). What one misses after it was recorded for the last time is in the
/// bus's total only.
///
/// ```
/// use eventring::{EventBus, WaitStrategy};
///
/// let bus = EventBus::with_strategy(16, WaitStrategy::Block);
/// let _sink = bus.receiver().name("sink").build();
/// let mut metrics = bus.metrics("orders");
/// bus.try_publish("event").unwrap();
/// # let recorder = metrics_util::debugging::DebuggingRecorder::new();
/// # let snapshotter = recorder.snapshotter();
/// # metrics::with_local_recorder(&recorder, || {
/// metrics.record();
/// # });
/// # let behind = snapshotter.snapshot().into_vec().into_iter().find(|(key, ..)| {
/// #     key.key().name() == "eventring_receiver_behind"
/// # });
/// # assert_eq!(behind.unwrap().3, metrics_util::debugging::DebugValue::Gauge(1.0.into()));
/// // eventring_receiver_behind{bus="orders", receiver="sink"} 1
/// ```
pub struct BusMetrics<E> {
    ring: Arc<Ring<E>>,
    bus: StdArc<str>,
    described: bool,
    named: BTreeMap<StdArc<str>, Named>,
}

/// What is known of the receivers of a name.
#[derive(Debug, Default)]
struct Named {
    behind: u64,
    /// What each that is there has missed.
    missed: BTreeMap<u64, u64>,
    /// What those had missed that are gone.
    missed_before: u64,
}

impl<E> BusMetrics<E> {
    /// Sets all metrics to what is counted now, in the recorder of this moment. It takes as long as
    /// [`EventBus::receivers`], and what the recorder takes; no lock is held while that runs.
    ///
    /// ```
    /// # let bus = eventring::EventBus::<u32>::new(16);
    /// let mut metrics = bus.metrics("orders");
    /// metrics.record();
    /// ```
    pub fn record(&mut self) {
        if !std::mem::replace(&mut self.described, true) {
            describe();
        }
        self.note(ReceiverInfo::of_all(&self.ring.sequencer));
        let stats = Stats::of(&self.ring);
        let bus = || String::from(&*self.bus);
        counter!("eventring_published_total", "bus" => bus()).absolute(stats.published);
        counter!("eventring_dropped_total", "bus" => bus()).absolute(stats.dropped);
        counter!("eventring_missed_total", "bus" => bus()).absolute(stats.missed);
        gauge!("eventring_receivers", "bus" => bus()).set(stats.receivers as f64);
        gauge!("eventring_waiting", "bus" => bus()).set(stats.waiting as f64);
        for (name, named) in &self.named {
            let labels = [("bus", bus()), ("receiver", String::from(&**name))];
            gauge!("eventring_receiver_behind", &labels).set(named.behind as f64);
            let missed = named.missed_before + named.missed.values().sum::<u64>();
            counter!("eventring_receiver_missed_total", &labels).absolute(missed);
        }
    }

    /// Those of a name who are not there any more leave what they had missed.
    fn note(&mut self, receivers: Vec<ReceiverInfo>) {
        let mut there: BTreeMap<_, Named> = BTreeMap::new();
        for one in receivers {
            if let Some(name) = one.name {
                let named = there.entry(name).or_default();
                named.behind = named.behind.max(one.behind);
                named.missed.insert(one.id, one.missed);
            }
        }
        for (name, before) in &self.named {
            let now = there.entry(StdArc::clone(name)).or_default();
            let gone = before.missed.iter();
            let gone = gone.filter(|(id, _)| !now.missed.contains_key(id));
            now.missed_before = before.missed_before + gone.map(|(_, missed)| missed).sum::<u64>();
        }
        self.named = there;
    }
}

fn describe() {
    const COUNT: Unit = Unit::Count;
    describe_counter!("eventring_published_total", COUNT, "Events published.");
    describe_counter!(
        "eventring_dropped_total",
        COUNT,
        "Events handed back for want of room."
    );
    describe_counter!(
        "eventring_missed_total",
        COUNT,
        "Events missed by receivers that were lapped."
    );
    describe_gauge!("eventring_receivers", COUNT, "Receivers there are.");
    describe_gauge!("eventring_waiting", COUNT, "Those who wait for room.");
    describe_gauge!(
        "eventring_receiver_behind",
        COUNT,
        "Events that the slowest receiver of this name still has to receive, or to commit."
    );
    describe_counter!(
        "eventring_receiver_missed_total",
        COUNT,
        "Events missed by receivers of this name."
    );
}

impl<E> fmt::Debug for BusMetrics<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusMetrics")
            .field("bus", &self.bus)
            .finish_non_exhaustive()
    }
}
