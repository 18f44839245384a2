//! Several processes of one name, one after the other or at the same time.

use crate::proxy::{Mode, Proxy};
use crate::server::Server;
use crate::support::{
    PATIENCE, Publisher, assert_sequence, builder, builder_to, bus, connect, in_stream, reached,
    stored, until,
};
use eventring::{EventBus, WaitStrategy};
use eventring_nats::End;
use std::env;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// In a process of its own: publishes numbers from the first one on, and says which are stored.
#[tokio::test]
async fn publisher() {
    let (Ok(url), Ok(first)) = (env::var("PUBLISHER_URL"), env::var("PUBLISHER_FIRST")) else {
        return;
    };
    let first: u64 = first.parse().unwrap();
    let builder = EventBus::builder().strategy(WaitStrategy::Block);
    let bus = builder.capacity(64).first(first).build().unwrap();
    let relay = builder_to(url, "a").await.continued();
    let relay = relay.start(bus.subscribe_committing()).await.unwrap();
    tokio::spawn(async move {
        for event in first.. {
            bus.publish(event).await.unwrap();
        }
    });
    for event in first.. {
        relay.stored().reached(event).await.unwrap();
        println!("stored {event}");
    }
}

fn spawn(url: &str, first: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::publisher", "--nocapture"])
        .env("PUBLISHER_URL", url)
        .env("PUBLISHER_FIRST", first.to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The stream has more than the process knows, and than it knows when it is started again.
#[tokio::test]
async fn a_process_is_killed_between_acknowledgement_and_commit() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::start(server.port()).await;
    let direct = connect(server.url()).await;
    let mut next = 0;
    for _ in 0..5 {
        proxy.set(Mode::Pass);
        let mut child = spawn(&proxy.url(), next);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = next + 100;
        let run = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(event) = line.strip_prefix("stored ") {
                    next = event.parse::<u64>().unwrap() + 1;
                }
                if next == enough {
                    proxy.set(Mode::Swallow);
                    while in_stream(&direct).await < next + 64 {
                        sleep(Duration::from_millis(1)).await;
                    }
                    child.kill().await.unwrap();
                }
            }
        };
        timeout(PATIENCE, run).await.expect("it hangs");
        assert!(next >= enough && next < in_stream(&direct).await, "{next}");
    }
    let events = stored(server.url(), "a").await;
    assert_sequence(&events, 0, in_stream(&direct).await);
}

#[tokio::test]
async fn a_second_process_takes_over() {
    let Some(server) = Server::start() else {
        return;
    };
    let (old_bus, new_bus) = (bus(256), bus(256));
    let builder_of = || builder(&server, "a");
    let old = builder_of().await.start(old_bus.subscribe_committing());
    let old = old.await.unwrap();
    let old_publisher = Publisher::start(&old_bus);
    until(&old, |stats| stats.stored > 100).await;

    let new = builder_of().await.start(new_bus.subscribe_committing());
    let new = new.await.unwrap();
    let before = old.stats().stored;
    until(&old, |stats| stats.stored > before + 100).await;
    let new_publisher = Publisher::start(&new_bus);
    let fenced = timeout(PATIENCE, old.join()).await.expect("it goes on");
    assert_eq!(fenced.end, End::Fenced);
    old_bus.close();
    old_publisher.finish().await;
    let published = new_publisher.finish().await;
    reached(&new, published - 1).await;

    let events = stored(server.url(), "a").await;
    let (of_old, of_new) = events.split_at(events.len() - published as usize);
    assert_sequence(of_old, 0, of_old.len() as u64);
    assert!(of_old.len() as u64 >= fenced.stored());
    assert_sequence(of_new, 0, published);
}
