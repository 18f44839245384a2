//! That a server of a test can be killed, started again, stopped, and keeps what it has stored.

mod server;

use async_nats::jetstream::{self, Context};
use server::Server;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn a_server_keeps_what_it_has_stored() {
    let Some(mut server) = Server::start() else {
        return;
    };
    context(&server)
        .await
        .create_stream(jetstream::stream::Config {
            name: "S".into(),
            subjects: vec!["s.>".into()],
            ..Default::default()
        })
        .await
        .unwrap();
    for sequence in 1..=3 {
        let context = context(&server).await;
        let ack = context.publish("s.a", "event".into()).await.unwrap();
        assert_eq!(ack.await.unwrap().sequence, sequence);
    }
    server.kill();
    server.restart();
    let mut again = context(&server).await.get_stream("S").await.unwrap();
    assert_eq!(again.info().await.unwrap().state.messages, 3);

    server.pause();
    let paused = timeout(Duration::from_millis(50), again.info()).await;
    assert!(paused.is_err());
    server.resume();
    assert_eq!(again.info().await.unwrap().state.messages, 3);
}

async fn context(server: &Server) -> Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}
