//! What was done to a log by who can write its file, and whether it shows.

use crate::common::{Numbers, bus, fill, home, open};
use eventring_log::{Broken, Error, Head, Options};
use rusqlite::Connection;
use std::path::Path;

const EVENTS: u64 = 2000; // several pages

/// A log with some events that somebody meddled with.
fn meddled(meddle: &str) -> (tempfile::TempDir, Numbers) {
    let (home, path) = home();
    fill(&open(&path), EVENTS);
    run(&path, meddle);
    (home, open(&path))
}

fn run(path: &Path, script: &str) {
    Connection::open(path)
        .unwrap()
        .execute_batch(script)
        .unwrap();
}

#[track_caller]
fn assert_broken<T: std::fmt::Debug>(result: Result<T, Error>, expected: Broken) {
    match result {
        Err(Error::Broken(broken)) => assert_eq!(broken, expected),
        other => panic!("{other:?}"),
    }
}

/// The head that the log had before anybody came to it.
fn kept() -> Head {
    let events = (0..EVENTS).map(|sequence| (10 * sequence).to_string());
    let head = events.fold(Head::START, |head, event| head.then(event.as_bytes()));
    assert_eq!(head.next, EVENTS);
    head
}

#[test]
fn untouched() {
    let (_home, log) = meddled("");
    assert_eq!(log.verify(..).unwrap(), kept());
    assert_eq!(log.verify(700..=900).unwrap().next, 901);
    assert_eq!(log.verify(EVENTS..).unwrap(), kept());
    log.verify_head(&kept()).unwrap();
    log.verify_head(&Head::START).unwrap();
    log.verify_head(&log.verify(..1).unwrap()).unwrap();
}

#[test]
fn changed() {
    let (_home, log) = meddled("UPDATE entry SET bytes = x'37' WHERE sequence = 777");
    let changed = Broken::Changed { sequence: 777 };
    assert_broken(log.verify(..), changed);
    assert_broken(log.verify(777..=777), changed);
    log.verify(778..).unwrap();
    log.verify(..777).unwrap();
    let trimmed = log.trim(1000);
    assert_broken(trimmed, changed); // what is wrong stays
    assert_eq!(log.extent().unwrap().anchor, Head::START);
}

#[test]
fn a_hash_changed_or_taken_away() {
    for hash in ["zeroblob(32)", "x'00'", "NULL"] {
        let meddle = format!("UPDATE entry SET hash = {hash} WHERE sequence = 777");
        let (_home, log) = meddled(&meddle);
        let sequence = 777;
        assert_broken(log.verify(..), Broken::Changed { sequence });
    }
}

#[test]
fn changed_together_with_its_hash() {
    let (home, log) = meddled("");
    let before = log.verify(..777).unwrap();
    let forged: String = before.then(b"7").to_string();
    let hash = forged.split_once(':').unwrap().1;
    let meddle = format!("UPDATE entry SET bytes = x'37', hash = x'{hash}' WHERE sequence = 777");
    run(&home.path().join("events.db"), &meddle);
    assert_broken(log.verify(..), Broken::Changed { sequence: 778 });
}

#[test]
fn removed() {
    let (_home, log) = meddled("DELETE FROM entry WHERE sequence BETWEEN 777 AND 999");
    let missing = Broken::Missing { sequence: 777 };
    assert_broken(log.verify(..), missing);
    assert_broken(log.verify(777..778), missing);
    assert_broken(log.verify(800..), Broken::Missing { sequence: 799 });
    let (_home, log) = meddled("DELETE FROM entry WHERE sequence = 0");
    assert_broken(log.verify(..), Broken::Missing { sequence: 0 });
}

#[test]
fn removed_and_the_others_moved_up() {
    let (_home, log) = meddled(
        "DELETE FROM entry WHERE sequence = 777;
         UPDATE entry SET sequence = -sequence WHERE sequence > 777;
         UPDATE entry SET sequence = -sequence - 1 WHERE sequence < 0;",
    );
    assert_broken(log.verify(..), Broken::Changed { sequence: 777 });
}

