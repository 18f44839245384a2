//! A feed and its sink in a process that is killed over and over.

mod server;

use async_nats::jetstream::{self, Context, stream};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::inbound::{Ack, Delivered, Inbound};
use server::Server;
use std::env;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const EVENTS: u64 = 2_000;
const LONG: Duration = Duration::from_secs(60);

/// In a process of its own: says what it gets, and up to where it has committed.
#[tokio::test]
async fn sink() {
    let Ok(url) = env::var("SINK_URL") else {
        return;
    };
    let bus = EventBus::<Delivered<String>>::with_strategy(16, WaitStrategy::Block);
    let mut sink = bus.subscribe_committing();
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let _feed = Inbound::builder(context, "S", "sink")
        .ack(Ack::Committed(sink.watermark()))
        .start(bus, |message| String::from_utf8(message.payload.to_vec()))
        .await
        .unwrap();
    while let Some(batch) = sink.recv_batch(8).await {
        let mut last = 0;
        for (_, event) in batch.iter() {
            last = event.stream_sequence;
            println!("got {last}");
        }
        batch.commit();
        println!("committed {last}");
    }
}

fn spawn(url: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "sink", "--nocapture"])
        .env("SINK_URL", url)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn stored(server: &Server) -> Context {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let config = stream::Config {
        name: "S".into(),
        subjects: vec!["s.>".into()],
        ..Default::default()
    };
    context.create_stream(config).await.unwrap();
    for number in 0..EVENTS {
        let payload = number.to_string().into();
        context
            .publish("s.a", payload)
            .await
            .unwrap()
            .await
            .unwrap();
    }
    context
}

/// Nothing is lost: what one has not said to be committed, the next one gets. In each it comes in order.
#[tokio::test]
async fn what_a_killed_process_has_not_committed_comes_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let _context = stored(&server).await;
    let mut committed = 0;
    for round in 1.. {
        let mut child = spawn(&server.url());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = (committed + round * 37).min(EVENTS);
        let run = async {
            let mut expected = None;
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(got) = line.strip_prefix("got ") {
                    let got: u64 = got.parse().unwrap();
                    match expected {
                        None => assert!(got <= committed + 1, "{got} after {committed}"),
                        Some(expected) => assert_eq!(got, expected),
                    }
                    expected = Some(got + 1);
                    if got == enough && got < EVENTS {
                        child.kill().await.unwrap();
                    }
                } else if let Some(upto) = line.strip_prefix("committed ") {
                    committed = upto.parse().unwrap();
                    if committed == EVENTS {
                        child.kill().await.unwrap();
                    }
                }
            }
        };
        timeout(LONG, run).await.expect("it hangs");
        assert!(committed + 8 >= enough, "{committed} of {enough}");
        if committed == EVENTS {
            break;
        }
    }
}
