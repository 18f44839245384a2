//! The relay's task.
//!
//! * An event that is sent while nothing is in flight names the place, in the stream, of the subject's last
//!   message (`Nats-Expected-Last-Subject-Sequence`). One that is sent behind others names the id of the
//!   event before it (`Nats-Expected-Last-Msg-Id`), whose place is not known yet. So the broker refuses
//!   what would leave a hole or come twice; what it takes proves that everything before is stored.
//! * Whatever goes wrong, there is one answer ([`Relay::resume`]): read the subject's last message, commit
//!   what is stored by that, rewind to what is not, go on from there.
//! * What is in flight lies between the receiver's committed sequence number and its position.

use super::broker::{After, Broker, Stored, Trouble, Upto, answer};
use super::builder::{Encode, OnReject};
use super::stats::Counters;
use super::{End, Order, Reject, Rejection, Stopped};
use crate::identity::Origin;
use async_nats::Message;
use async_nats::client::PublishErrorKind;
use async_nats::jetstream::message::StreamMessage;
use eventring::{Receiver, TryRecvError};
use futures_util::{FutureExt, StreamExt};
use std::convert::Infallible;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval, sleep};

/// How often it is looked whether the connection is another one, at least.
const TICK: Duration = Duration::from_millis(50);

pub(super) struct Relay<E> {
    pub(super) receiver: Receiver<E>,
    pub(super) encode: Encode<E>,
    pub(super) on_reject: OnReject<E>,
    pub(super) counters: Arc<Counters>,
    pub(super) broker: Broker,
    pub(super) settings: Settings,
    /// The bus's numbers are those of the runs since this one.
    pub(super) since: u64,
    /// How many may be in flight now.
    pub(super) window: u64,
    pub(super) state: State,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) in_flight: u64,
    pub(super) ack_timeout: Duration,
    pub(super) backoff: (Duration, Duration),
}

pub(super) struct State {
    /// The place in the stream of the subject's last message, if nothing is in flight. 0: there is none.
    last: u64,
    /// Events before this are stored, though they may not have been received yet.
    stored: u64,
    /// Acknowledgements are for the messages since it last resumed: the others are not waited for.
    attempt: u64,
    /// How often it resumed without getting further.
    failures: u32,
    /// The event that was received last, if it cannot be sent: those before it come first.
    held: Option<Rejection>,
    /// When the last acknowledgement came, or what is in flight was sent.
    heard: Instant,
    connects: u64,
    payload: Vec<u8>,
}

impl State {
    pub(super) fn new(broker: &Broker) -> Self {
        Self {
            last: 0,
            stored: 0,
            attempt: 0,
            failures: 0,
            held: None,
            heard: Instant::now(),
            connects: broker.connects(),
            payload: Vec::new(),
        }
    }
}

impl<E: Send + Sync> Relay<E> {
    pub(super) async fn run(&mut self, orders: watch::Receiver<Order>) -> End {
        let Err(end) = self.relay(orders).await;
        end
    }

    async fn relay(&mut self, orders: watch::Receiver<Order>) -> Result<Infallible, End> {
        let mut upto = Upto::new(orders);
        loop {
            let trouble = self.pass_on(&mut upto).await?;
            self.resume(trouble).await?;
        }
    }

    /// Until something goes wrong.
    async fn pass_on(&mut self, upto: &mut Upto) -> Result<Trouble, End> {
        let mut ticks = interval(TICK.min(self.settings.ack_timeout / 4).max(TICK / 50));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed = false;
        loop {
            while let Some(ack) = self.broker.acks.next().now_or_never() {
                if let Break(trouble) = self.hear(&ack.ok_or(End::Disconnected)?) {
                    return Ok(trouble);
                }
            }
            let in_flight = self.in_flight();
            self.counters.in_flight.set(in_flight);
            if let (Some(why), 1) = (self.state.held, in_flight) {
                return Ok(Trouble::Rejected(self.receiver.committed(), why));
            }
            let end = upto.end(&self.receiver);
            if in_flight == 0 && (closed || end <= self.receiver.committed()) {
                return Err(End::Complete);
            }

            let room = in_flight < self.window && self.state.held.is_none() && !closed;
            let Self {
                receiver,
                encode,
                state,
                broker,
                ..
            } = self;
            let payload = &mut state.payload;
            payload.clear();
            let mut encode = |event: &E| encode(event, payload);
            let received = if room {
                receiver.try_recv_with(&mut encode)
            } else {
                Err(TryRecvError::Empty)
            };
            let received = match received {
                Ok(()) => true,
                Err(TryRecvError::Closed) => {
                    closed = true;
                    continue;
                }
                Err(TryRecvError::Empty) => select! {
                    biased;
                    ack = broker.acks.next() => {
                        if let Break(trouble) = self.hear(&ack.ok_or(End::Disconnected)?) {
                            return Ok(trouble);
                        }
                        false
                    }
                    received = receiver.recv_with(encode), if room => {
                        closed = received.is_none();
                        !closed
                    }
                    () = upto.changed() => false,
                    _ = ticks.tick(), if in_flight > 0 => {
                        if let Break(trouble) = self.look() {
                            return Ok(trouble);
                        }
                        false
                    }
                },
            };
            if received && let Break(trouble) = self.send().await? {
                return Ok(trouble);
            }
        }
    }

