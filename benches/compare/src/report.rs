//! The figures: as tables, and as JSON.

use crate::measure::Series;
use crate::scenarios::{Group, Scenario};
use crate::stats::Sorted;
use serde::Serialize;

/// What `--json` writes for one peer in one group.
#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) scenario: String,
    pub(crate) peer: &'static str,
    pub(crate) producers: usize,
    pub(crate) receivers: usize,
    pub(crate) payload: &'static str,
    pub(crate) batch: usize,
    /// The median.
    pub(crate) ns_per_event: f64,
    /// The distance between the quartiles.
    pub(crate) spread: f64,
}

/// The figures of one group.
pub(crate) fn figures(scenario: Scenario, group: &Group, series: &[Series]) -> Vec<Figure> {
    let figure = |series: &Series| {
        let nanos = Sorted::new(series.nanos.iter().copied());
        Figure {
            scenario: scenario.name(),
            peer: series.peer,
            producers: group.senders,
            receivers: group.receivers,
            payload: group.payload,
            batch: series.batch,
            ns_per_event: nanos.median(),
            spread: nanos.spread(),
        }
    };
    series.iter().map(figure).collect()
}

/// A table's beginning.
pub(crate) fn head(scenario: Scenario) -> String {
    let (name, about) = (scenario.name(), scenario.about());
    let columns = row(
        ["from", "to", "payload", "peer", "batch"],
        [
            "ns/event",
            "spread",
            "missed",
            "/ eventring",
            "/ eventring-batch",
        ],
    );
    let rule = row(["---"; 5], ["--:"; 5]);
    format!("\n{name}: {about}\n\n{columns}\n{rule}")
}

/// A group's rows.
pub(crate) fn rows(figures: &[Figure], series: &[Series]) -> Vec<String> {
    let of = |peer| series.iter().find(|series| series.peer == peer);
    let (single, batch) = (of("eventring"), of("eventring-batch"));
    let rows = figures.iter().zip(series).map(|(figure, series)| {
        let ratio = |to: Option<&Series>| match to {
            Some(to) if to.peer != series.peer => ratio(series, to),
            _ => String::new(),
        };
        let missed = Sorted::new(series.missed.iter().copied());
        let to = [figure.producers, figure.receivers, figure.batch].map(|n| n.to_string());
        row(
            [&to[0], &to[1], figure.payload, figure.peer, &to[2]],
            [
                &format!("{:.1}", figure.ns_per_event),
                &format!("{:.1}", figure.spread),
                &format!("{:.0} %", 100.0 * missed.median()),
                &ratio(single),
                &ratio(batch),
            ],
        )
    });
    rows.collect()
}

/// Above 1, the other is faster.
fn ratio(series: &Series, to: &Series) -> String {
    let ratios = Sorted::ratios(&series.nanos, &to.nanos);
    let (median, least, greatest) = (ratios.median(), ratios.least(), ratios.greatest());
    format!("{median:.2} ({least:.2}–{greatest:.2})")
}

fn row(left: [&str; 5], right: [&str; 5]) -> String {
    let [from, to, payload, peer, batch] = left;
    let [nanos, spread, missed, single, in_batches] = right;
    format!(
        "| {from:<4} | {to:<5} | {payload:<10} | {peer:<19} | {batch:<5} | {nanos:>9} | \
         {spread:>9} | {missed:>6} | {single:>19} | {in_batches:>19} |"
    )
}
