//! Medians and spreads.

/// Repetitions of one measurement, or what was made of them pair by pair.
pub(crate) struct Sorted(Vec<f64>);

impl Sorted {
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values = Vec::from_iter(values);
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// Each value of the one divided by its partner of the other.
    pub(crate) fn ratios(values: &[f64], to: &[f64]) -> Self {
        Self::new(values.iter().zip(to).map(|(value, to)| value / to))
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The distance between the quartiles.
    pub(crate) fn spread(&self) -> f64 {
        self.quantile(0.75) - self.quantile(0.25)
    }

    pub(crate) fn least(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn greatest(&self) -> f64 {
        self.quantile(1.0)
    }

    /// Between two values, in proportion.
    fn quantile(&self, part: f64) -> f64 {
        let position = part * (self.0.len() - 1) as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        let (low, high) = (self.0[below], self.0[above]);
        low + (high - low) * position.fract()
    }
}

#[cfg(test)]
mod tests {
    use super::Sorted;

    #[test]
    fn quantiles() {
        let sorted = Sorted::new([4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!(sorted.median(), 3.0);
        assert_eq!(sorted.spread(), 2.0);
        assert_eq!((sorted.least(), sorted.greatest()), (1.0, 5.0));
        assert_eq!(Sorted::new([1.0, 2.0]).median(), 1.5);
        assert_eq!(Sorted::new([7.0]).spread(), 0.0);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let ratios = Sorted::ratios(&[2.0, 30.0, 4.0], &[1.0, 10.0, 4.0]);
        assert_eq!(
            (ratios.least(), ratios.median(), ratios.greatest()),
            (1.0, 2.0, 3.0)
        );
    }
}
