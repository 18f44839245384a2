//! A sink's writer, and what it owes: half a record, and to tell what is lost.

use crate::lost::Lost;
use crate::progress::Counts;
use crate::sink::{Notice, Sink};
use std::io::{ErrorKind, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) struct Output {
    writer: Box<dyn Write + Send>,
    notice: Notice,
    /// Records to be written at once, and where each ends.
    batch: Vec<u8>,
    ends: Vec<usize>,
    /// The rest of what the writer took a part of: it comes before everything else.
    torn: Vec<u8>,
    torn_is_record: bool,
    /// Lost, and not told.
    missed: u64,
    failed: u64,
    /// Why the last one of them failed.
    refusal: Option<String>,
    /// Of the last attempt to write or to flush.
    error: Option<String>,
    counts: Counts,
}

impl Output {
    pub(crate) fn new(sink: Sink) -> Self {
        Self {
            writer: sink.writer,
            notice: sink.notice,
            batch: Vec::new(),
            ends: Vec::new(),
            torn: Vec::new(),
            torn_is_record: false,
            missed: 0,
            failed: 0,
            refusal: None,
            error: None,
            counts: Counts::default(),
        }
    }

    pub(crate) fn push(&mut self, record: &[u8]) {
        self.batch.extend_from_slice(record);
        self.ends.push(self.batch.len());
    }

    /// So many records are missing in front of the batch.
    pub(crate) fn missed(&mut self, records: u64) {
        self.missed += records;
        self.counts.missed += records;
    }

    /// Whether the writer failed last.
    pub(crate) fn in_trouble(&self) -> bool {
        self.error.is_some()
    }

    /// What was counted, and what is in the way.
    pub(crate) fn state(&self) -> (Counts, Option<String>) {
        let untold = self.untold();
        let counts = Counts {
            untold,
            ..self.counts
        };
        (counts, self.error.clone())
    }

    fn untold(&self) -> u64 {
        self.missed + self.failed
    }

    fn owes(&self) -> bool {
        !self.torn.is_empty() || self.untold() > 0
    }

    /// Writes the batch: each record, or that it is lost.
    pub(crate) fn write(&mut self) {
        let (batch, ends) = (mem::take(&mut self.batch), mem::take(&mut self.ends));
        let (mut next, mut start) = (0, 0);
        while next < ends.len() {
            let mut taken = start;
            if self.settle() {
                taken += self.attempt(&batch[start..]);
                let whole = ends[next..].partition_point(|&end| end <= taken);
                self.counts.written += whole as u64;
                next += whole;
                start = next.checked_sub(1).map_or(0, |last| ends[last]);
            }
            let Some(&end) = ends.get(next) else { break };
            // The writer failed at this record.
            if taken > start {
                self.torn.extend_from_slice(&batch[taken..end]);
                self.torn_is_record = true;
            } else {
                self.refuse();
            }
            (next, start) = (next + 1, end);
        }
        (self.batch, self.ends) = (batch, ends);
        self.batch.clear();
        self.ends.clear();
    }

    fn refuse(&mut self) {
        self.failed += 1;
        self.counts.failed += 1;
        self.refusal.clone_from(&self.error);
    }

    /// Writes what comes before the next record: whether that could be done.
    pub(crate) fn settle(&mut self) -> bool {
        self.complete() && self.tell()
    }

    fn complete(&mut self) -> bool {
        if self.torn.is_empty() {
            return true;
        }
        let torn = mem::take(&mut self.torn);
        let taken = self.attempt(&torn);
        self.torn.extend_from_slice(&torn[taken..]);
        let complete = self.torn.is_empty();
        if complete && mem::take(&mut self.torn_is_record) {
            self.counts.written += 1;
        }
        complete
    }

    fn tell(&mut self) -> bool {
        if self.untold() == 0 {
            return true;
        }
        let mut line = Vec::new();
        let missed = (self.missed, None);
        let failed = (self.failed, self.refusal.clone());
        for (records, error) in [missed, failed] {
            if records > 0 {
                let lost = Lost { records, error };
                let notice = AssertUnwindSafe(|| (self.notice)(&lost, &mut line));
                if catch_unwind(notice).is_err() {
                    line = format!("{lost}\n").into();
                }
            }
        }
        let taken = self.attempt(&line);
        if taken == 0 && !line.is_empty() {
            return false;
        }
        (self.missed, self.failed) = (0, 0);
        self.torn.extend_from_slice(&line[taken..]);
        self.torn.is_empty()
    }

    /// How many bytes the writer takes. If these are not all: the error is noted.
    fn attempt(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        self.error = None;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            match catch_unwind(AssertUnwindSafe(|| self.writer.write(rest))) {
                Ok(Ok(0)) => self.error = Some("the writer takes nothing".to_owned()),
                Ok(Ok(more)) => taken += more.min(rest.len()),
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => self.error = Some(error.to_string()),
                Err(_) => self.error = Some("the writer panicked".to_owned()),
            }
            if self.error.is_some() {
                break;
            }
        }
        taken
    }

    /// Has the writer write what it may hold back.
    pub(crate) fn flush(&mut self) {
        let error = match catch_unwind(AssertUnwindSafe(|| self.writer.flush())) {
            Ok(Ok(())) if self.owes() => return,
            Ok(Ok(())) => {
                self.error = None;
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the writer panicked".to_owned(),
        };
        self.error = Some(error);
    }

    /// Writes what can be written, and is done with the writer: whatever it owes then is lost.
    pub(crate) fn finish(mut self) -> (Counts, Option<String>) {
        self.settle();
        self.flush();
        if mem::take(&mut self.torn_is_record) {
            self.refuse();
        }
        let state = self.state();
        let writer = self.writer;
        if catch_unwind(AssertUnwindSafe(|| drop(writer))).is_err() {
            return (state.0, Some("the writer panicked".to_owned()));
        }
        state
    }
}
