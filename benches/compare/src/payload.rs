//! The events.

use std::sync::Arc;

/// An event that carries a number.
pub(crate) trait Payload: Clone + Send + Sync + Unpin + 'static {
    fn numbered(number: u64) -> Self;
    fn number(&self) -> u64;

    /// What a sender sends, given what it sends again and again.
    #[inline]
    fn fresh(&self) -> Self {
        self.clone()
    }
}

impl Payload for u64 {
    fn numbered(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

/// 64 bytes on the heap.
impl Payload for String {
    fn numbered(number: u64) -> Self {
        format!("{number:08}{:.<56}", "")
    }

    fn number(&self) -> u64 {
        first_eight(self.as_bytes())
    }
}

/// What pipelines send: 64 bytes on the heap, shared by all who receive it. Each is allocated by its
/// sender, and freed by the last to hold it.
impl Payload for Arc<[u8; 64]> {
    fn numbered(number: u64) -> Self {
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self::new(bytes)
    }

    fn number(&self) -> u64 {
        first_eight(&self[..])
    }

    fn fresh(&self) -> Self {
        Self::new(**self)
    }
}

/// 4 KiB on the heap.
#[derive(Clone)]
pub(crate) struct Page(Vec<u8>);

impl Payload for Page {
    fn numbered(number: u64) -> Self {
        let mut bytes = vec![0; 4096];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    fn number(&self) -> u64 {
        first_eight(&self.0)
    }
}

fn first_eight(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes"))
}

/// Events to be sent, made beforehand: the same few over and over.
pub(crate) struct Source<E>(Vec<E>);

/// How many different events there are.
pub(crate) const DISTINCT: u64 = 512;

impl<E: Payload> Source<E> {
    pub(crate) fn new() -> Self {
        Self((0..DISTINCT).map(E::numbered).collect())
    }

    /// All of them, once.
    pub(crate) fn all(&self) -> &[E] {
        &self.0
    }

    /// What comes after so many of so many events.
    pub(crate) fn after(&self, sent: u64, total: u64) -> &[E] {
        let start = sent % DISTINCT;
        let end = DISTINCT.min(start + (total - sent));
        &self.0[start as usize..end as usize]
    }

    /// Hands everything to the closure, which says how many it sent.
    pub(crate) fn offer(&self, total: u64, mut send: impl FnMut(&[E]) -> usize) {
        let mut sent = 0;
        while sent < total {
            sent += send(self.after(sent, total)) as u64;
        }
    }
}
