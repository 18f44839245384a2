//! The constant part of a ring's file: four lines that are written once, and checked by who opens it.

use crate::error::OpenError;
use crate::protocol::Geometry;
use crate::protocol::layout::{DESCRIPTOR_WORDS, HEADER_WORDS, WORD};
use crate::sync::{AtomicU64, Ordering};

/// Words of the header proper; the control words follow.
pub(crate) const LEN: usize = 32;

const MAGIC: u64 = u64::from_ne_bytes(*b"EVNTRING");
const MAJOR: u32 = 1;
const MINOR: u32 = 0;
/// Looks like this only to who has the same byte order; the last byte is that of a word's size.
const MARK: u64 = 0x0102_0304_0506_0708;
const READY: u64 = 1;
/// The words that the checksum is of come before it.
const CHECKSUM: usize = 21;
const READY_AT: usize = LEN - 1;

/// Who made what, and how big it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) geometry: Geometry,
    pub(crate) content_type: u16,
    pub(crate) schema_hash: [u8; 32],
    pub(crate) ring_id: u128,
    pub(crate) boot_id: u128,
    /// Nanoseconds since 1970.
    pub(crate) created: u64,
}

impl Header {
    /// Bytes of the whole file.
    pub(crate) fn file_len(&self) -> u64 {
        self.geometry.words() as u64 * WORD
    }

    pub(crate) fn words(&self) -> [u64; LEN] {
        let mut words = [0; LEN];
        words[0] = MAGIC;
        words[1] = u64::from(MAJOR) << 32 | u64::from(MINOR);
        words[2] = MARK;
        words[4] = self.file_len();
        words[5] = HEADER_WORDS as u64 * WORD;
        words[6] = self.geometry.descriptors();
        words[7] = self.geometry.payload_word() as u64 * WORD;
        words[8] = self.geometry.payload();
        words[9] = DESCRIPTOR_WORDS as u64 * WORD;
        words[11] = u64::from(self.content_type);
        for (word, bytes) in words[12..16]
            .iter_mut()
            .zip(self.schema_hash.chunks_exact(8))
        {
            *word = u64::from_ne_bytes(bytes.try_into().expect("a word"));
        }
        (words[16], words[17]) = halves(self.ring_id);
        (words[18], words[19]) = halves(self.boot_id);
        words[20] = self.created;
        words[CHECKSUM] = checksum(&words);
        words[READY_AT] = READY;
        words
    }

    /// Writes it into a new file, `ready` last.
    pub(crate) fn store(&self, file: &[AtomicU64]) {
        let words = self.words();
        for (to, word) in file.iter().zip(&words[..READY_AT]) {
            to.store(*word, Ordering::Relaxed);
        }
        file[READY_AT].store(words[READY_AT], Ordering::Release);
    }

    /// Checks words that were copied out of a file that is `file_len` bytes long.
    pub(crate) fn check(words: &[u64; LEN], file_len: u64) -> Result<Self, OpenError> {
        if words[0] != MAGIC {
            return Err(match words[0].swap_bytes() == MAGIC {
                true => OpenError::ByteOrder,
                false => OpenError::NotARing,
            });
        }
        if words[READY_AT] != READY {
            return Err(OpenError::Unfinished);
        }
        if (words[1] >> 32) as u32 != MAJOR {
            return Err(OpenError::Version((words[1] >> 32) as u32));
        }
        if words[2] != MARK {
            return Err(OpenError::ByteOrder);
        }
        if words[CHECKSUM] != checksum(words) {
            return Err(OpenError::Checksum);
        }
        let geometry = Geometry::new(words[6], words[8]).ok_or(OpenError::Geometry)?;
        let mut schema_hash = [0; 32];
        for (bytes, word) in schema_hash.chunks_exact_mut(8).zip(&words[12..16]) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        let header = Self {
            geometry,
            content_type: words[11] as u16,
            schema_hash,
            ring_id: whole(words[16], words[17]),
            boot_id: whole(words[18], words[19]),
            created: words[20],
        };
        // A minor version may add words, but not move what is there.
        let expected = header.words();
        if words[4..10] != expected[4..10] || words[11] != expected[11] {
            return Err(OpenError::Geometry);
        }
        match header.file_len() {
            needed if needed > file_len => Err(OpenError::Truncated {
                needed,
                found: file_len,
            }),
            _ => Ok(header),
        }
    }
}

fn halves(whole: u128) -> (u64, u64) {
    (whole as u64, (whole >> 64) as u64)
}

fn whole(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

fn checksum(words: &[u64; LEN]) -> u64 {
    let bytes = words[..CHECKSUM].iter().flat_map(|word| word.to_ne_bytes());
    u64::from(crc32c(bytes))
}

/// CRC-32C, bit by bit: it is over 168 bytes, once.
fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Header, LEN, crc32c};
    use crate::error::OpenError;
    use crate::protocol::Geometry;

    fn header() -> Header {
        Header {
            geometry: Geometry::new(64, 4096).unwrap(),
            content_type: 7,
            schema_hash: [9; 32],
            ring_id: 1 << 70 | 5,
            boot_id: 3,
            created: 11,
        }
    }

    #[test]
    fn check_value() {
        assert_eq!(crc32c(b"123456789".iter().copied()), 0xe306_9283);
    }

    #[test]
    fn words_and_back() {
        let header = header();
        let checked = Header::check(&header.words(), header.file_len()).unwrap();
        assert_eq!(checked, header);
    }

    #[test]
    fn any_other_word_is_refused() {
        let len = header().file_len();
        for at in 0..LEN {
            let mut words = header().words();
            words[at] ^= 1 << 40;
            // Behind the checksum, before `ready`: reserved.
            let reserved = (22..31).contains(&at);
            assert_eq!(Header::check(&words, len).is_ok(), reserved, "word {at}");
        }
    }

    #[test]
    fn a_file_that_is_too_short() {
        let len = header().file_len();
        let error = Header::check(&header().words(), len - 1).unwrap_err();
        assert!(matches!(error, OpenError::Truncated { .. }), "{error}");
    }
}
