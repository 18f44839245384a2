//! The end of a log.

use crate::error::Unwritten;
use crate::log::LogBus;
use crate::progress::Goal;
use std::io::{self, Write};
use std::mem;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Ends the log when it is dropped: nothing more is published, and what was is written, as far as that is done
/// [in time](crate::Builder::drain). If not all of it is, stderr gets a line that says so. Keep it until the end
/// of `main`: a process that just exits leaves what is in the ring.
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::fs;
/// use std::io::Write;
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("app.log");
/// let file = fs::File::create(&path).unwrap();
/// let (log, guard) = LogBus::builder().sink(Sink::new("file", file)).start().unwrap();
/// writeln!(&log, "a record").unwrap();
/// drop(guard);
/// assert_eq!(fs::read_to_string(path).unwrap(), "a record\n");
/// ```
#[derive(Debug)]
#[must_use = "dropped, it ends the log"]
pub struct Guard {
    log: LogBus,
    /// How long it waits, until it has.
    drain: Option<Duration>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Guard {
    pub(crate) fn new(log: LogBus, drain: Duration) -> Self {
        Self {
            log,
            drain: Some(drain),
            threads: Vec::new(),
        }
    }

    /// As dropping it, telling the caller rather than stderr.
    ///
    /// # Errors
    ///
    /// The sinks that did not write everything in time, could not, or lost records without that being told in
    /// their output.
    ///
    /// ```
    /// let (log, guard) = eventring_tracing::LogBus::builder().start().unwrap();
    /// # let _ = log;
    /// guard.finish().unwrap();
    /// ```
    pub fn finish(mut self) -> Result<(), Unwritten> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Unwritten> {
        let Some(drain) = self.drain.take() else {
            return Ok(());
        };
        self.log.bus().close();
        let published = self.log.bus().stats().next_sequence;
        let deadline = Instant::now().checked_add(drain);
        let waited = self.log.wait(Goal::End(published), deadline);
        for thread in mem::take(&mut self.threads) {
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        waited
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(unwritten) = self.end() {
            let _ = writeln!(io::stderr(), "log: {unwritten}");
        }
    }
}
