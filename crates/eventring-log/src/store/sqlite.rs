//! Entries in a file of SQLite's.

use super::lock::only_writer;
use super::{Entry, Extent, Store};
use crate::error::{BoxError, Error};
use crate::head::{Hash, Head};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// "evlg": says in the file's header whose it is.
const APPLICATION: u32 = 0x6576_6c67;

/// The version of what follows.
const FORMAT: u32 = 1;

const SCHEMA: &str = "
    CREATE TABLE log (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        chained INTEGER NOT NULL,
        first INTEGER NOT NULL,
        anchor BLOB NOT NULL
    ) STRICT;
    CREATE TABLE entry (
        sequence INTEGER PRIMARY KEY,
        bytes BLOB NOT NULL,
        hash BLOB
    ) STRICT;";

const EXTENT: &str = "
    SELECT chained, first, anchor,
        (SELECT max(sequence) + 1 FROM entry),
        (SELECT hash FROM entry ORDER BY sequence DESC LIMIT 1)
    FROM log";

/// How long SQLite itself waits for somebody else's lock; who cannot do without tries again after that.
const BUSY: Duration = Duration::from_millis(250);

/// After so many pages in the `-wal`, a commit moves them into the file: each takes more or less as long as there
/// are pages, and who waits for that commit waits for it. (SQLite's own number is 1000.)
const CHECKPOINT: u32 = 300;

/// A page of a read ends with so many entries, or once it has so many bytes.
const PAGE: usize = 512;
const PAGE_BYTES: usize = 1 << 20;

/// Entries in a file of SQLite's: the [`Store`] of a [`Log`](crate::Log) that is opened by its path.
///
/// A table `entry` (`sequence`, `bytes`, `hash`), which anything that knows SQLite can read, also while it is
/// written: `journal_mode` is `WAL`, `synchronous` is `FULL`. Beside the file are SQLite's `-wal` and `-shm`,
/// and a `.lock` that keeps a second writer away.
pub struct Sqlite {
    path: PathBuf,
    /// Those that nobody reads by.
    readers: Mutex<Vec<Connection>>,
    /// Unless it is only read. Dropped last: it moves what is in the `-wal` into the file.
    writer: Option<(Mutex<Connection>, File)>,
}

impl Sqlite {
    /// Opens the file, or makes it (`chained`: with hashes), to be the only one who writes it.
    ///
    /// # Errors
    ///
    /// If another one does, if it is something else, or if the system refuses.
    ///
    /// ```
    /// use eventring_log::{Entry, Sqlite, Store};
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("events.db");
    /// let store = Sqlite::open(path, false).unwrap();
    /// store.append(&[Entry { sequence: 0, bytes: b"event".into(), hash: None }]).unwrap();
    /// assert_eq!(store.extent().unwrap().head.next, 1);
    /// ```
    pub fn open(path: impl AsRef<Path>, chained: bool) -> Result<Self, Error> {
        let path = path.as_ref();
        let lock = only_writer(path)?;
        let mut connection = Connection::open(path).map_err(store)?;
        prepare(&mut connection, path, chained)?;
        Ok(Self {
            path: path.into(),
            writer: Some((Mutex::new(connection), lock)),
            readers: Mutex::default(),
        })
    }

    /// Opens a file that is there, to read it: also while another one writes it.
    ///
    /// # Errors
    ///
    /// If it is not there, or is something else, or if the system refuses.
    ///
    /// ```
    /// assert!(eventring_log::Sqlite::open_read_only("not-there.db").is_err());
    /// ```
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let reader = connect_reader(path).map_err(store)?;
        if !is_log(&reader, path)? {
            return Err(Error::NotALog(path.into()));
        }
        Ok(Self {
            path: path.into(),
            writer: None,
            readers: Mutex::new(vec![reader]),
        })
    }

    fn read_by<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, BoxError> {
        let idle = lock(&self.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect_reader(&self.path)?,
        };
        let read = read(&connection)?;
        lock(&self.readers).push(connection);
        Ok(read)
    }

    fn write_by(
        &self,
        write: impl FnOnce(&Connection) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let (writer, _) = self.writer.as_ref().ok_or(Error::ReadOnly)?;
        let mut writer = lock(writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write(&transaction)?;
        Ok(transaction.commit()?)
    }
}

