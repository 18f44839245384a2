//! What is compared: scenarios, sizes, and who takes part in each.

mod blocked;
mod burst;
mod churn;
mod committed;
mod handles;
mod laggards;
mod latency;
mod lossy;
mod make;
mod release;
mod runtime;
mod select;
mod spin;
mod tasks;
#[cfg(test)]
mod tests;
mod topics;
mod wake;

use crate::channel::{Channel, Mode, Setup};
use crate::payload::Payload;
use crate::tally::{Tally, Wrong};
use clap::ValueEnum;
use std::panic::catch_unwind;
use std::time::Duration;

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scenario {
    /// One thread sends 512 events, then every receiver takes what is there
    Burst,
    /// Two threads that spin, one sending, one receiving; lossless
    Spin,
    /// One task sends, others receive, on two workers; lossless
    Tasks,
    /// Four tasks send, others receive, on two workers; lossless
    Producers,
    /// A task sends an event, and the next one when all other tasks have it
    Wake,
    /// A thread sends past receivers that never poll
    Idle,
    /// A thread sends without waiting, tasks get what they can
    Flatout,
    /// Taking 1024 events out of a full channel (filling it is not timed)
    Drain,
    /// A thread sends, another one subscribes and drops a receiver for every 8 events
    Churn,
    /// Receivers in `select!` with a timer, each on a thread and runtime of its own; bursts of 64
    Select,
    /// As `burst`, with events of 4 KiB: read in place where the channel can do that, and cloned
    Clone,
    /// Receivers that lag: a thread sends and polls them in turn; or sends to tasks that give way
    /// after each event, and ns per delivery
    Laggards,
    /// Tasks that send wait for room in a channel of 16 with one receiver; lossless
    Blocked,
    /// Tasks send and wait until a sink, which stores batches of 64, has it; lossless
    Committed,
    /// One thread sends an event, then all receivers take it, in the order in which they subscribed
    Release,
    /// A thread sends an event now and then; median ns from when it was due until a task has it
    Latency,
    /// Making and dropping a channel with one receiver; ns per channel
    Make,
    /// Asking how many of 512 events are unread; ns per answer
    Len,
    /// Subscribing and dropping a receiver beside others; ns per receiver
    Subscribe,
    /// A thread publishes to many topics in no order, each of 16 events, and their receivers take it
    Topics,
}

impl Scenario {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_name().to_owned()
    }

    pub(crate) fn about(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_help().expect("documented").to_string()
    }

    /// Its sizes and payloads, in the order of the tables.
    pub(crate) fn groups(self) -> Vec<Group> {
        match self {
            Self::Burst => burst::burst_groups(),
            Self::Spin => spin::groups(),
            Self::Tasks => tasks::tasks_groups(),
            Self::Producers => tasks::producers_groups(),
            Self::Wake => wake::groups(),
            Self::Idle => lossy::idle_groups(),
            Self::Flatout => lossy::flatout_groups(),
            Self::Drain => burst::drain_groups(),
            Self::Churn => churn::groups(),
            Self::Select => select::groups(),
            Self::Clone => burst::clone_groups(),
            Self::Laggards => laggards::groups(),
            Self::Blocked => blocked::groups(),
            Self::Committed => committed::groups_of_both(),
            Self::Release => release::groups(),
            Self::Latency => latency::groups(),
            Self::Make => make::groups(),
            Self::Len => handles::len_groups(),
            Self::Subscribe => handles::subscribe_groups(),
            Self::Topics => topics::groups(),
        }
    }
}

/// One row of competitors: the same load for all of them.
pub(crate) struct Group {
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    pub(crate) payload: &'static str,
    /// What is not as usual in the scenario, if anything.
    pub(crate) variant: &'static str,
    pub(crate) contenders: Vec<Contender>,
}

