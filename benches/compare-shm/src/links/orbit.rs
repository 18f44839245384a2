//! `orbit-core`: a fleet for each direction.

use super::{Link, Side, both, names};
use crate::Message;
use bytes::Bytes;
use orbit_core::ring::cursor::RingCursor;
use orbit_core::{Fleet, OrbitTyped, RingSpec};
use std::path::{Path, PathBuf};
use tokio::io::unix::AsyncFd;
use tokio::runtime::Runtime;

#[derive(Clone)]
struct Messages;

impl OrbitTyped for Messages {
    const KIND: u8 = 12;
    const RING_SPEC: RingSpec = RingSpec::new(1024, 64);
}

fn join(path: &Path) -> Fleet {
    // Names of shared memory are short.
    let name: u64 = path.to_str().unwrap().bytes().fold(7, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Fleet::join_shm(&format!("cmp{:08x}", name as u32), 2).unwrap()
}

struct Ring {
    sender: Fleet,
    receiver: Option<(Fleet, RingCursor)>,
    back: PathBuf,
    task: Option<(Runtime, Option<AsyncFd<orbit_core::ParkedRingEventFd>>)>,
}

fn attach(path: &Path) -> (Fleet, RingCursor) {
    (join(path), RingCursor::from_counter(0))
}

pub(super) fn spinning(side: Side, base: &Path) -> Box<dyn Link> {
    let (sender, receiver) = both(side, base, join, attach);
    let back = names(base).1;
    Box::new(Ring {
        sender,
        receiver,
        back,
        task: None,
    })
}

pub(super) fn task(side: Side, base: &Path) -> Box<dyn Link> {
    let (sender, receiver) = both(side, base, join, attach);
    let back = names(base).1;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut ring = Ring {
        sender,
        receiver,
        back,
        task: Some((runtime, None)),
    };
    ring.listen();
    Box::new(ring)
}

impl Ring {
    fn listen(&mut self) {
        if let (Some((runtime, ready)), Some((fleet, _))) = (&mut self.task, &self.receiver) {
            let _inside = runtime.enter();
            let signal = fleet.ring_event_fd_parked::<Messages>().unwrap();
            // SAFETY: Its descriptor is its own, the same all its life, and open as long as it lives.
            *ready = Some(unsafe { AsyncFd::register(signal) }.unwrap());
        }
    }

    fn poll(&mut self) -> Option<Message> {
        let (fleet, cursor) = self.receiver.as_mut().expect("they have met");
        let poll = fleet.poll_ring::<Messages>(cursor);
        let frame = poll.frames.first()?;
        Some(Message::try_from(&frame.payload[..]).unwrap())
    }
}

impl Link for Ring {
    fn send(&mut self, message: &Message) {
        let payload = Bytes::copy_from_slice(message);
        match self.task {
            Some(_) => drop(
                self.sender
                    .publish_notified_parked::<Messages>(0, 0, payload)
                    .unwrap(),
            ),
            None => drop(self.sender.publish::<Messages>(0, 0, payload)),
        }
    }

    fn receive(&mut self) -> Message {
        loop {
            if let Some(message) = self.poll() {
                return message;
            }
            match &self.task {
                None => std::hint::spin_loop(),
                Some((runtime, ready)) => runtime.block_on(async {
                    let ready = ready.as_ref().expect("they have met");
                    let mut guard = ready.readable().await.unwrap();
                    ready.get_ref().drain().unwrap();
                    guard.clear_ready();
                }),
            }
        }
    }

    fn meet(&mut self) {
        self.receiver = Some(attach(&self.back));
        self.listen();
    }
}
