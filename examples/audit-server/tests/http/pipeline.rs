//! Many requests from several clients while viewers come, stall and go: what is in the table is
//! what was answered.

use crate::common::{Home, Row, Seen, Server, View, sequences, watched};
use futures::future::join_all;
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const CLIENTS: usize = 6;
const REQUESTS: usize = 500;

/// What one client does: writes, reads and deletes, of what is there and of what is not.
async fn client(server: &Server, number: usize) -> Vec<Row> {
    let actor = format!("client-{number}");
    let methods = [Method::PUT, Method::GET, Method::DELETE, Method::GET];
    let mut answers = Vec::new();
    for request in 0..REQUESTS {
        let path = format!("/api/items/{actor}-{}", request / 4 % 10);
        let method = methods[request % 4].clone();
        let answer = server.call(&actor, method, &path).await.unwrap();
        assert_eq!(answer.status, [201, 200, 204, 404][request % 4]);
        answers.push(answer.row());
    }
    answers
}

/// Reads to the end, and checks that nothing is missing that it was not told of.
async fn viewer(view: View) -> (Vec<Row>, u64) {
    let (mut rows, mut missed, mut next) = (Vec::new(), 0, 0);
    for seen in view.rest().await {
        match seen {
            Seen::Event(row) => {
                assert_eq!(row.sequence, next);
                next += 1;
                rows.push(row);
            }
            Seen::Gap { missed: gap, last } => {
                next += gap;
                missed += gap;
                assert_eq!(last, next - 1);
            }
            Seen::Restart => panic!("there was no restart"),
        }
    }
    (rows, missed)
}

/// Comes, sees a few events, and goes, again and again.
async fn passer_by(server: &Server, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        server.view(None).await.take(3).await;
    }
}

#[tokio::test]
async fn the_table_is_what_was_answered() {
    watched(async {
        let home = Home::new();
        let server = Arc::new(home.start(&["--capacity", "256", "--max-wait", "1h"]));
        let readers: Vec<_> = join_all((0..3).map(|_| server.view(None))).await;
        let readers: Vec<_> = readers
            .into_iter()
            .map(|view| tokio::spawn(viewer(view)))
            .collect();
        let stalled = join_all((0..3).map(|_| server.stall())).await;

        let stop = AtomicBool::new(false);
        let clients = async {
            let answers = join_all((0..CLIENTS).map(|number| client(&server, number))).await;
            stop.store(true, Ordering::Relaxed);
            answers
        };
        let (clients, ()) = tokio::join!(clients, passer_by(&server, &stop));

        for answers in &clients {
            assert!(
                answers.is_sorted(),
                "each client's requests are in its order"
            );
        }
        let mut answered: Vec<Row> = clients.into_iter().flatten().collect();
        answered.sort();
        let total = (CLIENTS * REQUESTS) as u64;
        assert_eq!(sequences(&answered), (0..total).collect::<Vec<_>>());

        Arc::into_inner(server).unwrap().stop().await;
        drop(stalled);
        assert!(
            home.rows() == answered,
            "the table is not what was answered"
        );
        for reader in readers {
            let (seen, missed) = reader.await.unwrap();
            assert_eq!(seen.len() as u64 + missed, total);
            let missing = seen
                .iter()
                .find(|row| answered[row.sequence as usize] != **row);
            assert_eq!(missing, None);
        }
    })
    .await;
}

#[tokio::test]
async fn without_the_audit_the_api_is_the_same() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--no-audit"]);
        let response = server.get("/api/items/none").await;
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers().get("x-audit-sequence"), None);
        server.stop().await;
        assert_eq!(home.rows(), []);
    })
    .await;
}
