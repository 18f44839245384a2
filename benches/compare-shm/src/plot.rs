//! `--plot`: all tables of times as one chart.

use crate::bars::{Bar, Drawn, Panel, draw};
use crate::stats::{Figure, Table};
use plotters::style::RGBColor;
use std::path::Path;

/// By how a peer's name begins.
const COLOURS: [(&str, RGBColor); 7] = [
    ("eventring-shm", RGBColor(0xd9, 0x48, 0x01)),
    ("ringfire", RGBColor(0x31, 0xa3, 0x54)),
    ("bcast", RGBColor(0x75, 0x6b, 0xb1)),
    ("iceoryx2", RGBColor(0xc5, 0x1b, 0x8a)),
    ("orbit-core", RGBColor(0x63, 0x63, 0x63)),
    ("Unix stream", RGBColor(0x31, 0x82, 0xbd)),
    ("pipe", RGBColor(0x6b, 0xae, 0xd6)),
];

pub(crate) fn plot(file: &Path, tables: &[Table]) -> Drawn {
    let panels: Vec<_> = tables.iter().map(panel).collect();
    let about =
        "64 bytes from one process to another; ns, median with least and most, less is better";
    draw(file, "eventring-shm", about, &panels)
}

fn panel(table: &Table) -> Panel {
    Panel {
        title: table.title.clone(),
        bars: table.figures.iter().map(bar).collect(),
    }
}

fn bar(figure: &Figure) -> Bar {
    let known = COLOURS
        .iter()
        .find(|(name, _)| figure.name.starts_with(name));
    Bar {
        name: figure.name.to_owned(),
        colour: known.expect("every peer has a colour").1,
        value: figure.median,
        spread: [figure.least, figure.most],
    }
}
