//! Everyone's repetition i before anyone's repetition i + 1: what disturbs the machine disturbs all.

use crate::args::Args;
use crate::scenarios::{Contender, Group, Load, Outcome, Sample};
use crate::stats::Sorted;
use crate::tally::Wrong;
use crate::watchdog::Watchdog;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
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
    /// What else there is to say, by its name.
    also: BTreeMap<&'static str, Vec<f64>>,
    /// Of all repetitions together: what is rare has to be seen often enough.
    latencies: Histogram<u64>,
}

/// In nanoseconds; nothing takes longer.
const A_MINUTE: u64 = 60_000_000_000;

impl Series {
    fn of(contender: &Contender) -> Self {
        Self {
            peer: contender.peer,
            batch: contender.batch,
            nanos: Vec::new(),
            also: BTreeMap::new(),
            latencies: Histogram::new_with_max(A_MINUTE, 3).expect("three digits"),
        }
    }

    fn push(&mut self, sample: &Sample) {
        self.nanos.push(sample.nanos);
        for &(name, value) in &sample.also {
            self.also.entry(name).or_default().push(value);
        }
        for &nanos in &sample.latencies {
            self.latencies.saturating_record(nanos);
        }
    }

    /// The medians of what else there is to say; or, of latencies, how long the late ones are.
    pub(crate) fn also(&self) -> Vec<(&'static str, f64)> {
        let median = |values: &Vec<f64>| Sorted::new(values.iter().copied()).median();
        let also = self
            .also
            .iter()
            .map(|(&name, values)| (name, median(values)));
        let late = [("99 %", 0.99), ("99.9 %", 0.999), ("maximum", 1.0)];
        let late = late.map(|(name, part)| (name, self.latencies.value_at_quantile(part) as f64));
        let seen = !self.latencies.is_empty();
        also.chain(late.into_iter().filter(|_| seen)).collect()
    }
}

impl Plan {
    pub(crate) fn new(args: &Args) -> Self {
        let (repetitions, millis) = match (args.smoke, args.quick) {
            (true, _) => (1, 1),
            (_, true) => (7, 25),
            _ => (15, 100),
        };
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
