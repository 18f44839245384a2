//! The table of the audit, in SQLite.

use crate::event::AuditEvent;
use anyhow::{Context, bail};
use rusqlite::{Connection, TransactionBehavior, params};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS audit (
        sequence INTEGER PRIMARY KEY,
        time_ms INTEGER NOT NULL,
        request_id TEXT NOT NULL,
        actor TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        status INTEGER NOT NULL,
        latency_us INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT";

const INSERT: &str = "
    INSERT INTO audit
        (sequence, time_ms, request_id, actor, method, path, status, latency_us, bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// How long SQLite itself waits for somebody else's lock; the sink tries again after that.
const BUSY: Duration = Duration::from_millis(250);

pub struct Store {
    connection: Connection,
    /// Two servers on one file would give the same numbers.
    _only_writer: File,
}

impl Store {
    /// Opens or creates the table.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let only_writer = only_writer(path)?;
        let connection = connect(path).with_context(|| {
            format!(
                "cannot use {} as the audit's database: name another one with --database",
                path.display()
            )
        })?;
        Ok(Self {
            connection,
            _only_writer: only_writer,
        })
    }

    /// The number after the highest that is stored.
    pub fn next_sequence(&self) -> rusqlite::Result<u64> {
        let query = "SELECT coalesce(max(sequence) + 1, 0) FROM audit";
        self.connection.query_row(query, [], |row| row.get(0))
    }

    /// Stores all of the events by their numbers, or none.
    pub fn append<'a>(
        &mut self,
        events: impl IntoIterator<Item = (u64, &'a Arc<AuditEvent>)>,
    ) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare_cached(INSERT)?;
        for (sequence, event) in events {
            insert.execute(params![
                sequence,
                event.time_ms,
                event.request_id,
                event.actor,
                event.method,
                event.path,
                event.status,
                event.latency_us,
                event.bytes,
            ])?;
        }
        drop(insert);
        transaction.commit()
    }
}

/// A batch is on disk when its transaction has ended: that is `FULL`.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute(SCHEMA, [])?;
    // Fails if the file has a table of this name and of another shape.
    connection.prepare_cached(INSERT)?;
    // Fails if the file cannot be written.
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
    Ok(connection)
}

/// A lock that ends with the process, however that ends. It is on a file beside the database, since
/// closing a file of the database itself would take SQLite's own locks off.
fn only_writer(path: &Path) -> anyhow::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let advice = "name another file with --database";
    let file = File::create(&name).with_context(|| {
        format!(
            "cannot create {} beside the database: {advice}",
            name.display()
        )
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "{} is in use by another audit-server: stop that one, or {advice}",
            path.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}: {advice}", name.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ErrorCode;

    fn events(count: usize) -> Vec<Arc<AuditEvent>> {
        let event = Arc::new(AuditEvent {
            time_ms: 1,
            request_id: "id".into(),
            actor: "me".into(),
            method: "GET".into(),
            path: "/".repeat(1000),
            status: 200,
            latency_us: 2,
            bytes: 3,
        });
        vec![event; count]
    }

    #[test]
    fn a_full_disk_stores_all_of_a_batch_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("audit.db")).unwrap();
        store.append((0..).zip(&events(3))).unwrap();
        let limit = |store: &Store, pages: u32| {
            let pragma = format!("PRAGMA max_page_count = {pages}");
            store.connection.query_row(&pragma, [], |_| Ok(())).unwrap();
        };
        limit(&store, 10);
        let error = store.append((3..).zip(&events(1000))).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
        assert_eq!(store.next_sequence().unwrap(), 3);
        limit(&store, 100_000);
        store.append((3..).zip(&events(1000))).unwrap();
        assert_eq!(store.next_sequence().unwrap(), 1003);
    }
}
