//! A log through one bus to three receivers, of which only the console may lose lines:
//!
//! ```text
//! cargo run --release --example log_pipeline -- INPUT [--out FILE]
//! ```
//!
//! * a file sink, gating: it takes lines in batches and writes them byte for byte (`--out`);
//! * a counter by severity, gating: it looks at the lines by reference and clones none;
//! * a console tail, lossy: it shows at most a hundred lines a second, more than one can read, and
//!   says where it missed some; in the end it shows what is still in the ring. It never holds back
//!   the others.
//!
//! The bus has the strategy `Block`, so the file is read as fast as the sink and the counter can
//! follow, in flat memory: there are never more lines in flight than one read and `--capacity`.
//! Without arguments it runs on a sample. A summary goes to stderr.

use clap::Parser;
use eventring::{EventBus, Lagged, Receiver, WaitStrategy};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use same_file::Handle;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const SAMPLE: &[u8] = include_bytes!("sample.log");

/// The words for each severity, the first of which names it.
const SEVERITIES: [&[&str]; 5] = [
    &["ERROR", "FATAL", "CRITICAL"],
    &["WARN", "WARNING"],
    &["INFO", "NOTICE"],
    &["DEBUG"],
    &["TRACE"],
];

/// How long the tail rests after each line.
const PACE: Duration = Duration::from_millis(10);

/// Send a log through a bus to a file, a counter and the console.
#[derive(Parser)]
struct Args {
    /// The log, or - for stdin [default: a sample]
    input: Option<PathBuf>,

    /// Write every line to this file, replacing it [default: nowhere, lines are only counted]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// How many lines the bus holds: the tail misses some when it is further behind
    #[arg(long, value_name = "LINES", default_value_t = 1024)]
    capacity: usize,
}

/// The event. Cloning it is cheap, as it should be: every receiver but the counter does.
#[derive(Clone)]
struct Line {
    /// With its line ending, if it has one.
    text: Arc<[u8]>,
    /// Where it ends in the input, in bytes.
    end: u64,
}

#[derive(Default, PartialEq)]
struct Total {
    lines: u64,
    bytes: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            to_stderr(&format!("error: {message}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let (input, out) = (args.input.as_deref(), args.out.as_deref());
    let from = name(input, "the sample (give a file, or - for stdin)");
    let to = name(out, "nowhere (give --out FILE to keep them)");
    let bus = EventBus::builder()
        .capacity(args.capacity)
        .strategy(WaitStrategy::Block)
        .build()
        .map_err(|error| error.to_string())?;
    // The output last: a typo elsewhere must not cost what was in it.
    let (source, bar) = open_input(input).map_err(cannot("read", &from))?;
    let file = open_out(out, input).map_err(cannot("write", &to))?;

    let started = Instant::now();
    let sink = thread::spawn({
        let (lines, bus) = (bus.subscribe(), bus.clone());
        // Closing stops the reader, which would go on for the counter alone.
        move || write(lines, file).inspect_err(|_| bus.close())
    });
    let counter = thread::spawn({
        let lines = bus.subscribe();
        move || count(lines)
    });
    let tail = thread::spawn({
        let lines = bus.subscribe_lossy();
        move || show(lines, &bar)
    });
    let reader = thread::spawn(move || {
        let read = read(source, &bus);
        bus.close();
        read
    });

    let written = sink.join().unwrap();
    let counts = counter.join().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let (shown, missed, console) = tail.join().unwrap();
    let written = written.map_err(cannot("write", &to))?;
    // Only now: if the sink failed, the reader may still be waiting for a line.
    let read = reader.join().unwrap().map_err(cannot("read", &from))?;

    let names = SEVERITIES.iter().map(|words| words[0]).chain(["none"]);
    let by_name: Vec<_> = names
        .zip(counts)
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    let by_name = by_name.join(", ");
    let stopped = match &console {
        Ok(()) => String::new(),
        Err(error) => format!(", then stdout failed: {error}"),
    };
    let rate = read.lines as f64 / seconds;
    to_stderr(&format!(
        "read      lines {}, bytes {}, from {from}\n\
         written   lines {}, bytes {}, to {to}\n\
         severity  {by_name}\n\
         tail      shown {shown}, missed {missed}{stopped}\n\
         time      {seconds:.3} s, {rate:.0} lines/s\n",
        read.lines, read.bytes, written.lines, written.bytes,
    ));

    let counted: u64 = counts.iter().sum();
    if written != read || counted != read.lines {
        return Err(format!(
            "lines were lost: {} read, {} written, {counted} counted; please report this bug",
            read.lines, written.lines
        ));
    }
    match console {
        // Whoever read our output has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(cannot("write", "stdout")),
    }
}

/// Publishes the input line by line.
fn read(input: impl Read, bus: &EventBus<Line>) -> io::Result<Total> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let (mut text, mut batch, mut total) = (Vec::new(), Vec::new(), Total::default());
    while input.read_until(b'\n', &mut text)? > 0 {
        total.lines += 1;
        total.bytes += text.len() as u64;
        batch.push(Line {
            text: text.as_slice().into(),
            end: total.bytes,
        });
        text.clear();
        // A batch is what one read has brought, so that lines from a slow pipe are not kept
        // waiting for more.
        let last = !input.buffer().contains(&b'\n');
        if last && bus.publish_many_blocking(&mut batch).is_err() {
            break; // Closed: the sink failed, and reports that itself.
        }
    }
    Ok(total)
}

/// Writes every line.
fn write(mut lines: Receiver<Line>, out: impl Write) -> io::Result<Total> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let (mut batch, mut total) = (Vec::new(), Total::default());
    while lines.recv_many_blocking(&mut batch, 1024) > 0 {
        total.lines += batch.len() as u64;
        for line in batch.drain(..) {
            out.write_all(&line.text)?;
            total.bytes += line.text.len() as u64;
        }
        // While the log is quiet, the file is complete.
        if lines.is_empty() {
            out.flush()?;
        }
    }
    Ok(total)
}