/// A panic under the lock leaves a transaction that is rolled back.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn store(error: rusqlite::Error) -> Error {
    Error::Store(error.into())
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Whether a log is there; nothing at all is there if not.
fn is_log(connection: &Connection, path: &Path) -> Result<bool, Error> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let objects = "SELECT count(*) FROM sqlite_schema";
    let looked = || -> rusqlite::Result<_> {
        let objects: u64 = connection.query_row(objects, [], |row| row.get(0))?;
        Ok((pragma("application_id")?, pragma("user_version")?, objects))
    };
    match looked() {
        Ok((APPLICATION, FORMAT, _)) => Ok(true),
        Ok((APPLICATION, newer, _)) => Err(Error::Version(newer)),
        Ok((0, 0, 0)) => Ok(false),
        Ok(_) => Err(Error::NotALog(path.into())),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(Error::NotALog(path.into()))
        }
        Err(error) => Err(store(error)),
    }
}

/// A batch is on disk when its transaction has ended: that is `FULL`.
fn prepare(connection: &mut Connection, path: &Path, chained: bool) -> Result<(), Error> {
    connection.busy_timeout(BUSY).map_err(store)?;
    is_log(connection, path)?;
    make(connection, chained).map_err(store)
}

fn make(connection: &mut Connection, chained: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    // Fails if the file cannot be written.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    if transaction.query_row(tables, [], |row| row.get::<_, u64>(0))? == 0 {
        transaction.execute_batch(SCHEMA)?;
        let insert = "INSERT INTO log VALUES (1, ?, ?, ?)";
        let Head { next, hash } = Head::START;
        transaction.execute(insert, params![chained, next, hash])?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

/// What is no hash is taken for one that does not fit.
fn hash(stored: Option<Vec<u8>>) -> Option<Hash> {
    stored.and_then(|bytes| bytes.try_into().ok())
}

fn extent(row: &rusqlite::Row<'_>) -> rusqlite::Result<Extent> {
    let anchor = Head {
        next: row.get(1)?,
        hash: hash(row.get(2)?).unwrap_or_default(),
    };
    let head = match row.get(3)? {
        None => anchor,
        Some(next) => Head {
            next,
            hash: hash(row.get(4)?).unwrap_or_default(),
        },
    };
    Ok(Extent {
        chained: row.get(0)?,
        anchor,
        head,
    })
}

impl Store for Sqlite {
    fn extent(&self) -> Result<Extent, BoxError> {
        self.read_by(|connection| connection.prepare_cached(EXTENT)?.query_row([], extent))
    }

    fn append(&self, entries: &[Entry]) -> Result<(), BoxError> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        self.write_by(|transaction| {
            let there = transaction
                .prepare_cached(EXTENT)?
                .query_row([], extent)?
                .head;
            if there.next != first.sequence {
                let (next, sequence) = (there.next, first.sequence);
                let conflict = format!("event {sequence} is to be stored where {next} is next");
                return Err(conflict.into());
            }
            let mut insert = transaction.prepare_cached("INSERT INTO entry VALUES (?, ?, ?)")?;
            for entry in entries {
                insert.execute(params![entry.sequence, entry.bytes, entry.hash])?;
            }
            Ok(())
        })
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, BoxError> {
        let select = "
            SELECT sequence, bytes, hash FROM entry
            WHERE sequence >= ? AND sequence < ? ORDER BY sequence LIMIT ?";
        // Numbers have 60 bits; an end that is open may be larger.
        let (from, to) = (range.start, range.end.min(i64::MAX as u64));
        self.read_by(|connection| {
            let mut select = connection.prepare_cached(select)?;
            let mut rows = select.query(params![from, to, PAGE])?;
            let (mut entries, mut bytes) = (Vec::new(), 0);
            while bytes < PAGE_BYTES
                && let Some(row) = rows.next()?
            {
                let entry = Entry {
                    sequence: row.get(0)?,
                    bytes: row.get(1)?,
                    hash: hash(row.get(2)?),
                };
                bytes += entry.bytes.len();
                entries.push(entry);
            }
            Ok(entries)
        })
    }

    fn trim(&self, anchor: &Head) -> Result<(), BoxError> {
        self.write_by(|transaction| {
            transaction.execute("DELETE FROM entry WHERE sequence < ?", [anchor.next])?;
            let update = "UPDATE log SET first = ?, anchor = ?";
            transaction.execute(update, params![anchor.next, anchor.hash])?;
            Ok(())
        })
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .field("writes", &self.writer.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Raw;
    use crate::log::Log;
    use crate::options::Options;
    use eventring::{EventBus, WaitStrategy};
    use rusqlite::ffi::{Error, SQLITE_IOERR_FSYNC};
    use rusqlite::hooks::Wal;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn entries(sequences: Range<u64>) -> Vec<Entry> {
        let entry = |sequence| Entry {
            sequence,
            bytes: vec![7; 1000],
            hash: None,
        };
        sequences.map(entry).collect()
    }

    fn limit(store: &Sqlite, pages: u32) {
        let (writer, _) = store.writer.as_ref().unwrap();
        let pragma = format!("PRAGMA max_page_count = {pages}");
        lock(writer).query_row(&pragma, [], |_| Ok(())).unwrap();
    }

    #[test]
    fn a_full_disk_stores_all_of_a_batch_or_none() {
        let home = tempfile::tempdir().unwrap();
        let store = Sqlite::open(home.path().join("events.db"), false).unwrap();
        store.append(&entries(0..3)).unwrap();
        limit(&store, 10);
        let error = store.append(&entries(3..1003)).unwrap_err();
        let error: &rusqlite::Error = error.downcast_ref().unwrap();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
        assert_eq!(store.extent().unwrap().head.next, 3);
        limit(&store, 100_000);
        store.append(&entries(3..1003)).unwrap();
        assert_eq!(store.extent().unwrap().head.next, 1003);
    }

    #[test]
    fn the_wal_is_moved_into_the_file_in_short_pieces() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("events.db");
        let store = Sqlite::open(&path, false).unwrap();
        for sequence in 0..u64::from(CHECKPOINT) {
            store.append(&entries(sequence..sequence + 1)).unwrap();
        }
        let wal = path.with_extension("db-wal").metadata().unwrap().len();
        // A commit has one page, or two: the page it goes on with, and a new one's parent.
        let pages = wal / 4096;
        assert!(pages < u64::from(CHECKPOINT) + 10, "{pages}");
    }

    #[test]
    fn numbers_are_consecutive() {
        let home = tempfile::tempdir().unwrap();
        let store = Sqlite::open(home.path().join("events.db"), false).unwrap();
        store.append(&entries(0..3)).unwrap();
        for sequences in [2..5, 4..5] {
            let error = store.append(&entries(sequences)).unwrap_err();
            assert!(error.to_string().ends_with("where 3 is next"), "{error}");
        }
        assert_eq!(store.extent().unwrap().head.next, 3);
    }

    /// SQLite itself: the transaction has ended when it says that it failed.
    #[test]
    fn a_commit_that_was_done_and_failed_is_not_done_again() {
        let home = tempfile::tempdir().unwrap();
        let store = Sqlite::open(home.path().join("events.db"), true).unwrap();
        let failed = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&failed);
        let (writer, _) = store.writer.as_ref().unwrap();
        let fail = move |_: &mut Wal, _| {
            count.fetch_add(1, Ordering::Relaxed);
            let code = Error::new(SQLITE_IOERR_FSYNC);
            Err(rusqlite::Error::SqliteFailure(code, None))
        };
        lock(writer).wal_hook(Some(fail)).unwrap();
        let log = Log::with_store(store, Raw, Options::new()).unwrap();
        let bus = EventBus::with_strategy(16, WaitStrategy::Block);
        let attached = log.attach(&bus).unwrap();
        for event in 0..3 {
            let sequence = bus.publish_blocking(vec![event]).unwrap();
            let stored = attached.watermark();
            let stored = stored.reached_timeout(sequence, Duration::from_secs(60));
            assert_eq!(stored, Some(Ok(())));
        }
        assert_eq!(failed.load(Ordering::Relaxed), 3);
        assert_eq!(log.verify(..).unwrap(), log.head().unwrap());
        assert_eq!(attached.stats().retries, 0);
    }
}
