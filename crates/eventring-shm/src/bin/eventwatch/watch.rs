//! Events as they come, across writers and rings.

use crate::output::{json_string, line};
use crate::{Outcome, told};
use eventring::{Lagged, Start};
use eventring_shm::topics::{self, CONTENT_TYPE};
use eventring_shm::{End, EventRing, Kind, OnWriterGone, Receiver, resolve};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Which ring; waited for if there is none
    name: PathBuf,
    /// Only events of this kind (can be given more than once)
    #[arg(long)]
    kind: Vec<u16>,
    /// Only events of this topic
    #[arg(long)]
    topic: Option<String>,
    /// Start with the oldest event that is retained, not with the next one
    #[arg(long)]
    all: bool,
    /// A JSON object in each line
    #[arg(long)]
    json: bool,
    /// End after so many events
    #[arg(long)]
    count: Option<u64>,
}

impl Watch {
    pub(crate) fn run(self) -> Outcome {
        let path = resolve(&self.name);
        let (ring, waited) = open_or_wait(&path)?;
        // Who has waited for a ring wants all of it.
        let start = match self.all || waited {
            true => Start::Oldest,
            false => Start::Next,
        };
        let mut stream = self.receiver(&ring, start).with_lag();
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut left = self.count.unwrap_or(u64::MAX);
        let mut epoch = ring.writer().epoch;
        while left > 0 {
            if stream.get_ref().is_empty() {
                out.flush()?;
            }
            match stream.next_blocking() {
                Some(Ok(event)) => {
                    let ring = stream.get_ref().event_ring();
                    let now = ring.writer();
                    if std::mem::replace(&mut epoch, now.epoch) != now.epoch {
                        self.note(&mut out, &format!("process {} writes now", now.pid))?;
                    }
                    let content = ring.info().content_type;
                    let event = event.borrow();
                    if self.is_of_topic(event, content) {
                        writeln!(out, "{}", line(event, content, self.json))?;
                        left -= 1;
                    }
                }
                Some(Err(Lagged(missed))) => self.note(&mut out, &format!("missed {missed}"))?,
                None => match stream.get_ref().end() {
                    Some(End::WriterGone) => {
                        self.note(&mut out, "nobody writes; waiting for the next writer")?;
                    }
                    Some(End::Replaced) => {
                        self.note(&mut out, "another ring has taken the name")?;
                        out.flush()?;
                        stream.get_mut().reattach_blocking()?;
                        epoch = 0;
                    }
                    Some(End::Closed) | None => {
                        self.note(&mut out, "closed")?;
                        break;
                    }
                    Some(end) => return Err(end.into()),
                },
            }
        }
        out.flush()?;
        Ok(())
    }

    fn receiver(&self, ring: &EventRing, start: Start) -> Receiver {
        let kinds = self.kind.clone();
        ring.subscribe(start)
            .on_writer_gone(OnWriterGone::Tell)
            .filter(move |event| {
                kinds.is_empty() || kinds.iter().any(|kind| Kind(*kind) == event.kind)
            })
    }

    fn is_of_topic(
        &self,
        event: eventring_shm::EventRef<'_>,
        content: eventring_shm::ContentType,
    ) -> bool {
        let Some(topic) = &self.topic else {
            return true;
        };
        content == CONTENT_TYPE && topics::decode(event).is_some_and(|event| event.topic == *topic)
    }

    /// What is no event.
    fn note(&self, out: &mut impl Write, text: &str) -> std::io::Result<()> {
        match self.json {
            true => writeln!(out, "{{\"note\":{}}}", json_string(text))?,
            false => writeln!(out, "-- {text}")?,
        }
        out.flush()
    }
}

/// Whether it had to be waited for, too.
fn open_or_wait(path: &Path) -> Result<(EventRing, bool), String> {
    match EventRing::open(path) {
        Err(error) if error.is_not_found() => {
            eprintln!("eventwatch: waiting for {}", path.display());
            EventRing::wait_for_blocking(path, None)
                .map(|ring| (ring, true))
                .map_err(|error| told(path, &error))
        }
        opened => opened
            .map(|ring| (ring, false))
            .map_err(|error| told(path, &error)),
    }
}
