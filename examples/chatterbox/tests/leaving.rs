//! However a client goes, the others are told once, and its name is free again.

mod common;

use chatterbox::client::{connect, join};
use chatterbox::proto::chatterbox_client::ChatterboxClient;
use chatterbox::proto::{Event, Send};
use chatterbox::server::{MAX_MESSAGE, Settings};
use common::{Attendance, Client, Server, Wire, fill_windows, watched};
use futures::{StreamExt, stream};
use std::time::Duration;
use tonic::{Code, Status};

/// Somebody joins, goes as the closure says, and comes again. What the closure returns is kept
/// until the others have been told.
fn told_of<T>(go: impl AsyncFnOnce(Client, Wire) -> T) {
    told_of_with(Settings::default(), go);
}

fn told_of_with<T>(settings: Settings, go: impl AsyncFnOnce(Client, Wire) -> T) {
    watched(async {
        let server = Server::start_with(1024, settings).await;
        let wire = Wire::to(&server).await;
        // Listens in the room itself: not over a connection that could fall silent too.
        let mut events = server.room.listen().unwrap().map(Result::unwrap);
        let client = Client::join(&wire.endpoint(), "ann").await.unwrap();
        let expected = [Event::initialized(), Event::join("ann")];
        for event in expected {
            assert_eq!(events.next().await.unwrap(), event);
        }

        let kept = go(client, wire).await;
        assert_eq!(events.next().await.unwrap(), Event::leave("ann"));
        drop(kept);

        let ann = server.join("ann").await;
        assert_eq!(ann.present, Attendance::of(["ann"]));
        assert_eq!(events.next().await.unwrap(), Event::join("ann"));
        assert_eq!(server.room.stats().published, 3);
    });
}

#[test]
fn it_ends_its_requests() {
    told_of(async |mut client, _| {
        client.voice.close();
        assert_eq!(client.events.next().await, Event::leave("ann"));
        let (rest, end) = client.events.rest().await;
        assert_eq!(rest, []);
        end.unwrap();
    });
}

#[test]
fn it_drops_the_call() {
    told_of(async |client, _| drop(client));
}

#[test]
fn its_connection_is_cut() {
    told_of(async |mut client, wire| {
        wire.cut();
        client.events.rest().await.1.unwrap_err();
    });
}

/// Its host is gone, or the network: only the keepalive tells.
#[test]
fn it_falls_silent() {
    let settings = Settings {
        keepalive: Duration::from_millis(200),
        ..Settings::default()
    };
    told_of_with(settings, async |client, wire| {
        wire.silence();
        client
    });
}

/// It is stuck with a window full of events when its connection is cut.
#[test]
fn it_has_stopped_reading() {
    watched(async {
        let server = Server::start(16).await;
        let wire = Wire::to(&server).await;
        let stuck = Client::join_narrow(wire.endpoint(), "stuck").await;
        let mut ann = server.join("ann").await;
        fill_windows(&mut ann).await;
        wire.cut();
        ann.events.until(&Event::leave("stuck")).await;
        drop(stuck);
    });
}

/// What is wrong is said, after its LEAVE.
fn wrong(message: Send, code: Code, words: &str) {
    told_of(async |mut client, _| {
        client.voice.publish(message).await.unwrap();
        let (rest, end) = client.events.rest().await;
        assert_eq!(rest, [Event::leave("ann")]);
        let status = end.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(words), "{status}");
    });
}

#[test]
fn it_joins_twice() {
    wrong(Send::join("bob"), Code::InvalidArgument, "has to be `say`");
}

#[test]
fn it_says_nothing() {
    let nothing = Send { what: None };
    wrong(nothing, Code::InvalidArgument, "has to be `say`");
}

#[test]
fn its_message_is_too_long() {
    let message = Send::say("x".repeat(MAX_MESSAGE));
    wrong(message, Code::OutOfRange, "4096 bytes");
}

#[test]
fn some_are_not_let_in() {
    watched(async {
        let server = Server::start(16).await;
        let mut ann = server.join("ann").await;
        let refused = async |requests: Vec<Send>| -> Status {
            let channel = connect(&server.endpoint()).await.unwrap();
            let mut client = ChatterboxClient::new(channel);
            client.chat(stream::iter(requests)).await.unwrap_err()
        };
        for requests in [vec![], vec![Send::say("hi".into())]] {
            let status = refused(requests).await;
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().contains("has to be `join`"), "{status}");
        }
        let status = refused(vec![Send::join("a b")]).await;
        assert_eq!(status.code(), Code::InvalidArgument);

        let channel = connect(&server.endpoint()).await.unwrap();
        let taken = join(channel, "ann").await.unwrap_err();
        assert_eq!(taken.code(), Code::AlreadyExists);
        assert!(taken.message().contains("choose another"), "{taken}");

        // Nobody was told of any of them.
        ann.say("still here").await;
        assert_eq!(
            ann.events.next().await,
            Event::chat("ann", "still here".into())
        );
    });
}
