//! One writer at a time.

use crate::error::Error;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A lock that ends with the process, however that ends. It is on a file beside the database, since
/// closing a file of the database itself would take SQLite's own locks off.
pub(crate) fn only_writer(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let unusable = |error| Error::Lock(name.clone().into(), error);
    let file = File::create(&name).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.into())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}
