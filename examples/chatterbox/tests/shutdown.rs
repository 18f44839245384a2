//! The server's end is the end of every stream.

mod common;

use chatterbox::client::connect;
use chatterbox::proto::chatterbox_client::ChatterboxClient;
use chatterbox::proto::{Event, Send};
use chatterbox::server::{Ended, Settings};
use common::{Client, Server, fill_windows, watched};
use futures::stream;
use std::time::Duration;
use tonic::Code;

#[test]
fn every_stream_ends_after_its_backlog() {
    watched(async {
        let server = Server::start(64).await;
        let mut listener = server.listen().await;
        listener.present().await;
        let mut clients = Vec::new();
        for name in ["ann", "bob", "eve"] {
            clients.push(server.join(name).await);
        }
        // One who has not said yet what it is called.
        let mut unnamed = ChatterboxClient::new(connect(&server.endpoint()).await.unwrap());
        let unnamed = tokio::spawn(async move { unnamed.chat(stream::pending::<Send>()).await });

        clients[2].say_and_hear("last words").await;
        assert_eq!(server.stop().await, Ended::Gracefully);

        // Eve has heard it already.
        let last_words = Event::chat("eve", "last words".into());
        let (heard, end) = clients.pop().unwrap().events.rest().await;
        assert_eq!(heard, []);
        end.unwrap();
        for mut events in clients
            .into_iter()
            .map(|client| client.events)
            .chain([listener])
        {
            let (heard, end) = events.rest().await;
            assert_eq!(heard.last(), Some(&last_words));
            end.unwrap();
        }
        unnamed.await.unwrap().unwrap_err();
    });
}

/// It would hold the server up for ever.
#[test]
fn a_client_that_does_not_read_is_cut_off() {
    watched(async {
        let settings = Settings {
            grace: Duration::from_millis(200),
            ..Settings::default()
        };
        let server = Server::start_with(16, settings).await;
        let mut stuck = Client::join_narrow(server.endpoint(), "stuck").await;
        let mut ann = server.join("ann").await;
        fill_windows(&mut ann).await;
        assert_eq!(server.stop().await, Ended::CutOff);
        ann.events.rest().await.1.unwrap();
        let status = stuck.events.rest().await.1.unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
    });
}
