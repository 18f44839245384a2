//! `kill -9` of anybody, at random.

use super::*;
use eventring_shm::Kind;
use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

/// Writers that are alone, one after the other, each killed while it publishes as fast as it can.
#[test]
fn one_writer_at_a_time() {
    rounds(&[""]);
}

/// Two that write at once, either of them killed, and replaced.
#[test]
fn one_of_two_writers() {
    rounds(&["1", "1"]);
}

fn rounds(writers: &[&str]) {
    let mut random = Random::new();
    let home = Home::new();
    let start = |join: &&str| Process::start("flood", &home.path, &[("EVENTRING_JOIN", *join)]);
    let mut alive: Vec<Process> = writers.iter().map(start).collect();
    let mut reader = Checked::new(&EventRing::open(&home.path).unwrap());
    let until = Instant::now() + seconds();
    let mut rounds = 0u64;
    while Instant::now() < until {
        // Reading is what passes the time.
        for _ in 0..random.below(2000) {
            reader.drain();
        }
        let victim = random.below(alive.len() as u64) as usize;
        let before = reader.receiver.event_ring().tail();
        alive.swap_remove(victim).kill();
        alive.push(start(&writers[0]));
        // It goes on: whoever writes now publishes more.
        reader.drain_until(before + 1);
        rounds += 1;
    }
    alive.into_iter().for_each(Process::kill);
    let ring = create(&home.path);
    let mut publisher = ring.publisher().unwrap();
    publisher.publish(Kind(1), &payload(0, 0)).unwrap();
    publisher.close();
    reader.drain_until(ring.tail());
    assert_eq!(
        reader.before + reader.received + reader.receiver.missed(),
        ring.tail()
    );
    in_order(&reader.numbers);
    for seq in ring.oldest()..ring.tail() {
        check(&ring.try_copy(seq).unwrap().unwrap().payload);
    }
    println!(
        "{rounds} rounds, {} received, {} missed",
        reader.received,
        reader.receiver.missed()
    );
}

/// What each writer published comes in its order, and nothing twice.
fn in_order(numbers: &[(u64, u64)]) {
    let mut last: HashMap<u64, u64> = HashMap::new();
    for (writer, number) in numbers {
        if let Some(before) = last.insert(*writer, *number) {
            assert!(before < *number, "{number} of {writer} after {before}");
        }
    }
}

/// A reader that is killed in its sleep leaves nothing that others would notice.
#[test]
fn a_sleeping_reader() {
    let home = Home::new();
    let ring = create(&home.path);
    let mut publisher = ring.publisher().unwrap();
    for _ in 0..3 {
        let dead = Process::start("sleeper", &home.path, &[]);
        let mut other = Process::start("sleeper", &home.path, &[]);
        idle::wait_until_asleep(&dead);
        idle::wait_until_asleep(&other);
        dead.kill();
        publisher.publish(Kind(1), b"wake up").unwrap();
        other.expect("woken");
        assert!(other.wait().success());
    }
}

/// A program that a writer started outlives it: it has neither the lock nor the mapping.
#[test]
fn a_program_that_outlives_the_writer() {
    let home = Home::new();
    let ring = create(&home.path);
    let publisher = ring.publisher().unwrap();
    let mut program = Command::new("sleep").arg("1000").spawn().unwrap();
    drop(publisher);
    // The kernel lets the parent go on before it closes what the child is not to have: so not at once.
    let next = (0..1000).any(|_| {
        let next = ring.publisher();
        next.is_err().then(|| sleep(Duration::from_millis(10)));
        next.is_ok()
    });
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(next);
}
