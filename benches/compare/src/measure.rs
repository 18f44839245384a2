//! Everyone's repetition i before anyone's repetition i + 1: what disturbs the machine disturbs all.

use crate::args::Args;
use crate::scenarios::{Contender, Group, Load, Outcome, Sample};
use crate::tally::Wrong;
use crate::watchdog::Watchdog;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How thorough to be.
pub(crate) struct Plan {
    pub(crate) repetitions: usize,
    /// How long one should take.
    target: Duration,
    pace: usize,
}

/// All that one contender took, in nanoseconds per event, by repetition.
pub(crate) struct Series {
    pub(crate) peer: &'static str,
    pub(crate) batch: usize,
    pub(crate) nanos: Vec<f64>,
    /// The shares of the events that were missed.
    pub(crate) missed: Vec<f64>,
}

impl Series {
    fn of(contender: &Contender) -> Self {
        Self {
            peer: contender.peer,
            batch: contender.batch,
            nanos: Vec::new(),
            missed: Vec::new(),
        }
    }

    fn push(&mut self, sample: &Sample) {
        let nanos = sample.elapsed.as_nanos() as f64;
        self.nanos.push(nanos / sample.events as f64);
        self.missed.push(sample.missed);
    }
}

impl Plan {
    pub(crate) fn new(args: &Args) -> Self {
        let (repetitions, millis) = if args.quick { (7, 25) } else { (15, 100) };
        Self {
            repetitions,
            target: Duration::from_millis(millis),
            pace: args.pace.into(),
        }
    }
}

/// What runs the repetitions, and shows on a terminal how far it is.
pub(crate) struct Measure {
    plan: Plan,
    watchdog: Watchdog,
    pub(crate) bar: ProgressBar,
}

impl Measure {
    pub(crate) fn new(plan: Plan, contenders: usize) -> Self {
        let bar = ProgressBar::new((contenders * (plan.repetitions + 1)) as u64);
        let style = "{bar:32} {pos}/{len}, {eta} left: {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("a template"));
        Self {
            plan,
            watchdog: Watchdog::start(),
            bar,
        }
    }

    /// Runs one group. `name` is for the progress bar and for errors.
    pub(crate) fn group(&self, name: &str, group: &Group) -> Result<Vec<Series>, Wrong> {
        let contenders = &group.contenders;
        let mut loads = Vec::new();
        for contender in contenders {
            let load = Load {
                events: 1,
                senders: group.senders,
                receivers: group.receivers,
                pace: self.plan.pace,
            };
            loads.push(self.calibrate(name, contender, load)?);
            self.bar.inc(1);
        }
        let mut series: Vec<_> = contenders.iter().map(Series::of).collect();
        for repetition in 0..self.plan.repetitions {
            // Somebody else goes first each time.
            for turn in 0..contenders.len() {
                let index = (repetition + turn) % contenders.len();
                let sample = self.run(name, &contenders[index], &loads[index])?;
                series[index].push(&sample);
                self.bar.inc(1);
            }
        }
        Ok(series)
    }

    /// Finds how many events take as long as planned. It warms up, too.
    fn calibrate(&self, name: &str, contender: &Contender, mut load: Load) -> Result<Load, Wrong> {
        loop {
            let sample = self.run(name, contender, &load)?;
            let missing = self.plan.target.as_secs_f64() / sample.elapsed.as_secs_f64().max(1e-7);
            load.events = (sample.events as f64 * missing.min(16.0)).ceil() as u64;
            if missing < 4.0 {
                return Ok(load);
            }
        }
    }

    fn run(&self, name: &str, contender: &Contender, load: &Load) -> Outcome {
        let name = match contender.batch {
            1 => format!("{name}, {}", contender.peer),
            batch => format!("{name}, {} in {batch}s", contender.peer),
        };
        self.watchdog.watch(&name);
        self.bar.set_message(name.clone());
        let outcome = contender.run(load);
        outcome.map_err(|Wrong(what)| Wrong(format!("{name}: {what}")))
    }
}