    /// Sends the event that was received last.
    async fn send(&mut self) -> Result<ControlFlow<Trouble>, End> {
        let sequence = self.receiver.position() - 1;
        if sequence < self.state.stored {
            self.commit(sequence + 1);
            return Ok(Continue(()));
        }
        let first = sequence == self.receiver.committed();
        if first {
            let _ = self.look();
            self.state.heard = Instant::now();
        }
        let after = if first {
            After::Place(self.state.last)
        } else {
            After::Event(sequence - 1)
        };
        let payload = self.state.payload.clone();
        let sent = self
            .broker
            .send(self.state.attempt, sequence, after, payload);
        match sent.await.map_err(|error| (error.kind(), error)) {
            Ok(()) => Ok(Continue(())),
            Err((PublishErrorKind::Send, _)) => Err(End::Disconnected),
            Err((PublishErrorKind::MaxPayloadExceeded, _)) => {
                self.state.held = Some(Rejection::TooLarge);
                Ok(Continue(()))
            }
            Err((_, error)) => Ok(Break(Trouble::Refused(error.to_string()))),
        }
    }

    fn hear(&mut self, message: &Message) -> ControlFlow<Trouble> {
        match answer(message, self.state.attempt) {
            Some((sequence, Ok(stored))) => self.acknowledged(sequence, stored),
            Some((_, Err(trouble))) => return Break(trouble),
            None => {}
        }
        Continue(())
    }

    fn acknowledged(&mut self, sequence: u64, stored: Stored) {
        let State {
            last,
            heard,
            failures,
            ..
        } = &mut self.state;
        (*last, *heard, *failures) = (stored.place, Instant::now(), 0);
        self.window = (self.window + 1).min(self.settings.in_flight);
        self.counters.duplicates.add(u64::from(stored.duplicate));
        self.counters.stream_sequence.set(stored.place);
        self.commit(sequence + 1);
    }

    fn commit(&mut self, upto: u64) {
        self.counters
            .stored
            .add(upto.saturating_sub(self.receiver.committed()));
        self.receiver.commit(upto);
    }

    fn in_flight(&self) -> u64 {
        self.receiver.position() - self.receiver.committed()
    }

    /// Whether what is in flight can be hoped for.
    fn look(&mut self) -> ControlFlow<Trouble> {
        let connects = self.broker.connects();
        let another = connects != self.state.connects;
        self.counters.reconnects.add(connects - self.state.connects);
        self.state.connects = connects;
        if self.in_flight() == 0 {
            Continue(())
        } else if another {
            Break(Trouble::Reconnected)
        } else if self.state.heard.elapsed() > self.settings.ack_timeout {
            Break(Trouble::Late)
        } else {
            Continue(())
        }
    }

    /// Finds out what is stored, and goes back to what is not.
    async fn resume(&mut self, trouble: Trouble) -> Result<(), End> {
        tracing::debug!(?trouble, committed = self.receiver.committed(), "resuming");
        self.counters.resumed.add(1);
        self.state.attempt += 1;
        self.state.held = None;
        if let Trouble::OutOfTurn | Trouble::Late = trouble {
            // Others write to the stream too, maybe; a cluster does not answer to all that it refuses.
            self.window = (self.window / 2).max(1);
        }
        if self.state.failures > 0 {
            self.back_off().await;
        }
        self.state.failures += 1;
        let last = loop {
            while let Some(ack) = self.broker.acks.next().now_or_never() {
                ack.ok_or(End::Disconnected)?;
            }
            let _ = self.look();
            match self.broker.last(self.settings.ack_timeout).await {
                Ok(last) => break last,
                Err(error) => tracing::warn!(%error, "the broker is asked again"),
            }
            self.back_off().await;
            self.state.failures += 1;
        };
        self.take_up(last.as_ref())?;
        match trouble {
            Trouble::Rejected(sequence, why) if sequence == self.receiver.committed() => {
                self.reject(why)
            }
            _ => Ok(()),
        }
    }

    fn back_off(&self) -> Sleep {
        let (shortest, longest) = self.settings.backoff;
        let doublings = self.state.failures.min(16);
        sleep(shortest.saturating_mul(1 << doublings).min(longest))
    }

    /// Goes on after the subject's last message.
    pub(super) fn take_up(&mut self, last: Option<&StreamMessage>) -> Result<(), End> {
        self.state.last = last.map_or(0, |message| message.sequence);
        self.counters.stream_sequence.set(self.state.last);
        let origin = last.and_then(|message| Origin::of(&message.headers));
        let origin = origin.filter(|origin| origin.source == self.broker.source);
        let committed = self.receiver.committed();
        if let Some(origin) = origin {
            if origin.epoch > self.broker.epoch {
                return Err(End::Fenced);
            }
            if origin.epoch >= self.since {
                self.state.stored = origin.sequence + 1;
                if self.state.stored < committed {
                    tracing::error!(
                        committed,
                        stored = self.state.stored,
                        "the broker has lost events"
                    );
                }
                self.commit(self.state.stored.min(self.receiver.position()));
            }
        }
        if committed < self.receiver.committed() {
            self.state.failures = 0;
        }
        self.receiver.rewind();
        Ok(())
    }

    /// Asks what to do about the next event, which the broker does not take.
    fn reject(&mut self, why: Rejection) -> Result<(), End> {
        let Self {
            receiver,
            on_reject,
            ..
        } = self;
        let what = receiver.try_recv_with(|event| on_reject(event, why));
        tracing::warn!(
            ?why,
            ?what,
            sequence = receiver.committed(),
            "an event is not taken"
        );
        match what {
            Ok(Reject::Skip) => {
                receiver.commit_all();
                self.counters.skipped.add(1);
                self.state.failures = 0;
            }
            Ok(Reject::Stop) => return Err(End::Rejected(why)),
            Ok(Reject::Retry) | Err(_) => receiver.rewind(),
        }
        Ok(())
    }
}

impl<E> Relay<E> {
    pub(super) fn stopped(mut self, end: End) -> Stopped<E> {
        self.receiver.rewind();
        Stopped {
            end,
            receiver: self.receiver,
            since: self.since,
        }
    }
}