/// One group for each number of receivers.
fn groups(
    senders: usize,
    receivers: &[usize],
    payload: &'static str,
    contenders: impl Fn() -> Vec<Contender>,
) -> Vec<Group> {
    let group = |&receivers: &usize| Group {
        senders,
        receivers,
        payload,
        variant: "",
        contenders: contenders(),
    };
    receivers.iter().map(group).collect()
}

/// The groups are variants of the scenario.
fn varied(variant: &'static str, groups: Vec<Group>) -> impl Iterator<Item = Group> {
    let varied = move |group| Group { variant, ..group };
    groups.into_iter().map(varied)
}

/// A peer in a scenario.
pub(crate) struct Contender {
    pub(crate) peer: &'static str,
    pub(crate) batch: usize,
    run: fn(&Load) -> Outcome,
}

/// How much to send, from how many to how many.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// At least.
    pub(crate) events: u64,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    pub(crate) pace: usize,
}

/// How long it took to send so many events, however many received them.
pub(crate) struct Sample {
    pub(crate) events: u64,
    pub(crate) elapsed: Duration,
    /// The figure: nanoseconds per event, or of what else the scenario says.
    pub(crate) nanos: f64,
    /// What else there is to say, by its name.
    pub(crate) also: Vec<(&'static str, f64)>,
    /// Nanoseconds until each of the events was received, if that was measured.
    pub(crate) latencies: Vec<u64>,
}

impl Sample {
    /// Of what nobody receives.
    fn of(events: u64, elapsed: Duration) -> Self {
        Self {
            events,
            elapsed,
            nanos: elapsed.as_nanos() as f64 / events as f64,
            also: Vec::new(),
            latencies: Vec::new(),
        }
    }

    /// With the share that a receiver missed, on average.
    fn new(events: u64, elapsed: Duration, tallies: &[Tally]) -> Self {
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>() as f64;
        let missed = sum(|tally| tally.missed) / sum(Tally::total);
        Self::of(events, elapsed).also("missed", missed)
    }

    fn also(mut self, name: &'static str, value: f64) -> Self {
        self.also.push((name, value));
        self
    }
}

pub(crate) type Outcome = Result<Sample, Wrong>;

impl Contender {
    fn new<C: Channel<E>, E: Payload>(run: fn(&Load) -> Outcome) -> Self {
        Self {
            peer: C::PEER,
            batch: C::BATCH,
            run,
        }
    }

    /// Sends once what the load says. A panic is an error too.
    pub(crate) fn run(&self, load: &Load) -> Outcome {
        catch_unwind(|| (self.run)(load)).unwrap_or_else(|_| Err(Wrong("it panicked".into())))
    }
}

impl Load {
    fn setup(&self, mode: Mode) -> Setup {
        Setup {
            mode,
            capacity: 1024,
            senders: self.senders,
            receivers: self.receivers,
            pace: (mode == Mode::Lossless).then_some(self.pace),
        }
    }

    /// For scenarios that wait for the receivers by themselves.
    fn unpaced(&self) -> Setup {
        Setup {
            pace: None,
            ..self.setup(Mode::Lossless)
        }
    }
}

/// The peers that take part, each with the same scenario and payload.
macro_rules! contenders {
    ($run:ident, $payload:ty: $($peer:ty),+ $(,)?) => {
        vec![$(Contender::new::<$peer, $payload>($run::<$peer, $payload>)),+]
    };
}
use contenders;

/// All that can be used by threads that do not wait.
macro_rules! polled {
    ($run:ident, $payload:ty) => {
        $crate::scenarios::contenders!($run, $payload:
            $crate::peers::Eventring,
            $crate::peers::EventringBroadcast,
            $crate::peers::EventringBatch,
            $crate::peers::Tokio,
            $crate::peers::AsyncBroadcast,
            $crate::peers::Disruptor<false>,
            $crate::peers::Disruptor<true>,
            $crate::peers::Bus,
            $crate::peers::MpscFanout,
        )
    };
}
use polled;
