//! Moving from tokio's broadcast channel to eventring's: one `use` line.
//!
//! A small chat. It runs over eventring's channel, or with `--cfg tokio_broadcast` over tokio's;
//! `.ci/migration` runs it both ways and compares what it prints.
//!
//! `cargo run --example tokio_migration`

#[cfg(not(tokio_broadcast))]
use eventring::broadcast;
#[cfg(tokio_broadcast)]
use tokio::sync::broadcast;

use broadcast::error::{RecvError, TryRecvError};
use std::collections::BTreeMap;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
struct Message {
    from: &'static str,
    text: String,
}

/// Where everybody who has joined gets every message.
struct Room {
    messages: broadcast::Sender<Message>,
    members: BTreeMap<&'static str, JoinHandle<Vec<String>>>,
}

impl Room {
    fn new() -> Self {
        Self {
            messages: broadcast::Sender::new(4),
            members: BTreeMap::new(),
        }
    }

    /// Says something, and lets the members hear it.
    async fn say(&self, from: &'static str, text: impl Into<String>) {
        let text = text.into();
        match self.messages.send(Message { from, text }) {
            Ok(members) => println!("{from} is heard by {members}"),
            Err(error) => println!("{from} is not heard: {error}: {}", error.0.text),
        }
        self.settle().await;
    }

    /// Until everybody who listens has heard everything.
    async fn settle(&self) {
        while !self.messages.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    fn join(&mut self, name: &'static str) {
        let messages = self.messages.subscribe();
        self.members.insert(name, tokio::spawn(listen(messages)));
    }
}

/// What a member hears, until the room closes.
async fn listen(mut messages: broadcast::Receiver<Message>) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        heard.push(match messages.recv().await {
            Ok(message) if message.text == "bye" => return heard,
            Ok(Message { from, text }) => format!("{from}: {text}"),
            Err(RecvError::Lagged(missed)) => format!("({missed} messages missed)"),
            Err(RecvError::Closed) => return heard,
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut room = Room::new();
    room.say("ada", "is anybody there?").await;

    room.join("ada");
    room.say("ada", "hello").await;
    room.join("bob");
    room.say("bob", "hello ada").await;

    // A member who does not listen for a while, and is told what it missed.
    let mut dozing = room.messages.subscribe();
    let wake_up = &Barrier::new(2);
    let doze = async move {
        wake_up.wait().await;
        let mut heard = Vec::new();
        loop {
            match dozing.try_recv() {
                Ok(message) => heard.push(message.text),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return heard,
                Err(error @ TryRecvError::Lagged(_)) => heard.push(format!("({error})")),
            }
        }
    };
    let count = async {
        for number in 1..=6 {
            let text = format!("{number}");
            let counted = room.messages.send(Message { from: "bob", text });
            println!("counting for {:?}", counted.ok());
            tokio::task::yield_now().await;
        }
        wake_up.wait().await;
    };
    let (heard, ()) = tokio::join!(doze, count);
    println!("heard after dozing: {heard:?}");

    // Whoever holds the room weakly does not keep it open.
    let weak = room.messages.downgrade();
    room.say("ada", "bye").await;
    let Room { messages, members } = room;
    messages.closed().await;
    for (name, member) in members {
        println!("{name} heard {:?}", member.await.unwrap());
    }
    println!("{messages:?} with {} receivers", messages.receiver_count());
    drop(messages);
    println!(
        "the room is {}",
        weak.upgrade().map_or("closed", |_| "open")
    );
}
