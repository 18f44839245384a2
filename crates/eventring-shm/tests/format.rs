//! `format.md`, proved by a reader in another language.

use eventring::Start;
use eventring_shm::{EventRing, Kind};
use std::process::Command;

#[test]
fn python_reads_the_same() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
    let ring = EventRing::builder()
        .descriptors(64)
        .payload(4096)
        .create(&path)
        .unwrap();
    let mut publisher = ring.publisher().unwrap();
    for number in 0..300u64 {
        let payload: Vec<u8> = (0..number * 7 % 400)
            .map(|at| (number + at) as u8)
            .collect();
        match number % 3 {
            0 => publisher.publish_with(Kind(number as u16), [number, 1, 2, u64::MAX], &payload),
            _ => publisher.publish(Kind(number as u16), &payload),
        }
        .unwrap();
    }
    let mut receiver = ring.subscribe(Start::Oldest);
    publisher.close();
    let mut expected = String::new();
    while let Some(event) = receiver.recv_blocking() {
        let hex: String = event
            .payload
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let [a, b, c, d] = event.ext;
        let (seq, kind, time) = (event.seq, event.kind.0, event.time);
        expected += &format!("{seq},{kind},{time},{a},{b},{c},{d},{hex}\n");
    }
    assert!(expected.lines().count() > 3);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reader.py");
    let read = Command::new("python3")
        .arg(script)
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    assert_eq!(String::from_utf8(read.stdout).unwrap(), expected);
}
