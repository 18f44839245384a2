//! Topics, between two processes that both publish.

use super::*;
use eventring_shm::topics::{NodeId, TopicBus};

#[test]
fn question_and_answer() {
    let home = Home::new();
    let bus = TopicBus::join(&home.path, NodeId(1)).unwrap();
    let mut cursor = bus.cursor_at_head();
    bus.publish("question", b"?").unwrap();
    let mut node = Process::start("node", &home.path, &[]);
    node.expect("answered");
    assert!(node.wait().success());
    let poll = bus.poll_topic(&mut cursor, "answer");
    assert_eq!((poll.events.len(), poll.lagged), (1, 0));
    let answer = &poll.events[0];
    assert_eq!(
        (answer.id.to_string().as_str(), &answer.payload[..]),
        ("2-1", &b"?"[..])
    );
}
