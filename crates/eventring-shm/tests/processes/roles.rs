//! What a process does that this binary is started as.

use super::{create, payload};
use eventring::Start;
use eventring_shm::faults::{Fault, arm};
use eventring_shm::topics::{NodeId, TopicBus};
use eventring_shm::{EventRing, Kind, OnWriterGone, Publisher};
use std::path::PathBuf;

fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

fn listen() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn publisher(ring: &EventRing) -> Publisher {
    match variable("EVENTRING_JOIN").is_empty() {
        true => ring.publisher().unwrap(),
        false => ring.join().unwrap(),
    }
}

/// The role of this process, if it has one.
#[test]
fn play() {
    let path = PathBuf::from(variable("EVENTRING_PATH"));
    match variable("EVENTRING_ROLE").as_str() {
        "" => {}
        "writer" => write_as_told(&path),
        "flood" => flood(&path),
        "sleeper" => sleep(&path),
        "node" => answer(&path),
        role => panic!("no role {role}"),
    }
}

/// Publishes so many events as it is told in a line, until it is told nothing. `fail STEP NTH FAULT`
/// lets it fail.
fn write_as_told(path: &std::path::Path) {
    say("started");
    let ring = create(path);
    let mut publisher = publisher(&ring);
    let writer = u64::from(std::process::id());
    let mut number = 0;
    say("ready");
    loop {
        let line = listen();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["fail", step, nth, fault] => {
                let fault = match fault {
                    "abort" => Fault::Abort,
                    _ => Fault::Stop,
                };
                arm(step, nth.parse().unwrap(), fault);
                say("armed");
            }
            ["publish", count] => {
                for _ in 0..count.parse().unwrap() {
                    publisher
                        .publish(Kind(1), &payload(writer, number))
                        .unwrap();
                    number += 1;
                }
                say("published");
            }
            ["close"] => return publisher.close(),
            _ => return,
        }
    }
}

/// Publishes until it is killed, one by one or in batches.
fn flood(path: &std::path::Path) {
    let ring = create(path);
    let mut publisher = publisher(&ring);
    let writer = u64::from(std::process::id());
    say("started");
    for number in 0.. {
        if number % 16 == 15 {
            let batch =
                (0..8u64).map(|more| (Kind(1), payload(writer + (1 << 32), number * 8 + more)));
            publisher.publish_many(batch).unwrap();
        }
        publisher
            .publish(Kind(1), &payload(writer, number))
            .unwrap();
    }
}

/// Sleeps until events come, by a task and by a thread.
fn sleep(path: &std::path::Path) {
    let ring = EventRing::open(path).unwrap();
    let mut task = ring.subscribe(Start::Next);
    let mut thread = ring
        .subscribe(Start::Next)
        .on_writer_gone(OnWriterGone::Wait);
    say("started");
    let blocking = std::thread::spawn(move || thread.recv_blocking().unwrap().seq);
    let seq = futures::executor::block_on(task.recv()).unwrap().seq;
    assert_eq!(blocking.join().unwrap(), seq);
    say("woken");
}

/// Publishes an answer to each question that is there.
fn answer(path: &std::path::Path) {
    let bus = TopicBus::join(path, NodeId(2)).unwrap();
    say("started");
    let mut cursor = bus.cursor_from_start();
    for question in bus.poll_topic(&mut cursor, "question").events {
        assert_eq!(question.id.node, NodeId(1));
        bus.publish("answer", &question.payload).unwrap();
    }
    say("answered");
}
