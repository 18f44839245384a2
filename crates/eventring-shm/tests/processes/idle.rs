//! Who waits does nothing.

use super::*;
use eventring_shm::Kind;

/// How often the threads of a process went to sleep and were woken, and how much time they took.
fn activity(process: &Process) -> Vec<(String, u64, u64)> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.child.id())).unwrap();
    let mut activity: Vec<_> = tasks
        .map(|task| {
            let task = task.unwrap().path();
            let status = std::fs::read_to_string(task.join("status")).unwrap();
            let switches = status
                .lines()
                .filter(|line| line.contains("ctxt_switches"))
                .map(|line| {
                    line.split_whitespace()
                        .last()
                        .unwrap()
                        .parse::<u64>()
                        .unwrap()
                })
                .sum();
            let stat = std::fs::read_to_string(task.join("stat")).unwrap();
            let fields: Vec<&str> = stat
                .rsplit(')')
                .next()
                .unwrap()
                .split_whitespace()
                .collect();
            let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
            (task.display().to_string(), switches, ticks)
        })
        .collect();
    activity.sort();
    activity
}

/// All of its threads sleep: its main thread, that of the test, one that blocks, and the bell's.
pub(super) fn wait_until_asleep(process: &Process) {
    let deadline = Instant::now() + LONG;
    loop {
        let before = activity(process);
        std::thread::sleep(Duration::from_millis(50));
        if before.len() == 4 && activity(process) == before {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "it does not go to sleep: {before:?}"
        );
    }
}

/// No thread runs, not even for a moment, while nothing is published; then all are woken.
#[test]
fn idle_readers_take_no_time() {
    let home = Home::new();
    let ring = create(&home.path);
    let mut publisher = ring.publisher().unwrap();
    let mut reader = Process::start("sleeper", &home.path, &[]);
    wait_until_asleep(&reader);
    let before = activity(&reader);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(activity(&reader), before);
    publisher.publish(Kind(1), b"wake up").unwrap();
    reader.expect("woken");
    assert!(reader.wait().success());
}
