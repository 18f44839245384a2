//! `/stats` and `/metrics` tell the same.

use crate::common::{Home, watched};
use serde_json::json;

#[tokio::test]
async fn the_counts_are_what_happened() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--capacity", "4", "--max-wait", "10ms"]);
        let lock = home.lock();
        for key in 0..4 {
            server.put(key).await;
        }
        assert_eq!(server.put("refused").await.status, 503);
        drop(lock);
        server.until_stored().await;
        for key in 0..6 {
            server.put(key).await;
            server.until_stored().await;
        }
        let mut view = server.view(Some(0)).await;
        view.take(5).await;

        let stats = server.stats().await;
        assert_eq!(stats["published"], 10);
        assert_eq!(stats["stored"], 10);
        assert_eq!(stats["next_sequence"], 10);
        assert_eq!(stats["ring"]["capacity"], 4);
        assert_eq!(stats["ring"]["not_stored"], 0);
        assert_eq!(stats["ring"]["in_flight"], 0);
        assert_eq!(stats["ring"]["fill"], 0.0);
        assert!(stats["waiting"]["requests"].as_u64() >= Some(1));
        assert_eq!(stats["waiting"]["refused"], 1);
        assert!(stats["waiting"]["seconds"].as_f64() > Some(0.0));
        assert!(stats["sink"]["batches"].as_u64() <= Some(10));
        assert_eq!(stats["missed"], 5);
        let sink = json!({
            "id": 0, "name": "sink", "kind": "committing",
            "position": 10, "behind": 0, "missed": 0, "awaited": false,
        });
        let viewer = json!({
            "id": 1, "name": "viewer", "kind": "lossy",
            "position": 10, "behind": 0, "missed": 5, "awaited": false,
        });
        assert_eq!(stats["receivers"], json!([sink, viewer]));

        let response = server.get("/metrics").await;
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/plain"), "{kind}");
        let metrics = response.text().await.unwrap();
        for line in [
            "# TYPE audit_published_total counter",
            "audit_published_total 10",
            "audit_stored_total 10",
            "audit_refused_total 1",
            "audit_viewer_missed_total 5",
            "audit_viewer_missed{viewer=\"1\"} 5",
            "audit_viewers 1",
            "audit_ring_fill 0",
            "audit_in_flight 0",
            "# TYPE audit_wait_seconds histogram",
            "http_request_seconds_count 10",
        ] {
            assert!(
                metrics.lines().any(|there| there == line),
                "{line:?} is not in:\n{metrics}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_and_its_policy() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        let response = server.get("/").await;
        let header = |name| response.headers()[name].to_str().unwrap();
        assert!(header("content-type").starts_with("text/html"));
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert!(response.text().await.unwrap().contains("EventSource"));
        assert_eq!(server.get("/none").await.status(), 404);
    })
    .await;
}
