//! Events to files.

use crate::{Outcome, of, open};
use eventring::{Lagged, Start};
use eventring_shm::{Event, Kind};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"EVNTREC1";
/// In the place of a length: events that were missed.
const MISSED: u64 = u32::MAX as u64;
const TRUNCATED: u64 = 2;

pub(crate) fn snapshot(name: &Path, file: &Path) -> Outcome {
    let ring = open(name)?;
    let snapshot = ring.snapshot(file).map_err(of(file))?;
    println!(
        "{} events, from {}, in {}",
        snapshot.events,
        snapshot.first,
        file.display()
    );
    Ok(())
}

/// Records until the ring is closed or replaced. What was missed is recorded, too.
pub(crate) fn record(name: &Path, file: &Path, count: Option<u64>) -> Outcome {
    let ring = open(name)?;
    let mut stream = ring.subscribe(Start::Oldest).with_lag();
    let mut out = BufWriter::new(File::create(file).map_err(of(file))?);
    out.write_all(MAGIC)?;
    let progress = spinner();
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        if stream.get_ref().is_empty() {
            out.flush()?;
        }
        match stream.next_blocking() {
            Some(Ok(event)) => {
                write_event(&mut out, &event)?;
                progress.inc(1);
                left -= 1;
            }
            Some(Err(Lagged(missed))) => {
                write_words(&mut out, &[missed, MISSED << 32, 0, 0, 0, 0, 0])?;
                progress.set_message(format!("{} missed", stream.get_ref().missed()));
            }
            None => break,
        }
    }
    out.flush()?;
    progress.finish_and_clear();
    let missed = stream.get_ref().missed();
    println!(
        "{} events, {missed} missed, in {}",
        progress.position(),
        file.display()
    );
    Ok(())
}

pub(crate) fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos} events, {per_sec} {msg}");
    ProgressBar::new_spinner().with_style(style.expect("the template is one"))
}

fn write_words(out: &mut impl Write, words: &[u64]) -> io::Result<()> {
    words
        .iter()
        .try_for_each(|word| out.write_all(&word.to_ne_bytes()))
}

fn write_event(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let flags = if event.truncated { TRUNCATED } else { 0 };
    let len = event.payload.len();
    let what = u64::from(event.kind.0) | flags << 16 | (len as u64) << 32;
    write_words(out, &[event.seq, what, event.time])?;
    write_words(out, &event.ext)?;
    out.write_all(&event.payload)?;
    out.write_all(&[0; 8][..len.next_multiple_of(8) - len])
}

/// What is in a recording.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Event(Event),
    Missed,
}

/// Reads a recording.
pub(crate) struct Recording<R>(R);

impl Recording<BufReader<File>> {
    /// `None` if it is something else.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = BufReader::new(File::open(path)?);
        let mut magic = [0; 8];
        match file.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => Ok(Some(Self(file))),
            Ok(()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<R: BufRead> Recording<R> {
    /// The next entry; `None` at the end. One that was cut off is an error.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        self.entry().map_err(|error| match error.kind() {
            kind @ io::ErrorKind::UnexpectedEof => {
                io::Error::new(kind, "its last event is cut off")
            }
            _ => error,
        })
    }

    fn entry(&mut self) -> io::Result<Option<Entry>> {
        if self.0.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut words = [0; 7];
        for word in &mut words {
            let mut bytes = [0; 8];
            self.0.read_exact(&mut bytes)?;
            *word = u64::from_ne_bytes(bytes);
        }
        let len = words[1] >> 32;
        if len == MISSED {
            return Ok(Some(Entry::Missed));
        }
        // Not more memory than there are bytes.
        let mut payload = Vec::new();
        let padded = len.next_multiple_of(8);
        if (&mut self.0).take(padded).read_to_end(&mut payload)? as u64 != padded {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        payload.truncate(len as usize);
        Ok(Some(Entry::Event(Event {
            seq: words[0],
            kind: Kind(words[1] as u16),
            time: words[2],
            ext: [words[3], words[4], words[5], words[6]],
            truncated: words[1] >> 16 & TRUNCATED != 0,
            payload,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Recording, write_event};
    use eventring_shm::{Event, Kind};

    #[test]
    fn bytes_and_back() {
        for len in [0, 1, 7, 8, 9, 1000] {
            let event = Event {
                seq: 5,
                kind: Kind(7),
                time: 9,
                ext: [1, 2, 3, 4],
                truncated: len == 9,
                payload: vec![3; len],
            };
            let mut bytes = Vec::new();
            write_event(&mut bytes, &event).unwrap();
            assert_eq!(bytes.len() % 8, 0);
            let mut recording = Recording(&bytes[..]);
            assert_eq!(recording.next().unwrap(), Some(Entry::Event(event)));
            assert_eq!(recording.next().unwrap(), None);
            for cut in 1..bytes.len() {
                assert!(Recording(&bytes[..cut]).next().is_err());
            }
        }
    }
}
