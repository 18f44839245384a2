//! `eventring::broadcast` against `tokio::sync::broadcast`: a script is run with both, and after
//! every step what came of it, all lengths and counts, which wakers were woken in which order, which
//! values were cloned and dropped in which order must be the same.

mod runner;
pub(crate) mod script;

use crate::support::{Counted, Log, Payload, Plain, WAKERS};
use runner::{ours, tokios};
use script::{Script, Step};

/// What can be seen after one step.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    result: String,
    /// Of every sender, weak sender and receiver.
    handles: Vec<String>,
    woken: [usize; WAKERS],
    log: Log,
    /// If values are counted.
    alive: Option<usize>,
    cloned: usize,
}

/// Runs a script.
pub(crate) fn check(script: &Script) {
    if script.plain {
        compare::<Plain>(script.capacity.0, &script.steps);
    } else {
        compare::<Counted>(script.capacity.0, &script.steps);
    }
}

/// Runs a script against both, and compares step by step.
fn compare<T: Payload + 'static>(capacity: usize, script: &[Step]) {
    let tokio_saw = tokios::run::<T>(capacity, script);
    let we_saw = ours::run::<T>(capacity, script);
    for (index, step) in script.iter().enumerate() {
        assert_eq!(
            we_saw[index], tokio_saw[index],
            "step {index}, {step:?}: ours, tokio's"
        );
    }
}
