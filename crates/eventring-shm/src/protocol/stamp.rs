//! The first word of a descriptor.

/// Says whose the descriptor is, and whether it is whole: 0 of nobody yet, `2 s + 1` while sequence
/// `s` is written, `2 s + 2` once it is committed. It only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(crate) fn open(sequence: u64) -> Self {
        Self(2 * sequence + 1)
    }

    pub(crate) fn committed(sequence: u64) -> Self {
        Self(2 * sequence + 2)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Whose it is; none was ever if it is 0.
    pub(crate) fn sequence(self) -> Option<u64> {
        self.0.checked_sub(1).map(|word| word / 2)
    }
}

#[cfg(all(test, not(eventring_loom)))]
mod tests {
    use super::Stamp;

    #[test]
    fn later_stamps_are_greater() {
        assert!(Stamp::from_word(0) < Stamp::open(0));
        assert!(Stamp::open(7) < Stamp::committed(7));
        assert!(Stamp::committed(7) < Stamp::open(8));
        assert_eq!(Stamp::from_word(0).sequence(), None);
        assert_eq!(Stamp::open(7).sequence(), Some(7));
        assert_eq!(Stamp::committed(7).sequence(), Some(7));
    }
}
