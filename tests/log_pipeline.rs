//! The `log_pipeline` example, end to end: its binary on real files.
#![cfg(not(eventring_loom))]

use std::env::{self, consts::EXE_SUFFIX};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The example, which cargo builds along with the tests: `<profile>/examples` is beside the
/// `<profile>/deps` of this test.
fn pipeline() -> Command {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join(format!("examples/log_pipeline{EXE_SUFFIX}"));
    assert!(
        binary.is_file(),
        "{} is missing: `--test` alone does not build it, run `cargo build --example log_pipeline` first",
        binary.display()
    );
    Command::new(binary)
}

/// An empty directory, one for each test.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("log_pipeline")
        .join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the program said about a run that went well.
struct Report {
    summary: String,
    stdout: Vec<u8>,
}

impl Report {
    #[track_caller]
    fn new(output: Output) -> Self {
        let summary = text(&output.stderr);
        assert!(output.status.success(), "{}: {summary}", output.status);
        Self {
            summary,
            stdout: output.stdout,
        }
    }

    /// The number after `key` in the line of the summary that begins with `topic`.
    #[track_caller]
    fn number(&self, topic: &str, key: &str) -> u64 {
        let line = self.summary.lines().find(|line| line.starts_with(topic));
        let mut words = line
            .unwrap()
            .split([' ', ','])
            .filter(|word| !word.is_empty());
        words.find(|word| *word == key).unwrap();
        words.next().unwrap().parse().unwrap()
    }

    /// What the tail showed, without the notes on what it missed.
    fn shown(&self) -> Vec<&[u8]> {
        let lines = self.stdout.split_inclusive(|byte| *byte == b'\n');
        lines.filter(|line| !line.starts_with(b"[... ")).collect()
    }
}

/// Runs the log through the pipeline into a file, and checks what holds for every log.
#[track_caller]
fn run(test: &str, log: &[u8], options: &[&str]) -> Report {
    let directory = directory(test);
    let (input, out) = (directory.join("in.log"), directory.join("out.log"));
    fs::write(&input, log).unwrap();
    // It is to be replaced, not appended to.
    fs::write(&out, "old").unwrap();

    let mut command = pipeline();
    command.arg(&input).arg("--out").arg(&out).args(options);
    let report = Report::new(command.output().unwrap());

    assert!(
        fs::read(&out).unwrap() == log,
        "the output differs from the input"
    );
    let lines: Vec<_> = log.split_inclusive(|byte| *byte == b'\n').collect();
    for topic in ["read", "written"] {
        assert_eq!(report.number(topic, "lines"), lines.len() as u64);
        assert_eq!(report.number(topic, "bytes"), log.len() as u64);
    }
    let severities = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE", "none"];
    let counted = severities.map(|severity| report.number("severity", severity));
    assert_eq!(counted.iter().sum::<u64>(), lines.len() as u64);

    // Each line was either shown, in order and unharmed, or counted as missed.
    let shown = report.shown();
    let missed = report.number("tail", "missed");
    assert_eq!(report.number("tail", "shown"), shown.len() as u64);
    assert_eq!(shown.len() as u64 + missed, lines.len() as u64);
    let mut rest = lines.iter();
    for line in shown {
        // The console gets a line ending where the log has none.
        let same =
            |candidate: &&[u8]| line == *candidate || line.strip_suffix(b"\n") == Some(candidate);
        assert!(rest.any(same), "not in order: {}", text(line));
    }
    report
}

