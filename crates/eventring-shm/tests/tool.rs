//! `eventwatch` and the examples, as a user runs them.

use eventring_shm::topics::{NodeId, TopicBus};
use eventring_shm::{EventRing, Kind};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn eventwatch(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eventwatch"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
    (home, path)
}

fn some_events(path: &Path) {
    let ring = EventRing::builder().create(path).unwrap();
    let mut publisher = ring.publisher().unwrap();
    publisher.publish(Kind(1), b"one").unwrap();
    publisher
        .publish_with(Kind(2), [7, 0, 0, 0], b"\xff\x00")
        .unwrap();
    publisher.publish(Kind(1), b"say \"three\"").unwrap();
    publisher.close();
}

/// A process that is killed when its test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn info() {
    let (_home, path) = home();
    some_events(&path);
    let name = path.to_str().unwrap();
    let told = text(&eventwatch(&["info", name]));
    assert!(told.contains("events          3 (0 to 3)"), "{told}");
    let json = text(&eventwatch(&["info", name, "--json"]));
    assert!(json.contains("\"tail\":3,\"writer\":{"), "{json}");
}

#[test]
fn errors_say_what_is_wrong() {
    let (_home, path) = home();
    let name = path.to_str().unwrap();
    for (bytes, expected) in [
        (None, "there is no ring"),
        (Some(&b""[..]), "not the file of an event ring"),
        (Some(&[b'x'; 9000][..]), "not the file of an event ring"),
    ] {
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let output = eventwatch(&["info", name]);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }
}

#[test]
fn watch_filters_and_ends() {
    let (_home, path) = home();
    some_events(&path);
    let name = path.to_str().unwrap();
    let lines = text(&eventwatch(&["watch", name, "--all"]));
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].ends_with("[7, 0, 0, 0] ff00"));
    assert_eq!(lines[3], "-- closed");
    let json = text(&eventwatch(&[
        "watch", name, "--all", "--json", "--kind", "1", "--count", "2",
    ]));
    assert!(
        json.lines()
            .last()
            .unwrap()
            .ends_with("\"text\":\"say \\\"three\\\"\"}"),
        "{json}"
    );
}

