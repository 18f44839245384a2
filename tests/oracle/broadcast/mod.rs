//! `eventring::broadcast` against `tokio::sync::broadcast`: a script is run with both, and after
//! every step what came of it, all lengths and counts, and how often each waker was woken must be
//! the same.

mod runner;
pub(crate) mod script;

use crate::support::{Counted, Payload, Plain, WAKERS};
use runner::{ours, tokios};
use script::{Script, Step};

/// What can be seen after one step.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    result: String,
    /// Of every sender, weak sender and receiver.
    handles: Vec<String>,
    woken: [usize; WAKERS],
}

/// What became of the values after one step.
#[derive(Clone, Copy, Debug)]
struct Values {
    alive: usize,
    cloned: usize,
    /// No receiver is left, or each has found that there is nothing more.
    settled: bool,
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
    let (tokio_saw, tokios_values) = tokios::run::<T>(capacity, script);
    let (we_saw, our_values) = ours::run::<T>(capacity, script);
    let retained = capacity.next_power_of_two();
    for (index, step) in script.iter().enumerate() {
        assert_eq!(
            we_saw[index], tokio_saw[index],
            "step {index}, {step:?}: ours, tokio's"
        );
        let (ours, tokios) = (our_values[index], tokios_values[index]);
        let context = format!("step {index}, {step:?}: ours {ours:?}, tokio's {tokios:?}");
        assert!(ours.alive >= tokios.alive, "{context}");
        assert!(ours.alive <= retained, "{context}");
        if ours.settled {
            assert_eq!(ours.alive, tokios.alive, "{context}");
        }
        assert!(ours.cloned <= tokios.cloned, "{context}");
    }
}
