//! SIGTERM: requests are finished, pages end, everything is stored, and nothing hangs.

use crate::common::{Home, Seen, until, viewers, watched};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Begins to send an item of six bytes, of which two are sent.
async fn upload(address: std::net::SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = "PUT /api/items/slow HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n\
                Content-Length: 6\r\n\r\n\"a";
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

async fn answer(mut connection: TcpStream) -> String {
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn open_and_stalled_pages_do_not_keep_it() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--capacity", "64", "--max-wait", "1h"]);
        let mut open = server.view(None).await;
        let stalled = server.stall().await;
        server.until(|stats| viewers(stats).len() == 2).await;
        // More than the connection's buffers take, so that the stalled one is stuck.
        let key = "k".repeat(4000);
        let behind = |stats: &serde_json::Value| viewers(stats)[1]["behind"].as_u64();
        let mut published = 0;
        while behind(&server.stats().await) < Some(64) {
            server.put(&key).await;
            published += 1;
            assert!(matches!(open.next().await, Some(Seen::Event(_))));
        }
        server.stop().await;
        assert_eq!(open.next().await, None, "the page's stream ends");
        assert_eq!(home.rows().len(), published);
        drop(stalled);
    })
    .await;
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--shutdown-timeout", "1h"]);
        let address = server.address;
        let mut upload = upload(address).await;
        server.until(|stats| stats["ring"]["in_flight"] == 1).await;
        server.terminate();
        let refused = async || TcpStream::connect(address).await.err();
        until(refused).await;
        upload.write_all(b"bcd\"").await.unwrap();
        let answer = answer(upload).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let (code, said) = server.ended().await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(home.rows()[0].status, 201);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_does_not_end_is_ended_and_audited() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--shutdown-timeout", "4s"]);
        let upload = upload(server.address).await;
        server.until(|stats| stats["ring"]["in_flight"] == 1).await;
        server.stop().await;
        let answer = answer(upload).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert_eq!(home.rows()[0].status, 503);
    })
    .await;
}

#[tokio::test]
async fn requests_that_wait_for_room_are_told() {
    watched(async {
        let home = Home::new();
        let server = Arc::new(home.start(&["--capacity", "1", "--max-wait", "1h"]));
        let lock = home.lock();
        server.put("first").await;
        let waiting = server.put_waiting("second").await;
        server.terminate();
        let answer = waiting.await.unwrap();
        assert_eq!(answer.status, 503);
        assert!(answer.body.contains("shutting down"), "{}", answer.body);
        drop(lock);
        let (code, said) = Arc::into_inner(server).unwrap().ended().await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(home.rows().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_lost_silently() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--shutdown-timeout", "1s"]);
        let lock = home.lock();
        for key in 0..3 {
            server.put(key).await;
        }
        server.terminate();
        let (code, said) = server.ended().await;
        assert_eq!(code, Some(1));
        assert!(said.contains("3 events could not be stored"), "{said}");
        assert!(said.contains("database is locked"), "{said}");
        drop(lock);
    })
    .await;
}
