//! `--plot`: a chart for each scenario, with a panel of bars for each of its groups.

use crate::bars::{Bar, Drawn, Panel, draw};
use crate::report::{Figure, label};
use plotters::style::RGBColor;
use std::path::Path;

/// A peer has the same colour in all charts.
const COLOURS: [(&str, RGBColor); 14] = [
    ("eventring", RGBColor(0xd9, 0x48, 0x01)),
    ("eventring-broadcast", RGBColor(0xf1, 0x69, 0x13)),
    ("eventring-batch", RGBColor(0xa6, 0x36, 0x03)),
    ("tokio", RGBColor(0x31, 0x82, 0xbd)),
    ("async-broadcast", RGBColor(0x75, 0x6b, 0xb1)),
    ("disruptor", RGBColor(0x31, 0xa3, 0x54)),
    ("bus", RGBColor(0x63, 0x63, 0x63)),
    ("splaycast", RGBColor(0xc5, 0x1b, 0x8a)),
    ("mpsc-fanout", RGBColor(0x96, 0x96, 0x96)),
    ("mpsc-ack", RGBColor(0x52, 0x52, 0x52)),
    ("tokio-rwlock", RGBColor(0x31, 0x82, 0xbd)),
    ("tokio-dashmap", RGBColor(0x6b, 0xae, 0xd6)),
    ("tokio-cursors", RGBColor(0x9e, 0x9a, 0xc8)),
    ("eventring-filters", RGBColor(0xfd, 0xae, 0x6b)),
];

/// Draws all figures of one scenario.
pub(crate) fn plot(file: &Path, about: &str, figures: &[&Figure]) -> Drawn {
    let groups = figures.chunk_by(|a, b| group(a) == group(b));
    let panels: Vec<_> = groups.map(panel).collect();
    let about = format!("{about}; ns per event, less is better");
    draw(file, &figures[0].scenario, &about, &panels)
}

/// What has to be the same for bars to stand in one panel.
fn group(figure: &Figure) -> (usize, usize, String) {
    let what = label(figure.payload, figure.variant);
    (figure.producers, figure.receivers, what)
}

fn panel(figures: &[&Figure]) -> Panel {
    let (from, to, what) = group(figures[0]);
    let receivers = if to == 1 { "receiver" } else { "receivers" };
    let title = match from {
        1 => format!("{to} {receivers}, {what}"),
        _ => format!("{from} senders, {to} {receivers}, {what}"),
    };
    let bars = figures.iter().map(|figure| bar(figure)).collect();
    Panel { title, bars }
}

fn bar(figure: &Figure) -> Bar {
    let (value, half) = (figure.ns_per_event, figure.spread / 2.0);
    let name = match (figure.peer, figure.batch) {
        ("disruptor", batch @ 2..) => format!("disruptor in {batch}s"),
        (peer, _) => peer.to_owned(),
    };
    Bar {
        name,
        colour: colour(figure.peer),
        value,
        spread: [value - half, value + half],
    }
}

fn colour(peer: &str) -> RGBColor {
    let known = COLOURS.iter().find(|(name, _)| *name == peer);
    known.expect("every peer has a colour").1
}
