//! What the features `metrics` and `tracing` tell: `cargo test --all-features --test features`.
#![cfg(not(eventring_loom))]

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: `tracing` remembers for the whole process whether somebody wants an event, and who is first
/// at it on a thread without a subscriber, while another thread has one, has it say no
/// (<https://docs.rs/tracing-core/latest/tracing_core/callsite/index.html#registering-callsites>).
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

mod recorded {
    use eventring::{EventBus, WaitStrategy};
    use metrics::{SharedString, Unit};
    use metrics_util::CompositeKey;
    use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
    use std::collections::BTreeMap;
    use tokio_test::task::spawn;

    type Told = (CompositeKey, Option<Unit>, Option<SharedString>, DebugValue);

    /// All metrics with their labels, but for that of the bus.
    fn snapshot(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
        let metrics = snapshotter.snapshot().into_vec().into_iter();
        let told = |(key, unit, description, value): Told| {
            assert!(unit.is_some() && description.is_some(), "{key:?}");
            let labels: Vec<_> = key.key().labels().collect();
            assert_eq!((labels[0].key(), labels[0].value()), ("bus", "orders"));
            let name = key.key().name().strip_prefix("eventring_").unwrap();
            let receiver = labels.get(1).map(|label| format!("/{}", label.value()));
            let value = match value {
                DebugValue::Counter(count) => count,
                DebugValue::Gauge(gauge) => gauge.into_inner() as u64,
                DebugValue::Histogram(_) => panic!("{name}"),
            };
            (format!("{name}{}", receiver.unwrap_or_default()), value)
        };
        metrics.map(told).collect()
    }

    fn owned(values: &BTreeMap<&str, u64>) -> BTreeMap<String, u64> {
        let owned = values
            .iter()
            .map(|(&name, &value)| (name.to_owned(), value));
        owned.collect()
    }

    #[test]
    fn what_a_bus_counts_is_recorded_when_it_is_asked_to() {
        let _alone = crate::alone();
        let bus = EventBus::with_strategy(2, WaitStrategy::DropNewest);
        let sink = bus.receiver().name("sink").build();
        let mut pages = [(); 2].map(|()| bus.receiver().name("page").lossy().build());
        let _nameless = bus.subscribe_lossy();
        bus.try_publish_many(&mut vec![0, 1]).unwrap();
        bus.publish_blocking(2).unwrap_err();

        let (recorder, mut metrics) = (DebuggingRecorder::new(), bus.metrics("orders"));
        let snapshotter = recorder.snapshotter();
        let mut recorded = || {
            metrics::with_local_recorder(&recorder, || metrics.record());
            snapshot(&snapshotter)
        };
        let mut values = BTreeMap::from([
            ("published_total", 2),
            ("dropped_total", 1),
            ("missed_total", 0),
            ("receivers", 4),
            ("waiting", 0),
            ("receiver_behind/sink", 2),
            ("receiver_missed_total/sink", 0),
            ("receiver_behind/page", 2),
            ("receiver_missed_total/page", 0),
        ]);
        assert_eq!(recorded(), owned(&values));

        drop(sink);
        bus.try_publish_many(&mut vec![3, 4, 5]).unwrap();
        for page in &mut pages {
            assert_eq!((page.try_recv(), page.missed()), (Ok(4), 3));
        }
        values.extend([
            ("published_total", 5),
            ("missed_total", 6),
            ("receivers", 3),
            ("receiver_behind/sink", 0),
            ("receiver_behind/page", 1),
            ("receiver_missed_total/page", 6),
        ]);
        assert_eq!(recorded(), owned(&values));

        drop(pages);
        let _page = bus.receiver().name("page").lossy().build();
        drop(bus);
        values.extend([("receivers", 2), ("receiver_behind/page", 0)]);
        assert_eq!(
            recorded(),
            owned(&values),
            "what those had missed that are gone, too"
        );

        let bus = EventBus::with_strategy(1, WaitStrategy::Block);
        let _receiver = bus.subscribe();
        let mut publishing = [0, 1, 2].map(|event| spawn(bus.publish(event)));
        let pending = publishing
            .iter_mut()
            .filter_map(|one| one.poll().is_pending().then_some(()));
        assert_eq!(pending.count(), 2);
        metrics::with_local_recorder(&recorder, || bus.metrics("orders").record());
        assert_eq!(snapshot(&snapshotter)["waiting"], 2);
    }
}

