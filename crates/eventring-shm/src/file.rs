//! The files of a ring: their names, who may open them, how they come to be.

pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod header;

use crate::error::OpenError;
use crate::mapping::{FutexMapping, WordMapping};
use crate::memory::{BellMemory, Words};
use crate::protocol::{Bell, Memory};
use check::Trust;
use header::Header;
use rustix::fs::{Mode, OFlags, open};
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Where rings are whose name has no slash: `$EVENTRING_DIR`, or `/dev/shm`.
///
/// ```
/// use eventring_shm::resolve;
/// use std::path::Path;
///
/// assert_eq!(resolve("/run/rings/orders"), Path::new("/run/rings/orders"));
/// assert_eq!(resolve("./orders"), Path::new("./orders"));
/// assert!(resolve("orders").is_absolute());
/// ```
pub fn resolve(name: impl AsRef<Path>) -> PathBuf {
    let name = name.as_ref();
    if name.components().count() > 1 || name.is_absolute() {
        return name.to_owned();
    }
    let directory = std::env::var_os("EVENTRING_DIR").unwrap_or_else(|| "/dev/shm".into());
    Path::new(&directory).join(name)
}

/// The name of the bell of a ring of this name.
pub(crate) fn bell_path(ring: &Path) -> PathBuf {
    let mut name = ring.file_name().unwrap_or_default().to_owned();
    name.push(".bell");
    ring.with_file_name(name)
}

/// Opens a file that has to be there, and that no link leads to.
pub(crate) fn open_file(path: &Path, writable: bool) -> Result<File, OpenError> {
    let access = if writable {
        OFlags::RDWR
    } else {
        OFlags::RDONLY
    };
    let flags = access | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|error| OpenError::io("open", error))
}

/// The same file, opened once more: locks belong to what `open` returned, and a mapping would keep
/// them.
pub(crate) fn reopen(file: &File, writable: bool) -> Result<File, OpenError> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let access = if writable {
        OFlags::RDWR
    } else {
        OFlags::RDONLY
    };
    open(path, access | OFlags::CLOEXEC, Mode::empty())
        .map(File::from)
        .map_err(|error| OpenError::io("open", error))
}

/// What the file's header says, once the file is trusted: read, not mapped.
pub(crate) fn read_header(file: &File, trust: &Trust) -> Result<Header, OpenError> {
    let len = trust.check(file)?;
    let mut bytes = [0; header::LEN * 8];
    file.read_exact_at(&mut bytes, 0)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => OpenError::NotARing,
            _ => OpenError::io("read", error),
        })?;
    let mut words = [0; header::LEN];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_ne_bytes(bytes.try_into().expect("a word"));
    }
    Header::check(&words, len)
}

/// Maps a ring whose header was checked.
pub(crate) fn map_ring(file: &File, header: &Header, writable: bool) -> Result<Memory, OpenError> {
    let words = WordMapping::new(file.as_fd(), header.geometry.words(), writable)
        .map_err(|error| OpenError::io("map", error))?;
    Ok(Memory::new(Words::Mapped(words), header.geometry))
}

/// Maps a bell, to be written if that is allowed.
pub(crate) fn map_bell(file: &File, writable: bool, trust: &Trust) -> Result<Bell, OpenError> {
    if trust.check(file)? < 4 {
        return Err(OpenError::Unfinished);
    }
    let word =
        FutexMapping::new(file.as_fd(), writable).map_err(|error| OpenError::io("map", error))?;
    Ok(Bell::new(BellMemory::Mapped(word)))
}

pub(crate) fn random() -> u128 {
    let mut bytes = [0; 16];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(16) => u128::from_ne_bytes(bytes),
        // Good enough to tell rings apart.
        _ => u128::from(crate::clock::now()) << 64 | u128::from(std::process::id()),
    }
}

/// Which boot of this machine it is; 0 where nobody tells.
pub(crate) fn boot_id() -> u128 {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|id| u128::from_str_radix(&id.trim().replace('-', ""), 16).ok())
        .unwrap_or(0)
}
