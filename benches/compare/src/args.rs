//! The command line.

use crate::scenarios::Scenario;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Compares eventring with its peers: in turns, in one run, checking all that is delivered.
#[derive(Parser)]
#[command(version = None, after_help = AFTER)]
pub(crate) struct Args {
    /// Fewer and shorter repetitions: about four minutes instead of about twenty
    #[arg(long)]
    pub(crate) quick: bool,

    /// One repetition, too short to say anything: that everything is delivered
    #[arg(long, conflicts_with = "quick")]
    pub(crate) smoke: bool,

    /// Only these scenarios, separated by commas
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',')]
    only: Vec<Scenario>,

    /// Writes the figures to FILE: the median of nanoseconds per event, and as their spread the
    /// distance between the quartiles
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Writes a chart of each scenario to DIR, as SCENARIO.svg
    #[arg(long, value_name = "DIR")]
    pub(crate) plot: Option<PathBuf>,

    /// Where nothing may be lost, tokio's sender looks after each N events whether it may go on
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u8).range(1..=128))]
    pub(crate) pace: u8,

    /// Counts memory and allocations of each peer, instead of measuring time
    #[arg(long, conflicts_with_all = ["quick", "smoke", "only", "json", "plot", "pace"])]
    pub(crate) memory: bool,
}

const AFTER: &str = "A scenario's figures are for a channel of 1024 events, unless it says \
otherwise; what each one does is in its table's title and in src/main.rs.";

impl Args {
    /// What to run, in the order of the list, each once.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        let chosen = |scenario: &&Scenario| self.only.is_empty() || self.only.contains(scenario);
        let all = Scenario::value_variants();
        all.iter().filter(chosen).copied().collect()
    }
}
