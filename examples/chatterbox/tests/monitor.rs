//! The monitor comes back, after waiting times that grow.

mod common;

use backon::ExponentialBuilder;
use chatterbox::client::listen;
use chatterbox::monitor::{Update, backoff, monitor};
use chatterbox::proto::Event;
use chatterbox::server::Settings;
use common::{Server, watched};
use futures::future::ready;
use futures::stream;
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Status;

/// What one attempt to connect comes to.
type Attempt = Result<Vec<Result<Event, Status>>, Status>;

/// Ends a monitor.
fn enough() -> io::Error {
    io::Error::other("enough")
}

/// Runs the monitor over these attempts, and returns what it told and when it tried. The clock is
/// tokio's: it stands still, but for the monitor's own waiting.
async fn run(script: Vec<Attempt>, backoff: &ExponentialBuilder) -> (Vec<Update>, Vec<Duration>) {
    let started = Instant::now();
    let attempts = script.len();
    let mut script = script.into_iter();
    let (mut told, mut tried) = (Vec::new(), Vec::new());
    let mut losses = 0;
    let connect = || {
        tried.push(started.elapsed());
        ready(script.next().unwrap().map(stream::iter))
    };
    let tell = |update| {
        losses += usize::from(matches!(update, Update::Lost { .. }));
        told.push(update);
        if losses < attempts {
            Ok(())
        } else {
            Err(enough())
        }
    };
    let Err(error): io::Result<Infallible> = monitor(connect, backoff, tell).await;
    assert_eq!(error.to_string(), "enough");
    (told, tried)
}

fn nobody() -> Attempt {
    Err(Status::unavailable("nobody there"))
}

fn lost(why: &str, seconds: u64) -> Update {
    Update::Lost {
        why: why.into(),
        retry_in: Duration::from_secs(seconds),
    }
}

fn without_jitter() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(10))
        .without_max_times()
}

#[tokio::test(start_paused = true)]
async fn it_waits_twice_as_long_each_time_up_to_a_limit() {
    let (told, tried) = run(vec![nobody(); 7], &without_jitter()).await;
    let delays = [1, 2, 4, 8, 10, 10, 10];
    assert_eq!(told, delays.map(|delay| lost("nobody there", delay)));
    let times = [0, 1, 3, 7, 15, 25, 35];
    assert_eq!(tried, times.map(Duration::from_secs));
}

#[tokio::test(start_paused = true)]
async fn it_starts_over_once_an_event_has_come() {
    let broken = Status::data_loss("broken");
    let script = vec![
        nobody(),
        nobody(),
        // Connected, but nothing came: that is no success.
        Ok(vec![]),
        Ok(vec![Ok(Event::initialized()), Err(broken)]),
        nobody(),
    ];
    let (told, _) = run(script, &without_jitter()).await;
    let expected = [
        lost("nobody there", 1),
        lost("nobody there", 2),
        lost("the server has ended the stream", 4),
        Update::Event(Event::initialized()),
        lost("broken", 1),
        lost("nobody there", 2),
    ];
    assert_eq!(told, expected);
}

/// The monitors of one server do not all come back at once, but none waits too long.
#[tokio::test(start_paused = true)]
async fn it_does_not_try_too_often_or_too_seldom() {
    let (told, _) = run(vec![nobody(); 20], &backoff()).await;
    let mut least = Duration::from_millis(125);
    for update in told {
        let Update::Lost { retry_in, .. } = update else {
            panic!("{update:?}")
        };
        assert!(
            (least..=2 * least).contains(&retry_in),
            "{retry_in:?}, not {least:?}"
        );
        least = Duration::min(2 * least, Duration::from_secs(30));
    }
    assert_eq!(least, Duration::from_secs(30));
}

/// Over sockets: the server goes, and another one comes at the same address.
#[test]
fn it_finds_the_server_that_comes_back() {
    watched(async {
        let server = Server::start(16).await;
        let address = server.address;
        let endpoint = server.endpoint();
        let impatient = without_jitter().with_min_delay(Duration::from_millis(1));
        let (tell, mut told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let connect = || listen(&endpoint);
            let tell = |update| tell.send(update).map_err(|_| enough());
            monitor(connect, &impatient, tell).await
        });
        let mut next_event = async || loop {
            if let Update::Event(event) = told.recv().await.unwrap() {
                return event;
            }
        };
        assert_eq!(next_event().await, Event::initialized());
        let ann = server.join("ann").await;
        assert_eq!(next_event().await, Event::join("ann"));
        server.stop().await;
        drop(ann);

        let listener = TcpListener::bind(address).await.unwrap();
        let server = Server::start_on(listener, 16, Settings::default());
        let _bob = server.join("bob").await;
        // It comes before bob or after.
        let mut events = vec![next_event().await, next_event().await];
        events.sort_by_key(|event| event.what);
        assert_eq!(events, [Event::initialized(), Event::join("bob")]);
    });
}
