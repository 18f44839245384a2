//! A soak: random publishers and receivers on random buses, channels and topics for as long as is asked for,
//! checked in the course.
//!
//! It goes in rounds of some milliseconds each. A round draws a bus (strategy, capacity, history), a
//! channel or topics, who publishes and who receives (threads or tasks; receivers of both kinds, some that
//! stay and some that come and go), in which ways (waiting, blocking, trying, batches, futures that
//! are dropped at random points), and how it ends. What is checked: each publisher's events come in
//! order; for every receiver, received + missed = published; gating receivers miss nothing;
//! what is not committed comes again, and nobody who stays behind comes before a commit; the
//! statistics are the sum of what was seen; as many values are alive as fit into the bus, and none
//! after the round; the memory in use does not grow from round to round; nobody sleeps for ever.
//!
//! Round `n` of seed `s` is the first round of seed `s + n`: the same choices, not the same races.

mod broadcast;
mod bus;
#[path = "../../common/mod.rs"]
mod common;
mod crew;
#[path = "../../common/seen.rs"]
mod seen;
mod summary;
mod topics;
mod watch;
#[path = "../../common/ways.rs"]
mod ways;

use clap::Parser;
use common::Random;
use indicatif::{ProgressBar, ProgressStyle};
use peak_alloc::PeakAlloc;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};
use summary::Summary;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Random publishers and receivers, checked in the course.
#[derive(Parser)]
struct Arguments {
    /// How long; the round that is running then is finished.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Which random choices to make; drawn if not given.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() {
    let Arguments { seconds, seed } = Arguments::parse();
    let seed = seed.unwrap_or_else(|| u64::from(RandomState::new().hash_one(0) as u32));
    println!("--seconds {seconds} --seed {seed}");
    watch::start();
    let bar = ProgressBar::new(seconds);
    bar.set_style(ProgressStyle::with_template("{bar} {pos}/{len} s, {msg}").expect("is valid"));

    let started = Instant::now();
    let mut summary = Summary::default();
    while started.elapsed() < Duration::from_secs(seconds) {
        let seed = seed.wrapping_add(summary.rounds);
        round(seed, &mut summary);
        summary.settle(MEMORY.current_usage());
        bar.set_position(started.elapsed().as_secs());
        bar.set_message(format!("{} rounds", summary.rounds));
    }
    bar.finish_and_clear();
    println!("{summary}peak memory: {} bytes", MEMORY.peak_usage());
}

fn round(seed: u64, summary: &mut Summary) {
    // Neighbours are to differ in all their bits.
    let mut random = Random::seeded(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    match random.below(4) {
        0 => broadcast::round(seed, &mut random, summary),
        1 => topics::round(seed, &mut random, summary),
        _ => bus::round(seed, &mut random, summary),
    }
}