/// Runs the pipeline, which is to fail with this message, in one line.
#[track_caller]
fn fails(command: &mut Command, message: &str) {
    let output = command.output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(message), "{stderr}");
    assert!(stderr.starts_with("error: cannot "), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// A log of this many lines, every fourth of which has no severity.
fn generated(lines: usize, ending: &str) -> String {
    let line = |number| match number % 4 {
        0 => format!("at frame {number}{ending}"),
        1 => format!("2025-06-14 ERROR disk {number} failed{ending}"),
        2 => format!("level=warning msg=\"disk {number} slow\"{ending}"),
        _ => format!("[info] disk {number} ok, no error{ending}"),
    };
    (0..lines).map(line).collect()
}

#[test]
fn sample() {
    let sample = include_bytes!("../examples/sample.log");
    let out = directory("sample").join("out.log");
    // From elsewhere: the sample comes with the binary.
    let mut command = pipeline();
    command
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .arg("--out")
        .arg(&out);
    let report = Report::new(command.output().unwrap());

    assert!(fs::read(&out).unwrap() == sample);
    assert_eq!(report.number("read", "lines"), 300);
    for (severity, count) in [
        ("ERROR", 9),
        ("WARN", 30),
        ("INFO", 152),
        ("DEBUG", 69),
        ("TRACE", 27),
        ("none", 13),
    ] {
        assert_eq!(report.number("severity", severity), count, "{severity}");
    }
    // It fits into the ring, so that not even the tail can miss any.
    assert!(report.stdout == sample);
}

#[test]
fn thousands_of_lines() {
    let report = run(
        "thousands_of_lines",
        generated(20_000, "\n").as_bytes(),
        &[],
    );
    for (severity, count) in [
        ("ERROR", 5000),
        ("WARN", 5000),
        ("INFO", 5000),
        ("none", 5000),
    ] {
        assert_eq!(report.number("severity", severity), count, "{severity}");
    }
}

#[test]
fn a_ring_of_one() {
    run(
        "a_ring_of_one",
        generated(5000, "\n").as_bytes(),
        &["--capacity", "1"],
    );
}

#[test]
fn no_newline_at_the_end() {
    let log = generated(5000, "\n");
    run("no_newline_at_the_end", log.trim_end().as_bytes(), &[]);
}

#[test]
fn crlf_and_empty_lines() {
    let log = generated(5000, "\r\n") + "\r\n\n\n\r\r\n\n";
    run("crlf_and_empty_lines", log.as_bytes(), &[]);
}

#[test]
fn invalid_utf8() {
    let log: Vec<_> = (0..100_000u32)
        .map(|n| (n.wrapping_mul(0x9e37_79b1) >> 13) as u8)
        .collect();
    assert!(std::str::from_utf8(&log).is_err());
    run("invalid_utf8", &log, &[]);
}

#[test]
fn a_line_longer_than_any_buffer() {
    let log = format!("short\n{}\nshort\n", "x".repeat(1_000_000));
    run("a_line_longer_than_any_buffer", log.as_bytes(), &[]);
}

#[test]
fn empty() {
    let report = run("empty", b"", &[]);
    assert!(report.stdout.is_empty());
}

#[test]
fn stdin() {
    let log = generated(10_000, "\n");
    let out = directory("stdin").join("out.log");
    let mut command = pipeline();
    command.args(["-", "--out"]).arg(&out).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(log.as_bytes())
        .unwrap();
    let report = Report::new(child.wait_with_output().unwrap());
    assert!(fs::read(&out).unwrap() == log.as_bytes());
    assert_eq!(report.number("written", "lines"), 10_000);
}

#[test]
fn nobody_reads_stdout() {
    let log = generated(10_000, "\n");
    let directory = directory("nobody_reads_stdout");
    let (input, out) = (directory.join("in.log"), directory.join("out.log"));
    fs::write(&input, &log).unwrap();
    let mut command = pipeline();
    command.arg(&input).arg("--out").arg(&out);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let report = Report::new(child.wait_with_output().unwrap());
    assert!(fs::read(&out).unwrap() == log.as_bytes());
    assert_eq!(report.number("written", "lines"), 10_000);
}

#[test]
fn input_is_missing() {
    let directory = directory("input_is_missing");
    let out = directory.join("out.log");
    fs::write(&out, "old").unwrap();
    let mut command = pipeline();
    command
        .arg(directory.join("missing.log"))
        .arg("--out")
        .arg(&out);
    fails(&mut command, "check the path, or give - to read stdin");
    assert_eq!(fs::read(&out).unwrap(), b"old");
}

#[test]
fn input_is_a_directory() {
    let directory = directory("input_is_a_directory");
    fails(pipeline().arg(&directory), "is a directory");
}

#[test]
fn out_is_in_no_directory() {
    let out = directory("out_is_in_no_directory").join("missing/out.log");
    fails(
        pipeline().arg("--out").arg(out),
        "create its directory first",
    );
}

#[test]
fn out_is_the_input() {
    let directory = directory("out_is_the_input");
    let (input, link) = (directory.join("in.log"), directory.join("link.log"));
    fs::write(&input, "precious\n").unwrap();
    fs::hard_link(&input, &link).unwrap();
    let message = "it is the input itself";
    for out in [&input, &link, &directory.join("../out_is_the_input/in.log")] {
        fails(pipeline().arg(&input).arg("--out").arg(out), message);
    }
    let redirected = File::open(&input).unwrap();
    fails(
        pipeline()
            .args(["-", "--out"])
            .arg(&input)
            .stdin(redirected),
        message,
    );
    assert_eq!(fs::read(&input).unwrap(), b"precious\n");
}

/// The sink fails while the reader waits for room, and has to stop it.
#[cfg(target_os = "linux")]
#[test]
fn disk_is_full() {
    let input = directory("disk_is_full").join("in.log");
    fs::write(&input, generated(50_000, "\n")).unwrap();
    let mut command = pipeline();
    command.arg(&input).args(["--out", "/dev/full"]);
    fails(
        &mut command,
        "cannot write /dev/full: No space left on device",
    );
}

/// The sink fails while the reader waits for the next line, which never comes.
#[cfg(target_os = "linux")]
#[test]
fn disk_is_full_while_stdin_is_quiet() {
    let mut command = pipeline();
    command
        .args(["-", "--out", "/dev/full"])
        .stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a line\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write /dev/full"));
    drop(stdin);
}
