//! Requests that are wrong: a clear message each, and an event in the audit all the same.

use crate::common::{Home, watched};
use reqwest::{Client, Method};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn requests_to_the_api() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        let long_path = format!("/api/items/{}", "p".repeat(9000));
        let long_header = "a".repeat(200);
        let big_body = format!("\"{}\"", "b".repeat(64 * 1024));
        let cases = [
            (
                Method::PUT,
                "/api/items/a",
                JSON,
                "{\"a\":",
                400,
                "EOF while parsing",
            ),
            (
                Method::PUT,
                "/api/items/a",
                JSON,
                "",
                400,
                "EOF while parsing",
            ),
            (
                Method::PUT,
                "/api/items/a",
                ("content-type", "text/plain"),
                "1",
                415,
                "Content-Type",
            ),
            (
                Method::PUT,
                "/api/items/a",
                JSON,
                &big_body,
                413,
                "no larger than 65536 bytes",
            ),
            (Method::PUT, "/api/items/%ff", JSON, "1", 400, "UTF-8"),
            (
                Method::GET,
                "/api/items/none",
                JSON,
                "",
                404,
                "no item has the key \"none\"",
            ),
            (
                Method::DELETE,
                "/api/items/none",
                JSON,
                "",
                404,
                "no item has the key",
            ),
            (
                Method::POST,
                "/api/items/a",
                JSON,
                "1",
                405,
                "GET, PUT or DELETE",
            ),
            (
                Method::GET,
                "/api/things",
                JSON,
                "",
                404,
                "/api/items/{key}",
            ),
            (
                Method::GET,
                &long_path,
                JSON,
                "",
                414,
                "no longer than 8192",
            ),
            (
                Method::GET,
                "/api/items",
                ("x-actor", ""),
                "",
                400,
                "header x-actor",
            ),
            (
                Method::GET,
                "/api/items",
                ("x-actor", "\u{e9}"),
                "",
                400,
                "header x-actor",
            ),
            (
                Method::GET,
                "/api/items",
                ("x-actor", &long_header),
                "",
                400,
                "header x-actor",
            ),
            (
                Method::GET,
                "/api/items",
                ("x-request-id", &long_header),
                "",
                400,
                "header x-request-id",
            ),
        ];
        let mut answered = Vec::new();
        for (method, path, (header, value), body, status, says) in cases {
            let request = Client::new().request(method.clone(), server.url(path));
            let request = request.header(header, value).body(body.to_owned());
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{method} {path}");
            assert_eq!(
                response.headers()["x-audit-sequence"],
                answered.len().to_string().as_str()
            );
            let body: serde_json::Value = response.json().await.unwrap();
            let error = body["error"].as_str().unwrap();
            assert!(error.contains(says), "{says:?} is not in {error:?}");
            answered.push((
                method.to_string(),
                path[..path.len().min(8192)].to_owned(),
                status,
            ));
        }
        server.stop().await;
        let audited = home
            .rows()
            .into_iter()
            .map(|row| (row.method, row.path, row.status));
        assert_eq!(audited.collect::<Vec<_>>(), answered);
    })
    .await;
}

#[tokio::test]
async fn a_last_event_id_that_is_no_number() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        for id in ["", "abc", "-1", "1.5", "18446744073709551616", "\u{e9}"] {
            let request = Client::new().get(server.url("/events"));
            let response = request.header("last-event-id", id).send().await.unwrap();
            assert_eq!(response.status(), 400, "{id:?}");
            let body = response.text().await.unwrap();
            assert!(
                body.contains("Last-Event-ID must be the number of an event"),
                "{body}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_headers_that_come_are_the_ones_recorded() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        let request = Client::new().get(server.url("/api/items?secret=1"));
        let request = request
            .header("x-actor", "me")
            .header("x-request-id", "r-1");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"], "r-1");
        let unnamed = server.get("/api/items").await;
        let made_up = unnamed.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        server.stop().await;
        let rows = home.rows();
        assert_eq!((&*rows[0].actor, &*rows[0].request_id), ("me", "r-1"));
        assert_eq!(rows[0].path, "/api/items", "without the query");
        assert_eq!(
            (&*rows[1].actor, &rows[1].request_id),
            ("anonymous", &made_up)
        );
    })
    .await;
}
