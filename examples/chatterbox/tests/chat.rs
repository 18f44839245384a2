//! Everybody is sent the same: order, and a snapshot that the stream continues.

mod common;

use chatterbox::proto::event::What;
use chatterbox::proto::{Event, Send};
use common::{Attendance, Server, watched};
use eventring::EventBus;
use futures::future::join_all;

async fn count_aloud(voice: &EventBus<Send>, count: usize) {
    for number in 0..count {
        voice.publish(Send::say(number.to_string())).await.unwrap();
    }
}

#[test]
fn joining_speaking_leaving() {
    watched(async {
        let server = Server::start(64).await;
        let mut listener = server.listen().await;
        assert_eq!(listener.present().await, Attendance::default());

        let mut ann = server.join("ann").await;
        let mut bob = server.join("bob").await;
        assert_eq!(bob.present, Attendance::of(["ann", "bob"]));
        bob.say_and_hear("hi").await;
        ann.say_and_hear("hello").await;
        bob.voice.close();
        bob.events.until(&Event::leave("bob")).await;
        ann.say("bye").await;

        let expected = [
            Event::join("ann"),
            Event::join("bob"),
            Event::chat("bob", "hi".into()),
            Event::chat("ann", "hello".into()),
            Event::leave("bob"),
        ];
        for event in expected {
            assert_eq!(listener.next().await, event);
        }
        assert_eq!(listener.next().await, Event::chat("ann", "bye".into()));
    });
}

/// Four speak at once; all five get all of it in the same order, and that of each speaker.
#[test]
fn one_order_for_all() {
    const MESSAGES: usize = 100;
    watched(async {
        let server = Server::start(1024).await;
        let names = ["ann", "bob", "eve", "joe"];
        let mut listener = server.listen().await;
        let mut clients = Vec::new();
        for name in names {
            clients.push(server.join(name).await);
        }
        listener.until(&Event::join("joe")).await;

        let transcripts = join_all(clients.into_iter().map(async |mut client| {
            let listening = async {
                let mut transcript = Vec::new();
                while transcript.len() < names.len() * MESSAGES {
                    let event = client.events.next().await;
                    // Those who came later.
                    if event.what() == What::Chat {
                        transcript.push(event);
                    }
                }
                transcript
            };
            let ((), transcript) = futures::join!(count_aloud(&client.voice, MESSAGES), listening);
            // Stays until the end.
            (client, transcript)
        }))
        .await;

        let mut heard = Vec::new();
        while heard.len() < names.len() * MESSAGES {
            heard.push(listener.next().await);
        }
        for (client, transcript) in &transcripts {
            assert_eq!(*transcript, heard, "{}", client.name);
        }
        for name in names {
            let said = heard.iter().filter(|event| event.who == name);
            let numbers: Vec<usize> = said.map(|event| event.text.parse().unwrap()).collect();
            assert_eq!(numbers, Vec::from_iter(0..MESSAGES), "{name}");
        }
    });
}

/// While some come and go in both ways and one counts aloud, others begin to listen: for each of
/// them the snapshot and the stream fit together, and no number is missing.
#[test]
fn no_gap_and_no_duplicate_after_the_snapshot() {
    const VISITORS: usize = 4;
    const VISITS: usize = 15;
    const LISTENERS: usize = 12;
    watched(async {
        let server = Server::start(1 << 16).await;
        let mut doorman = server.listen().await;
        doorman.present().await;
        let mut speaker = server.join("speaker").await;

        let visitors = join_all((0..VISITORS).map(async |visitor| {
            for visit in 0..VISITS {
                let name = format!("visitor-{visitor}-{visit}");
                let mut client = server.join(&name).await;
                if visit % 2 == 0 {
                    client.voice.close();
                    client.events.until(&Event::leave(&name)).await;
                }
            }
        }));
        let all_have_left = async {
            let mut left = 0;
            while left < VISITORS * VISITS {
                left += usize::from(doorman.next().await.what() == What::Leave);
            }
        };
        let speaking = async {
            let mut visits = std::pin::pin!(futures::future::join(visitors, all_have_left));
            for number in 0.. {
                tokio::select! {
                    biased;
                    _ = &mut visits => break,
                    () = speaker.say_and_hear(number.to_string()) => {}
                }
            }
            speaker.say("end").await;
        };
        let listeners = join_all((0..LISTENERS).map(async |_| {
            let mut listener = server.listen().await;
            let mut present = listener.present().await;
            let mut last: Option<u64> = None;
            loop {
                let event = listener.next().await;
                present.follow(&event);
                match (event.what(), event.text.as_str()) {
                    (What::Chat, "end") => return present,
                    (What::Chat, text) => {
                        let number = text.parse().unwrap();
                        assert!(
                            last.is_none_or(|last| number == last + 1),
                            "{last:?} {event:?}"
                        );
                        last = Some(number);
                    }
                    _ => {}
                }
            }
        }));
        let ((), present) = futures::join!(speaking, listeners);
        for present in present {
            assert_eq!(present, Attendance::of(["speaker"]));
        }
    });
}

/// Thousands of messages at once into a small room: the speaker is heard as fast as it listens, so
/// that it misses nothing, and its LEAVE is the last event that it gets.
#[test]
fn a_flood_is_heard_completely() {
    const MESSAGES: usize = 5_000;
    watched(async {
        let server = Server::start(4).await;
        let mut ann = server.join("ann").await;
        let speaking = async {
            count_aloud(&ann.voice, MESSAGES).await;
            ann.voice.close();
        };
        let ((), (heard, end)) = futures::join!(speaking, ann.events.rest());
        end.unwrap();
        assert_eq!(heard.len(), MESSAGES + 1);
        for (number, event) in heard[..MESSAGES].iter().enumerate() {
            assert_eq!(*event, Event::chat("ann", number.to_string()));
        }
        assert_eq!(heard[MESSAGES], Event::leave("ann"));
    });
}
