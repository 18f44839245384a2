//! One step of a receiver, without waiting.

use super::{OnWriterGone, Receiver};
use crate::error::{Corrupt, End};
use crate::event::{Head, copy_into};
use crate::protocol::Look;

/// So many events that the filter does not want are passed at once.
const SKIP: u32 = 1024;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An event, its payload in the buffer.
    Event(Head),
    /// So many are lost.
    Lag(u64),
    /// Only such that are not wanted; there may be more.
    Skipped,
    Empty,
    End(End),
}

impl Receiver {
    pub(crate) fn step(&mut self) -> Step {
        if let Some(end) = self.end {
            // Somebody may have opened it again; what is corrupt stays so.
            let over = matches!(end, End::Corrupt(_)) || self.on_writer_gone == OnWriterGone::End;
            if over {
                return Step::End(end);
            }
            self.end = None;
        }
        self.advance()
            .unwrap_or_else(|corrupt| self.ends(End::Corrupt(corrupt)))
    }

    /// R1 to R5
    fn advance(&mut self) -> Result<Step, Corrupt> {
        for _ in 0..SKIP {
            let seq = self.position;
            let descriptor = match self.ring.ring().look(seq)? {
                Look::Ready(descriptor) => descriptor,
                Look::Lapped(next) => return Ok(self.lag(next)),
                Look::NotReady => match self.reason_to_end() {
                    None => return Ok(Step::Empty),
                    // What was published before the end is to be seen after it.
                    Some(end) => match self.ring.ring().look(seq)? {
                        Look::Ready(descriptor) => descriptor,
                        Look::Lapped(next) => return Ok(self.lag(next)),
                        Look::NotReady => return Ok(self.ends(end)),
                    },
                },
            };
            let head = Head::of(seq, &descriptor);
            if self.filter.as_mut().is_some_and(|wants| !wants(&head)) {
                self.position = seq + 1;
                continue;
            }
            if copy_into(self.ring.ring(), &descriptor, &mut self.buffer).is_none() {
                let next = self.ring.ring().expired(seq)?;
                return Ok(self.lag(next));
            }
            self.position = seq + 1;
            return Ok(Step::Event(head));
        }
        Ok(Step::Skipped)
    }

    #[cold]
    fn lag(&mut self, next: u64) -> Step {
        let with_margin = next.saturating_add(self.margin).min(self.ring.tail());
        let next = next.max(with_margin);
        let missed = next - self.position;
        self.position = next;
        self.missed += missed;
        Step::Lag(missed)
    }

    fn ends(&mut self, end: End) -> Step {
        if end == End::WriterGone {
            self.told_epoch = Some(self.ring.writer().epoch);
        }
        self.end = Some(end);
        Step::End(end)
    }

    pub(super) fn watches_writer(&self) -> bool {
        let told = || self.told_epoch == Some(self.ring.writer().epoch);
        match self.on_writer_gone {
            OnWriterGone::Wait => false,
            OnWriterGone::Tell => !told(),
            OnWriterGone::End => true,
        }
    }

    /// Asking the kernel takes a system call: only a receiver that finds nothing does it.
    fn reason_to_end(&self) -> Option<End> {
        let inner = self.ring.inner();
        inner.end().or_else(|| {
            let gone = self.watches_writer() && !inner.is_written();
            gone.then(|| match inner.lost_its_name() {
                true => End::Replaced,
                false => End::WriterGone,
            })
        })
    }
}
