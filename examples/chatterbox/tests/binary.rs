//! The program itself, typed at.
#![cfg(unix)]

use chatterbox::audit::Protobuf;
use chatterbox::proto::Event;
use eventring_log::{Log, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rexpect::session::{PtySession, spawn_command};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Only against hangs.
const LIMIT_MS: Option<u64> = Some(240_000);

fn chatterbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatterbox"));
    command.args(arguments);
    command
}

/// A program with pipes, killed in the end.
struct Piped {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Piped {
    fn start(arguments: &[&str]) -> Self {
        let mut command = chatterbox(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("no more lines").unwrap()
    }

    fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// What is left of stdout, what is on stderr, and whether it succeeded.
    fn end(mut self) -> (Vec<String>, String, bool) {
        drop(self.child.stdin.take());
        let rest = self.lines.by_ref().map(Result::unwrap).collect();
        let stderr = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        (rest, stderr, self.child.wait().unwrap().success())
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server on a port of its own, and its address.
fn server() -> (Piped, String) {
    server_with(&[])
}

fn server_with(more: &[&str]) -> (Piped, String) {
    let arguments = [&["server", "--listen", "127.0.0.1:0"][..], more].concat();
    let mut server = Piped::start(&arguments);
    let line = server.line();
    let address = line.strip_prefix("listening on ").unwrap().to_owned();
    (server, address)
}

/// A client at a terminal, on which the shell goes on after it.
fn typed(name: &str, address: &str) -> PtySession {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$0" client "$@"; stty -a"#]);
    shell.arg(env!("CARGO_BIN_EXE_chatterbox"));
    shell.args([name, "--server", address]);
    spawn_command(shell, LIMIT_MS).unwrap()
}

/// The terminal is not left in the mode in which each key is the program's.
fn is_restored(terminal: &mut PtySession) {
    let (_, canonical) = terminal.exp_regex("-?icanon ").unwrap();
    assert_eq!(canonical, "icanon ");
    terminal.exp_eof().unwrap();
}

#[test]
fn clients_come_and_go() {
    let (server, address) = server();
    let mut monitor = Piped::start(&["monitor", "--server", &address]);
    assert_eq!(monitor.line(), "-- nobody is here yet");

    let mut ann = Piped::start(&["client", "ann", "--server", &address]);
    assert_eq!(ann.line(), "-- nobody is here yet");
    assert_eq!(ann.line(), "* ann has joined");
    let mut bob = Piped::start(&["client", "bob", "--server", &format!("http://{address}")]);
    assert_eq!(bob.line(), "-- here: ann");

    // What was typed before the end of input is said.
    bob.say("hello");
    bob.say("  ");
    bob.say("bye");
    let (lines, errors, success) = bob.end();
    assert_eq!(
        lines,
        [
            "* bob has joined",
            "bob: hello",
            "bob: bye",
            "* bob has left"
        ]
    );
    assert_eq!((errors.as_str(), success), ("", true));
    for expected in [
        "* bob has joined",
        "bob: hello",
        "bob: bye",
        "* bob has left",
    ] {
        assert_eq!(ann.line(), expected);
    }

    // A message that is too long stays here, and its author too.
    ann.say(&"x".repeat(5000));
    assert_eq!(
        ann.line(),
        "-- not sent: 5003 bytes are more than a message may have, 4096"
    );

    let eve = Piped::start(&["client", "eve", "--server", &address]);
    assert_eq!(ann.line(), "* eve has joined");
    eve.signal(Signal::SIGKILL);
    assert_eq!(ann.line(), "* eve has left");

    server.signal(Signal::SIGTERM);
    let (lines, errors, success) = server.end();
    assert_eq!(lines, ["7 events, 0 missed by slow clients"]);
    assert_eq!((errors.as_str(), success), ("", true));
    let (lines, _, success) = ann.end();
    assert_eq!(lines, ["-- the server has closed the chat"]);
    assert!(success);
    let lines: Vec<_> = (0..7).map(|_| monitor.line()).collect();
    assert_eq!(lines[6], "* eve has left");
    let lost = monitor.line();
    assert!(
        lost.starts_with("-- the server has ended the stream; trying again in "),
        "{lost}"
    );
}

/// A line that is being typed stays, below what others say.
#[test]
fn typing() {
    let (server, address) = server();
    let mut ann = typed("ann", &address);
    ann.exp_string("* ann has joined").unwrap();
    ann.send("hel").unwrap();
    ann.flush().unwrap();
    ann.exp_string("hel").unwrap();

    let mut bob = Piped::start(&["client", "bob", "--server", &address]);
    ann.exp_string("* bob has joined").unwrap();
    // It is shown again.
    ann.exp_string("> hel").unwrap();
    // What the Enter key sends.
    ann.send("lo\r").unwrap();
    ann.flush().unwrap();
    ann.exp_string("ann: hello").unwrap();
    assert_eq!(bob.line(), "-- here: ann");
    assert_eq!(bob.line(), "* bob has joined");
    assert_eq!(bob.line(), "ann: hello");

    ann.send_control('d').unwrap();
    ann.exp_string("* ann has left").unwrap();
    is_restored(&mut ann);
    assert_eq!(bob.line(), "* ann has left");

    let mut joe = typed("joe", &address);
    joe.exp_string("-- here: bob").unwrap();
    server.signal(Signal::SIGTERM);
    joe.exp_string("-- the server has closed the chat").unwrap();
    is_restored(&mut joe);
}

#[test]
fn the_server_is_killed() {
    let (server, address) = server();
    let mut ann = Piped::start(&["client", "ann", "--server", &address]);
    assert_eq!(ann.line(), "-- nobody is here yet");
    assert_eq!(ann.line(), "* ann has joined");
    server.signal(Signal::SIGKILL);
    let mut errors = BufReader::new(ann.child.stderr.take().unwrap()).lines();
    let error = errors.next().unwrap().unwrap();
    assert!(
        error.starts_with("error: the chat has broken off: "),
        "{error}"
    );
    assert!(!ann.child.wait().unwrap().success());
}

/// Waits until so many events are stored.
fn stored(path: &Path, events: u64) {
    let started = Instant::now();
    let reader = || Log::<Protobuf>::open(path, Options::new().read_only());
    while reader().unwrap().next() < events {
        assert!(started.elapsed() < Duration::from_secs(240), "not stored");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What was stored is there after a kill, the next server goes on behind it, and nothing was changed.
#[test]
fn what_happens_is_stored_with_an_audit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.db");
    let audit = ["--audit", path.to_str().unwrap()];
    let (server, address) = server_with(&audit);
    let mut ann = Piped::start(&["client", "ann", "--server", &address]);
    ann.say("hello");
    stored(&path, 2);
    let (_, errors, success) = server_in_use(&audit);
    assert!(
        !success && errors.contains("is in use by another writer"),
        "{errors}"
    );
    server.signal(Signal::SIGKILL);
    drop(server);
    drop(ann);

    let (server, address) = server_with(&audit);
    let mut bob = Piped::start(&["client", "bob", "--server", &address]);
    bob.say("anybody here?");
    let (lines, _, success) = bob.end();
    assert_eq!(
        (lines.last().unwrap().as_str(), success),
        ("* bob has left", true)
    );
    server.signal(Signal::SIGTERM);
    let (lines, errors, success) = server.end();
    assert_eq!(lines, ["3 events, 0 missed by slow clients"]);
    assert_eq!((errors.as_str(), success), ("", true));

    let log = Log::<Protobuf>::open(&path, Options::new().read_only()).unwrap();
    let events: Result<Vec<_>, _> = log.read(0..10).collect();
    let expected = [
        Event::join("ann"),
        Event::chat("ann", "hello".to_owned()),
        Event::join("bob"),
        Event::chat("bob", "anybody here?".to_owned()),
        Event::leave("bob"),
    ];
    assert_eq!(events.unwrap(), Vec::from_iter((0..).zip(expected)));
    assert_eq!(log.verify(..).unwrap().next, 5);
}

/// How a second server ends.
fn server_in_use(audit: &[&str]) -> (Vec<String>, String, bool) {
    let arguments = [&["server", "--listen", "127.0.0.1:0"][..], audit].concat();
    Piped::start(&arguments).end()
}

#[test]
fn what_is_wrong_is_said() {
    let (_server, address) = server();
    let mut ann = Piped::start(&["client", "ann", "--server", &address]);
    assert_eq!(ann.line(), "-- nobody is here yet");
    let wrong: [(&[&str], &str); 7] = [
        (
            &["client", "ann", "--server", &address],
            "the name \"ann\" is taken: choose another",
        ),
        (
            &["client", "a b", "--server", &address],
            "\"a b\" is not a name",
        ),
        (
            &["client", "x", "--server", "127.0.0.1:1"],
            "cannot connect to http://127.0.0.1:1/: ",
        ),
        (
            &["monitor", "--server", "not an address"],
            "it takes HOST:PORT",
        ),
        (
            &["server", "--listen", &address],
            "choose another address with --listen",
        ),
        (
            &["server", "--capacity", "0"],
            "--capacity 0: capacity is 0",
        ),
        (
            &["server", "--audit", "/nowhere/audit.db"],
            "--audit /nowhere/audit.db: ",
        ),
    ];
    for (arguments, words) in wrong {
        let (_, errors, success) = Piped::start(arguments).end();
        assert!(
            errors.starts_with("error: ") && errors.contains(words),
            "{errors}"
        );
        assert!(!success);
    }
}
