//! Files that are not what they should be, and writers that do not keep to the protocol.

mod scribble;

use eventring::Start;
use eventring_shm::{
    Access, End, EventReader, EventRing, Kind, NextResult, OpenError, TryRecvError,
};
use proptest::prelude::*;
use std::fs::{File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("ring");
    (home, path)
}

fn small() -> eventring_shm::Builder {
    EventRing::builder().descriptors(8).payload(4096)
}

fn values() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..64u64,
        (0..64u32).prop_map(|bit| 1 << bit),
        (0..64u32).prop_map(|bit| (1 << bit) - 1),
        (0..4096u64).prop_map(|length| length << 32),
        Just(u64::MAX),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_that_say_anything(scribbles in prop::collection::vec((0..200u16, values()), 0..6)) {
        let (_home, path) = home();
        scribble::make(&path, &scribbles);
        scribble::look(&path);
        scribble::go_on(&path);
    }

    #[test]
    fn files_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 0..9000usize) {
        let (_home, path) = home();
        std::fs::write(&path, &bytes).unwrap();
        scribble::look(&path);
        std::fs::remove_file(&path).unwrap();
        scribble::make(&path, &[]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..cut.min(whole.len() - 1)]).unwrap();
        assert!(EventRing::open(&path).is_err());
        scribble::look(&path);
    }
}

/// A writer that writes anything anywhere while others read: they get wrong data or errors, no more.
#[test]
fn scribbling_while_others_read() {
    let (_home, path) = home();
    scribble::make(&path, &[]);
    let file = File::options().write(true).open(&path).unwrap();
    let ring = EventRing::open(&path).unwrap();
    let words = ring.info().file_len / 8;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut state = 0x9e37_79b9_7f4a_7c15u64;
            while !stop.load(Ordering::Relaxed) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let word = 32 + state % (words - 32);
                let value = if state % 3 == 0 {
                    state >> 20
                } else {
                    state % 64
                };
                file.write_all_at(&value.to_ne_bytes(), word * 8).unwrap();
            }
        });
        let mut reader = EventReader::new(&ring);
        for round in 0..200_000u64 {
            if round % 64 == 0 {
                reader.seek(Start::Last(round % 16));
            }
            if let NextResult::Ready(event) = reader.next_descriptor() {
                assert!(event.payload().len() <= 1024);
                let _ = event.payload().to_vec();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_corrupt_descriptor_ends_a_receiver() {
    let (_home, path) = home();
    small()
        .create(&path)
        .unwrap()
        .publisher()
        .unwrap()
        .publish(Kind(1), b"event")
        .unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&(1u64 << 63).to_ne_bytes(), 4096 + 8)
        .unwrap();
    let mut receiver = EventRing::open(&path).unwrap().subscribe(Start::Oldest);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert!(matches!(receiver.end(), Some(End::Corrupt(_))));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_longer_payload_than_the_limit_is_not_believed() {
    let (_home, path) = home();
    small()
        .create(&path)
        .unwrap()
        .publisher()
        .unwrap()
        .publish(Kind(1), &[0; 500])
        .unwrap();
    let ring = EventRing::options().payload_limit(499).open(&path).unwrap();
    assert_eq!(
        ring.subscribe(Start::Oldest).try_recv(),
        Err(TryRecvError::Closed)
    );
    let ring = EventRing::options().payload_limit(500).open(&path).unwrap();
    assert!(ring.subscribe(Start::Oldest).try_recv().is_ok());
}

#[test]
fn links_directories_and_sockets() {
    let (home, path) = home();
    small().create(&path).unwrap();
    let link = home.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(EventRing::open(&link), Err(OpenError::Io { .. })));
    assert!(small().create_or_recover(&link).is_err());
    assert!(matches!(
        EventRing::open(home.path()),
        Err(OpenError::NotAFile)
    ));
    let socket = home.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(EventRing::open(&socket).is_err());
    assert!(EventRing::open("/dev/null").is_err());
}

#[test]
fn files_that_others_may_write() {
    let (_home, path) = home();
    small().create(&path).unwrap();
    for (mode, refused) in [(0o666, true), (0o602, true), (0o660, true), (0o644, false)] {
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match EventRing::open(&path) {
            Err(OpenError::Mode(found)) => assert!(refused && found == mode),
            opened => assert!(!refused && opened.is_ok(), "{mode:o}"),
        }
    }
    let gid = rustix_gid(&path);
    std::fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    assert!(EventRing::options().trust_group(gid).open(&path).is_ok());
}

fn rustix_gid(path: &std::path::Path) -> u32 {
    std::os::unix::fs::MetadataExt::gid(&path.metadata().unwrap())
}

/// Only root can make such files, as whom CI runs.
#[test]
fn files_of_somebody_else() {
    let (home, path) = home();
    small().create(&path).unwrap();
    let stranger = 54_321;
    if std::os::unix::fs::chown(&path, Some(stranger), None).is_err() {
        return;
    }
    assert!(matches!(
        EventRing::open(&path),
        Err(OpenError::Owner(54_321))
    ));
    assert!(matches!(
        small().create_or_recover(&path),
        Err(OpenError::Owner(_))
    ));
    assert!(matches!(small().replace(&path), Err(OpenError::Owner(_))));
    assert!(
        EventRing::options()
            .trust_owner(stranger)
            .open(&path)
            .is_ok()
    );

    // A foreign bell.
    let path = home.path().join("other");
    small().create(&path).unwrap();
    let bell = home.path().join("other.bell");
    std::os::unix::fs::chown(&bell, Some(stranger), None).unwrap();
    assert!(matches!(EventRing::open(&path), Err(OpenError::Bell(_))));
    assert!(matches!(
        small().create_or_recover(&path),
        Err(OpenError::Bell(_))
    ));
}

#[test]
fn access_modes() {
    let (home, path) = home();
    let mode = |name: &str| {
        let metadata = home.path().join(name).metadata().unwrap();
        metadata.permissions().mode() & 0o777
    };
    let gid = rustix_gid(home.path());
    for (access, ring, bell) in [
        (Access::OwnerOnly, 0o600, 0o600),
        (Access::GroupRead { gid }, 0o640, 0o640),
        (Access::GroupWake { gid }, 0o640, 0o660),
        (Access::GroupReadWrite { gid }, 0o660, 0o660),
    ] {
        small().access(access).replace(&path).unwrap();
        assert_eq!(
            (mode("ring"), mode("ring.bell")),
            (ring, bell),
            "{access:?}"
        );
    }
}

/// A reader that must not write the bell looks at it now and then.
#[test]
fn without_a_bell() {
    let (_home, path) = home();
    let ring = small().create(&path).unwrap();
    let mut publisher = ring.publisher().unwrap();
    let silent = EventRing::mmap_from_file(&File::open(&path).unwrap()).unwrap();
    let (mut task, mut thread) = (silent.subscribe(Start::Next), silent.subscribe(Start::Next));
    let task = std::thread::spawn(move || futures::executor::block_on(task.recv()).unwrap().seq);
    let thread = std::thread::spawn(move || thread.recv_blocking().unwrap().seq);
    // Whenever they look: an event is there.
    publisher.publish(Kind(1), b"event").unwrap();
    assert_eq!((task.join().unwrap(), thread.join().unwrap()), (0, 0));
}

#[test]
fn no_memory_is_an_error_and_leaves_nothing() {
    let home = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = home.path().join("ring");
    let error = EventRing::builder()
        .payload(1 << 40)
        .create(&path)
        .unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    let left: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["ring.bell"]);
}

