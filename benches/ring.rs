//! eventring against `tokio::sync::broadcast`, scenario by scenario.
//!
//! `cargo bench --bench ring` runs all of it, in two to three minutes;
//! `cargo bench --bench ring -- wake` what has `wake` in its name (a regular expression);
//! `cargo bench --bench ring -- --test` only checks that the right events arrive.
//!
//! | scenario | what is timed |
//! |---|---|
//! | `burst/EVENT/RECEIVERS` | a thread sends 512 events, then drains every receiver by `try_recv` |
//! | `spin/BATCH` | one thread sends, one receives, both spinning; lossless |
//! | `tasks/RECEIVERS` | one task sends single events, others receive; lossless |
//! | `tasks-batch/RECEIVERS` | the same, in batches of 64 |
//! | `producers/RECEIVERS` | four tasks send single events, others receive; lossless |
//! | `wake/RECEIVERS` | a task sends an event, and the next one when all others have it |
//! | `idle/RECEIVERS` | a thread sends past receivers that never receive |
//! | `flatout/RECEIVERS` | a thread sends without waiting; tasks of another get what they can |
//!
//! Times are per event sent, however many receive it. Each sample runs both channels, one right
//! after the other, taking turns at going first: what disturbs the machine disturbs both. The line
//! after each scenario has the median of each, and the median, least and greatest of the samples'
//! ratios: above 1, eventring is faster. Criterion's own figures are those of eventring, for 512
//! events. Runtimes, channels and tasks are set up before the clock starts.
//!
//! How fair is it?
//! * A scenario is one function, generic over the channel. Both hold 1024 events; tasks run on two
//!   workers (`flatout`: one), under tokio's cooperative budget. What arrives is checked, at the
//!   same cost to both: sums where nothing may be missed, else received + missed.
//! * tokio has no lossless mode. Where one is needed, its senders yield (or spin) while more than
//!   512 events are unread. They look every 64 events only, because `len()` takes eleven locks.
//! * tokio is built with all its features: `parking_lot` makes its broadcast channel faster.
//! * tokio has no batches: against `spin/32` and `tasks-batch` it sends single events.
//! * `wake` uses `Block`; `burst`, `idle` and `flatout` use `Overwrite`, the way of tokio.
//! * eventring moves a `String` to an only receiver, tokio clones it (`burst/String/1`).

#[cfg(not(eventring_loom))]
fn main() {
    scenario::all();
}

/// Neither tokio nor criterion is there when the models are built.
#[cfg(eventring_loom)]
fn main() {}

/// What the scenarios need of a channel, and the ways of using one.
#[cfg(not(eventring_loom))]
mod channel {
    use eventring::{EventBus, Receiver, WaitStrategy};
    use std::ops::Range;
    use tokio::sync::broadcast;
    use tokio::sync::broadcast::error::{RecvError, TryRecvError};
    use tokio::task::yield_now;

    const CAPACITY: usize = 1024;
    /// tokio's lossless sender waits while more than this is unread,
    const HALF: usize = CAPACITY / 2;
    /// and looks whenever it has sent this much: four of them stay within the other half.
    const LOOK_EVERY: usize = 64;

    pub(super) trait Event: Clone + Send + Sync + 'static {}
    impl<E: Clone + Send + Sync + 'static> Event for E {}

