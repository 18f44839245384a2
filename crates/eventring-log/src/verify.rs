//! Whether a log is what was stored, and what to keep elsewhere so that it can be told.

use crate::encoding::Encoding;
use crate::error::{Broken, Error};
use crate::head::Head;
use crate::log::{Log, Shared};
use crate::store::{Entry, Extent, Store};
use std::ops::{Bound, RangeBounds};

/// So many entries are trimmed at a time: the sink waits for no more than that.
const TRIM: u64 = 4096;

impl<C: Encoding, S: Store> Log<C, S> {
    /// Checks the events of this range: that each is there, and is what was stored under its number after what
    /// went before it. Returns the head after them. A range with an open end goes as far as the log does; one
    /// with an end of its own has to be there in full. What is before the range is taken for right.
    ///
    /// A log without [hashes](crate::Options::chained) can only be checked for events that are missing.
    ///
    /// Who can write the file can also cut off its end, or make all hashes anew: that shows only by a
    /// [`head`](Self::head) that was kept elsewhere, and [`verify_head`](Self::verify_head).
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] with the first event that is missing or changed; [`Error::Trimmed`] if the range begins
    /// before the log does; [`Error::Store`] if it cannot be read.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let log = Log::<Raw>::open(path, Options::new().chained()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// bus.publish_blocking(b"event".into()).unwrap();
    /// bus.close();
    /// attached.join().unwrap();
    /// assert_eq!(log.verify(..).unwrap(), log.head().unwrap());
    /// assert!(log.verify(..2).is_err()); // event 1 is not there
    /// ```
    pub fn verify(&self, range: impl RangeBounds<u64>) -> Result<Head, Error> {
        let extent = self.extent()?;
        let from = match range.start_bound() {
            Bound::Included(&from) => from,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => extent.anchor.next,
        };
        let to = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&to) => to,
            Bound::Unbounded => extent.head.next.max(from),
        };
        let head = self.shared.head_before(&extent, from)?;
        match self.shared.verified_up_to(to, head) {
            Err(Error::Broken(Broken::Missing { sequence })) => {
                // Unless it was trimmed meanwhile.
                let first = self.extent()?.anchor.next;
                match sequence < first {
                    true => Err(Error::Trimmed { first }),
                    false => Err(Broken::Missing { sequence }.into()),
                }
            }
            verified => verified,
        }
    }

    /// What the log comes to now: to be signed, published, or kept in another place, for
    /// [`verify_head`](Self::verify_head) some day.
    ///
    /// # Errors
    ///
    /// [`Error::NotChained`] if it has no hashes; [`Error::Store`] if it cannot be read.
    ///
    /// ```
    /// use eventring_log::{Head, Log, Options, Raw};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let log = Log::<Raw>::open(path, Options::new().chained()).unwrap();
    /// assert_eq!(log.head().unwrap(), Head::START);
    /// ```
    pub fn head(&self) -> Result<Head, Error> {
        let extent = self.extent()?;
        match extent.chained {
            true => Ok(extent.head),
            false => Err(Error::NotChained),
        }
    }

    /// Checks that the log is the one, or the continuation of the one, that a head was taken of: together with
    /// [`verify`](Self::verify) this says that nothing before it was changed since.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] if the log ends before it, or if what is before it is something else;
    /// [`Error::Trimmed`] if that was trimmed, so that it cannot be told; [`Error::NotChained`];
    /// [`Error::Store`].
    ///
    /// ```
    /// use eventring_log::{Head, Log, Options, Raw};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let log = Log::<Raw>::open(path, Options::new().chained()).unwrap();
    /// let kept = Head::START.then(b"an event");
    /// let error = log.verify_head(&kept).unwrap_err();
    /// assert_eq!(error.to_string(), "the log's end is cut off, from event 0 on");
    /// ```
    pub fn verify_head(&self, kept: &Head) -> Result<(), Error> {
        let extent = self.extent()?;
        if !extent.chained {
            return Err(Error::NotChained);
        }
        if kept.next > extent.head.next {
            let sequence = extent.head.next;
            return Err(Broken::CutOff { sequence }.into());
        }
        match self.shared.head_before(&extent, kept.next)? == *kept {
            true => Ok(()),
            false => Err(Broken::Rewritten { next: kept.next }.into()),
        }
    }

    /// Removes the events before this number, so far as they are stored, and returns the anchor: the head of
    /// what is gone, which the log keeps, so that what follows can still be verified. It is worth keeping
    /// elsewhere too. Who removes events like that cannot be told from one who was meant to, but by the
    /// anchor.
    ///
    /// What is to go is verified first. It goes in steps, each whole, so that the sink gets its turns.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] if what is to go is not what was stored: nothing is trimmed then;
    /// [`Error::ReadOnly`]; [`Error::Store`] if it cannot be done, or not now: some of the steps may be done.
    ///
    /// ```
    /// # use eventring::{EventBus, WaitStrategy};
    /// # use eventring_log::{Log, Options, Raw};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// # let log = Log::<Raw>::open(path, Options::new().chained()).unwrap();
    /// # let bus = EventBus::with_strategy(16, WaitStrategy::Block);
    /// # let attached = log.attach(&bus).unwrap();
    /// bus.publish_many_blocking(&mut vec![b"one".into(), b"other".into()]).unwrap();
    /// bus.close();
    /// attached.join().unwrap();
    /// let anchor = log.trim(1).unwrap();
    /// assert_eq!(anchor, log.extent().unwrap().anchor);
    /// assert_eq!(log.verify(..).unwrap().next, 2);
    /// ```
    pub fn trim(&self, before: u64) -> Result<Head, Error> {
        self.shared.writable()?;
        let extent = self.extent()?;
        let before = before.clamp(extent.anchor.next, extent.head.next);
        self.verify(..before)?;
        let mut anchor = extent.anchor;
        while anchor.next < before {
            let to = before.min(anchor.next + TRIM);
            anchor = self.shared.head_before(&extent, to)?;
            self.shared.store.trim(&anchor).map_err(Error::Store)?;
        }
        Ok(anchor)
    }
}

impl<C: Encoding, S: Store> Shared<C, S> {
    /// As it is stored.
    fn head_before(&self, extent: &Extent, next: u64) -> Result<Head, Error> {
        let first = extent.anchor.next;
        if next == first {
            return Ok(extent.anchor);
        }
        let Some(sequence) = next.checked_sub(1).filter(|last| *last >= first) else {
            return Err(Error::Trimmed { first });
        };
        let page = self.read_page(sequence..next)?;
        let entry = page.first().ok_or(Broken::Missing { sequence })?;
        let hash = match (self.chained, entry.hash) {
            (true, None) => return Err(Broken::Changed { sequence }.into()),
            (_, hash) => hash.unwrap_or_default(),
        };
        Ok(Head { next, hash })
    }

    fn verified_up_to(&self, to: u64, mut head: Head) -> Result<Head, Error> {
        while head.next < to {
            let page = self.read_page(head.next..to)?;
            if page.is_empty() {
                let sequence = head.next;
                return Err(Broken::Missing { sequence }.into());
            }
            for entry in page {
                head = self.verified(head, &entry)?;
            }
        }
        Ok(head)
    }

    /// The head with the entry that has to be the next one.
    fn verified(&self, head: Head, entry: &Entry) -> Result<Head, Error> {
        let sequence = head.next;
        if entry.sequence != sequence {
            return Err(Broken::Missing { sequence }.into());
        }
        let with = self.after(head, &entry.bytes);
        match entry.hash == self.chained.then_some(with.hash) {
            true => Ok(with),
            false => Err(Broken::Changed { sequence }.into()),
        }
    }
}
