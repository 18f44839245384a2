//! A client that does not read holds up nobody, and is told what it missed.

mod common;

use chatterbox::proto::Event;
use chatterbox::proto::event::What;
use common::{Attendance, Client, Server, watched};

/// 2 MB: many times what the windows, the buffers and the ring between a client and the server hold.
const MESSAGES: u64 = 500;

fn message(number: u64) -> String {
    format!("{number} {}", "x".repeat(4000))
}

fn number(event: &Event) -> u64 {
    let (number, _) = event.text.split_once(' ').unwrap();
    number.parse().unwrap()
}

#[test]
fn a_slow_client_is_told_that_it_lagged() {
    watched(async {
        let server = Server::start(8).await;
        let mut slow = Client::join_narrow(server.endpoint(), "slow").await;
        let mut fast = server.join("fast").await;
        let gone = server.join("gone").await;

        // The fast one gets every one of them, however little the slow one reads.
        for number in 0..MESSAGES {
            fast.say_and_hear(message(number)).await;
        }
        drop(gone);
        fast.events.until(&Event::leave("gone")).await;

        assert_eq!(slow.events.next().await, Event::join("fast"));
        assert_eq!(slow.events.next().await, Event::join("gone"));
        let mut received = 0;
        let gap = loop {
            match slow.events.next().await {
                event if event.what() == What::Lagged => break event,
                event => assert_eq!(number(&event), received),
            }
            received += 1;
        };
        // Received and missed are all there was: the messages and one LEAVE.
        assert_eq!(gap.missed, MESSAGES + 1 - received);

        // Then it starts over: it knows who is there, though it missed who has left.
        let present = slow.events.present().await;
        assert_eq!(present, Attendance::of(["slow", "fast"]));
        fast.say("are you there?").await;
        let question = Event::chat("fast", "are you there?".into());
        assert_eq!(slow.events.next().await, question);
        slow.say("yes").await;
        fast.events.until(&Event::chat("slow", "yes".into())).await;
    });
}
