//! What a log comes to: the chain of hashes.
//!
//! The hash of an entry is SHA-256 over the hash before it (32 bytes; zeros for the first one), its
//! sequence number (8 bytes, big endian) and its bytes. All but the last have a fixed size, so that no two
//! entries are hashed alike.

use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// A SHA-256.
pub type Hash = [u8; 32];

/// All of a log before the event `next`, in one hash: of a log that has them. As text it is the number, a
/// colon and the hash in hexadecimal digits.
///
/// ```
/// use eventring_log::Head;
///
/// let empty = Head::START;
/// let head = empty.then(b"an event");
/// assert_eq!(head.next, 1);
/// assert_eq!(head.to_string().parse(), Ok(head));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number after that of the last event.
    pub next: u64,
    /// The last event's hash, which is over all that went before, too.
    pub hash: Hash,
}

impl Head {
    /// Of a log that is empty, and always was.
    ///
    /// ```
    /// assert_eq!(eventring_log::Head::START.next, 0);
    /// ```
    pub const START: Self = Self {
        next: 0,
        hash: [0; 32],
    };

    /// That of the log with one more event, of these bytes.
    ///
    /// ```
    /// use eventring_log::Head;
    ///
    /// let (one, other) = (Head::START.then(b"one"), Head::START.then(b"other"));
    /// assert_ne!(one.then(b"event").hash, other.then(b"event").hash);
    /// ```
    #[must_use = "it is the next head"]
    pub fn then(self, bytes: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(self.hash)
            .chain_update(self.next.to_be_bytes())
            .chain_update(bytes);
        Self {
            next: self.next + 1,
            hash: hash.finalize().into(),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.next)?;
        self.hash
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is not that of a [`Head`].
///
/// ```
/// assert!("12:34".parse::<eventring_log::Head>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseHeadError;

impl fmt::Display for ParseHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a head is a number, a colon and 64 hexadecimal digits")
    }
}

impl std::error::Error for ParseHeadError {}

impl FromStr for Head {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let parse = || {
            let (next, digits) = text.split_once(':')?;
            if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            let mut hash = [0; 32];
            for (byte, index) in hash.iter_mut().zip((0..).step_by(2)) {
                *byte = u8::from_str_radix(&digits[index..index + 2], 16).ok()?;
            }
            let next = next.parse().ok()?;
            Some(Self { next, hash })
        };
        parse().ok_or(ParseHeadError)
    }
}
