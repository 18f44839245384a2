//! A registered cursor, and what there is to know of its receiver.

use super::Kind;
use super::cursor::CursorRef;

/// Whose a cursor is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// Counts the receivers that ever were.
    pub(crate) id: usize,
    pub(crate) kind: Kind,
}

/// A receiver's name. Few have one: a pointer of one word.
pub(crate) type Name = Box<std::sync::Arc<str>>;

/// A cursor that is registered.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) cursor: CursorRef,
    pub(crate) owner: Owner,
    /// What its owner was told that it missed.
    pub(crate) missed: u64,
}

impl Member {
    pub(super) fn new(cursor: CursorRef, owner: Owner) -> Self {
        Self {
            cursor,
            owner,
            missed: 0,
        }
    }
}
