//! The tool, as a user runs it.

use eventring::{EventBus, WaitStrategy};
use eventring_log::{Log, Options, Raw};
use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

struct Home {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Home {
    /// A log of these events.
    fn new(options: Options, events: &[&[u8]]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.db");
        let home = Self { directory, path };
        home.store(options, events);
        home
    }

    fn store(&self, options: Options, events: &[&[u8]]) {
        let log = Log::<Raw>::open(&self.path, options).unwrap();
        let builder = EventBus::builder().strategy(WaitStrategy::Block);
        let bus = builder.first(log.next()).build().unwrap();
        let attached = log.attach(&bus).unwrap();
        for event in events {
            bus.publish_blocking(event.to_vec()).unwrap();
        }
        bus.close();
        attached.join().unwrap();
    }

    fn tool(&self, arguments: &str) -> Command {
        let mut arguments = arguments.split(' ');
        let mut command = Command::new(env!("CARGO_BIN_EXE_eventring-log"));
        command.current_dir(&self.directory);
        command.arg(arguments.next().unwrap()).arg("events.db");
        command.args(arguments);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &str) -> String {
        let output = self.tool(arguments).output().unwrap();
        assert!(output.status.success(), "{}", error(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn fails(&self, arguments: &str) -> String {
        let output = self.tool(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        error(&output)
    }
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A process that is killed when its test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SOME: &[&[u8]] = &[b"{\"a\":\n 1.50}", b"no \"json\"", b"\xff\x00"];

#[test]
fn export() {
    let home = Home::new(Options::new(), SOME);
    let lines = home.run("export");
    let expected = "{\"sequence\":0,\"event\":{\"a\":  1.50}}\n\
        {\"sequence\":1,\"text\":\"no \\\"json\\\"\"}\n\
        {\"sequence\":2,\"hex\":\"ff00\"}\n";
    assert_eq!(lines, expected);
    assert_eq!(
        home.run("export --from 1 --to 2"),
        expected.split_inclusive('\n').nth(1).unwrap()
    );
    home.run("export -o out.jsonl");
    let file = std::fs::read_to_string(home.directory.path().join("out.jsonl")).unwrap();
    assert_eq!(file, expected);
    let chained = Home::new(Options::new().chained(), &[b"1"]);
    let line = chained.run("export");
    assert!(
        line.starts_with("{\"sequence\":0,\"event\":1,\"hash\":\""),
        "{line}"
    );
    assert!(
        home.fails("export -o no/such/folder")
            .contains("no/such/folder: ")
    );
}

#[test]
fn verify_and_stats() {
    let home = Home::new(Options::new().chained(), SOME);
    let told = home.run("verify");
    assert!(
        told.starts_with("3 events, each as it was stored; head 3:"),
        "{told}"
    );
    assert!(told.contains("kept elsewhere"), "{told}");
    let stats = home.run("stats");
    assert!(stats.starts_with("events   3 (0 to 3)\n"), "{stats}");
    let head = stats
        .lines()
        .find_map(|line| line.strip_prefix("head     "))
        .unwrap();
    assert!(
        home.run("stats --json")
            .contains(&format!("\"head\":\"{head}\""))
    );
    let told = home.run(&format!("verify --head {head}"));
    assert!(told.contains(head) && !told.contains("elsewhere"), "{told}");
    assert_eq!(
        home.fails("verify --to 4"),
        "eventring-log: event 3 is missing\n"
    );

    let meddle = |script| {
        Connection::open(&home.path)
            .unwrap()
            .execute_batch(script)
            .unwrap()
    };
    meddle("DELETE FROM entry WHERE sequence = 2");
    home.run("verify");
    assert_eq!(
        home.fails(&format!("verify --head {head}")),
        "eventring-log: the log's end is cut off, from event 2 on\n"
    );
    meddle("UPDATE entry SET bytes = x'37' WHERE sequence = 1");
    assert_eq!(
        home.fails("verify"),
        "eventring-log: event 1 is not what was stored\n"
    );
    let plain = Home::new(Options::new(), SOME);
    assert!(plain.run("verify").contains("without hashes"));
    assert!(plain.run("stats").contains("it has no hashes"));
}

#[test]
fn tail() {
    let home = Home::new(Options::new(), SOME);
    assert_eq!(
        home.run("tail -n 2"),
        "         1  no \"json\"\n         2  ff00\n"
    );
    assert_eq!(
        home.run("tail -n 1 --json"),
        "{\"sequence\":2,\"hex\":\"ff00\"}\n"
    );
    let mut tail = home.tool("tail -n 1 -f --every 5");
    let mut tail = Running(tail.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "         2  ff00");
    for round in 3..6 {
        home.store(Options::new(), &[b"more"]);
        let expected = format!("         {round}  more");
        assert_eq!(lines.next().unwrap().unwrap(), expected);
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let home = Home::new(Options::new(), &[]);
    for command in ["verify", "tail", "export", "stats"] {
        std::fs::write(&home.path, "something else").unwrap();
        let told = home.fails(command);
        assert!(told.contains("events.db is not an event log"), "{told}");
        std::fs::remove_file(&home.path).unwrap();
        assert_eq!(
            home.fails(command),
            "eventring-log: there is no file events.db\n"
        );
    }
    let output = home.tool("verify --head 12").output().unwrap();
    assert!(error(&output).contains("a head is a number, a colon and 64 hexadecimal digits"));
}