#[test]
fn sealed_memory() {
    let ring = small().memfd("sealed").unwrap();
    ring.publisher()
        .unwrap()
        .publish(Kind(1), b"event")
        .unwrap();
    let (file, bell) = ring.fds();
    let file = file.try_clone_to_owned().unwrap();
    // Nobody can truncate it: not even we.
    assert!(File::from(file.try_clone().unwrap()).set_len(0).is_err());
    // It may be of anybody. (Only root can give it away.)
    let _ = std::os::unix::fs::fchown(&file, Some(54_321), None);
    let bell = bell.unwrap().try_clone_to_owned().unwrap();
    let other = EventRing::from_fds(file, Some(bell)).unwrap();
    assert_eq!(
        other.subscribe(Start::Oldest).try_recv().unwrap().payload,
        b"event"
    );
    assert!(other.publisher().is_ok());
}

/// What is not sealed is as trusted as a file.
#[test]
fn unsealed_memory() {
    let (_home, path) = home();
    small().create(&path).unwrap();
    let copy = || {
        let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
        let copy = File::from(rustix::fs::memfd_create("copy", flags).unwrap());
        copy.write_all_at(&std::fs::read(&path).unwrap(), 0)
            .unwrap();
        copy.set_permissions(Permissions::from_mode(0o600)).unwrap();
        copy
    };
    let mine = EventRing::from_fds(copy().into(), None).unwrap();
    assert!(mine.publisher().is_ok());
    let theirs = copy();
    if std::os::unix::fs::fchown(&theirs, Some(54_321), None).is_err() {
        return;
    }
    let half = rustix::fs::SealFlags::SHRINK;
    rustix::fs::fcntl_add_seals(&theirs, half).unwrap();
    let again = theirs.try_clone().unwrap();
    let opened = EventRing::from_fds(again.into(), None);
    assert!(
        matches!(opened, Err(OpenError::Owner(54_321))),
        "{opened:?}"
    );
    let rest = rustix::fs::SealFlags::GROW | rustix::fs::SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&theirs, rest).unwrap();
    assert!(EventRing::from_fds(theirs.into(), None).is_ok());
}