    /// Holds 1024 events.
    pub(super) trait Channel<E>: Clone + Send + Sync + 'static {
        type Receiver: Receive<E>;
        /// tokio's always overwrites.
        fn new(strategy: WaitStrategy) -> Self;
        fn subscribe(&self) -> Self::Receiver;
        /// Sends without waiting.
        fn send(&self, event: E);
    }

    /// As eventring's: lag is counted.
    pub(super) trait Receive<E>: Send + 'static {
        fn try_recv(&mut self) -> Option<E>;
        fn recv(&mut self) -> impl Future<Output = Option<E>> + Send;
        fn missed(&self) -> u64;
    }

    impl<E: Event> Channel<E> for EventBus<E> {
        type Receiver = Receiver<E>;

        fn new(strategy: WaitStrategy) -> Self {
            Self::with_strategy(CAPACITY, strategy)
        }

        fn subscribe(&self) -> Self::Receiver {
            self.subscribe()
        }

        fn send(&self, event: E) {
            self.try_publish(event).expect("room");
        }
    }

    impl<E: Event> Receive<E> for Receiver<E> {
        fn try_recv(&mut self) -> Option<E> {
            self.try_recv().ok()
        }

        fn recv(&mut self) -> impl Future<Output = Option<E>> + Send {
            self.recv()
        }

        fn missed(&self) -> u64 {
            self.missed()
        }
    }

    pub(super) struct Counting<E> {
        receiver: broadcast::Receiver<E>,
        missed: u64,
    }

    impl<E: Event> Channel<E> for broadcast::Sender<E> {
        type Receiver = Counting<E>;

        fn new(_: WaitStrategy) -> Self {
            Self::new(CAPACITY)
        }

        fn subscribe(&self) -> Self::Receiver {
            let receiver = self.subscribe();
            Counting {
                receiver,
                missed: 0,
            }
        }

        fn send(&self, event: E) {
            assert!(self.send(event).is_ok(), "no receivers");
        }
    }

    impl<E: Event> Receive<E> for Counting<E> {
        fn try_recv(&mut self) -> Option<E> {
            loop {
                match self.receiver.try_recv() {
                    Ok(event) => return Some(event),
                    Err(TryRecvError::Lagged(missed)) => self.missed += missed,
                    Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
                }
            }
        }

        async fn recv(&mut self) -> Option<E> {
            loop {
                match self.receiver.recv().await {
                    Ok(event) => return Some(event),
                    Err(RecvError::Lagged(missed)) => self.missed += missed,
                    Err(RecvError::Closed) => return None,
                }
            }
        }

        fn missed(&self) -> u64 {
            self.missed
        }
    }

    /// Receives what is there, and returns how many events that were, and how many were missed.
    pub(super) fn drain<E>(receiver: &mut impl Receive<E>, mut each: impl FnMut(E)) -> (u64, u64) {
        let (mut received, before) = (0, receiver.missed());
        while let Some(event) = receiver.try_recv() {
            received += 1;
            each(event);
        }
        (received, receiver.missed() - before)
    }

    // Sending for `spin`: what there is room for, from the front; whether that was anything.

    pub(super) fn offer(bus: &EventBus<u64>, numbers: &mut Range<u64>) -> bool {
        let sent = bus.try_publish(numbers.start).is_ok();
        numbers.start += u64::from(sent);
        sent
    }

    pub(super) fn offer_many(batch: usize) -> impl FnMut(&EventBus<u64>, &mut Range<u64>) -> bool {
        let mut events = Vec::with_capacity(batch);
        move |bus, numbers| {
            events.clear();
            events.extend(numbers.clone().take(batch));
            let sent = bus.try_publish_many(&mut events).unwrap_or(0);
            numbers.start += sent as u64;
            sent > 0
        }
    }

    pub(super) fn offer_tokio(sender: &broadcast::Sender<u64>, numbers: &mut Range<u64>) -> bool {
        let room = sender.len() <= HALF;
        if room {
            for number in numbers.by_ref().take(LOOK_EVERY) {
                Channel::send(sender, number);
            }
        }
        room
    }

    // Receiving for `spin`: adds up what is there, and returns how many events that were.

    pub(super) fn take(receiver: &mut impl Receive<u64>, sum: &mut u64) -> u64 {
        let (received, missed) = drain(receiver, |number| *sum += number);
        assert_eq!(missed, 0);
        received
    }

    pub(super) fn take_many(batch: usize) -> impl FnMut(&mut Receiver<u64>, &mut u64) -> u64 {
        let mut events = Vec::with_capacity(batch);
        move |receiver, sum| {
            let received = receiver.try_recv_many(&mut events, batch).unwrap_or(0);
            *sum += events.drain(..).sum::<u64>();
            received as u64
        }
    }

    // Sending for `tasks`.

    pub(super) async fn publish(bus: EventBus<u64>, numbers: Range<u64>) {
        for number in numbers {
            bus.publish(number).await.expect("open");
        }
    }

    pub(super) async fn publish_64(bus: EventBus<u64>, mut numbers: Range<u64>) {
        let mut events = Vec::with_capacity(64);
        while !numbers.is_empty() {
            events.extend(numbers.by_ref().take(64));
            bus.publish_many(&mut events).await.expect("open");
        }
    }

    pub(super) async fn send_tokio(sender: broadcast::Sender<u64>, mut numbers: Range<u64>) {
        while !numbers.is_empty() {
            if !offer_tokio(&sender, &mut numbers) {
                yield_now().await;
            }
        }
    }

    // Receiving for `tasks`: the sum of all until the channel is closed.

    pub(super) async fn sum(mut receiver: impl Receive<u64>) -> u64 {
        let mut sum = 0;
        while let Some(number) = receiver.recv().await {
            sum += number;
        }
        assert_eq!(receiver.missed(), 0);
        sum
    }

    pub(super) async fn sum_64(mut receiver: Receiver<u64>) -> u64 {
        let (mut sum, mut events) = (0, Vec::with_capacity(64));
        while receiver.recv_many(&mut events, 64).await > 0 {
            sum += events.drain(..).sum::<u64>();
        }
        sum
    }
}

