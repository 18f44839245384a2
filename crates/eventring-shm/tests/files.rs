//! Rings as files: made, waited for, recovered, replaced; what they are of, and what is none.

use eventring::Start;
use eventring_shm::{ContentType, End, EventRing, Kind, OpenError, Origin};
use std::path::PathBuf;
use std::time::Duration;

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
    (home, path)
}

#[test]
fn files_are_made_recovered_and_replaced() {
    let (_home, path) = home();
    let small = || EventRing::builder().descriptors(4).payload(4096);
    let ring = small().create_or_recover(&path).unwrap();
    assert_eq!(ring.origin(), Origin::Created);
    assert!(small().create(&path).is_err());
    let mut receiver = EventRing::open(&path).unwrap().subscribe(Start::Oldest);
    let mut publisher = ring.publisher().unwrap();
    publisher.publish(Kind(1), b"one").unwrap();
    let other = small().create_or_recover(&path).unwrap();
    assert!(
        matches!(other.publisher(), Err(OpenError::WriterExists { pid }) if pid == std::process::id())
    );
    assert!(matches!(other.join(), Err(OpenError::WriterExists { .. })));
    let bigger = || EventRing::builder().descriptors(8).payload(4096);
    assert!(matches!(
        bigger().create_or_recover(&path),
        Err(OpenError::WriterExists { .. })
    ));
    drop(publisher);

    let recovered = small().create_or_recover(&path).unwrap();
    assert_eq!(recovered.origin(), Origin::Recovered);
    recovered
        .publisher()
        .unwrap()
        .publish(Kind(1), b"two")
        .unwrap();

    let replaced = bigger().create_or_recover(&path).unwrap();
    assert_eq!(replaced.origin(), Origin::Replaced);
    assert!(matches!(recovered.publisher(), Err(OpenError::Replaced)));
    replaced
        .publisher()
        .unwrap()
        .publish(Kind(1), b"three")
        .unwrap();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"one");
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"two");
    assert_eq!(receiver.recv_blocking(), None);
    assert_eq!(receiver.end(), Some(End::Replaced));
    futures::executor::block_on(receiver.reattach()).unwrap();
    assert_eq!(receiver.recv_blocking().unwrap().payload, b"three");
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2
    );
}

#[test]
fn who_waits_for_a_ring() {
    let (_home, path) = home();
    let none = EventRing::wait_for_blocking(&path, Some(Duration::ZERO));
    assert!(none.unwrap_err().is_not_found());
    let path = &path;
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || EventRing::wait_for_blocking(path, None).unwrap().info());
        let info = EventRing::builder().create(path).unwrap().info();
        assert_eq!(waits.join().unwrap(), info);
    });
}

#[test]
fn a_file_that_is_no_ring_stays() {
    let (_home, path) = home();
    std::fs::write(&path, "somebody's").unwrap();
    assert!(matches!(
        EventRing::builder().create_or_recover(&path),
        Err(OpenError::NotARing)
    ));
    assert!(matches!(
        EventRing::builder().replace(&path),
        Err(OpenError::NotARing)
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody's");
}

#[test]
fn content_types() {
    let ring = EventRing::builder()
        .content_type(ContentType(7), [1; 32])
        .memfd("t")
        .unwrap();
    ring.check_content_type(ContentType(7), &[1; 32]).unwrap();
    for (content_type, hash) in [(7, [2; 32]), (8, [1; 32])] {
        let error = ring
            .check_content_type(ContentType(content_type), &hash)
            .unwrap_err();
        assert!(matches!(error, OpenError::Content { found: 7, .. }));
    }
}

#[test]
fn sizes_that_no_ring_has() {
    for (descriptors, payload) in [
        (1, 4096),
        (3, 4096),
        (2, 2048),
        (2, 4097),
        (0, 0),
        (1 << 63, 1 << 63),
    ] {
        let builder = EventRing::builder()
            .descriptors(descriptors)
            .payload(payload);
        assert!(matches!(builder.memfd("none"), Err(OpenError::Geometry)));
    }
}
