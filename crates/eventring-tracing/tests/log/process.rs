//! A process of its own: its stderr, its panics, and its end.

use crate::common::Gated;
use crate::common::gated;
use eventring_tracing::{LogBus, Sink};
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::Duration;
use tracing::{error, info};
use tracing_subscriber::prelude::*;

const CHILD: &str = "EVENTRING_TRACING_CHILD";

/// Runs the function of this name in a process of its own, and returns its stderr.
fn stderr_of(child: &str) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "process::child", "--ignored", "--nocapture"])
        .env(CHILD, child)
        .stdout(Stdio::null());
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    stderr.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "what the other tests start"]
fn child() {
    match std::env::var(CHILD).as_deref() {
        Ok("logs") => logs(),
        Ok("stuck") => stuck(),
        Ok("panics") => panics(),
        _ => {}
    }
}

/// The subscriber of the process, as `main` would make it.
fn init(log: &LogBus) {
    let layer = log.layer().without_time().with_target(false);
    tracing_subscriber::registry().with(layer).init();
}

fn logs() {
    let sink = Sink::new("stderr", io::stderr());
    let (log, _guard) = LogBus::builder().capacity(8).sink(sink).start().unwrap();
    init(&log);
    let work = |thread: usize| (0..500).for_each(|number| info!(thread, number));
    std::thread::scope(|scope| {
        (0..4).for_each(|thread| drop(scope.spawn(move || work(thread))));
    });
}

#[test]
fn stderr_has_everything_when_the_guard_is_dropped() {
    let lines = stderr_of("logs");
    assert_eq!(lines.len(), 2000);
    for thread in 0..4 {
        let prefix = format!(" INFO thread={thread} number=");
        let numbers = lines.iter().filter_map(|line| line.strip_prefix(&prefix));
        let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers, Vec::from_iter(0..500));
    }
}

fn stuck() {
    let (writer, gate) = gated();
    let sink = Sink::new("file", writer);
    let (log, guard) = LogBus::builder()
        .drain(Duration::from_millis(1))
        .sink(sink)
        .start()
        .unwrap();
    init(&log);
    info!("one");
    gate.entered();
    info!("two");
    drop(guard);
}

#[test]
fn a_guard_that_cannot_wait_for_everything_says_so() {
    assert_eq!(stderr_of("stuck"), ["log: file: 2 not written in time"]);
}

/// A writer that panics, and a hook that logs panics: on the sink's thread, where it must not be published.
struct Panics(Gated);

impl Write for Panics {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match bytes.starts_with(b" INFO bad") {
            true => panic!("cannot write that"),
            false => self.0.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn panics() {
    let (writer, gate) = gated();
    let written = gate.open();
    let sink = Sink::new("sink", Panics(writer)).batch(1);
    let (log, guard) = LogBus::builder().capacity(1).sink(sink).start().unwrap();
    init(&log);
    std::panic::set_hook(Box::new(|info| error!("{info}")));
    info!("good");
    info!("bad");
    info!("good");
    guard.finish().unwrap();
    assert_eq!(log.stats().inside, 1);
    io::stderr().write_all(written.text().as_bytes()).unwrap();
}

#[test]
fn a_hook_that_logs_the_panic_of_a_writer() {
    assert_eq!(
        stderr_of("panics"),
        [
            " INFO good",
            "... 1 record lost: the writer panicked",
            " INFO good"
        ]
    );
}
