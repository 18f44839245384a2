//! A feed and its sink in processes that are killed, or that are two.

use crate::server::Server;
use crate::support::{LONG, publish, stream};
use async_nats::jetstream;
use eventring::{EventBus, WaitStrategy};
use eventring_nats::inbound::{Ack, Delivered, Inbound};
use std::env;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const EVENTS: u64 = 2_000;

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
    println!("it runs");
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

fn spawn(url: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::sink", "--nocapture"])
        .env("SINK_URL", url)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, said)
}

/// Nothing is lost: what one has not said to be committed, the next one gets. In each it comes in order.
#[tokio::test]
async fn what_a_killed_process_has_not_committed_comes_again() {
    let Some(server) = Server::start() else {
        return;
    };
    publish(&stream(&server).await, "s.a", 0..EVENTS).await;
    let mut committed = 0;
    for round in 1.. {
        let (mut child, mut lines) = spawn(&server.url());
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

/// Not what a durable consumer is for, but each of them gets all, in order, up to the last one that is delivered
/// to it.
#[tokio::test]
async fn two_processes_have_one_consumer() {
    let Some(server) = Server::start() else {
        return;
    };
    let context = stream(&server).await;
    let mut sinks = Vec::new();
    for _ in 0..2 {
        let (child, mut lines) = spawn(&server.url());
        let runs = async { while !said(&mut lines).await.ends_with("it runs") {} };
        timeout(LONG, runs).await.expect("it does not start");
        sinks.push((child, lines));
    }
    publish(&context, "s.a", 0..EVENTS).await;
    let [(_, one), (_, two)] = &mut sinks[..] else {
        unreachable!()
    };
    let last = async {
        tokio::select! {
            () = follow(one) => {}
            () = follow(two) => {}
        }
    };
    timeout(LONG, last).await.expect("something is missing");
}

async fn said(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    lines.next_line().await.unwrap().expect("it has ended")
}

/// Until it has all of them.
async fn follow(lines: &mut Lines<BufReader<ChildStdout>>) {
    let mut got = 0;
    while got < EVENTS {
        if let Some(next) = said(lines).await.strip_prefix("got ") {
            got += 1;
            assert_eq!(next.parse(), Ok(got));
        }
    }
}
