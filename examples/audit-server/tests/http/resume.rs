//! `/events`: coming back with `Last-Event-ID`.

use crate::common::{Home, Seen, Server, viewers, watched};

/// Publishes events, and waits until they are stored.
async fn publish(server: &Server, count: usize) {
    for key in 0..count {
        server.put(key).await;
    }
    server.until_stored().await;
}

/// The numbers of the events, where nothing else is expected.
fn numbers(seen: Vec<Seen>) -> Vec<u64> {
    let number = |seen| match seen {
        Seen::Event(row) => row.sequence,
        other => panic!("an event was expected, not {other:?}"),
    };
    seen.into_iter().map(number).collect()
}

#[tokio::test]
async fn a_viewer_that_comes_back_goes_on_where_it_was() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--capacity", "16", "--max-wait", "1h"]);
        publish(&server, 10).await;
        let mut view = server.view(None).await;
        assert_eq!(numbers(view.take(5).await), [0, 1, 2, 3, 4]);
        drop(view);
        publish(&server, 2).await;
        let mut view = server.view(Some(4)).await;
        assert_eq!(numbers(view.take(7).await), [5, 6, 7, 8, 9, 10, 11]);

        // Nothing new: it waits for what comes.
        let mut view = server.view(Some(11)).await;
        publish(&server, 1).await;
        assert_eq!(numbers(view.take(1).await), [12]);
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_comes_back_late_is_told_what_it_missed() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--capacity", "16", "--max-wait", "1h"]);
        publish(&server, 40).await;
        let mut view = server.view(Some(3)).await;
        assert_eq!(
            view.next().await,
            Some(Seen::Gap {
                missed: 20,
                last: 23
            })
        );
        assert_eq!(numbers(view.take(16).await), (24..40).collect::<Vec<_>>());
        drop(view);
        // Who comes back after the gap is not told of it again.
        let mut view = server.view(Some(23)).await;
        assert_eq!(numbers(view.take(16).await), (24..40).collect::<Vec<_>>());
        // What the first one missed is counted when it has gone, too.
        let stats = server.until(|stats| viewers(stats).len() == 1).await;
        assert_eq!(viewers(&stats)[0]["missed"], 0);
        assert_eq!(stats["missed"], 20);
    })
    .await;
}

#[tokio::test]
async fn a_new_viewer_sees_the_recent_past() {
    watched(async {
        let home = Home::new();
        let server = home.start(&["--capacity", "512", "--max-wait", "1h"]);
        publish(&server, 250).await;
        let mut view = server.view(None).await;
        assert_eq!(numbers(view.take(200).await), (50..250).collect::<Vec<_>>());
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_numbers_go_on_after_a_restart() {
    watched(async {
        let home = Home::new();
        let server = home.start(&[]);
        publish(&server, 10).await;
        server.stop().await;
        let server = home.start(&[]);
        let mut late = server.view(Some(4)).await;
        let mut current = server.view(Some(9)).await;
        // Numbers that a killed server gave, and did not store.
        let mut ahead = server.view(Some(99)).await;
        publish(&server, 1).await;
        assert_eq!(late.next().await, Some(Seen::Gap { missed: 5, last: 9 }));
        assert_eq!(numbers(late.take(1).await), [10]);
        assert_eq!(numbers(current.take(1).await), [10]);
        assert_eq!(ahead.next().await, Some(Seen::Restart));
        assert_eq!(numbers(ahead.take(1).await), [10]);
    })
    .await;
}
