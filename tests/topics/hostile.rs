//! Keys, events, closures and wakers that panic, or call back into the topics. Under a watchdog: what
//! could go wrong is a deadlock.

use crate::common::{Hooked, HookedWaker, panic_of, watched};
use eventring::topics::Change;
use eventring::{Topics, WaitStrategy};
use futures::{FutureExt, StreamExt};
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;

/// A key that runs user code.
#[derive(Default)]
struct Key {
    number: u64,
    on_hash: Option<Call>,
    on_eq: Option<Call>,
    on_clone: Option<Call>,
    on_drop: Option<Call>,
}

type Call = Arc<dyn Fn() + Send + Sync>;

fn run(call: &Option<Call>) {
    if let Some(call) = call {
        call();
    }
}

fn tame(number: u64) -> Key {
    let mut key = Key::default();
    key.number = number;
    key
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        run(&self.on_hash);
        self.number.hash(hasher);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        run(&self.on_eq);
        run(&other.on_eq);
        self.number == other.number
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        run(&self.on_clone);
        Self {
            number: self.number,
            on_hash: self.on_hash.clone(),
            on_eq: self.on_eq.clone(),
            on_clone: None,
            on_drop: self.on_drop.clone(),
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        run(&self.on_drop);
    }
}

/// Takes all locks of all shards, shared and exclusive: whoever holds one hangs.
fn use_all(topics: &Topics<Key, u64>) {
    let topic = topics.subscribe(&tame(1_000));
    topics.try_publish(&tame(1_000), 0).unwrap();
    topics.for_each(|_, _| ());
    drop(topic);
}

/// Calls back, and counts that.
fn calling_back(topics: &Topics<Key, u64>) -> (Arc<AtomicUsize>, Call) {
    let calls = Arc::new(AtomicUsize::new(0));
    let (counter, topics) = (Arc::clone(&calls), topics.clone());
    let call = Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        use_all(&topics);
    });
    (calls, call)
}

#[test]
fn keys_that_call_back() {
    watched(|| {
        let topics: Topics<Key, u64> = Topics::new(4);
        let (calls, call) = calling_back(&topics);
        let mut key = tame(7);
        key.on_hash = Some(Arc::clone(&call));
        key.on_clone = Some(Arc::clone(&call));
        key.on_drop = Some(call);
        let one = topics.subscribe(&key);
        let other = topics.subscribe(&key);
        topics.try_publish(&key, 1).unwrap();
        assert_eq!(topics.keys().len(), 1);
        drop((one, other));
        assert!(topics.is_empty());
        let before = calls.load(Ordering::SeqCst);
        drop(key);
        assert_eq!(calls.load(Ordering::SeqCst), before + 1);
        assert!(before >= 6, "{before} calls");
    });
}

/// Two that race: the one that comes second finds, under the exclusive lock, the topic that its own key's
/// clone has opened.
#[test]
fn a_clone_of_a_key_that_opens_the_topic() {
    watched(|| {
        let topics: Topics<Key, u64> = Topics::new(4);
        let kept = Arc::new(std::sync::Mutex::new(None));
        let (keep, handle) = (Arc::clone(&kept), topics.clone());
        let mut key = tame(7);
        key.on_clone = Some(Arc::new(move || {
            *keep.lock().unwrap() = Some(handle.subscribe(&tame(7)));
        }));
        let mut topic = topics.subscribe(&key);
        let mut other = kept.lock().unwrap().take().unwrap();
        assert_eq!((topics.len(), topics.stats().opened), (1, 1));
        topics.try_publish(&key, 1).unwrap();
        assert_eq!((topic.try_recv(), other.try_recv()), (Ok(1), Ok(1)));
        drop((topic, other));
        assert!(topics.is_empty());
    });
}

#[test]
fn a_comparison_that_panics_costs_nobody_anything() {
    watched(|| {
        let topics: Topics<Key, u64> = Topics::new(4);
        let mut topic = topics.subscribe(&tame(7));
        let mut hostile = tame(7);
        hostile.on_eq = Some(Arc::new(|| panic!("eq")));
        assert_eq!(panic_of(|| topics.subscribe(&hostile)), "eq");
        assert_eq!(panic_of(|| topics.try_publish(&hostile, 1)), "eq");
        assert_eq!(panic_of(|| topics.get(&hostile)), "eq");
        topics.try_publish(&tame(7), 2).unwrap();
        assert_eq!(topic.try_recv(), Ok(2));
        drop(topic);
        assert!(topics.is_empty());
        use_all(&topics);
    });
}

