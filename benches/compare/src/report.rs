//! The figures: as tables, and as JSON.

use crate::measure::Series;
use crate::scenarios::{Group, Scenario};
use crate::stats::Sorted;
use serde::Serialize;
use std::collections::BTreeMap;

/// What `--json` writes for one peer in one group.
#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) scenario: String,
    pub(crate) peer: &'static str,
    pub(crate) producers: usize,
    pub(crate) receivers: usize,
    pub(crate) payload: &'static str,
    /// What is not as usual in the scenario.
    pub(crate) variant: &'static str,
    pub(crate) batch: usize,
    /// The median.
    pub(crate) ns_per_event: f64,
    /// The distance between the quartiles.
    pub(crate) spread: f64,
    /// What else there is to say, by its name.
    pub(crate) also: BTreeMap<&'static str, f64>,
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
            variant: group.variant,
            batch: series.batch,
            ns_per_event: nanos.median(),
            spread: nanos.spread(),
            also: BTreeMap::from_iter(series.also()),
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
            "/ eventring",
            "/ eventring-batch",
            "/ eventring-broadcast",
        ],
        "also",
    );
    let rule = row(["---"; 5], ["--:"; 5], "---");
    format!("\n{name}: {about}\n\n{columns}\n{rule}")
}

/// A group's rows.
pub(crate) fn rows(figures: &[Figure], series: &[Series]) -> Vec<String> {
    let of = |peer| series.iter().find(|series| series.peer == peer);
    let to = ["eventring", "eventring-batch", "eventring-broadcast"].map(of);
    let rows = figures.iter().zip(series).map(|(figure, series)| {
        let ratio = |to: Option<&Series>| match to {
            Some(to) if to.peer != series.peer => ratio(series, to),
            _ => String::new(),
        };
        let ratios = to.map(ratio);
        let ends = [figure.producers, figure.receivers, figure.batch].map(|n| n.to_string());
        let also = series.also().into_iter();
        let also = also.map(|(name, value)| format!("{name} {}", short(value)));
        row(
            [
                &ends[0],
                &ends[1],
                &label(figure.payload, figure.variant),
                figure.peer,
                &ends[2],
            ],
            [
                &format!("{:.1}", figure.ns_per_event),
                &format!("{:.1}", figure.spread),
                &ratios[0],
                &ratios[1],
                &ratios[2],
            ],
            &also.collect::<Vec<_>>().join(", "),
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

/// What is sent, and what is not as usual.
pub(crate) fn label(payload: &str, variant: &str) -> String {
    let parts = [payload, variant];
    parts.join(if variant.is_empty() { "" } else { ", " })
}

/// Parts of one to two digits, what is large to its unit.
fn short(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

fn row(left: [&str; 5], right: [&str; 5], also: &str) -> String {
    let [from, to, what, peer, batch] = left;
    let [nanos, spread, single, in_batches, broadcast] = right;
    format!(
        "| {from:<5} | {to:<5} | {what:<19} | {peer:<19} | {batch:<5} | {nanos:>9} | {spread:>9} \
         | {single:>19} | {in_batches:>19} | {broadcast:>21} | {also} |"
    )
}