/// The main job: who watches notices a killed writer by a line, and loses nothing.
#[test]
fn watch_survives_the_writer() {
    let (_home, path) = home();
    let name = path.to_str().unwrap();
    let ring = EventRing::builder().create(&path).unwrap();
    let mut first = ring.publisher().unwrap();
    let mut watching = Running(
        Command::new(env!("CARGO_BIN_EXE_eventwatch"))
            .args(["watch", name, "--all"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    first.publish(Kind(1), b"first").unwrap();
    assert!(lines.next().unwrap().ends_with("first"));
    drop(first);
    assert_eq!(
        lines.next().unwrap(),
        "-- nobody writes; waiting for the next writer"
    );
    let mut second = ring.publisher().unwrap();
    second.publish(Kind(1), b"second").unwrap();
    let told = format!("-- process {} writes now", std::process::id());
    assert_eq!(lines.next().unwrap(), told);
    assert!(lines.next().unwrap().ends_with("second"));
    drop(second);
    // Another ring of the same name.
    let other = EventRing::builder()
        .descriptors(8)
        .create_or_recover(&path)
        .unwrap();
    other
        .publisher()
        .unwrap()
        .publish(Kind(1), b"third")
        .unwrap();
    let rest: Vec<String> = lines
        .by_ref()
        .take_while(|line| !line.ends_with("third"))
        .collect();
    assert!(
        rest.iter()
            .any(|line| line == "-- another ring has taken the name"),
        "{rest:?}"
    );
    other.publisher().unwrap().close();
    assert_eq!(lines.last().unwrap(), "-- closed");
}

#[test]
fn record_snapshot_and_replay() {
    let (home, path) = home();
    some_events(&path);
    let file = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let name = path.to_str().unwrap();
    let watched = |name: &str| {
        let json = text(&eventwatch(&["watch", name, "--all", "--json"]));
        let strip = |line: &str| line.split("\"ext\"").nth(1).unwrap_or(line).to_owned();
        json.lines().map(strip).collect::<Vec<_>>()
    };
    text(&eventwatch(&["snapshot", name, &file("snapshot")]));
    text(&eventwatch(&["record", name, &file("recording")]));
    for made in ["snapshot", "recording"] {
        let copy = file(&format!("of-{made}"));
        text(&eventwatch(&[
            "replay",
            &file(made),
            &copy,
            "--speed",
            "0",
            "--close",
        ]));
        assert_eq!(watched(&copy), watched(name), "{made}");
    }
    let cut = std::fs::read(file("recording")).unwrap();
    std::fs::write(file("cut"), &cut[..cut.len() - 3]).unwrap();
    let nowhere = file("nowhere/ring");
    for (arguments, expected) in [
        (
            ["replay", &file("cut"), &file("new")],
            "cut: its last event is cut off",
        ),
        (
            ["replay", &file("none"), &file("new")],
            "none: No such file",
        ),
        (["replay", &file("recording"), &nowhere], "nowhere/ring: "),
        (["record", name, &nowhere], "nowhere/ring: No such file"),
        (
            ["snapshot", name, &nowhere],
            "nowhere/ring: could not create",
        ),
    ] {
        let output = eventwatch(&arguments);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

/// By a name without a slash, and of one topic.
#[test]
fn watch_of_a_topic() {
    let home = tempfile::tempdir().unwrap();
    let bus = TopicBus::join(home.path().join("fleet"), NodeId(4)).unwrap();
    for (topic, payload) in [("a", "one"), ("b", "two"), ("a", "three")] {
        bus.publish(topic, payload.as_bytes()).unwrap();
    }
    bus.event_ring().join().unwrap().close();
    let watch = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_eventwatch"))
            .env("EVENTRING_DIR", home.path())
            .args(["watch", "fleet", "--all", "--topic", "a"])
            .args(more)
            .output();
        text(&output.unwrap())
    };
    let lines = watch(&[]);
    let payloads = lines.lines().map(|line| line.rsplit("  ").next().unwrap());
    assert!(
        payloads.eq(["[4] a one", "[4] a three", "-- closed"]),
        "{lines}"
    );
    let json = watch(&["--json", "--count", "1"]);
    assert!(
        json.ends_with(",\"node\":4,\"topic\":\"a\",\"text\":\"one\"}\n"),
        "{json}"
    );
}

#[test]
fn stat_counts() {
    let (_home, path) = home();
    some_events(&path);
    let lines = text(&eventwatch(&[
        "stat",
        path.to_str().unwrap(),
        "--count",
        "1",
    ]));
    assert!(lines.lines().nth(1).unwrap().ends_with("no"), "{lines}");
}

fn example(name: &str) -> PathBuf {
    let bin = Path::new(env!("CARGO_BIN_EXE_eventwatch"));
    bin.with_file_name("examples").join(name)
}

/// What goes into the ticker comes out of the watcher.
#[test]
fn ticker_publishes_lines() {
    let (_home, path) = home();
    let name = path.to_str().unwrap();
    let mut ticker = Command::new(example("ticker"))
        .args(["--name", name, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = ticker.stdin.take().unwrap();
    for number in 0..1000 {
        writeln!(input, "line {number}").unwrap();
    }
    drop(input);
    assert!(ticker.wait().unwrap().success());
    let lines = text(&eventwatch(&["watch", name, "--all", "--kind", "2"]));
    assert_eq!(lines.lines().count(), 1001);
    assert!(lines.lines().nth(999).unwrap().ends_with("line 999"));
}

/// From one process through another to a browser's connection.
#[test]
fn bridge_serves_events() {
    use std::io::Read;
    let (_home, path) = home();
    let name = path.to_str().unwrap();
    let ring = EventRing::builder().create(&path).unwrap();
    let mut publisher = ring.publisher().unwrap();
    let mut bridge = Running(
        Command::new(example("bridge"))
            .args(["--name", name, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    BufReader::new(bridge.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .split("http://")
        .nth(1)
        .unwrap()
        .trim_end_matches("/events");
    let mut browser = std::net::TcpStream::connect(address).unwrap();
    browser
        .write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut seen = Vec::new();
    // It may subscribe after some: those that come later are served.
    for number in 0u64.. {
        publisher
            .publish(Kind(1), format!("tick {number}").as_bytes())
            .unwrap();
        browser
            .set_read_timeout(Some(std::time::Duration::from_millis(20)))
            .unwrap();
        let mut bytes = [0; 1024];
        match browser.read(&mut bytes) {
            Ok(0) => panic!("the bridge hung up"),
            Ok(read) => seen.extend(&bytes[..read]),
            Err(_) => {}
        }
        if String::from_utf8_lossy(&seen).contains("data: tick ") {
            return;
        }
        assert!(
            number < 6000,
            "nothing came: {}",
            String::from_utf8_lossy(&seen)
        );
    }
}
