//! Medians, in a table.

/// What was measured of one peer, in the order of the rounds.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<f64>,
}

pub(crate) fn table(title: &str, unit: &str, mut all: Vec<Series>) {
    println!("\n{title} ({unit}; median, least to most)");
    all.iter_mut()
        .for_each(|series| series.values.sort_by(f64::total_cmp));
    for Series { name, values } in &all {
        let (Some(least), Some(most)) = (values.first(), values.last()) else {
            continue;
        };
        let median = values[values.len() / 2];
        println!("  {name:<34} {median:>10.1}  {least:>10.1} to {most:.1}");
    }
}
