//! `/stored`, page by page, and what `/events` tells of how far that is.

use crate::common::{Home, Seen, Server, viewers, watched};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// The answer to `/stored` with this query, as JSON.
async fn stored(server: &Server, query: &str) -> (StatusCode, Value) {
    let response = server.get(&format!("/stored{query}")).await;
    (response.status(), response.json().await.unwrap())
}

/// A page, and the numbers of its events.
async fn page(server: &Server, query: &str) -> (Value, Vec<u64>) {
    let (status, page) = stored(server, query).await;
    assert_eq!(status, 200, "{page}");
    let events = page["events"].as_array().unwrap().iter();
    let numbers = events.map(|event| event["sequence"].as_u64().unwrap());
    let numbers = numbers.collect();
    (page, numbers)
}

#[tokio::test]
async fn pages_lead_back_to_the_first_event() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        let (nothing, numbers) = page(&server, "").await;
        assert_eq!(nothing, json!({ "first": 0, "next": 0, "events": [] }));
        assert!(numbers.is_empty());
        for key in 0..130 {
            server.put(key).await;
        }
        server.until_stored().await;
        let upwards = |from, to| (from..to).collect::<Vec<u64>>();
        let (newest, numbers) = page(&server, "").await;
        assert_eq!(
            (&newest["first"], &newest["next"]),
            (&json!(0), &json!(130))
        );
        assert_eq!(numbers, upwards(30, 130));
        assert_eq!(page(&server, "?before=30").await.1, upwards(0, 30));
        assert_eq!(page(&server, "?before=30&limit=7").await.1, upwards(23, 30));
        assert_eq!(page(&server, "?limit=500").await.1, upwards(0, 130));
        assert_eq!(page(&server, "?before=0").await.1, upwards(0, 0));
        let end = u64::MAX;
        let (_, numbers) = page(&server, &format!("?before={end}&limit=1")).await;
        assert_eq!(numbers, [129]);

        let row = &home.rows()[129];
        let event = &newest["events"][99];
        assert_eq!(event["request_id"], row.request_id);
        assert_eq!(
            (&event["path"], &event["status"]),
            (&json!(row.path), &json!(201))
        );
        // As a viewer is sent it.
        let mut view = server.view(Some(128)).await;
        let Some(Seen::Event(seen)) = view.next().await else {
            panic!("an event");
        };
        assert_eq!(&seen, row);
    })
    .await;
}

#[tokio::test]
async fn a_query_that_is_wrong_is_told_why() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        for (query, says) in [
            ("?before=abc", "before: invalid digit"),
            ("?before=-1", "before: invalid digit"),
            ("?before=", "before: cannot parse integer from empty string"),
            ("?before=18446744073709551616", "before: number too large"),
            ("?limit=0", "limit must be 1 to 500, and is 0"),
            ("?limit=501", "limit must be 1 to 500, and is 501"),
            ("?after=1", "unknown field `after`"),
        ] {
            let (status, body) = stored(&server, query).await;
            assert_eq!(status, 400, "{query}");
            let error = body["error"].as_str().unwrap();
            assert!(error.contains(says), "{says:?} is not in {error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_or_no_event_is_told() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        for key in 0..5 {
            server.put(key).await;
        }
        server.until_stored().await;
        let change = home.connect();
        change
            .execute("DELETE FROM entry WHERE sequence = 2", [])
            .unwrap();
        assert_eq!(page(&server, "").await.1, [0, 1, 3, 4]);
        let nonsense = "UPDATE entry SET bytes = x'00' WHERE sequence = 1";
        change.execute(nonsense, []).unwrap();
        let (status, body) = stored(&server, "").await;
        assert_eq!(status, 500);
        let error = body["error"].as_str().unwrap();
        assert!(
            error.contains("stored as event 1 cannot be decoded"),
            "{error}"
        );
        assert_eq!(page(&server, "?before=1").await.1, [0]);
    })
    .await;
}

#[tokio::test]
async fn a_viewer_is_told_how_far_it_is_stored() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        server.put("before").await;
        server.until_stored().await;
        let lock = home.lock();
        let mut view = server.view(None).await;
        server.put("happened").await;
        server.put("happened-too").await;
        view.take(3).await;
        let next: Vec<_> = view.marks.iter().map(|mark| mark.next).collect();
        assert_eq!(next, [1]);
        // It is waited for.
        server
            .until(|stats| stats["receivers"][0]["awaited"] == true)
            .await;
        let (_, numbers) = page(&server, "").await;
        assert_eq!(numbers, [0], "what is on disk, and no more");

        drop(lock);
        let run = view.until_stored(3).await.clone();
        assert_eq!((run.first, run.next), (0, 3));
        // Nobody waits where there is nothing to store.
        let stats = server.stats().await;
        assert_eq!(viewers(&stats).len(), 1);
        assert_eq!(stats["receivers"][0]["awaited"], false);
        server.stop().await;

        let server = home.start(&[]);
        let mut view = server.view(None).await;
        server.put("another-run").await;
        let mark = view
            .take(1)
            .await
            .pop()
            .map(|_| view.marks[0].clone())
            .unwrap();
        assert_eq!((mark.first, mark.next), (3, 3));
        assert_ne!(mark.run, run.run);
        // What is stored while the server ends is told, before the end.
        let lock = home.lock();
        server.put("at-the-end").await;
        view.take(1).await;
        server.terminate();
        drop(lock);
        assert_eq!(view.until_stored(5).await.next, 5);
        assert_eq!(view.rest().await, []);
    })
    .await;
}
