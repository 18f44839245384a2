//! Which event a message carries: its id (`Nats-Msg-Id`) is `SOURCE.EPOCH.SEQUENCE`.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use std::fmt;

/// Where a message is from: an event of a bus, by the relay of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    /// The relay's name.
    pub(crate) source: &'a str,
    /// The relay's run: a later one has a larger number.
    pub(crate) epoch: u64,
    /// The event's number in the bus.
    pub(crate) sequence: u64,
}

impl<'a> Origin<'a> {
    /// `None`: no relay has sent it.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        Self::parse(headers.get(NATS_MESSAGE_ID)?.as_str())
    }

    fn parse(id: &'a str) -> Option<Self> {
        let (run, sequence) = id.rsplit_once('.')?;
        let (source, epoch) = run.rsplit_once('.')?;
        if !is_name(source) {
            return None;
        }
        Some(Self {
            source,
            epoch: epoch.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.source, self.epoch, self.sequence)
    }
}

/// Whether it can be a source: one token of a subject, and of an id.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_id_says_where_a_message_is_from() {
        let origin = Origin {
            source: "api-1",
            epoch: 1_764_000_000_000_000_000,
            sequence: 41,
        };
        assert_eq!(Origin::parse(&origin.to_string()), Some(origin));
        for other in [
            "", "41", "api.41", ".1.41", "a b.1.41", "a.b.1.41", "a.-1.41", "a.1.x",
        ] {
            assert_eq!(Origin::parse(other), None, "{other}");
        }
    }
}
