//! `--plot`: a chart for each scenario, with a panel of bars for each of its groups.

use crate::report::{Figure, label};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const COLUMNS: usize = 2;
const PANEL_WIDTH: i32 = 480;
const LINE: i32 = 20;
/// Above a chart, and above the bars of a panel.
const TITLE: i32 = 48;
const HEAD: i32 = 30;
/// Left of the bars, for the names; and what is left for the longest one.
const NAMES: i32 = 165;
const BAR: i32 = 210;

/// A peer has the same colour in all charts.
const COLOURS: [(&str, RGBColor); 13] = [
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
    ("eventring-filters", RGBColor(0xfd, 0xae, 0x6b)),
];

/// Draws all figures of one scenario.
pub(crate) fn plot(file: &Path, about: &str, figures: &[&Figure]) -> Drawn {
    let groups: Vec<_> = figures.chunk_by(|a, b| panel(a) == panel(b)).collect();
    let most = groups.iter().map(|group| group.len()).max().unwrap_or(0) as i32;
    let rows = groups.len().div_ceil(COLUMNS);
    let panel = HEAD + most * LINE + LINE / 2;
    let width = PANEL_WIDTH * groups.len().min(COLUMNS) as i32;
    let size = (width as u32, (TITLE + panel * rows as i32) as u32);
    let chart = SVGBackend::new(file, size).into_drawing_area();
    chart.fill(&WHITE)?;
    text(
        &chart,
        figures[0].scenario.as_str(),
        (16, 18),
        18,
        HPos::Left,
    )?;
    text(
        &chart,
        &format!("{about}; ns per event, less is better"),
        (16, 38),
        12,
        HPos::Left,
    )?;
    for (index, group) in groups.iter().enumerate() {
        let column = PANEL_WIDTH * (index % COLUMNS) as i32;
        let top = TITLE + panel * (index / COLUMNS) as i32;
        let area = chart.clone().margin(top, 0, column, 0);
        draw_group(&area, group)?;
    }
    chart.present()?;
    Ok(())
}

/// What has to be the same for bars to stand in one panel.
fn panel(figure: &Figure) -> (usize, usize, String) {
    let what = label(figure.payload, figure.variant);
    (figure.producers, figure.receivers, what)
}

fn draw_group(area: &Area<'_>, group: &[&Figure]) -> Drawn {
    let (from, to, what) = panel(group[0]);
    let receivers = if to == 1 { "receiver" } else { "receivers" };
    let title = match from {
        1 => format!("{to} {receivers}, {what}"),
        _ => format!("{from} senders, {to} {receivers}, {what}"),
    };
    text(area, &title, (NAMES, HEAD / 2), 14, HPos::Left)?;
    let end = |figure: &Figure| figure.ns_per_event + figure.spread / 2.0;
    let scale = f64::from(BAR) / group.iter().map(|figure| end(figure)).fold(1e-3, f64::max);
    let x = |nanos: f64| NAMES + (nanos.max(0.0) * scale) as i32;
    for (index, figure) in group.iter().enumerate() {
        let top = HEAD + LINE * index as i32;
        let middle = top + LINE / 2;
        let name = match (figure.peer, figure.batch) {
            ("disruptor", batch @ 2..) => &format!("disruptor in {batch}s"),
            (peer, _) => peer,
        };
        text(area, name, (NAMES - 6, middle), 12, HPos::Right)?;
        let bar = [(NAMES, top + 3), (x(figure.ns_per_event), top + LINE - 3)];
        area.draw(&Rectangle::new(bar, colour(figure.peer).filled()))?;
        let spread = [figure.ns_per_event - figure.spread / 2.0, end(figure)];
        let whisker = PathElement::new(spread.map(|nanos| (x(nanos), middle)), BLACK);
        area.draw(&whisker)?;
        let nanos = format!("{:.1}", figure.ns_per_event);
        text(area, &nanos, (x(end(figure)) + 6, middle), 12, HPos::Left)?;
    }
    Ok(())
}

fn colour(peer: &str) -> RGBColor {
    let known = COLOURS.iter().find(|(name, _)| *name == peer);
    known.expect("every peer has a colour").1
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), size: i32, side: HPos) -> Drawn {
    let style = ("sans-serif", size).into_text_style(area);
    let style = style.pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
