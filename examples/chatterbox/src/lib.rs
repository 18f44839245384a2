//! A chat over gRPC, in which [`eventring`] receivers are the streams: the server's responses, and
//! the client's requests too. No task and no queue stands between the bus and tonic.
//!
//! * [`room`]: who is in, and the bus that tells everybody; the snapshot and the subscription in
//!   one step.
//! * [`events`]: what a client is sent: the snapshot, then what happens, lag included. It is the
//!   response stream of `Monitor`.
//! * [`session`]: the response stream of `Chat`, which also hears what the client says.
//! * [`audit`]: the same bus, stored on disk by a sink that holds up those who speak rather than miss an event.
//! * [`server`], [`client`], [`monitor`], [`terminal`] and [`view`] are the two ends of the wire.

pub mod audit;
pub mod client;
pub mod events;
pub mod monitor;
pub mod room;
pub mod server;
pub mod session;
pub mod terminal;
pub mod view;

/// Made from `proto/chatterbox.proto`, which says what the messages mean.
pub mod proto {
    tonic::include_proto!("chatterbox");

    use event::What;

    impl Event {
        pub fn initialized() -> Self {
            Self::default()
        }

        pub fn chat(who: &str, text: String) -> Self {
            Self {
                text,
                ..Self::about(who, What::Chat)
            }
        }

        pub fn join(who: &str) -> Self {
            Self::about(who, What::Join)
        }

        pub fn leave(who: &str) -> Self {
            Self::about(who, What::Leave)
        }

        pub fn lagged(missed: u64) -> Self {
            Self {
                missed,
                ..Self::about("", What::Lagged)
            }
        }

        fn about(who: &str, what: What) -> Self {
            Self {
                who: who.to_owned(),
                what: what.into(),
                ..Self::default()
            }
        }
    }

    impl Send {
        pub fn join(name: &str) -> Self {
            Self {
                what: Some(send::What::Join(name.to_owned())),
            }
        }

        pub fn say(text: String) -> Self {
            Self {
                what: Some(send::What::Say(text)),
            }
        }
    }
}
