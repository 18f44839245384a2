//! Committing cursors that somebody waits for.

use super::cursor::Cursor;
use super::sequence::CursorWord;
use crate::sync::step;

/// What came of a wait for a committing receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Reached,
    Behind,
    /// It went before that.
    Gone,
}

impl Watch {
    fn of(word: CursorWord, target: u64) -> Self {
        if word.sequence() >= target {
            Self::Reached
        } else if word.is_gone() {
            Self::Gone
        } else {
            Self::Behind
        }
    }
}

impl Cursor {
    /// Whether this committing receiver has committed all below `target`. With `listed`, the caller stands
    /// in the list of those who wait for it: then one that has not is left WATCHED.
    pub(crate) fn watch(&self, target: u64, listed: bool) -> Watch {
        let word = self.watermark();
        let watch = Watch::of(word, target);
        if watch != Watch::Behind || !listed || word.is_watched() || !step("mark-watched") {
            return watch;
        }
        Watch::of(self.mark_watched(), target)
    }

    /// All below `upto` is committed, and WATCHED came off. The caller owes a
    /// [`wake_gathered`](crate::wait::wake_gathered).
    ///
    /// Who stays is told of later commits: nobody but the owner, who does this, moves the cursor.
    #[cold]
    pub(crate) fn tell_watchers(&self, upto: u64) {
        if step("tell-watchers") && self.watchers().gather_below(upto) && step("keep-watched") {
            self.mark_watched();
        }
    }
}