/// Each scenario sends so many events and returns how long that took.
#[cfg(not(eventring_loom))]
mod scenario {
    use crate::channel::*;
    use crate::compare::{BURST, compare};
    use criterion::Criterion;
    use eventring::EventBus;
    use eventring::WaitStrategy::{Block, Overwrite};
    use std::hint::spin_loop;
    use std::ops::Range;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};
    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::{Barrier, Notify, broadcast::Sender};
    use tokio::task::JoinSet;

    type Ring<E = u64> = EventBus<E>;
    type Tokio<E = u64> = Sender<E>;

    pub(super) fn all() {
        let c = &mut Criterion::default()
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(4))
            .nresamples(10_000)
            .without_plots()
            .configure_from_args();
        let ring = |events, n| burst::<Ring, _>(events, n, &7);
        let tokio = |events, n| burst::<Tokio, _>(events, n, &7);
        compare(c, "burst/u64", &[1, 8], ring, tokio);
        let text = "eventring".repeat(8)[..64].to_owned();
        let ring = |events, n| burst::<Ring<String>, _>(events, n, &text);
        let tokio = |events, n| burst::<Tokio<String>, _>(events, n, &text);
        compare(c, "burst/String", &[1, 4], ring, tokio);

        let ring = |events, _| spin(events, offer, take);
        let tokio = |events, _| spin(events, offer_tokio, take);
        compare(c, "spin", &[1], ring, tokio);
        let ring = |events, batch| spin(events, offer_many(batch), take_many(batch));
        compare(c, "spin", &[32], ring, tokio);

        let ring = |events, n| tasks(events, 1, n, publish, sum);
        let tokio = |events, n| tasks(events, 1, n, send_tokio, sum);
        compare(c, "tasks", &[1, 4, 16, 64], ring, tokio);
        let ring = |events, n| tasks(events, 1, n, publish_64, sum_64);
        compare(c, "tasks-batch", &[1, 4, 16, 64], ring, tokio);
        let ring = |events, n| tasks(events, 4, n, publish, sum);
        let tokio = |events, n| tasks(events, 4, n, send_tokio, sum);
        compare(c, "producers", &[1, 4], ring, tokio);

        let sizes = &[1, 10, 100, 1000];
        compare(c, "wake", sizes, wake::<Ring>, wake::<Tokio>);
        compare(c, "idle", &[1, 1000], idle::<Ring>, idle::<Tokio>);
        compare(c, "flatout", &[1, 4], flatout::<Ring>, flatout::<Tokio>);
        c.final_summary();
    }

    fn burst<C: Channel<E>, E: Clone + PartialEq>(events: u64, n: usize, event: &E) -> Duration {
        let channel = C::new(Overwrite);
        let mut receivers = Vec::from_iter((0..n).map(|_| channel.subscribe()));
        let start = Instant::now();
        for _ in 0..events / BURST {
            for _ in 0..BURST {
                channel.send(event.clone());
            }
            for receiver in &mut receivers {
                let account = drain(receiver, |received| assert!(received == *event));
                assert_eq!(account, (BURST, 0));
            }
        }
        start.elapsed()
    }

    fn spin<C: Channel<u64>>(
        events: u64,
        mut offer: impl FnMut(&C, &mut Range<u64>) -> bool,
        mut take: impl FnMut(&mut C::Receiver, &mut u64) -> u64 + Send,
    ) -> Duration {
        let channel = C::new(Block);
        let mut receiver = channel.subscribe();
        let ready = &std::sync::Barrier::new(2);
        thread::scope(|scope| {
            let receiving = scope.spawn(move || {
                ready.wait();
                let (mut received, mut sum) = (0, 0);
                while received < events {
                    match take(&mut receiver, &mut sum) {
                        0 => spin_loop(),
                        taken => received += taken,
                    }
                }
                let end = Instant::now();
                assert_eq!((received, sum), (events, sum_below(events)));
                end
            });
            ready.wait();
            let start = Instant::now();
            let mut numbers = 0..events;
            while !numbers.is_empty() {
                if !offer(&channel, &mut numbers) {
                    spin_loop();
                }
            }
            receiving.join().unwrap() - start
        })
    }

    fn tasks<C: Channel<u64>, S, R>(
        events: u64,
        senders: u64,
        receivers: usize,
        send: impl Fn(C, Range<u64>) -> S,
        sum: impl Fn(C::Receiver) -> R,
    ) -> Duration
    where
        S: Future<Output = ()> + Send + 'static,
        R: Future<Output = u64> + Send + 'static,
    {
        let channel = C::new(Block);
        let mut tasks: Vec<Task> = Vec::new();
        for _ in 0..receivers {
            let sum = sum(channel.subscribe());
            let checked = async move { assert_eq!(sum.await, sum_below(events)) };
            tasks.push(Box::pin(checked));
        }
        let share = events / senders;
        for from in (0..senders).map(|sender| sender * share) {
            tasks.push(Box::pin(send(channel.clone(), from..from + share)));
        }
        drop(channel);
        together(tasks)
    }

    fn wake<C: Channel<u64>>(events: u64, receivers: usize) -> Duration {
        let channel = C::new(Block);
        let waiting = Arc::new((AtomicUsize::new(0), Notify::new()));
        let mut tasks: Vec<Task> = Vec::new();
        for _ in 0..receivers {
            let (mut receiver, waiting) = (channel.subscribe(), Arc::clone(&waiting));
            tasks.push(Box::pin(async move {
                for expected in 0..events {
                    assert_eq!(receiver.recv().await, Some(expected));
                    if waiting.0.fetch_sub(1, Ordering::AcqRel) == 1 {
                        waiting.1.notify_one();
                    }
                }
            }));
        }
        tasks.push(Box::pin(async move {
            for event in 0..events {
                waiting.0.store(receivers, Ordering::Relaxed);
                channel.send(event);
                waiting.1.notified().await;
            }
        }));
        together(tasks)
    }

    fn idle<C: Channel<u64>>(events: u64, receivers: usize) -> Duration {
        let channel = C::new(Overwrite);
        let receivers = Vec::from_iter((0..receivers).map(|_| channel.subscribe()));
        let start = Instant::now();
        (0..events).for_each(|event| channel.send(event));
        let elapsed = start.elapsed();
        for mut receiver in receivers {
            let (received, missed) = drain(&mut receiver, drop);
            assert_eq!(received + missed, events);
        }
        elapsed
    }

    fn flatout<C: Channel<u64>>(events: u64, receivers: usize) -> Duration {
        let channel = C::new(Overwrite);
        let ready = Arc::new(Barrier::new(receivers + 1));
        let (runtime, mut tasks) = (runtime(1), JoinSet::new());
        for _ in 0..receivers {
            let (mut receiver, ready) = (channel.subscribe(), Arc::clone(&ready));
            let receive = async move {
                ready.wait().await;
                let mut received = 0;
                while receiver.recv().await.is_some() {
                    received += 1;
                }
                assert_eq!(received + receiver.missed(), events);
            };
            tasks.spawn_on(receive, runtime.handle());
        }
        runtime.block_on(ready.wait());
        let start = Instant::now();
        (0..events).for_each(|event| channel.send(event));
        let elapsed = start.elapsed();
        drop(channel);
        runtime.block_on(tasks.join_all());
        elapsed
    }

    fn sum_below(events: u64) -> u64 {
        events * (events - 1) / 2
    }

    fn runtime(workers: usize) -> Runtime {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(workers).build().unwrap()
    }

    type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Runs the tasks on two workers: from when the first starts, all being there, until all end.
    fn together(tasks: Vec<Task>) -> Duration {
        let ready = Arc::new(Barrier::new(tasks.len()));
        runtime(2).block_on(async {
            let mut running = JoinSet::new();
            for task in tasks {
                let ready = Arc::clone(&ready);
                running.spawn(async move {
                    ready.wait().await;
                    let start = Instant::now();
                    task.await;
                    (start, Instant::now())
                });
            }
            let (starts, ends): (Vec<_>, Vec<_>) = running.join_all().await.into_iter().unzip();
            *ends.iter().max().unwrap() - *starts.iter().min().unwrap()
        })
    }
}

