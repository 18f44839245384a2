//! Real processes: this binary starts itself in a role, and lets it die.
//!
//! Random tests print their seed; `EVENTRING_SHM_SEED` repeats one, `EVENTRING_SHM_SECONDS` (2) is how
//! long each takes.

mod idle;
mod kills;
mod nodes;
mod roles;
mod steps;

use eventring::Start;
use eventring_shm::{EventRing, Receiver, TryRecvError};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Against hangs only.
const LONG: Duration = Duration::from_secs(120);

/// Small, so that every step that overwrites is taken.
fn create(path: &Path) -> EventRing {
    EventRing::builder()
        .descriptors(64)
        .payload(1 << 14)
        .create_or_recover(path)
        .unwrap()
}

struct Home {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring");
        Self {
            _directory: directory,
            path,
        }
    }
}

/// A process in a role. It says each thing that it has done in a line, and waits for one.
struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
    input: ChildStdin,
}

impl Process {
    fn start(role: &str, path: &Path, arguments: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "roles::play", "--nocapture"])
            .env("EVENTRING_ROLE", role)
            .env("EVENTRING_PATH", path)
            .envs(arguments.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take().unwrap();
        let mut process = Self {
            child,
            lines,
            input,
        };
        process.expect("started");
        process
    }

    /// Waits for the line.
    fn expect(&mut self, expected: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(
                self.lines.read_line(&mut line).unwrap(),
                0,
                "no line {expected}"
            );
            if line.trim().ends_with(expected) {
                return;
            }
        }
    }

    fn say(&mut self, line: &str) {
        // It may be dead already.
        let _ = writeln!(self.input, "{line}");
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// By `kill -9`.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn wait(mut self) -> std::process::ExitStatus {
        drop(self.input);
        self.child.wait().unwrap()
    }
}

/// A payload that tells whose it is, of many lengths.
fn payload(writer: u64, number: u64) -> Vec<u8> {
    let len = 16 + (number * 37 % 900) as usize;
    let mut bytes = Vec::with_capacity(len);
    bytes.extend(writer.to_ne_bytes());
    bytes.extend(number.to_ne_bytes());
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ writer | 1;
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.push(state as u8);
    }
    bytes
}

/// Checks a payload, and tells whose it is.
fn check(bytes: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
    let (writer, number) = (word(0), word(8));
    assert_eq!(bytes, payload(writer, number), "torn");
    (writer, number)
}

/// Reads on, and checks that sequences and payloads are what they should be.
struct Checked {
    receiver: Receiver,
    /// Where it started.
    before: u64,
    received: u64,
    numbers: Vec<(u64, u64)>,
}

impl Checked {
    fn new(ring: &EventRing) -> Self {
        let receiver = ring.subscribe(Start::Oldest);
        Self {
            before: receiver.position(),
            receiver,
            received: 0,
            numbers: Vec::new(),
        }
    }

    fn drain(&mut self) {
        loop {
            match self.receiver.try_recv() {
                Ok(event) => {
                    self.received += 1;
                    assert_eq!(
                        self.before + self.received + self.receiver.missed(),
                        event.seq + 1
                    );
                    self.numbers.push(check(&event.payload));
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn drain_until(&mut self, position: u64) {
        let deadline = Instant::now() + LONG;
        while self.receiver.position() < position {
            self.drain();
            assert!(
                Instant::now() < deadline,
                "stuck at {}",
                self.receiver.position()
            );
            std::thread::yield_now();
        }
    }
}

/// Small and good enough; the seed is printed.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = std::env::var("EVENTRING_SHM_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| {
                let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
                now.as_nanos() as u64 | 1
            });
        println!("EVENTRING_SHM_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn seconds() -> Duration {
    let seconds = std::env::var("EVENTRING_SHM_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}
