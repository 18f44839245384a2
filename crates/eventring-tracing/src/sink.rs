//! Where records go.

use crate::lost::Lost;
use std::fmt;
use std::io::Write;
use std::time::Duration;

/// Where records go, and who waits for whom there.
///
/// ```
/// use eventring_tracing::{LogBus, Sink};
/// use std::io;
/// use std::time::Duration;
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// let hourly = tracing_appender::rolling::hourly(path, "app.log"); // any `Write` will do
/// let (log, guard) = LogBus::builder()
///     .sink(Sink::new("file", hourly).block_for(Duration::from_millis(100)))
///     .sink(Sink::new("stderr", io::stderr()).lossy())
///     .start()
///     .unwrap();
/// # let _ = (log, guard);
/// ```
#[must_use = "a sink does nothing until a log is started with it"]
pub struct Sink {
    pub(crate) name: String,
    pub(crate) writer: Box<dyn Write + Send>,
    pub(crate) policy: Policy,
    pub(crate) batch: usize,
    pub(crate) notice: Notice,
}

pub(crate) type Notice = Box<dyn Fn(&Lost, &mut Vec<u8>) + Send>;

/// What who logs does about a slow sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Block,
    BlockFor(Duration),
    Lossy,
}

impl Sink {
    /// A sink that [blocks](Self::block). It writes on a thread of its own.
    ///
    /// The writer need not be buffered, and should not be: the sink gives it what has come meanwhile at
    /// once, and flushes it when nothing more is there. Of an error that a buffer finds out later, nobody can
    /// say which records it cost.
    ///
    /// A writer that fails has taken what it said it took; half a record is completed when it works again. The
    /// record that it refused is lost, and told before the next one that it takes; while nothing else comes, it
    /// is tried again each second. A writer that panics has failed.
    ///
    /// ```
    /// use eventring_tracing::{LogBus, Sink};
    /// use std::io::{self, Write};
    ///
    /// let (log, guard) = LogBus::builder().sink(Sink::new("stdout", io::stdout())).start().unwrap();
    /// writeln!(&log, "a record").unwrap();
    /// guard.finish().unwrap();
    /// ```
    pub fn new(name: &str, writer: impl Write + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            writer: Box::new(writer),
            policy: Policy::Block,
            batch: 256,
            notice: Box::new(|lost, line| {
                let _ = writeln!(line, "{lost}");
            }),
        }
    }

    /// Who logs waits for it, for as long as it takes, once it is [`capacity`](crate::Builder::capacity)
    /// records behind: it misses nothing. In an async task, that holds up the runtime's thread. The default.
    ///
    /// ```
    /// # use eventring_tracing::Sink;
    /// let audit = Sink::new("audit", std::io::sink()).block();
    /// # let _ = audit;
    /// ```
    pub fn block(mut self) -> Self {
        self.policy = Policy::Block;
        self
    }

    /// Who logs waits for it for at most so long. Then it misses the oldest records that it has not got,
    /// and nobody waits for it until its writer is done with what it was stuck in.
    ///
    /// The time begins with each record that finds no room. Should another sink hold up the same record for
    /// longer than that, this one may do so once more when it is the last one.
    ///
    /// ```
    /// # use eventring_tracing::Sink;
    /// # use std::time::Duration;
    /// let file = Sink::new("file", std::io::sink()).block_for(Duration::from_millis(50));
    /// # let _ = file;
    /// ```
    pub fn block_for(mut self, patience: Duration) -> Self {
        self.policy = Policy::BlockFor(patience);
        self
    }

    /// Nobody ever waits for it: a [`capacity`](crate::Builder::capacity) of records behind, it misses some.
    ///
    /// ```
    /// # use eventring_tracing::Sink;
    /// let console = Sink::new("console", std::io::stderr()).lossy();
    /// # let _ = console;
    /// ```
    pub fn lossy(mut self) -> Self {
        self.policy = Policy::Lossy;
        self
    }

    /// The most records that the writer gets at once. Default: 256. With 1, each record is a write of its own,
    /// as a datagram wants it.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use eventring_tracing::Sink;
    /// let datagrams = Sink::new("datagrams", std::io::sink()).batch(1);
    /// # let _ = datagrams;
    /// ```
    #[track_caller]
    pub fn batch(mut self, records: usize) -> Self {
        assert!(records > 0, "a batch has at least 1 record");
        self.batch = records;
        self
    }

    /// What is written where records are lost: appended to the vector, with the end of its line. Default: the
    /// text of [`Lost`].
    ///
    /// ```
    /// # use eventring_tracing::Sink;
    /// let short = Sink::new("short", std::io::sink()).notice(|lost, line| {
    ///     line.extend(format!("-{}\n", lost.records).bytes());
    /// });
    /// # let _ = short;
    /// ```
    pub fn notice(mut self, notice: impl Fn(&Lost, &mut Vec<u8>) + Send + 'static) -> Self {
        self.notice = Box::new(notice);
        self
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
