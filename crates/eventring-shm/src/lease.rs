//! Who may write: leases, which the kernel takes back whatever a process dies of.
//!
//! They are locks on single bytes of the ring's file. Byte 0 is locked by every writer: exclusively by
//! one that wants to be alone, shared by those who do not. Byte 1 + slot is locked by the writer that
//! has leased the slot.

use crate::error::OpenError;
use crate::file::reopen;
use crate::ofd::{self, Share};
use crate::protocol::{Leases, SLOTS, Slot};
use std::fs::File;
use std::os::fd::AsFd;

/// Byte of the file that says that somebody writes.
const ANYBODY: u16 = 0;

fn byte(slot: Slot) -> u16 {
    1 + u16::from(slot)
}

/// One writer's right to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    file: File,
    slot: Slot,
}

impl Lease {
    /// Leases a slot. Fails if another writer is alone, or `share` says to be alone and there is one.
    pub(crate) fn take(ring: &File, share: Share, pid: u32) -> Result<Self, OpenError> {
        let file = reopen(ring, true)?;
        let lock = |byte, share| {
            ofd::try_lock(file.as_fd(), byte, share).map_err(|error| OpenError::io("lock", error))
        };
        if !lock(ANYBODY, share)? {
            return Err(OpenError::WriterExists { pid });
        }
        for slot in 0..SLOTS {
            if lock(byte(slot), Share::Exclusive)? {
                return Ok(Self { file, slot });
            }
        }
        Err(OpenError::TooManyWriters)
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }
}

impl Leases for Lease {
    fn is_dead(&self, slot: Slot) -> bool {
        // Who cannot ask does not take.
        matches!(ofd::is_locked(self.file.as_fd(), byte(slot)), Ok(false))
    }
}

/// Whether somebody writes this ring.
pub(crate) fn is_written(ring: &File) -> bool {
    ofd::is_locked(ring.as_fd(), ANYBODY).unwrap_or(false)
}

/// The right to give a ring's name to another one, while nobody writes it.
pub(crate) fn lock_name(ring: &File, pid: u32) -> Result<File, OpenError> {
    let file = reopen(ring, true)?;
    match ofd::try_lock(file.as_fd(), ANYBODY, Share::Exclusive) {
        Ok(true) => Ok(file),
        Ok(false) => Err(OpenError::WriterExists { pid }),
        Err(error) => Err(OpenError::io("lock", error)),
    }
}
