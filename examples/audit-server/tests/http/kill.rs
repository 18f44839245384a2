//! `kill -9`: what is lost, exactly.

use crate::common::{Home, Row, sequences, watched};
use futures::future::join_all;
use reqwest::Method;
use rustix::process::{Signal, kill_process};
use std::sync::Mutex;

const CAPACITY: u64 = 64;

/// Kills the server in the middle of requests from several clients, and returns what was answered
/// up to then, in the order of the audit.
async fn answered_before_kill(home: &Home, args: &[&str], after: usize) -> Vec<Row> {
    let capacity = CAPACITY.to_string();
    let args: Vec<_> = ["--capacity", &capacity]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let server = home.start(&args);
    let answered = Mutex::new(Vec::new());
    let client = async |number| {
        let path = format!("/api/items/{number}");
        while let Some(answer) = server.call("test", Method::PUT, &path).await {
            let mut answered = answered.lock().unwrap();
            answered.push(answer.row());
            if answered.len() == after {
                kill_process(server.pid(), Signal::KILL).unwrap();
            }
        }
    };
    join_all((0..8).map(client)).await;
    let mut answered = answered.into_inner().unwrap();
    assert!(answered.len() >= after);
    answered.sort();
    answered
}

/// The table has no holes, and every answered request that is in it is right. Which are not?
fn missing(home: &Home, answered: Vec<Row>) -> Vec<Row> {
    let rows = home.rows();
    assert_eq!(sequences(&rows), (0..rows.len() as u64).collect::<Vec<_>>());
    let (there, missing): (Vec<_>, _) = answered
        .into_iter()
        .partition(|row| row.sequence < rows.len() as u64);
    for row in there {
        assert_eq!(rows[row.sequence as usize], row);
    }
    missing
}

/// The next server carries on from what is there.
async fn carries_on(home: &Home) {
    let stored = home.rows().len() as u64;
    let server = home.start(&[]);
    assert_eq!(server.put("next").await.row().sequence, stored);
    server.stop().await;
    assert_eq!(home.rows().len() as u64, stored + 1);
    let connection = home.connect();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_durable_server_loses_nothing_that_was_answered() {
    watched(async {
        for after in [1, 100, 400] {
            let home = Home::new();
            let answered =
                answered_before_kill(&home, &["--durable", "--max-wait", "1h"], after).await;
            assert_eq!(missing(&home, answered), []);
            carries_on(&home).await;
        }
    })
    .await;
}

#[tokio::test]
async fn otherwise_at_most_the_newest_events_of_one_ring_are_lost() {
    watched(async {
        for after in [1, 100, 400] {
            let home = Home::new();
            let answered = answered_before_kill(&home, &["--max-wait", "1h"], after).await;
            let missing = missing(&home, answered);
            let stored = home.rows().len() as u64;
            assert!(missing.iter().all(|row| row.sequence < stored + CAPACITY));
            carries_on(&home).await;
        }
    })
    .await;
}

/// The worst case: everything that the ring holds was answered, and none of it is on disk.
#[tokio::test]
async fn the_bound_on_what_is_lost_is_the_capacity() {
    watched(async {
        let home = Home::new();
        let mut server = home.start(&["--capacity", "64", "--max-wait", "10ms"]);
        server.put("stored").await;
        server.until_stored().await;
        let lock = home.lock();
        for _ in 0..CAPACITY {
            assert!(server.put("lost").await.row.is_some());
        }
        assert_eq!(server.put("refused").await.status, 503);
        server.kill();
        drop(lock);
        assert_eq!(home.rows().len(), 1);
        carries_on(&home).await;
    })
    .await;
}
