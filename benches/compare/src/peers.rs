//! The peers, each used as its own documentation says is fastest.

mod async_broadcast;
mod bus;
mod disruptor;
mod eventring;
mod eventring_batch;
mod eventring_broadcast;
mod eventring_committing;
mod mpsc_ack;
mod mpsc_fanout;
mod paced;
mod splaycast;
mod tokio;
mod topics;

pub(crate) use self::async_broadcast::AsyncBroadcast;
pub(crate) use self::bus::Bus;
pub(crate) use self::disruptor::Disruptor;
pub(crate) use self::eventring::Eventring;
pub(crate) use self::eventring_batch::EventringBatch;
pub(crate) use self::eventring_broadcast::EventringBroadcast;
pub(crate) use self::eventring_committing::EventringCommitting;
pub(crate) use self::mpsc_ack::MpscAck;
pub(crate) use self::mpsc_fanout::MpscFanout;
pub(crate) use self::splaycast::Splaycast;
pub(crate) use self::tokio::Tokio;
pub(crate) use self::topics::{Cursored, Dashed, Filtered, Keyed, Locked};
