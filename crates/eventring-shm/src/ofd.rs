//! Locks of open file descriptions on single bytes: the second of the two places with unsafe code.
//!
//! Unlike the older locks of a process they belong to what `open` returned, and the kernel drops them
//! with it, whatever the death. They also keep two rings in one process apart.
#![allow(unsafe_code)]

use libc::{F_OFD_GETLK, F_OFD_SETLK, F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, c_int, flock, off_t};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Who else may lock the same byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Exclusive,
    Shared,
}

/// Takes the lock if nobody else has it. Whether it did.
pub(crate) fn try_lock(file: BorrowedFd<'_>, byte: u16, share: Share) -> io::Result<bool> {
    let kind = match share {
        Share::Exclusive => F_WRLCK,
        Share::Shared => F_RDLCK,
    };
    match fcntl(file, F_OFD_SETLK, kind, byte) {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Whether somebody else has it, in either way. No side effect; a read-only file will do.
pub(crate) fn is_locked(file: BorrowedFd<'_>, byte: u16) -> io::Result<bool> {
    fcntl(file, F_OFD_GETLK, F_WRLCK, byte).map(|found| c_int::from(found) != F_UNLCK)
}

fn fcntl(file: BorrowedFd<'_>, command: c_int, kind: c_int, byte: u16) -> io::Result<i16> {
    let mut lock = flock {
        l_type: kind as i16,
        l_whence: SEEK_SET as i16,
        l_start: off_t::from(byte),
        l_len: 1,
        l_pid: 0,
    };
    // SAFETY: The descriptor is open, and these commands take a `flock`, which outlives the call.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &mut lock) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(lock.l_type),
    }
}
