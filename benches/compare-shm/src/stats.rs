//! Medians, in a table.

/// What was measured of one peer, in the order of the rounds.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<f64>,
}

/// Of one series.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// What was measured of all peers.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) figures: Vec<Figure>,
}

/// Prints it.
pub(crate) fn table(title: &str, unit: &str, all: Vec<Series>) -> Table {
    let figures: Vec<_> = all.into_iter().filter_map(figure).collect();
    println!("\n{title} ({unit}; median, least to most)");
    for figure in &figures {
        let Figure {
            name,
            median,
            least,
            most,
        } = figure;
        println!("  {name:<34} {median:>10.1}  {least:>10.1} to {most:.1}");
    }
    Table {
        title: title.to_owned(),
        figures,
    }
}

fn figure(Series { name, mut values }: Series) -> Option<Figure> {
    values.sort_by(f64::total_cmp);
    Some(Figure {
        name,
        median: *values.get(values.len() / 2)?,
        least: *values.first()?,
        most: *values.last()?,
    })
}
