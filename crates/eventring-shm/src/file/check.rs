//! Whose file it is: checked on the open descriptor, before anything is mapped.
//!
//! Who can truncate a file kills (SIGBUS) whoever has mapped it. So a file is only opened if those
//! who may write it are trusted, or if it is sealed against that.

use crate::error::OpenError;
use rustix::fs::{FileType, SealFlags, Stat, fcntl_get_seals, fstat};
use rustix::process::geteuid;
use std::fs::File;

/// Who is trusted with the file, besides this process's user and root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    pub(crate) owners: Vec<u32>,
    pub(crate) groups: Vec<u32>,
}

impl Trust {
    /// Checks it, and tells its length.
    pub(crate) fn check(&self, file: &File) -> Result<u64, OpenError> {
        let stat = fstat(file).map_err(|error| OpenError::io("look at", error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(OpenError::NotAFile);
        }
        if is_sealed(file) {
            return Ok(stat.st_size as u64);
        }
        self.check_owner(&stat)?;
        Ok(stat.st_size as u64)
    }

    fn check_owner(&self, stat: &Stat) -> Result<(), OpenError> {
        let me = geteuid().as_raw();
        let known = |uid| uid == me || uid == 0 || self.owners.contains(&uid);
        if !known(stat.st_uid) {
            return Err(OpenError::Owner(stat.st_uid));
        }
        let mode = stat.st_mode & 0o777;
        let group_writes = mode & 0o020 != 0 && !self.groups.contains(&stat.st_gid);
        if mode & 0o002 != 0 || group_writes {
            return Err(OpenError::Mode(mode));
        }
        Ok(())
    }
}

/// Whether nobody can change its length any more.
fn is_sealed(file: &File) -> bool {
    let needed = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_get_seals(file).is_ok_and(|seals| seals.contains(needed))
}
