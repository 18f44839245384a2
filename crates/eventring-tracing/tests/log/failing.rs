//! Writers that fail.

use crate::common::{LIMIT, Step, Written, count, gated};
use eventring_tracing::{LogBus, Lost, Sink};
use std::fs::OpenOptions;
use std::io::{self, Write};

#[test]
fn what_is_refused_is_told_before_what_comes_next() {
    let (writer, gate) = gated();
    let sink = Sink::new("sink", writer).batch(1);
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 0..4);
    gate.step(Step::Take);
    gate.step(Step::Fail); // 1
    gate.step(Step::Fail); // the notice, and so 2
    let written = gate.open();
    guard.finish().unwrap();
    assert_eq!(
        written.lines(),
        ["0", "... 2 records lost: the disk is gone", "3"]
    );
    let sink = &log.stats().sinks[0];
    assert_eq!((sink.written, sink.failed, sink.untold), (2, 2, 0));
    assert_eq!(sink.error, None);
}

/// Of several records in one write, the writer refuses just that one.
#[test]
fn a_batch_goes_on_behind_the_record_that_is_refused() {
    let (writer, gate) = gated();
    let sink = Sink::new("sink", writer);
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 0..1);
    gate.entered();
    count(&log, 1..6);
    gate.step(Step::Take);
    gate.step(Step::TakeOnly(4)); // 1 and 2
    gate.step(Step::Fail); // 3
    let written = gate.open();
    guard.finish().unwrap();
    assert_eq!(
        written.lines(),
        [
            "0",
            "1",
            "2",
            "... 1 record lost: the disk is gone",
            "4",
            "5"
        ]
    );
}

#[test]
fn half_a_record_is_completed() {
    let (writer, gate) = gated();
    let sink = Sink::new("sink", writer).batch(1);
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 100..104);
    gate.step(Step::TakeOnly(2)); // of 100
    gate.step(Step::Fail);
    gate.step(Step::Fail); // the rest of it, and so 101
    gate.step(Step::Take); // the rest
    gate.step(Step::TakeOnly(7)); // of the notice
    gate.step(Step::Fail); // and so 102
    let written = gate.open();
    guard.finish().unwrap();
    let told = "... 1 record lost: the disk is gone";
    assert_eq!(written.lines(), ["100", told, told, "103"]);
    let sink = &log.stats().sinks[0];
    assert_eq!((sink.written, sink.failed, sink.untold), (2, 2, 0));
}

#[test]
fn a_writer_that_panics_has_failed() {
    let (writer, gate) = gated();
    let sink = Sink::new("sink", writer).batch(1);
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 0..2);
    gate.step(Step::Panic);
    let written = gate.open();
    guard.finish().unwrap();
    assert_eq!(
        written.lines(),
        ["... 1 record lost: the writer panicked", "1"]
    );
    assert_eq!(log.stats().sinks[0].failed, 1);
}

/// Nothing else comes: it is tried again all the same.
#[test]
fn a_loss_is_told_when_the_writer_works_again() {
    let (writer, gate) = gated();
    let sink = Sink::new("sink", writer);
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 0..1);
    gate.entered();
    gate.step(Step::Fail);
    gate.entered();
    gate.step(Step::Take);
    log.flush_timeout(LIMIT).unwrap_or_else(|_| {
        // Asked between the two.
        gate.written
            .wait_for("... 1 record lost: the disk is gone\n");
    });
    drop(guard);
    assert_eq!(gate.written.text(), "... 1 record lost: the disk is gone\n");
}

/// What never works is told to who ends the log.
#[test]
fn losses_that_cannot_be_told_there_are_told_at_the_end() {
    let (writer, gate) = gated();
    let sink = Sink::new("sink", writer).batch(1);
    let (log, guard) = LogBus::builder().sink(sink).start().unwrap();
    count(&log, 100..103);
    gate.step(Step::TakeOnly(1));
    for _ in 0..10 {
        gate.step(Step::Fail);
    }
    let unwritten = guard.finish().unwrap_err();
    assert_eq!(
        unwritten.to_string(),
        "sink: the disk is gone, 3 lost and not told"
    );
    assert_eq!(log.stats().sinks[0].failed, 3);
    assert_eq!(gate.written.text(), "1");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let other = Written::default();
    let (log, guard) = LogBus::builder()
        .sink(Sink::new("full", full))
        .sink(Sink::new("other", other.clone()))
        .start()
        .unwrap();
    count(&log, 0..100);
    let unwritten = log.flush().unwrap_err();
    let [full] = &unwritten.sinks[..] else {
        panic!("{unwritten}");
    };
    assert_eq!((&*full.sink, full.untold, full.records), ("full", 100, 0));
    assert!(
        full.error
            .as_ref()
            .unwrap()
            .contains("No space left on device")
    );
    assert_eq!(other.lines().len(), 100);
    guard.finish().unwrap_err();
}

/// A writer whose flush fails until it is told otherwise.
struct Buffer {
    written: Written,
    flushes: u32,
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes = self.flushes.saturating_sub(1);
        match self.flushes {
            0 => Ok(()),
            1 => panic!("the buffer has a bug"),
            _ => Err(io::Error::other("not now")),
        }
    }
}

#[test]
fn a_flush_that_fails_is_told_and_tried_again() {
    let written = Written::default();
    let buffer = Buffer {
        written: written.clone(),
        flushes: 3,
    };
    let (log, guard) = LogBus::builder()
        .sink(Sink::new("sink", buffer))
        .start()
        .unwrap();
    count(&log, 0..1);
    assert_eq!(log.flush().unwrap_err().to_string(), "sink: not now");
    count(&log, 1..2);
    assert_eq!(
        log.flush().unwrap_err().to_string(),
        "sink: the writer panicked"
    );
    count(&log, 2..3);
    log.flush().unwrap();
    guard.finish().unwrap();
    assert_eq!(written.lines(), ["0", "1", "2"]);
}

#[test]
fn a_notice_of_ones_own_and_one_that_panics() {
    let own = |lost: &Lost, line: &mut Vec<u8>| {
        let why = lost.error.as_deref();
        writeln!(line, r#"{{"lost":{},"why":{why:?}}}"#, lost.records).unwrap();
    };
    let panics = |_: &Lost, _: &mut Vec<u8>| panic!("the notice has a bug");
    let (writer, gate) = gated();
    let (other, other_gate) = gated();
    let (log, guard) = LogBus::builder()
        .capacity(1)
        .sink(Sink::new("own", writer).notice(own).lossy())
        .sink(Sink::new("panics", other).notice(panics).lossy())
        .start()
        .unwrap();
    count(&log, 0..1);
    gate.entered();
    other_gate.entered();
    count(&log, 1..3);
    let (own, panics) = (gate.open(), other_gate.open());
    guard.finish().unwrap();
    assert_eq!(own.lines(), ["0", r#"{"lost":1,"why":None}"#, "2"]);
    assert_eq!(
        panics.lines(),
        ["0", "... 1 record lost: the sink was too slow", "2"]
    );
}