mod told {
    use eventring::{EventBus, WaitStrategy};
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    /// The texts of all events, each followed by its fields.
    #[derive(Clone, Default)]
    struct Texts(Arc<Mutex<Vec<String>>>);

    struct Text(String);

    impl Visit for Text {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            if field.name() == "message" {
                self.0.insert_str(0, &format!("{value:?}:"));
            } else {
                self.0 += &format!(" {field}={value:?}");
            }
        }
    }

    impl<S: Subscriber> Layer<S> for Texts {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let metadata = event.metadata();
            assert_eq!(
                (metadata.target(), *metadata.level()),
                ("eventring", Level::DEBUG)
            );
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }

    impl Texts {
        /// What is told while this runs.
        fn of(told: impl FnOnce()) -> Vec<String> {
            let texts = Self::default();
            let subscriber = tracing_subscriber::registry().with(texts.clone());
            tracing::subscriber::with_default(subscriber, told);
            let texts = texts.0.lock().unwrap();
            texts.clone()
        }
    }

    #[test]
    fn what_happens_seldom_is_told_and_nothing_else() {
        let _alone = crate::alone();
        let bus = EventBus::with_strategy(2, WaitStrategy::DropNewest);
        let lag = Texts::of(|| {
            let mut page = bus.subscribe_lossy();
            bus.publish_many_blocking(&mut vec![0, 1, 2]).unwrap();
            assert_eq!((page.try_recv(), page.try_recv()), (Ok(1), Ok(2)));
        });
        assert_eq!(lag, ["receiver lagged: missed=1 position=1"]);

        let viewer = bus.receiver().evictable().build();
        let handed_back = Texts::of(|| {
            bus.publish_many_blocking(&mut vec![3, 4, 5, 6])
                .unwrap_err();
            bus.publish_blocking(7).unwrap_err();
            bus.try_publish(8).unwrap_err(); // who tries is told at once, and nothing is counted
        });
        let told = [
            "events handed back: events=2",
            "events handed back: events=1",
        ];
        assert_eq!(handed_back, told);

        let evicted = Texts::of(|| {
            assert!(bus.evict(1));
            assert!(!bus.evict(1));
        });
        assert_eq!(evicted, ["receiver evicted: receiver=1"]);
        assert_eq!(viewer.evicted(), Some(3));

        let closed = Texts::of(|| {
            bus.close();
            bus.close();
            drop(bus);
        });
        assert_eq!(closed, ["bus closed: end=5"]);
    }

    /// As the crate's documentation says how. Without the filter this does not return.
    #[test]
    fn a_layer_over_a_bus_does_not_publish_into_itself() {
        let _alone = crate::alone();
        struct OverBus(EventBus<String>);

        impl<S: Subscriber> Layer<S> for OverBus {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                let name = event.metadata().target().to_owned();
                self.0.publish_blocking(name).ok();
            }
        }

        let bus = EventBus::with_strategy(1, WaitStrategy::DropNewest);
        let mut log = bus.subscribe();
        let ours = tracing_subscriber::filter::filter_fn(|event| event.target() != "eventring");
        let layer = OverBus(bus.clone()).with_filter(ours);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                tracing::info!(target: "app", "an event");
            }
        });
        assert_eq!(log.try_recv().as_deref(), Ok("app"));
        assert_eq!((bus.stats().published, bus.stats().dropped), (1, 2));
    }
}
