//! The bytes of an event with its topic, little-endian:
//!
//! ```text
//! topic length u16 | payload length u16 | milliseconds since 1970 u64 | topic | payload
//! ```

/// Bytes before the topic.
pub(super) const HEADER: usize = 12;

/// `None` if a length does not fit.
pub(super) fn encode(topic: &str, payload: &[u8], timestamp_ms: u64) -> Option<Vec<u8>> {
    let topic_len = u16::try_from(topic.len()).ok()?;
    let payload_len = u16::try_from(payload.len()).ok()?;
    let mut frame = Vec::with_capacity(HEADER + topic.len() + payload.len());
    frame.extend(topic_len.to_le_bytes());
    frame.extend(payload_len.to_le_bytes());
    frame.extend(timestamp_ms.to_le_bytes());
    frame.extend(topic.as_bytes());
    frame.extend(payload);
    Some(frame)
}

/// Topic, payload and time of a frame. What follows it does not matter.
pub(super) fn decode(frame: &[u8]) -> Option<(&[u8], &[u8], u64)> {
    let (header, rest) = frame.split_first_chunk::<HEADER>()?;
    let number = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let (topic, rest) = rest.split_at_checked(number(0))?;
    let (payload, _) = rest.split_at_checked(number(2))?;
    let time = header[4..].try_into().expect("eight bytes are left");
    Some((topic, payload, u64::from_le_bytes(time)))
}

/// FNV-1a: by it readers pass what is of other topics, without copying it.
pub(super) fn topic_hash(topic: &[u8]) -> u64 {
    topic.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{HEADER, decode, encode, topic_hash};

    #[test]
    fn bytes() {
        let frame = encode("a.b", b"xy", 0x0102).unwrap();
        assert_eq!(frame, b"\x03\x00\x02\x00\x02\x01\0\0\0\0\0\0a.bxy");
        assert_eq!(decode(&frame), Some((&b"a.b"[..], &b"xy"[..], 0x0102)));
        for len in 0..frame.len() {
            assert_eq!(decode(&frame[..len]), None);
        }
        assert_eq!(frame.len(), HEADER + 5);
    }

    #[test]
    fn known_hash() {
        assert_eq!(topic_hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