/// Counts lines by severity; the last number is for those without.
fn count(mut lines: Receiver<Line>) -> [u64; SEVERITIES.len() + 1] {
    let mut counts = [0; SEVERITIES.len() + 1];
    while let Some(severity) = lines.recv_with_blocking(|line| severity(&line.text)) {
        counts[severity] += 1;
    }
    counts
}

/// The first word near the start of the line that is the name of one, or else the number after.
fn severity(line: &[u8]) -> usize {
    let head = &line[..line.len().min(100)];
    let mut words = head.split(|byte| !byte.is_ascii_alphabetic());
    let named = words.find_map(|word| {
        let is_word = |name: &&str| word.eq_ignore_ascii_case(name.as_bytes());
        SEVERITIES
            .iter()
            .position(|names| names.iter().any(is_word))
    });
    named.unwrap_or(SEVERITIES.len())
}

/// Shows what it can. It alone touches the console, progress included: a console that stands still
/// (`| less`) must not hold back anyone else. For the same reason it takes each line out of the bus
/// before showing it, rather than showing it by reference.
fn show(lines: Receiver<Line>, bar: &ProgressBar) -> (u64, u64, io::Result<()>) {
    let (mut lines, mut shown, mut gap) = (lines.with_lag(), 0, 0);
    let result = loop {
        match lines.recv_blocking() {
            Some(Ok(line)) => {
                bar.set_position(line.end);
                if let Err(error) = bar.suspend(|| print(gap, &line.text)) {
                    break Err(error);
                }
                (shown, gap) = (shown + 1, 0);
                // Once the input has ended, what is left in the ring is shown without delay.
                if !lines.get_ref().is_closed() {
                    thread::sleep(PACE);
                }
            }
            Some(Err(Lagged(missed))) => gap += missed,
            None => break Ok(()),
        }
    };
    bar.finish_and_clear();
    (shown, lines.get_ref().missed(), result)
}

/// One line on stdout, also if it has no line ending, after what was missed before it.
fn print(gap: u64, line: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if gap > 0 {
        writeln!(stdout, "[... {gap} lines missed]")?;
    }
    stdout.write_all(line)?;
    if !line.ends_with(b"\n") {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}

/// The input, and a progress bar for it, which is hidden if stderr is not a terminal.
fn open_input(path: Option<&Path>) -> io::Result<(Box<dyn Read + Send>, ProgressBar)> {
    let Some(path) = path else {
        return Ok((Box::new(SAMPLE), ProgressBar::hidden()));
    };
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), progress(None)));
    }
    let metadata = fs::metadata(path)?;
    // Opening a directory may succeed, reading it does not.
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(File::open(path)?), progress(length)))
}

fn progress(length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}",
        None => "{spinner} {bytes} {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template).expect("a valid template");
    ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()).with_style(style)
}

fn open_out(path: Option<&Path>, input: Option<&Path>) -> io::Result<Box<dyn Write + Send>> {
    let Some(path) = path else {
        return Ok(Box::new(io::sink()));
    };
    let invalid = |why| Err(io::Error::new(ErrorKind::InvalidInput, why));
    if path == Path::new("-") {
        return invalid("stdout is for the tail");
    }
    if input.is_some_and(|input| is_same_file(input, path).unwrap_or(false)) {
        return invalid("it is the input itself");
    }
    Ok(Box::new(File::create(path)?))
}

/// Whether writing to `out` would destroy the input. Terminals and pipes may well be both.
fn is_same_file(input: &Path, out: &Path) -> io::Result<bool> {
    if !fs::metadata(out)?.is_file() {
        return Ok(false);
    }
    let input = match input == Path::new("-") {
        true => Handle::stdin()?,
        false => Handle::from_path(input)?,
    };
    Ok(input == Handle::from_path(out)?)
}

fn name(path: Option<&Path>, none: &str) -> String {
    path.map_or(none.into(), |path| path.display().to_string())
}

/// Turns an error into a message that says what to do.
fn cannot(verb: &str, name: &str) -> impl FnOnce(io::Error) -> String {
    move |error| {
        let advice = match error.kind() {
            ErrorKind::NotFound if verb == "write" => "create its directory first",
            ErrorKind::NotFound => "check the path, or give - to read stdin",
            ErrorKind::IsADirectory => "name a file in it",
            ErrorKind::InvalidInput => "name another file",
            ErrorKind::PermissionDenied => "check who may access it",
            ErrorKind::StorageFull => "make room or write elsewhere",
            _ => "check the file and its device",
        };
        format!("cannot {verb} {name}: {error}; {advice}")
    }
}

/// Unlike `eprint!`, does not panic if nobody reads stderr.
fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
