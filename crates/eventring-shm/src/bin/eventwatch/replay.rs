//! Files into rings.

use crate::record::{Entry, Recording, spinner};
use crate::{Outcome, of};
use eventring::Start;
use eventring_shm::{ContentType, Event, EventRing, OpenError, Publisher, resolve};
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// A recording or a snapshot
    file: PathBuf,
    /// The ring, which is made if there is none
    name: PathBuf,
    /// So many times as fast as it was recorded; 0: as fast as it goes
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Close the ring at the end
    #[arg(long)]
    close: bool,
}

impl Replay {
    pub(crate) fn run(self) -> Outcome {
        if !(self.speed >= 0.0 && self.speed.is_finite()) {
            return Err("the speed has to be a number from 0 on".into());
        }
        match Recording::open(&self.file).map_err(of(&self.file))? {
            Some(mut recording) => {
                let publisher = self.publisher(None)?;
                self.replay(publisher, || {
                    loop {
                        match recording.next().map_err(of(&self.file))? {
                            Some(Entry::Event(event)) => return Ok(Some(event)),
                            Some(Entry::Missed) => {}
                            None => return Ok(None),
                        }
                    }
                })
            }
            None => {
                let snapshot = EventRing::open_snapshot(&self.file).map_err(of(&self.file))?;
                let publisher = self.publisher(Some(&snapshot))?;
                let mut receiver = snapshot.subscribe(Start::Oldest);
                self.replay(publisher, || Ok(receiver.recv_blocking()))
            }
        }
    }

    /// Of the ring of that name; of a new one like the snapshot's, if there is none.
    fn publisher(&self, like: Option<&EventRing>) -> Result<Publisher, Box<dyn std::error::Error>> {
        let path = resolve(&self.name);
        let ring = match EventRing::options().open_writable(&path) {
            Err(error) if error.is_not_found() => create(&path, like),
            opened => opened,
        };
        let publisher = ring.and_then(|ring| ring.publisher());
        Ok(publisher.map_err(of(&path))?)
    }

    fn replay(
        &self,
        mut publisher: Publisher,
        mut next: impl FnMut() -> Result<Option<Event>, String>,
    ) -> Outcome {
        let progress = spinner();
        let mut started: Option<(Instant, u64)> = None;
        while let Some(event) = next()? {
            let (begin, first) = *started.get_or_insert((Instant::now(), event.time));
            if self.speed > 0.0 {
                let since = Duration::from_nanos(event.time.saturating_sub(first));
                let due = begin + since.div_f64(self.speed);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            match event.ext {
                [0, 0, 0, 0] => publisher.publish(event.kind, &event.payload)?,
                ext => publisher.publish_with(event.kind, ext, &event.payload)?,
            };
            progress.inc(1);
        }
        progress.finish_and_clear();
        println!(
            "{} events into {}",
            progress.position(),
            resolve(&self.name).display()
        );
        if self.close {
            publisher.close();
        }
        Ok(())
    }
}

fn create(path: &std::path::Path, like: Option<&EventRing>) -> Result<EventRing, OpenError> {
    let builder = EventRing::builder();
    match like.map(EventRing::info) {
        Some(info) => builder
            .descriptors(info.descriptors)
            .payload(info.payload)
            .content_type(ContentType(info.content_type.0), info.schema_hash),
        None => builder,
    }
    .create(path)
}
