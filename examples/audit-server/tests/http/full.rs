//! The database does not take events: the ring holds, then requests are refused before they do
//! anything, and nothing that was answered is missing in the end.

use crate::common::{Home, Server, sequences, watched};
use reqwest::Method;
use rustix::process::{Resource, Rlimit, prlimit};
use std::process::Command;
use std::sync::Arc;

#[tokio::test]
async fn a_request_that_cannot_be_audited_is_refused_and_does_nothing() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--capacity", "8", "--max-wait", "50ms"]);
        let lock = home.lock();
        for key in 0..8 {
            assert_eq!(server.put(key).await.status, 201);
        }
        let refused = server.put("refused").await;
        assert_eq!(refused.status, 503);
        assert_eq!(refused.row, None);
        assert!(
            refused.body.contains("the audit is full"),
            "{}",
            refused.body
        );
        let stats = server
            .until(|stats| !stats["sink"]["trouble"].is_null())
            .await;
        assert_eq!(stats["sink"]["trouble"], "database is locked");
        assert_eq!(stats["stored"], 0);
        assert_eq!(stats["ring"]["fill"], 1.0);
        assert_eq!(stats["ring"]["not_stored"], 8);
        assert_eq!(stats["waiting"]["refused"], 1);

        drop(lock);
        server.until_stored().await;
        assert!(server.stats().await["sink"]["trouble"].is_null());
        let absent = server.call("test", Method::GET, "/api/items/refused").await;
        assert_eq!(absent.unwrap().status, 404);
        server.stop().await;
        assert_eq!(sequences(&home.rows()), (0..9).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_request_that_waits_goes_on_when_there_is_room() {
    watched(async {
        let home = Home::new();
        let server = Arc::new(home.start(&["--capacity", "1", "--max-wait", "1h"]));
        let lock = home.lock();
        server.put("first").await;
        let sink = &server.stats().await["receivers"][0];
        assert_eq!(
            (&sink["name"], &sink["behind"]),
            (&"sink".into(), &1.into())
        );
        assert_eq!(sink["awaited"], false);
        let waiting = server.put_waiting("second").await;
        server
            .until(|stats| stats["receivers"][0]["awaited"] == true)
            .await;
        drop(lock);
        let answer = waiting.await.unwrap();
        assert_eq!(answer.status, 201);
        assert_eq!(answer.row().sequence, 1);
        let stats = server.stats().await;
        assert_eq!(stats["waiting"]["requests"], 1);
        assert_eq!(stats["waiting"]["refused"], 0);
    })
    .await;
}

/// The disk refuses to take more of a file: errors from the system, not from SQLite's locks.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn when_the_disk_takes_no_more_the_ring_holds() {
    watched(async {
        let home = Home::new();
        let program = home.command(&["--capacity", "64", "--max-wait", "50ms"]);
        // Without this, the limit's signal would end the process.
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]);
        command.arg(program.get_program()).args(program.get_args());
        let server = Server::start(&mut command);
        let limit = |bytes| {
            let limit = Rlimit {
                current: bytes,
                maximum: None,
            };
            prlimit(Some(server.pid()), Resource::Fsize, limit).unwrap();
        };

        limit(Some(64 * 1024));
        let key = "k".repeat(4000);
        let mut answered = Vec::new();
        loop {
            let answer = server.put(&key).await;
            match answer.status {
                503 => break,
                _ => answered.push(answer.row()),
            }
        }
        let stats = server.stats().await;
        assert_eq!(stats["ring"]["not_stored"], 64);
        let trouble = stats["sink"]["trouble"].as_str().unwrap().to_owned();
        assert!(trouble.contains("disk"), "{trouble}");

        limit(None);
        server.until_stored().await;
        server.stop().await;
        assert!(
            home.rows() == answered,
            "the table is not what was answered"
        );
    })
    .await;
}

#[tokio::test]
async fn a_durable_answer_says_when_its_event_is_not_on_disk() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--durable", "--max-wait", "1h"]);
        assert_eq!(server.put("key").await.status, 201);
        assert_eq!(home.rows().len(), 1, "it is there once the answer is");
        server.stop().await;

        let server = home.start(&["--durable", "--max-wait", "50ms"]);
        let lock = home.lock();
        let answer = server.put("key").await;
        assert_eq!(answer.status, 504);
        assert!(
            answer.body.contains("handled (201 Created)"),
            "{}",
            answer.body
        );
        assert!(
            answer.body.contains("event 1 is not stored"),
            "{}",
            answer.body
        );
        drop(lock);
        server.until_stored().await;
        assert_eq!(home.rows()[1].status, 201);
    })
    .await;
}
