//! `ringfire`: records of one type.

use super::{Link, Side, both, names};
use crate::Message;
use ringfire::{FutexWait, RingConsumer, RingConsumerBuilder, RingProducer};
use std::path::{Path, PathBuf};

fn attach(path: &Path) -> RingConsumer<Message> {
    RingConsumerBuilder::new()
        .start_from_oldest()
        .attach(path)
        .unwrap()
}

struct Ring {
    producer: RingProducer<Message>,
    consumer: Option<RingConsumer<Message>>,
    back: PathBuf,
    wait: Option<FutexWait>,
}

pub(super) fn spinning(side: Side, base: &Path) -> Box<dyn Link> {
    open(side, base, None)
}

pub(super) fn futex(side: Side, base: &Path) -> Box<dyn Link> {
    open(side, base, Some(FutexWait::new(0, None)))
}

fn open(side: Side, base: &Path, wait: Option<FutexWait>) -> Box<dyn Link> {
    let make = |path: &Path| RingProducer::create(path, 1024).unwrap();
    let (producer, consumer) = both(side, base, make, attach);
    let back = names(base).1;
    Box::new(Ring {
        producer,
        consumer,
        back,
        wait,
    })
}

impl Link for Ring {
    fn send(&mut self, message: &Message) {
        self.producer.push(message);
    }

    fn receive(&mut self) -> Message {
        let consumer = self.consumer.as_mut().expect("they have met");
        match &mut self.wait {
            Some(wait) => consumer.recv_blocking(wait),
            None => loop {
                match consumer.try_recv() {
                    Some(message) => return message,
                    None => std::hint::spin_loop(),
                }
            },
        }
    }

    fn meet(&mut self) {
        self.consumer = Some(attach(&self.back));
    }
}