/// Both channels in one run.
#[cfg(not(eventring_loom))]
mod compare {
    use criterion::{Criterion, SamplingMode, Throughput};
    use std::time::Duration;

    /// Events per iteration of criterion's.
    pub(super) const BURST: u64 = 512;

    /// Compares one scenario for each size.
    pub(super) fn compare(
        c: &mut Criterion,
        group: &str,
        sizes: &[usize],
        eventring: impl Fn(u64, usize) -> Duration,
        tokio: impl Fn(u64, usize) -> Duration,
    ) {
        let sides: [&dyn Fn(u64, usize) -> Duration; 2] = [&eventring, &tokio];
        for &size in sizes {
            let mut samples: Vec<(u64, [f64; 2])> = Vec::new();
            let mut benchmark = c.benchmark_group(group);
            benchmark.sampling_mode(SamplingMode::Flat);
            benchmark.throughput(Throughput::Elements(BURST));
            benchmark.bench_function(size.to_string(), |bencher| {
                bencher.iter_custom(|iterations| {
                    let events = iterations * BURST;
                    let mut times = [Duration::ZERO; 2];
                    let first = samples.len() % 2;
                    for side in [first, 1 - first] {
                        times[side] = sides[side](events, size);
                    }
                    let per_event = |time: Duration| time.as_nanos() as f64 / events as f64;
                    samples.push((events, times.map(per_event)));
                    times[0]
                });
            });
            benchmark.finish();
            report(&format!("{group}/{size}"), &samples);
        }
    }

    /// Prints the comparison of the samples: how many events, how many nanoseconds for each.
    fn report(scenario: &str, samples: &[(u64, [f64; 2])]) {
        // None: filtered out. One: `--test`.
        let [_, .., (events, _)] = samples else {
            return;
        };
        // Warming up is among them, but differs in length.
        let measured = samples.iter().filter(|sample| sample.0 == *events);
        let sorted = |value: fn([f64; 2]) -> f64| {
            let mut values = Vec::from_iter(measured.clone().map(|sample| value(sample.1)));
            values.sort_by(f64::total_cmp);
            values
        };
        let median = |values: &[f64]| {
            let middle = [(values.len() - 1) / 2, values.len() / 2];
            middle.map(|index| values[index]).iter().sum::<f64>() / 2.0
        };
        let ratios = sorted(|[eventring, tokio]| tokio / eventring);
        println!(
            "{scenario:<15}  eventring {:.1} ns/event  tokio {:.1} ns/event  \
             ratio {:.2} ({:.2}..{:.2})\n",
            median(&sorted(|[eventring, _]| eventring)),
            median(&sorted(|[_, tokio]| tokio)),
            median(&ratios),
            ratios[0],
            ratios[ratios.len() - 1],
        );
    }
}
