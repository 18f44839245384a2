//! Everything at once: the server under load, killed at random, its disk full, its database locked, its viewers
//! stalled; round after round on one database, which is checked after each.
//!
//! `AUDIT_SERVER_FAULT_ROUNDS` says how many (3), `AUDIT_SERVER_FAULT_SEED` repeats the choices of a run,
//! `AUDIT_SERVER_FAULT_KEEP` is where the database is copied to in the end.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod load;
mod random;

use common::{Home, Server, sequences, watched};
use disk::Disk;
use eventring_log::{Log, Options, Raw};
use load::{Claims, Load};
use random::{Random, number};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Little enough that requests are refused, and viewers lapped.
const ARGS: [&str; 5] = ["--durable", "--capacity", "16", "--max-wait", "200ms"];

/// What is done to the server while it works.
#[derive(Debug)]
enum Fault {
    Locked,
    Full,
    /// A viewer comes and does not read.
    Stalled,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_as_stored_is_there() {
    let seed = number("AUDIT_SERVER_FAULT_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let rounds = number("AUDIT_SERVER_FAULT_ROUNDS").unwrap_or(3);
    println!("AUDIT_SERVER_FAULT_SEED={seed}");
    let mut random = Random::new(seed);
    let home = Home::new();
    let disk = Disk::new(&home);
    let mut totals = Claims::default();
    for round in 0..rounds {
        println!("round {round}");
        let stored = checked(&home, &Claims::default());
        let server = Arc::new(disk.start(&home, &ARGS));
        let claims = watched(one_round(&home, &disk, server, &mut random, stored)).await;
        checked(&home, &claims);
        totals.add(claims);
    }
    println!(
        "{rounds} rounds: {} events, {} answered as stored, {} shown as stored, {} refused, {} late",
        checked(&home, &Claims::default()),
        totals.answered.len(),
        totals.shown.len(),
        totals.refused,
        totals.late.len(),
    );
    if let Some(path) = std::env::var_os("AUDIT_SERVER_FAULT_KEEP") {
        std::fs::copy(home.database(), path).unwrap();
    }
}

/// One life of the server, which goes on from so many events: to its death, or its orderly end.
async fn one_round(
    home: &Home,
    disk: &Disk,
    server: Arc<Server>,
    random: &mut Random,
    stored: u64,
) -> Claims {
    let load = Load::start(&server, stored).await;
    let mut stalled = vec![server.stall().await];
    let faults = 1 + random.below(3);
    let killed_by = (random.below(4) > 0).then_some(faults - 1);
    for fault in 0..faults {
        load.until_answered(1 + random.below(100)).await;
        let hold = Duration::from_millis(random.below(400));
        let kill = killed_by == Some(fault);
        // Within the fault, or after it.
        let within = kill && random.below(2) == 0;
        let kind = match random.below(3) {
            0 => Fault::Locked,
            1 => Fault::Full,
            _ => Fault::Stalled,
        };
        println!("{kind:?} for {hold:?}, killed: {kill}, within: {within}");
        let lock = matches!(kind, Fault::Locked).then(|| home.lock());
        match kind {
            Fault::Locked => {}
            Fault::Full => disk.fill(&server),
            Fault::Stalled => stalled.push(server.stall().await),
        }
        sleep(hold).await; // How long it is so; nothing is expected of it.
        if within {
            server.kill_now();
        }
        drop(lock);
        disk.free(&server);
        if kill && !within {
            load.until_answered(1 + random.below(100)).await;
            server.kill_now();
        }
    }
    let ends = killed_by.is_none();
    if ends {
        server.terminate();
    }
    let claims = load.ended().await;
    let server = Arc::into_inner(server).expect("nobody else has it");
    let (code, said) = server.ended().await;
    assert_eq!(code, ends.then_some(0), "{said}");
    if ends {
        // An orderly end stores what was answered late, too.
        let stored = checked(home, &claims);
        assert!(claims.late.iter().all(|sequence| *sequence < stored));
    }
    claims
}

/// The log has no holes, its chain verifies, and what was said to be stored is there. How many events that is.
fn checked(home: &Home, claims: &Claims) -> u64 {
    if !home.database().exists() {
        return 0;
    }
    let rows = home.rows();
    let stored = rows.len() as u64;
    assert!(sequences(&rows).into_iter().eq(0..stored), "a hole");
    let log = Log::<Raw>::open(home.database(), Options::new().read_only()).unwrap();
    assert_eq!(log.verify(..).unwrap(), log.head().unwrap());
    for claim in claims.answered.iter().chain(&claims.shown) {
        let there = rows.get(claim.sequence as usize);
        assert_eq!(there, Some(claim), "it was said to be stored");
    }
    stored
}
