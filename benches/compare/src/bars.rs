//! A chart of panels, two beside each other, with a bar for each peer.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn = Result<(), Box<dyn Error>>;

const COLUMNS: usize = 2;
const PANEL_WIDTH: i32 = 480;
const LINE: i32 = 20;
/// Above a chart, and above the bars of a panel.
const TITLE: i32 = 48;
const HEAD: i32 = 30;
/// Left of the bars, for the names; and what is left for the longest one.
const NAMES: i32 = 165;
const BAR: i32 = 210;

/// Bars that have the same scale.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) colour: RGBColor,
    pub(crate) value: f64,
    /// A line over the bar, from here to there.
    pub(crate) spread: [f64; 2],
}

/// Draws all panels into one file of SVG.
pub(crate) fn draw(file: &Path, title: &str, about: &str, panels: &[Panel]) -> Drawn {
    let most = panels.iter().map(|panel| panel.bars.len()).max();
    let rows = panels.len().div_ceil(COLUMNS);
    let height = HEAD + most.unwrap_or(0) as i32 * LINE + LINE / 2;
    let width = PANEL_WIDTH * panels.len().min(COLUMNS) as i32;
    let size = (width as u32, (TITLE + height * rows as i32) as u32);
    let chart = SVGBackend::new(file, size).into_drawing_area();
    chart.fill(&WHITE)?;
    text(&chart, title, (16, 18), 18, HPos::Left)?;
    text(&chart, about, (16, 38), 12, HPos::Left)?;
    for (index, panel) in panels.iter().enumerate() {
        let column = PANEL_WIDTH * (index % COLUMNS) as i32;
        let top = TITLE + height * (index / COLUMNS) as i32;
        let area = chart.clone().margin(top, 0, column, 0);
        draw_panel(&area, panel)?;
    }
    chart.present()?;
    Ok(())
}

fn draw_panel(area: &Area<'_>, panel: &Panel) -> Drawn {
    text(area, &panel.title, (NAMES, HEAD / 2), 14, HPos::Left)?;
    let longest = panel.bars.iter().map(|bar| bar.spread[1]);
    let scale = f64::from(BAR) / longest.fold(1e-3, f64::max);
    let x = |value: f64| NAMES + (value.max(0.0) * scale) as i32;
    for (index, bar) in panel.bars.iter().enumerate() {
        let top = HEAD + LINE * index as i32;
        let middle = top + LINE / 2;
        text(area, &bar.name, (NAMES - 6, middle), 12, HPos::Right)?;
        let corners = [(NAMES, top + 3), (x(bar.value), top + LINE - 3)];
        area.draw(&Rectangle::new(corners, bar.colour.filled()))?;
        let whisker = bar.spread.map(|value| (x(value), middle));
        area.draw(&PathElement::new(whisker, BLACK))?;
        let value = format!("{:.1}", bar.value);
        text(area, &value, (x(bar.spread[1]) + 6, middle), 12, HPos::Left)?;
    }
    Ok(())
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), size: i32, side: HPos) -> Drawn {
    let style = ("sans-serif", size).into_text_style(area);
    let style = style.pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
