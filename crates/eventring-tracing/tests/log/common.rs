//! A writer that does what the test says, and an output that can be read.

use eventring_tracing::LogBus;
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Only against hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// What is written, for who reads it in the end.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Until it is just that.
    pub(crate) fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while self.text() != text {
            assert!(start.elapsed() < LIMIT, "{:?}", self.text());
            thread::yield_now();
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the next write does.
pub(crate) enum Step {
    Take,
    /// So many bytes, and no more.
    TakeOnly(usize),
    Fail,
    Panic,
}

/// A writer that waits for a step at each write. Without the other end it takes everything.
pub(crate) struct Gated {
    written: Written,
    entered: Sender<()>,
    steps: Receiver<Step>,
}

/// The other end.
pub(crate) struct Gate {
    pub(crate) written: Written,
    entered: Receiver<()>,
    steps: Sender<Step>,
}

pub(crate) fn gated() -> (Gated, Gate) {
    let (entered, seen) = mpsc::channel();
    let (steps, taken) = mpsc::channel();
    let written = Written::default();
    let gated = Gated {
        written: written.clone(),
        entered,
        steps: taken,
    };
    let gate = Gate {
        written,
        entered: seen,
        steps,
    };
    (gated, gate)
}

impl Gate {
    /// Until the writer is in a write.
    pub(crate) fn entered(&self) {
        self.entered
            .recv_timeout(LIMIT)
            .expect("nothing is written");
    }

    pub(crate) fn step(&self, step: Step) {
        self.steps.send(step).unwrap();
    }

    /// From now on everything is taken.
    pub(crate) fn open(self) -> Written {
        self.written
    }
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        match self.steps.recv().unwrap_or(Step::Take) {
            Step::Take => self.written.write(bytes),
            Step::TakeOnly(some) => self.written.write(&bytes[..some]),
            Step::Fail => Err(io::Error::other("the disk is gone")),
            Step::Panic => panic!("the writer has a bug"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs the numbers, a record each.
pub(crate) fn count(log: &LogBus, numbers: std::ops::Range<u32>) {
    for number in numbers {
        writeln!(&*log, "{number}").unwrap();
    }
}
