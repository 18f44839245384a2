//! Making the file of a ring: under another name, whole, and only then under its own.

use super::header::Header;
use crate::error::OpenError;
use crate::mapping::WordMapping;
use rustix::fs::{
    CWD, FallocateFlags, Gid, MemfdFlags, Mode, OFlags, RenameFlags, SealFlags, fallocate, fchmod,
    fchown, fcntl_add_seals, fstat, memfd_create, open, renameat_with,
};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Who may do what with the files of a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// This user writes and reads: 0600.
    #[default]
    OwnerOnly,
    /// The group reads: 0640. Its readers cannot say that they wait, and are woken when others are,
    /// or after [`poll_interval`](crate::Receiver::poll_interval).
    GroupRead {
        /// Id of the group.
        gid: u32,
    },
    /// The group reads, and may ring: the ring 0640, the bell 0660. Whoever can write a file can
    /// truncate it, and so kill (SIGBUS) who has mapped it: this trusts the group not to.
    GroupWake {
        /// Id of the group.
        gid: u32,
    },
    /// The group writes: 0660. This trusts it, too.
    GroupReadWrite {
        /// Id of the group.
        gid: u32,
    },
}

impl Access {
    fn gid(self) -> Option<u32> {
        match self {
            Self::OwnerOnly => None,
            Self::GroupRead { gid } | Self::GroupWake { gid } | Self::GroupReadWrite { gid } => {
                Some(gid)
            }
        }
    }

    /// The group that has to be trusted to open such files.
    pub(crate) fn trusted_group(self) -> Option<u32> {
        match self {
            Self::OwnerOnly | Self::GroupRead { .. } => None,
            Self::GroupWake { gid } | Self::GroupReadWrite { gid } => Some(gid),
        }
    }

    fn ring_mode(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o600,
            Self::GroupRead { .. } | Self::GroupWake { .. } => 0o640,
            Self::GroupReadWrite { .. } => 0o660,
        }
    }

    fn bell_mode(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o600,
            Self::GroupRead { .. } => 0o640,
            Self::GroupWake { .. } | Self::GroupReadWrite { .. } => 0o660,
        }
    }
}

/// Whether a file of that name may be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    New,
    Replaced,
}

/// Makes a ring's file. `Ok(None)` if the name has to be new and is not.
pub(crate) fn ring(
    path: &Path,
    header: &Header,
    access: Access,
    name: Name,
) -> Result<Option<File>, OpenError> {
    let temporary = temporary(path);
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = open(&temporary, flags, Mode::from_raw_mode(0o600))
        .map_err(|error| OpenError::io("create", error))?;
    let file = File::from(file);
    let named = fill(&file, header, access.gid(), access.ring_mode()).and_then(|()| {
        let flags = match name {
            Name::New => RenameFlags::NOREPLACE,
            Name::Replaced => RenameFlags::empty(),
        };
        match renameat_with(CWD, &temporary, CWD, path, flags) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(OpenError::io("name", error)),
        }
    });
    if !matches!(named, Ok(true)) {
        // Whatever went wrong is worse than a file that stays.
        let _ = std::fs::remove_file(&temporary);
    }
    named.map(|named| named.then_some(file))
}

/// Opens the bell beside a ring, or makes it. It stays when the ring is replaced: who waits for the
/// old one and who waits for the new one are woken by the same.
pub(crate) fn bell(path: &Path, access: Access) -> Result<File, OpenError> {
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = open(path, flags, Mode::from_raw_mode(0o600))
        .map_err(|error| OpenError::io("create", error))?;
    let file = File::from(file);
    let stat = fstat(&file).map_err(|error| OpenError::io("look at", error))?;
    let me = rustix::process::geteuid().as_raw();
    if stat.st_uid == me {
        own(
            &file,
            crate::protocol::layout::PAGE,
            access.gid(),
            access.bell_mode(),
        )?;
    }
    Ok(file)
}

/// Files without a name, sealed so that whoever gets them can map them without fear.
pub(crate) fn memfd(name: &str, header: &Header) -> Result<(File, File), OpenError> {
    let make = |name: &str| {
        memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map(File::from)
            .map_err(|error| OpenError::io("create", error))
    };
    let (ring, bell) = (make(name)?, make(&format!("{name}.bell"))?);
    fill(&ring, header, None, 0o600)?;
    own(&bell, crate::protocol::layout::PAGE, None, 0o600)?;
    for file in [&ring, &bell] {
        fcntl_add_seals(file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
            .map_err(|error| OpenError::io("seal", error))?;
    }
    Ok((ring, bell))
}

fn fill(file: &File, header: &Header, gid: Option<u32>, mode: u32) -> Result<(), OpenError> {
    own(file, header.file_len(), gid, mode)?;
    let words = WordMapping::new(file.as_fd(), header.geometry.words(), true)
        .map_err(|error| OpenError::io("map", error))?;
    header.store(words.words());
    Ok(())
}

/// All memory is there from the start: later there is nothing that could be missing.
fn own(file: &File, len: u64, gid: Option<u32>, mode: u32) -> Result<(), OpenError> {
    fallocate(file, FallocateFlags::empty(), 0, len)
        .map_err(|error| OpenError::io("get memory for", error))?;
    if let Some(gid) = gid {
        fchown(file, None, Some(Gid::from_raw(gid)))
            .map_err(|error| OpenError::io("give the group", error))?;
    }
    fchmod(file, Mode::from_raw_mode(mode)).map_err(|error| OpenError::io("set the mode of", error))
}

/// A name beside the real one that nobody else uses.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{:016x}", super::random() as u64))
}
