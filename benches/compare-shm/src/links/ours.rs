//! This crate.

use super::{Link, Side, both, names};
use crate::Message;
use eventring::Start;
use eventring_shm::{Clock, EventReader, EventRing, Kind, NextResult, Publisher, Receiver};
use std::path::{Path, PathBuf};

fn make(path: &Path) -> Publisher {
    let builder = EventRing::builder().descriptors(1024).payload(1 << 16);
    builder
        .create_or_recover(path)
        .unwrap()
        .publisher()
        .unwrap()
}

fn attach(path: &Path) -> EventRing {
    EventRing::open(path).unwrap()
}

/// A reader that lives as long as its ring, which lives as long as the process.
fn reader(ring: EventRing) -> EventReader<'static> {
    let mut reader = EventReader::new(Box::leak(Box::new(ring)));
    reader.seek(Start::Oldest);
    reader
}

struct Spinning {
    publisher: Publisher,
    reader: Option<EventReader<'static>>,
    back: PathBuf,
    /// How much of a message is sent; the rest follows from that.
    len: usize,
}

pub(super) fn spinning(side: Side, base: &Path) -> Box<dyn Link> {
    open(side, base, Clock::Precise, 64)
}

pub(super) fn without_clock(side: Side, base: &Path) -> Box<dyn Link> {
    open(side, base, Clock::Off, 64)
}

pub(super) fn coarse_clock(side: Side, base: &Path) -> Box<dyn Link> {
    open(side, base, Clock::Coarse, 64)
}

/// As much as fits into a descriptor.
pub(super) fn inline(side: Side, base: &Path) -> Box<dyn Link> {
    open(side, base, Clock::Off, 32)
}

fn open(side: Side, base: &Path, clock: Clock, len: usize) -> Box<dyn Link> {
    let (mut publisher, reader) = both(side, base, make, |path| reader(attach(path)));
    publisher.set_clock(clock);
    let back = names(base).1;
    Box::new(Spinning {
        publisher,
        reader,
        back,
        len,
    })
}

impl Link for Spinning {
    fn send(&mut self, message: &Message) {
        let sent = &message[..self.len];
        self.publisher.publish(Kind(1), sent).unwrap();
    }

    fn receive(&mut self) -> Message {
        let reader = self.reader.as_mut().expect("they have met");
        loop {
            match reader.next_descriptor() {
                NextResult::Ready(event) => {
                    let mut message = [0; 64];
                    event.payload().copy_to(&mut message[..self.len]).unwrap();
                    let rest = message[self.len - 1];
                    message[self.len..].fill(rest);
                    return message;
                }
                NextResult::NotReady => std::hint::spin_loop(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn meet(&mut self) {
        self.reader = Some(reader(attach(&self.back)));
    }
}

struct Sleeping {
    publisher: Publisher,
    receiver: Option<Receiver>,
    back: PathBuf,
    /// For a task; a thread blocks.
    runtime: Option<tokio::runtime::Runtime>,
}

fn receiver(path: &Path) -> Receiver {
    attach(path).subscribe(Start::Oldest)
}

pub(super) fn blocking(side: Side, base: &Path) -> Box<dyn Link> {
    let (publisher, receiver) = both(side, base, make, receiver);
    let back = names(base).1;
    Box::new(Sleeping {
        publisher,
        receiver,
        back,
        runtime: None,
    })
}

pub(super) fn task(side: Side, base: &Path) -> Box<dyn Link> {
    let (publisher, receiver) = both(side, base, make, receiver);
    let back = names(base).1;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    Box::new(Sleeping {
        publisher,
        receiver,
        back,
        runtime: Some(runtime),
    })
}

impl Link for Sleeping {
    fn send(&mut self, message: &Message) {
        self.publisher.publish(Kind(1), message).unwrap();
    }

    fn receive(&mut self) -> Message {
        let receiver = self.receiver.as_mut().expect("they have met");
        let read = |event: eventring_shm::EventRef<'_>| Message::try_from(event.payload).unwrap();
        match &self.runtime {
            Some(runtime) => runtime.block_on(receiver.recv_with(read)).unwrap(),
            None => receiver.recv_with_blocking(read).unwrap(),
        }
    }

    fn meet(&mut self) {
        self.receiver = Some(receiver(&self.back));
    }
}