#[test]
fn swapped() {
    let (_home, log) = meddled(
        "UPDATE entry SET sequence = -1 WHERE sequence = 777;
         UPDATE entry SET sequence = 777 WHERE sequence = 778;
         UPDATE entry SET sequence = 778 WHERE sequence = -1;",
    );
    assert_broken(log.verify(..), Broken::Changed { sequence: 777 });
}

/// It is in itself right, so that only a head that was kept shows it.
#[test]
fn the_end_cut_off() {
    let (_home, log) = meddled("DELETE FROM entry WHERE sequence >= 1500");
    log.verify(..).unwrap();
    let sequence = 1500;
    assert_broken(log.verify_head(&kept()), Broken::CutOff { sequence });
    assert_broken(log.verify(..EVENTS), Broken::Missing { sequence });
    // Others in their place.
    let other = bus(&log, 64);
    let attached = log.attach(&other).unwrap();
    other.publish_many_blocking(&mut vec![7; 600]).unwrap();
    other.close();
    attached.join().unwrap();
    log.verify(..).unwrap();
    assert_broken(log.verify_head(&kept()), Broken::Rewritten { next: EVENTS });
}

/// All hashes made anew: only a head that was kept shows it.
#[test]
fn rewritten() {
    let (home, path) = home();
    fill(&open(&path), EVENTS);
    let kept = open(&path).head().unwrap();
    let connection = Connection::open(&path).unwrap();
    let mut head = open(&path).verify(..777).unwrap();
    for sequence in 777..EVENTS {
        let event = (10 * sequence + u64::from(sequence == 777)).to_string();
        head = head.then(event.as_bytes());
        let update = "UPDATE entry SET bytes = ?, hash = ? WHERE sequence = ?";
        let values = (event.as_bytes(), head.hash, sequence as i64);
        connection.execute(update, values).unwrap();
    }
    let log = open(&path);
    log.verify(..).unwrap();
    assert_broken(log.verify_head(&kept), Broken::Rewritten { next: EVENTS });
    drop(home);
}

#[test]
fn trimmed() {
    let (_home, path) = home();
    fill(&open(&path), EVENTS);
    let log = open(&path);
    let (kept_early, kept_late) = (log.verify(..10).unwrap(), log.verify(..777).unwrap());
    let anchor = log.trim(500).unwrap();
    assert_eq!(anchor.next, 500);
    assert_eq!(log.verify(..).unwrap(), kept());
    log.verify_head(&anchor).unwrap();
    log.verify_head(&kept_late).unwrap();
    let gone = |error| matches!(error, Error::Trimmed { first: 500 });
    assert!(gone(log.verify_head(&kept_early).unwrap_err()));
    assert!(gone(log.verify(499..).unwrap_err()));
    assert_eq!(log.read(0..u64::MAX).next().unwrap().unwrap(), (500, 5000));
    assert_eq!(log.trim(3).unwrap(), anchor);
    // All of it: numbers and hashes go on.
    assert_eq!(log.trim(u64::MAX).unwrap(), kept());
    drop(log);
    let log = open(&path);
    assert_eq!(log.next(), EVENTS);
    fill(&log, 1);
    assert_eq!(log.verify(..).unwrap(), kept().then(b"20000"));
    // Somebody lies about what was trimmed.
    run(&path, "UPDATE log SET anchor = zeroblob(32)");
    assert_broken(log.verify(..), Broken::Changed { sequence: EVENTS });
}

/// Without hashes, only what is missing shows.
#[test]
fn without_hashes() {
    let (_home, path) = home();
    let log = Numbers::open(&path, Options::new()).unwrap();
    fill(&log, 20);
    run(&path, "UPDATE entry SET bytes = x'37' WHERE sequence = 7");
    log.verify(..).unwrap();
    assert!(matches!(
        log.verify_head(&Head::START),
        Err(Error::NotChained)
    ));
    run(&path, "DELETE FROM entry WHERE sequence = 7");
    assert_broken(log.verify(..), Broken::Missing { sequence: 7 });
    assert_broken(log.trim(10), Broken::Missing { sequence: 7 });
}
