//! A ring whose words say anything: done to by the tests of properties, and by the fuzzer.

use eventring::Start;
use eventring_shm::{EventReader, EventRing, Kind, NextResult, TryRecvError, topics};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Words of the header, before its checksum.
const CHECKED: usize = 21;
const DESCRIPTORS: u64 = 8;

/// What to write where.
pub(crate) type Scribble = (u16, u64);

fn crc32c(bytes: &[u8]) -> u64 {
    let crc = bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    });
    u64::from(!crc)
}

/// Makes a ring, full of events, and writes over some of its words. Small numbers choose words that
/// matter; the header gets a checksum that is right.
pub(crate) fn make(path: &Path, scribbles: &[Scribble]) {
    let builder = EventRing::builder().descriptors(DESCRIPTORS).payload(4096);
    let ring = builder.create(path).unwrap();
    let mut publisher = ring.publisher().unwrap();
    for number in 0..20 {
        publisher
            .publish(Kind(number), &vec![7; usize::from(number) * 40])
            .unwrap();
    }
    drop(publisher);
    let file = File::options().read(true).write(true).open(path).unwrap();
    let words = file.metadata().unwrap().len() / 8;
    for (place, value) in scribbles {
        let word = match u64::from(*place) {
            header @ 0..32 => header,
            control @ 32..72 => control,
            descriptor @ 72..136 => 512 + descriptor - 72,
            other => other % words,
        };
        file.write_all_at(&value.to_ne_bytes(), word * 8).unwrap();
    }
    let mut header = [0; CHECKED * 8];
    file.read_exact_at(&mut header, 0).unwrap();
    file.write_all_at(&crc32c(&header).to_ne_bytes(), CHECKED as u64 * 8)
        .unwrap();
}

/// Does all that can be done to a ring. It may fail, but not panic, hang, or take much memory.
pub(crate) fn look(path: &Path) {
    for ring in [EventRing::open(path), EventRing::open_snapshot(path)]
        .into_iter()
        .flatten()
    {
        let _ = (ring.info(), ring.writer(), ring.len(), format!("{ring:?}"));
        let mut reader = EventReader::new(&ring);
        for start in [
            Start::Oldest,
            Start::Sequence(0),
            Start::Last(3),
            Start::Next,
        ] {
            reader.seek(start);
            for _ in 0..4 * DESCRIPTORS {
                match reader.next_descriptor() {
                    NextResult::Ready(event) => {
                        let payload = event.payload();
                        assert!(payload.len() <= 1 << 20);
                        let _ = payload.to_vec();
                        let _ = payload.read_pod::<[u64; 3]>();
                    }
                    NextResult::Gap { missed } => assert!(missed > 0),
                    _ => break,
                }
            }
        }
        let mut receiver = ring.subscribe(Start::Oldest).margin(2);
        for _ in 0..4 * DESCRIPTORS {
            match receiver.try_recv_with(|event| topics::decode(event).is_some()) {
                Ok(_) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for seq in 0..DESCRIPTORS {
            let _ = ring.try_copy(seq);
        }
        let copy = path.with_extension("copy");
        let _ = ring.snapshot(&copy);
        let _ = std::fs::remove_file(copy);
    }
}

/// Lets a writer go on in it. What it publishes is whole.
pub(crate) fn go_on(path: &Path) {
    let Ok(ring) = EventRing::options().open_writable(path) else {
        return;
    };
    let Ok(mut publisher) = ring.publisher() else {
        return;
    };
    for number in 0..3 * DESCRIPTORS {
        let payload = vec![number as u8; number as usize * 40];
        if let Ok(seq) = publisher.publish(Kind(1), &payload) {
            if let Ok(Some(event)) = ring.try_copy(seq) {
                assert_eq!(event.payload, payload);
            }
        }
    }
}
