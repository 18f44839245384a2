//! The server of the README: it is the example, and does what is said of it.

use crate::{get, watched};
use eventring_log::{Json, Log, Options};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[expect(dead_code, reason = "a program, and here a module")]
#[path = "../../examples/audited.rs"]
mod audited;

#[test]
fn the_readme_shows_it() {
    let example = include_str!("../../examples/audited.rs");
    let shown = format!("```rust,no_run\n{example}```\n");
    assert!(include_str!("../../README.md").contains(&shown));
    let code = example.lines().filter(|line| {
        let line = line.trim_start();
        !(line.is_empty() || line.starts_with("//") || line.starts_with("use "))
    });
    let lines = code.count();
    assert!(lines <= 40, "{lines} lines");
}

#[tokio::test]
async fn it_audits() {
    watched(async {
        let directory = tempfile::tempdir().unwrap();
        let file = directory
            .path()
            .join("audit.db")
            .to_str()
            .unwrap()
            .to_owned();
        for round in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel::<()>();
            let path = file.clone();
            let stopped = async { drop(stopped.await) };
            let serving = tokio::spawn(async move {
                let served = audited::serve(listener, &path, stopped).await;
                served.map_err(|error| error.to_string())
            });
            for request in 0..2 {
                let answer = get(address, "/").await;
                let number = (2 * round + request).to_string();
                assert_eq!(answer.headers()["x-audit-sequence"], number);
                assert_eq!(answer.text().await.unwrap(), "hello");
                // It is on disk once it is answered.
                let read = Log::<Json<String>>::open(&file, Options::new().read_only()).unwrap();
                assert!(read.next() > 2 * round + request);
            }
            let live = get(address, "/audit").await;
            stop.send(()).unwrap();
            let text = live.text().await.unwrap();
            assert!(text.contains("GET /: Answered Some(200)"), "{text}");
            serving.await.unwrap().unwrap();
        }
        let log = Log::<Json<String>>::open(&file, Options::new().chained()).unwrap();
        assert_eq!(log.next(), 4);
        log.verify(..).unwrap();
    })
    .await;
}
