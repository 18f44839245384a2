//! What the comparison's figures cannot fall below, each measured alone: `cargo bench --bench floors`.
//!
//! Nanoseconds, medians of [`RUNS`] runs in turns.

use crossbeam_utils::CachePadded;
use futures::task::AtomicWaker;
use std::future::poll_fn;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

const RUNS: usize = 11;
/// As in the comparison's `burst` and `select`.
const STRINGS: usize = 512;
const THREADS: usize = 8;
const BURST: u32 = 64;

type Measure = fn() -> f64;

fn main() {
    let floors = [
        (
            "a String: clone 512, keep them, drop them",
            strings as Measure,
        ),
        (
            "three atomic read-modify-writes, of three cache lines",
            read_modify_writes,
        ),
        ("an Arc made on one thread and dropped on another", across),
        (
            "an Arc cloned and dropped by 16 receivers, on two threads",
            || shared(16),
        ),
        (
            "an Arc cloned and dropped by 256 receivers, on two threads",
            || shared(256),
        ),
        (
            "wake 8 threads once for 64 events, for each event",
            wake_ups,
        ),
        (
            "16 tasks that wake each other in turn, on one thread",
            || turns(&mut Builder::new_current_thread()),
        ),
        (
            "16 tasks that wake each other in turn, on two workers",
            || turns(Builder::new_multi_thread().worker_threads(2)),
        ),
    ];
    // As any program with two threads: the allocator and the reference counts are atomic.
    thread::spawn(thread::park);
    let mut figures = floors.map(|_| Vec::new());
    for _ in 0..RUNS {
        for ((_, measure), figures) in floors.iter().zip(&mut figures) {
            figures.push(measure());
        }
    }
    for ((name, _), figures) in floors.iter().zip(&mut figures) {
        figures.sort_by(f64::total_cmp);
        let (least, median, most) = (figures[0], figures[RUNS / 2], figures[RUNS - 1]);
        println!("{name}: {median:.1} ({least:.1} to {most:.1})");
    }
}

fn per(elapsed: Duration, times: usize) -> f64 {
    elapsed.as_nanos() as f64 / times as f64
}

fn strings() -> f64 {
    const ROUNDS: usize = 1000;
    let source: Vec<_> = (0..STRINGS).map(|n| format!("{n:064}")).collect();
    let mut kept = Vec::with_capacity(STRINGS);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        kept.extend(source.iter().map(|string| black_box(string).clone()));
        kept.drain(..).for_each(|string| drop(black_box(string)));
    }
    per(start.elapsed(), ROUNDS * STRINGS)
}

fn read_modify_writes() -> f64 {
    const TIMES: usize = 1_000_000;
    let words = [(); 3].map(|()| CachePadded::new(AtomicU64::new(0)));
    let start = Instant::now();
    for number in 0..TIMES as u64 {
        for word in black_box(&words) {
            word.swap(number, Ordering::AcqRel);
        }
    }
    per(start.elapsed(), TIMES)
}

/// As in the comparison.
type Event = Arc<[u8; 64]>;

/// What `tasks` with an `Arc` takes of the allocator, if sender and receiver run on a worker each.
fn across() -> f64 {
    const ROUNDS: usize = 500;
    const RUN: usize = 512;
    let (made, to_drop) = mpsc::sync_channel::<Vec<Event>>(2);
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for events in to_drop {
                events.into_iter().for_each(|event| drop(black_box(event)));
            }
        });
        for _ in 0..ROUNDS {
            let events = (0..RUN).map(|n| Event::new([n as u8; 64]));
            made.send(events.collect()).unwrap();
        }
        drop(made);
    });
    per(start.elapsed(), ROUNDS * RUN)
}

/// What `tasks` with an `Arc` takes of its count: half of the receivers on each thread, one after another, each
/// takes a run of events.
fn shared(receivers: usize) -> f64 {
    const EVENTS: usize = 1024;
    const RUN: usize = 64;
    let rounds = 1000 / receivers;
    let events: Vec<_> = (0..EVENTS).map(|n| Event::new([n as u8; 64])).collect();
    let ready = Barrier::new(2);
    let receive = || {
        ready.wait();
        let start = Instant::now();
        for run in (0..rounds).flat_map(|_| events.chunks(RUN)) {
            for event in (0..receivers / 2).flat_map(|_| run) {
                drop(black_box(Event::clone(event)));
            }
        }
        start.elapsed()
    };
    let elapsed = thread::scope(|scope| {
        let other = scope.spawn(receive);
        receive().max(other.join().unwrap())
    });
    per(elapsed, rounds * EVENTS)
}

/// What it takes to serve those who wait in their order (`blocked`): a task is switched to for each event.
/// Nothing but that: no queue, and no event.
fn turns(runtime: &mut Builder) -> f64 {
    const TASKS: usize = 16;
    const ROUNDS: usize = 20_000;
    struct Turns {
        next: AtomicUsize,
        waiting: [AtomicWaker; TASKS],
    }
    let turns = Arc::new(Turns {
        next: AtomicUsize::new(0),
        waiting: std::array::from_fn(|_| AtomicWaker::new()),
    });
    let runtime = runtime.build().unwrap();
    let start = Instant::now();
    let tasks = (0..TASKS).map(|own| {
        let turns = Arc::clone(&turns);
        runtime.spawn(async move {
            for turn in (own..TASKS * ROUNDS).step_by(TASKS) {
                poll_fn(|cx| {
                    turns.waiting[own].register(cx.waker());
                    match turns.next.load(Ordering::Acquire) == turn {
                        true => Poll::Ready(()),
                        false => Poll::Pending,
                    }
                })
                .await;
                turns.next.store(turn + 1, Ordering::Release);
                turns.waiting[(own + 1) % TASKS].wake();
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    per(start.elapsed(), TASKS * ROUNDS)
}

/// Threads with a runtime each, in `select!` with a timer: woken by nothing but a [`Notify`].
fn wake_ups() -> f64 {
    const ROUNDS: usize = 500;
    let bells: Vec<_> = (0..THREADS).map(|_| Notify::new()).collect();
    let (missing, all_here) = (AtomicUsize::new(0), Notify::new());
    let ready = Barrier::new(THREADS + 1);
    let receive = async |bell: &Notify| {
        let mut timer = tokio::time::interval(Duration::from_millis(1));
        let mut rounds = 0;
        while rounds < ROUNDS {
            tokio::select! {
                () = bell.notified() => {
                    rounds += 1;
                    if missing.fetch_sub(1, Ordering::AcqRel) == 1 {
                        all_here.notify_one();
                    }
                }
                _ = timer.tick() => {}
            }
        }
    };
    let elapsed = thread::scope(|scope| {
        for bell in &bells {
            scope.spawn(|| {
                let runtime = own_runtime();
                ready.wait();
                runtime.block_on(receive(bell));
            });
        }
        let runtime = own_runtime();
        ready.wait();
        let start = Instant::now();
        runtime.block_on(async {
            for _ in 0..ROUNDS {
                missing.store(THREADS, Ordering::Release);
                bells.iter().for_each(Notify::notify_one);
                all_here.notified().await;
            }
        });
        start.elapsed()
    });
    per(elapsed, ROUNDS) / f64::from(BURST)
}

fn own_runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}
