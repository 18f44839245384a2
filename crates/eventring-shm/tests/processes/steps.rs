//! A writer dies, or is stopped, at each step of the protocol.

use super::*;
use eventring_shm::faults::STEPS;
use eventring_shm::{Kind, OpenError, PublishError};
use rustix::process::Signal;

/// So many fill the ring several times, so that floor and oldest have to be raised.
const FILL: &str = "publish 200";

fn writer(home: &Home, joined: bool) -> Process {
    let join = [("EVENTRING_JOIN", if joined { "1" } else { "" })];
    let mut writer = Process::start("writer", &home.path, &join);
    writer.expect("ready");
    writer
}

/// Fills the ring, and arms the fault. The reader has seen everything so far.
fn fill(home: &Home, joined: bool, step: &str, fault: &str) -> (Process, Checked) {
    let mut first = writer(home, joined);
    first.say(FILL);
    first.expect("published");
    let mut reader = Checked::new(&EventRing::open(&home.path).unwrap());
    reader.receiver.seek(Start::Next);
    reader.before = reader.receiver.position();
    // Payloads of 900 bytes raise the floor with nearly each event.
    first.say(&format!("fail {step} 1 {fault}"));
    first.expect("armed");
    reader.drain();
    (first, reader)
}

/// Steps that a publish of one writer takes: one that is alone keeps the lock.
fn steps(joined: bool) -> impl Iterator<Item = &'static str> {
    let of_one = |step: &&str| !matches!(*step, "lock" | "unlock");
    // Nobody waits, so that nobody is woken: see below.
    let silent = |step: &&str| *step != "wake";
    STEPS
        .into_iter()
        .filter(move |step| joined || of_one(step))
        .filter(silent)
}

/// The next writer goes on with the same sequence: no hole, no gap.
#[test]
fn abort() {
    for joined in [false, true] {
        for step in steps(joined) {
            let home = Home::new();
            let (mut first, mut reader) = fill(&home, joined, step, "abort");
            first.say("publish 40");
            assert!(!first.wait().success(), "{step}");
            let before = reader.receiver.position();
            let mut next = writer(&home, joined);
            next.say("publish 3");
            next.expect("published");
            next.say("close");
            assert!(next.wait().success());
            let tail = reader.receiver.event_ring().tail();
            assert!(
                tail >= before + 4,
                "{step}: one was committed before the death"
            );
            reader.drain_until(tail);
            assert_eq!(reader.receiver.missed(), 0, "{step}, joined: {joined}");
            let last: Vec<u64> = reader
                .numbers
                .iter()
                .rev()
                .take(3)
                .map(|(_, n)| *n)
                .collect();
            assert_eq!(last, [2, 1, 0], "{step}");
        }
    }
}

/// A stopped writer stops other writers at most, and never readers.
#[test]
fn stop() {
    for joined in [false, true] {
        for step in steps(joined) {
            let home = Home::new();
            let (mut first, mut reader) = fill(&home, joined, step, "stop");
            let before = reader.receiver.position();
            let mut second = joined.then(|| create(&home.path).join().unwrap());
            let mine = payload(0, 0);
            let mut others = 0;
            first.say("publish 40");
            reader.drain_until(before + 1);
            wait_until_stopped(&first);
            reader.drain();
            if joined {
                // It joined before, so that it does not wait for the lock here.
                let timeout = Duration::from_millis(30);
                let published = second
                    .as_mut()
                    .unwrap()
                    .publish_timeout(Kind(1), &mine, timeout);
                match step {
                    "lock" | "bell" => assert!(published.is_ok(), "{step}: {published:?}"),
                    _ => assert_eq!(published, Err(PublishError::Busy), "{step}"),
                }
                others = u64::from(published.is_ok());
            } else {
                let error = create(&home.path).publisher().unwrap_err();
                assert!(matches!(error, OpenError::WriterExists { .. }), "{error}");
            }
            first.signal(Signal::CONT);
            first.expect("published");
            reader.drain_until(before + 40 + others);
            first.say("close");
            assert!(first.wait().success());
        }
    }
}

/// One that dies as it wakes others leaves them asleep until the next one comes; one that is stopped there until
/// it goes on.
#[test]
fn before_waking() {
    for (joined, fault) in [(false, "abort"), (true, "abort"), (false, "stop")] {
        let home = Home::new();
        let mut first = writer(&home, joined);
        let mut sleeper = Process::start("sleeper", &home.path, &[]);
        idle::wait_until_asleep(&sleeper);
        first.say(&format!("fail wake 0 {fault}"));
        first.expect("armed");
        first.say("publish 1");
        let next = match fault {
            "abort" => {
                assert!(!first.wait().success());
                writer(&home, joined)
            }
            _ => {
                wait_until_stopped(&first);
                first.signal(Signal::CONT);
                first
            }
        };
        sleeper.expect("woken");
        assert!(sleeper.wait().success());
        assert!(next.wait().success());
    }
}

fn wait_until_stopped(process: &Process) {
    let stat = format!("/proc/{}/stat", process.child.id());
    let deadline = Instant::now() + LONG;
    // The state follows the name, which is in brackets.
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        assert!(Instant::now() < deadline, "it never stopped");
        std::thread::yield_now();
    }
}
