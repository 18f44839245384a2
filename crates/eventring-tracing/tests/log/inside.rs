//! The log does not log into itself.

use crate::common::{Written, count};
use eventring_tracing::{LogBus, Sink};
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use tracing::subscriber::with_default;
use tracing::{Dispatch, dispatcher, info};
use tracing_subscriber::prelude::*;

/// A writer that logs, by `tracing` and directly, and flushes the log that it writes.
struct Chatty {
    written: Written,
    log: Arc<OnceLock<(LogBus, Dispatch)>>,
}

impl Write for Chatty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (log, dispatch) = self.log.get().unwrap();
        dispatcher::with_default(dispatch, || info!("from the writer"));
        writeln!(&*log, "from the writer").unwrap();
        log.flush().unwrap_err(); // does not wait
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let (log, _) = self.log.get().unwrap();
        writeln!(&*log, "from its flush")
    }
}

/// With a ring of one place, in which such a record would wait for the thread that publishes it.
#[test]
fn what_a_sinks_thread_logs_is_counted_and_not_published() {
    let written = Written::default();
    let shared = Arc::new(OnceLock::new());
    let chatty = Chatty {
        written: written.clone(),
        log: Arc::clone(&shared),
    };
    let sink = Sink::new("chatty", chatty).batch(1);
    let (log, guard) = LogBus::builder().capacity(1).sink(sink).start().unwrap();
    let layer = log.layer().without_time();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let _ = shared.set((log.clone(), dispatch));
    count(&log, 0..20);
    guard.finish().unwrap();
    assert_eq!(written.lines().len(), 20);
    let stats = log.stats();
    assert_eq!((stats.published, stats.sinks[0].written), (20, 20));
    // Two for each write, and one for each flush.
    assert!((41..=80).contains(&stats.inside), "{}", stats.inside);
}

/// Logs while it is being logged.
struct Field;

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("somebody looks at me");
        f.write_str("Field")
    }
}

#[test]
fn what_is_logged_while_a_field_is_formatted_is_a_record() {
    let written = Written::default();
    let sink = Sink::new("sink", written.clone());
    let (log, guard) = LogBus::builder().capacity(1).sink(sink).start().unwrap();
    let layer = log.layer().without_time().with_target(false);
    let subscriber = Arc::new(tracing_subscriber::registry().with(layer));
    // tracing itself drops what is logged by a default of one thread within itself: so not by its macro.
    with_default(subscriber, || info!(value = ?Field, "careful"));
    guard.finish().unwrap();
    assert_eq!(written.lines().last().unwrap(), " INFO careful value=Field");
    assert_eq!(log.stats().inside, 0);
}