#[test]
fn closures_that_panic_or_call_back() {
    watched(|| {
        let topics: Topics<Key, u64> = Topics::new(4);
        let panicking = |_: &eventring::EventBus<u64>| -> () { panic!("subscribe") };
        assert_eq!(
            panic_of(|| topics.subscribe_with(&tame(7), panicking)),
            "subscribe"
        );
        assert!(topics.is_empty());

        let topic = topics.subscribe_with(&tame(7), |_| use_all(&topics));
        topics.for_each(|_, _| use_all(&topics));
        assert_eq!(panic_of(|| topics.for_each(|_, _| panic!("each"))), "each");
        let panicking = |()| -> () { panic!("map") };
        assert_eq!(panic_of(|| topic.map_receiver(panicking)), "map");
        assert!(topics.is_empty());
    });
}

/// Events for nobody, events left behind, and events of topics that are closed are dropped with nothing locked.
#[test]
fn events_that_call_back_when_dropped() {
    watched(|| {
        let topics: Topics<u64, Hooked> = Topics::new(4);
        let drops = Arc::new(AtomicUsize::new(0));
        let event = || {
            let (topics, drops) = (topics.clone(), Arc::clone(&drops));
            Hooked::on_drop(0, move || {
                drops.fetch_add(1, Ordering::SeqCst);
                let topic = topics.subscribe(&7);
                topics.for_each(|_, _| ());
                drop(topic);
            })
        };
        topics.try_publish(&7, event()).unwrap();
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        let topic = topics.subscribe(&7);
        topics.try_publish(&7, event()).unwrap();
        drop(topic);
        assert_eq!(drops.load(Ordering::SeqCst), 2);
        assert!(topics.is_empty());
    });
}

/// Whoever waits for a topic's room is woken with nothing locked when the topic goes, or all are closed.
#[test]
fn wakers_that_call_back() {
    watched(|| {
        for close in [false, true] {
            let builder = Topics::<Key, u64>::builder().capacity(1);
            let topics = builder.strategy(WaitStrategy::Block).build().unwrap();
            let topic = topics.subscribe(&tame(7));
            topics.try_publish(&tame(7), 1).unwrap();
            let calls = Arc::new(AtomicUsize::new(0));
            let (counter, handle) = (Arc::clone(&calls), topics.clone());
            let waker = HookedWaker::on_wake(move || {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(handle.subscribe(&tame(8)));
                handle.for_each(|_, _| ());
            });
            let key = tame(7);
            let mut publishing = pin!(topics.publish(&key, 2));
            let mut cx = Context::from_waker(&waker);
            assert!(publishing.as_mut().poll(&mut cx).is_pending());
            if close {
                topics.close();
            } else {
                drop(topic);
            }
            assert!(calls.load(Ordering::SeqCst) > 0);
            assert!(publishing.poll(&mut cx).is_ready());
        }
    });
}

/// Keys that are told, events that are copied for the tap, and wakers of both: with nothing locked.
#[test]
fn what_is_told_of_topics_may_call_back() {
    watched(|| {
        let builder = Topics::<Key, u64>::builder().capacity(4);
        let lingering = builder.linger(std::time::Duration::from_secs(3600));
        for topics in [Topics::new(4), lingering.build().unwrap()] {
            let mut changes = topics.changes();
            let (calls, call) = calling_back(&topics);
            let mut key = tame(7);
            key.on_drop = Some(Arc::clone(&call));
            let waking = Arc::clone(&call);
            let waker = HookedWaker::on_wake(move || waking());
            let cx = &mut Context::from_waker(&waker);
            assert!(changes.poll_next_unpin(cx).is_pending());
            let topic = topics.subscribe(&key);
            assert!(calls.load(Ordering::SeqCst) > 0);
            let told = changes.next().now_or_never().flatten();
            assert!(matches!(told, Some(Change::Opened(key)) if key.number == 7));
            drop(topic);
            topics.sweep_at(std::time::Instant::now() + std::time::Duration::from_secs(7200));
            while changes.next().now_or_never().is_some() {}
            drop(changes);
            assert!(topics.get(&tame(7)).is_none());
        }
    });
}

#[test]
fn events_that_call_back_when_copied_for_the_tap() {
    watched(|| {
        let topics: Topics<u64, Hooked> = Topics::new(4);
        let topic = topics.subscribe(&7);
        let mut audit = topics.all();
        let handle = topics.clone();
        let event = Hooked::on_clone(1, move || {
            drop(handle.subscribe(&8));
            handle.try_publish(&9, Hooked::tame(2)).unwrap();
        });
        topics.try_publish(&7, event).unwrap();
        assert_eq!((topic.len(), audit.len()), (1, 2));
        assert_eq!(audit.try_recv_with(|(key, _)| *key).unwrap(), 9);
    });
}
